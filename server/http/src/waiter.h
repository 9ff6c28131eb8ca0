/* One request that waits (waiting.h): what it is told, and how that gets to its client. One thread
 * has them all, so nothing here is locked. Nothing is queued for a client that is slow: what it has
 * not taken is the piece that is under way, and where it stands in the log.
 */
#ifndef HTTP_WAITER_H
#define HTTP_WAITER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "request.h"

struct http_waiter {
    struct http_waiter *next; /* in the inbox */
    struct http_request *request;
    atomic_size_t *gauge; /* in which it is counted */
    int fd, epoll_fd;     /* epoll_fd is the room's */
    struct http_address address;
    bool ready;     /* its handler has more to tell */
    bool last;      /* what is in `out` ends the answer */
    bool lingering; /* all is said; the client closes first */
    bool gone;
    int64_t until_ms;    /* of a long poll, or of lingering */
    int64_t admitted_ms; /* when its token was looked at */
    int64_t spoken_ms;   /* when it was last sent something */
    int64_t stuck_ms;    /* since when `out` does not get smaller; 0: it does */
    size_t heard_bytes;  /* what a client sends here is thrown away */
    char *out;           /* NULL: nothing to send */
    size_t out_bytes, out_sent;
};

/* Has a request that waits, and the descriptor, as its own from now on; counts it. */
void http_waiter_init(struct http_waiter *waiter, struct http_request *request, int fd);
void http_waiter_free(struct http_waiter *waiter); /* NULL is fine */

/* Its socket is watched from now on, and a stream begins with its head and with what its first call
 * had to tell. crowded: it is refused instead. */
void http_waiter_begin(struct http_waiter *waiter, int epoll_fd, bool crowded);
/* Asks the handler again and sends what it has to tell. over: it is to tell what there is. */
void http_waiter_ask(struct http_waiter *waiter, bool over);
/* A stream ends where it stands. */
void http_waiter_end_stream(struct http_waiter *waiter);
/* The client has sent something, or gone away. */
void http_waiter_listen(struct http_waiter *waiter);
/* A slow reader has taken something. True: all of it, and what came meanwhile is next. */
bool http_waiter_go_on(struct http_waiter *waiter);
/* What is due by the clock: the token, the end of a long poll, a heartbeat, a client that hangs. */
void http_waiter_tick(struct http_waiter *waiter, int64_t now_ms);

#endif
