/* The brake on guessing tokens: how many wrong ones came from an address within a minute.
 *
 * Nobody guesses 256 bits; this keeps a client that is set up wrong, or a scanner, from filling the
 * log and keeping threads busy, and tells it when to come back. It is asked about wrong tokens
 * only: all clients of a machine, or behind a proxy, share an address, and a good token from there
 * must not suffer.
 *
 * Memory is a fixed table. Where more addresses misbehave at once than it has room for, the one
 * that began longest ago is forgotten.
 */
#ifndef HTTP_FAILURES_H
#define HTTP_FAILURES_H

#include <pthread.h>
#include <stdint.h>

#include "address.h"
#include "limits.h"

struct http_failure {
    struct http_address address;
    int64_t since_ms; /* of the first one counted */
    unsigned count;   /* 0: free */
};

struct http_failures {
    pthread_mutex_t lock;
    struct http_failure slots[HTTP_FAILURE_ADDRESSES_MAX];
};

void http_failures_init(struct http_failures *failures);
void http_failures_deinit(struct http_failures *failures);
/* Counts one at now_ms of the monotonic clock. 0, or when it was too many: the seconds after which
 * the count begins anew. */
unsigned http_failures_add(struct http_failures *failures, const struct sockaddr *address,
                           int64_t now_ms);

#endif
