/* Memory for bodies: how much all requests together may hold, and how much of it one token.
 *
 * Tokens are counted, not addresses: every body that is kept has passed the check of its token, and
 * behind a proxy all clients have one address. The numbers, and why, are in limits.h.
 */
#ifndef HTTP_BUDGET_H
#define HTTP_BUDGET_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <proto/wire.h>

#include "limits.h"

struct http_share {
    char token[PROTO_TOKEN_ID_BYTES];
    size_t bytes; /* 0: free */
};

struct http_budget {
    pthread_mutex_t lock;
    size_t bytes;
    struct http_share shares[HTTP_CONNECTIONS_MAX]; /* a request each, so never too few */
};

/* What one body holds of it; all zero: nothing. */
struct http_holding {
    struct http_share *share;
    size_t bytes;
};

void http_budget_init(struct http_budget *budget);
void http_budget_deinit(struct http_budget *budget);
/* The body of a request with that token (its id) needs bytes in all. False: there is no room, and
 * the holding stays as it was. */
__attribute__((warn_unused_result)) bool http_budget_hold(struct http_budget *budget,
                                                          struct http_holding *holding,
                                                          const char *token, size_t bytes);
size_t http_budget_bytes(struct http_budget *budget); /* held of it now */
void http_budget_release(struct http_budget *budget, struct http_holding *holding);

#endif
