/* The thread that takes in connections, and turns away those that are too many.
 *
 * libmicrohttpd would do both, but closes without a word where one address has too many, and leaves
 * everybody waiting where there are too many in all. Here who is turned away is told 503 and
 * Retry-After (over TLS, where that takes a handshake, the connection just ends).
 */
#ifndef HTTP_ACCEPTOR_H
#define HTTP_ACCEPTOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <pthread.h>

#include "limits.h"

struct http_connections;
struct MHD_Daemon;

/* Told 503, and still open: a close with unread bytes would be a reset, and take the answer with
 * it. */
struct http_turned_away {
    int fd; /* -1: none */
    int64_t since_ms;
};

struct http_acceptor {
    struct http_connections *connections;
    pthread_mutex_t handing_over; /* guards daemon, held while a connection is given to it */
    struct MHD_Daemon *daemon;
    int listen_fd, stop_fd;
    bool tls;
    pthread_t thread;
    struct http_turned_away turned_away[HTTP_TURNED_AWAY_MAX];
    char *refusal; /* as it is sent */
    size_t refusal_bytes;
    unsigned next;                /* the one that has waited longest */
    atomic_uint_fast64_t refused; /* in all */
};

/* Takes over listen_fd on success. 0 or -1. The address of acceptor must not change afterwards. */
__attribute__((warn_unused_result)) int http_acceptor_start(struct http_acceptor *acceptor,
                                                            struct http_connections *connections,
                                                            struct MHD_Daemon *daemon,
                                                            int listen_fd, bool tls);
/* Who connects from now on is given to `daemon`; when this returns, nobody is being given to the
 * one before, which is returned. */
struct MHD_Daemon *http_acceptor_switch(struct http_acceptor *acceptor, struct MHD_Daemon *daemon);
/* Takes in who has connected already, then refuses: a reset would leave a client guessing. */
void http_acceptor_stop(struct http_acceptor *acceptor);

#endif
