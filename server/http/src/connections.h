/* The open connections, how many there may be, and the thread that cuts the slow ones.
 *
 * libmicrohttpd's own timeout is one of inactivity: a byte a second keeps a connection for ever,
 * and time that a handler spends waiting for a commit counts as the client's. So it is off, and
 * this is the only clock. A connection has a deadline for each phase; past it its socket is shut
 * down, and the library cleans up by itself.
 */
#ifndef HTTP_CONNECTIONS_H
#define HTTP_CONNECTIONS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"

enum http_phase {
    HTTP_PHASE_IDLE,     /* no request yet: just connected, or kept alive */
    HTTP_PHASE_HEADERS,  /* the request line is in */
    HTTP_PHASE_BODY,     /* the headers are in; bytes: received so far */
    HTTP_PHASE_HANDLING, /* it is our turn: no deadline */
    HTTP_PHASE_SENDING   /* bytes: of the answer */
};

struct http_connection {
    struct http_connections *owner;
    struct http_connection *next, *previous;
    int fd;
    struct http_address address;
    bool taken; /* by the library, which closes fd from then on */
    enum http_phase phase;
    int64_t since_ms;
    size_t bytes;
};

struct http_connections {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t reaper;
    struct http_connection *first;
    size_t max, max_per_address;
    bool draining, ending_idle, stopping;
};

/* How long a phase may take; -1: as long as it wants. */
int64_t http_phase_max_ms(enum http_phase phase, size_t bytes);

/* Starts the reaper. 0 or -1. The address of connections must not change afterwards. */
__attribute__((warn_unused_result)) int http_connections_init(struct http_connections *connections,
                                                              size_t max, size_t max_per_address);
/* All connections must have been removed. */
void http_connections_deinit(struct http_connections *connections);

/* A new connection that is about to be given to the library. False: there are too many, or there is
 * no memory. */
__attribute__((warn_unused_result)) bool
http_connections_admit(struct http_connections *connections, int fd, struct http_address address);
/* The library has it. NULL: it was given up meanwhile. fd stays the library's; remove before it is
 * closed. */
struct http_connection *http_connections_take(struct http_connections *connections, int fd);
/* The library did not want it. */
void http_connections_give_up(struct http_connections *connections, int fd);
void http_connection_remove(struct http_connection *connection);
void http_connection_enter(struct http_connection *connection, enum http_phase phase, size_t bytes);
void http_connection_progress(struct http_connection *connection, size_t bytes);

/* From now on each answer should be a connection's last. A client that sends its next request
 * meanwhile is still served; after a moment, connections without one end. Returns when all are
 * gone, at the latest after max_ms; how many are left. */
size_t http_connections_drain(struct http_connections *connections, int64_t max_ms);
size_t http_connections_count(struct http_connections *connections);
bool http_connections_draining(struct http_connections *connections);
/* The first of it: who asks is told from now on. */
void http_connections_announce_drain(struct http_connections *connections);

/* Under the lock, until woken or until at_ms of that clock, by which the condition was made to
 * measure. False: not woken. */
bool http_wait_until(pthread_cond_t *changed, pthread_mutex_t *lock, int64_t at_ms);
int64_t http_monotonic_us(void);
int64_t http_monotonic_ms(void);

#endif
