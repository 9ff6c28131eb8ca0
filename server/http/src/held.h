/* Requests that wait with the thread of their connection: those over TLS, whose session cannot
 * leave the library (see waiting.h). Each holds a connection and a thread, so there are few of
 * them; a proxy in front that speaks TLS makes room for more. */
#ifndef HTTP_HELD_H
#define HTTP_HELD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct http_request;

struct http_held {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t count;
    bool closing;
};

void http_held_init(struct http_held *held);
void http_held_deinit(struct http_held *held); /* nobody waits any more */
void http_held_wake(struct http_held *held);   /* something may have changed; any thread */
void http_held_close(struct http_held *held);  /* from now on nobody waits */

/* After dispatch has left a request that waits. A long poll has its reply when this returns; that
 * of a follower is a stream that waits while it is sent. False: too many wait already, or they
 * should not any more. */
__attribute__((warn_unused_result)) bool http_held_wait(struct http_held *held,
                                                        struct http_request *request);

#endif
