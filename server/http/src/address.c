#include "address.h"

#include <stdbool.h>
#include <string.h>

#include <netinet/in.h>

struct http_address http_address_of(const struct sockaddr *peer)
{
    struct http_address address = {0};

    if (peer->sa_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)peer;

        memset(address.bytes + 10, 0xff, 2);
        memcpy(address.bytes + 12, &ipv4->sin_addr, 4);
    } else if (peer->sa_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)peer;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr);

        memcpy(address.bytes, &ipv6->sin6_addr, mapped ? 16 : 8);
    }
    return address;
}
