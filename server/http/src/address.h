/* What counts as one address where clients are counted: an IPv4 address, or an IPv6 network of 64
 * bits, which is what one customer gets. */
#ifndef HTTP_ADDRESS_H
#define HTTP_ADDRESS_H

#include <stdint.h>
#include <sys/socket.h>

struct http_address {
    uint8_t bytes[16]; /* as IPv6, an IPv4 address mapped into it */
};

struct http_address http_address_of(const struct sockaddr *peer);

#endif
