/* A table with a row for each token that has bodies under way; budget.h says what for. */
#include "budget.h"

#include <stdio.h>
#include <string.h>

void http_budget_init(struct http_budget *budget)
{
    pthread_mutex_init(&budget->lock, NULL);
}

void http_budget_deinit(struct http_budget *budget)
{
    pthread_mutex_destroy(&budget->lock);
}

/* The row of that token, else a free one. */
static struct http_share *share_of(struct http_budget *budget, const char *token)
{
    struct http_share *unused = NULL;

    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        struct http_share *share = &budget->shares[i];

        if (share->bytes == 0)
            unused = unused ? unused : share;
        else if (strncmp(share->token, token, sizeof(share->token)) == 0)
            return share;
    }
    if (unused)
        snprintf(unused->token, sizeof(unused->token), "%s", token);
    return unused;
}

static bool take(struct http_budget *budget, struct http_holding *holding, const char *token,
                 size_t bytes)
{
    size_t more = bytes - holding->bytes;
    size_t kept = bytes > HTTP_JSON_MAX_BYTES ? HTTP_BODIES_KEPT_BYTES : 0;
    struct http_share *share = holding->share ? holding->share : share_of(budget, token);

    if (!share || share->bytes + more > HTTP_BODIES_TOKEN_MAX_BYTES ||
        budget->bytes + more > HTTP_BODIES_MAX_BYTES - kept)
        return false;
    share->bytes += more;
    budget->bytes += more;
    *holding = (struct http_holding){share, bytes};
    return true;
}

bool http_budget_hold(struct http_budget *budget, struct http_holding *holding, const char *token,
                      size_t bytes)
{
    if (bytes <= HTTP_BODY_FREE_BYTES || bytes <= holding->bytes)
        return true;
    pthread_mutex_lock(&budget->lock);
    bool taken = take(budget, holding, token, bytes);
    pthread_mutex_unlock(&budget->lock);
    return taken;
}

size_t http_budget_bytes(struct http_budget *budget)
{
    pthread_mutex_lock(&budget->lock);
    size_t bytes = budget->bytes;
    pthread_mutex_unlock(&budget->lock);
    return bytes;
}

void http_budget_release(struct http_budget *budget, struct http_holding *holding)
{
    if (!holding->share)
        return;
    pthread_mutex_lock(&budget->lock);
    holding->share->bytes -= holding->bytes;
    budget->bytes -= holding->bytes;
    pthread_mutex_unlock(&budget->lock);
    *holding = (struct http_holding){0};
}
