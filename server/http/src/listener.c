/* socket, bind, listen, with errors for people. */
#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "limits.h"

static int bind_and_listen(int fd, const struct addrinfo *info)
{
    int on = 1;

    /* A restarted server takes its port back at once, without waiting for old connections. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return -1;
    if (info->ai_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
        return -1;
    if (bind(fd, info->ai_addr, info->ai_addrlen) < 0)
        return -1;
    return listen(fd, HTTP_BACKLOG);
}

static unsigned bound_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t length = sizeof(address);

    if (getsockname(fd, &address.any, &length) < 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

int http_listener_open(const char *address, unsigned port, int *ret_fd, unsigned *ret_port,
                       char ret_error[256])
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *info = NULL;
    char service[16];

    snprintf(service, sizeof(service), "%u", port);
    if (port > 65535 || getaddrinfo(address, service, &hints, &info) != 0) {
        snprintf(ret_error, 256, "cannot listen on %.100s port %u: not a numeric address and port",
                 address, port);
        return -1;
    }
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int status = fd < 0 ? -1 : bind_and_listen(fd, info);
    if (status < 0)
        snprintf(ret_error, 256, "cannot listen on %.100s port %u: %s", address, port,
                 strerror(errno));
    freeaddrinfo(info);
    if (status < 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *ret_fd = fd;
    *ret_port = bound_port(fd);
    return 0;
}
