/* The part of store/store.h that server/http uses, in memory: one body at a time, replies in a
 * list. Kept in place of the real store so that tests can make a commit fail.
 */
#include "fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <store/store.h>

struct kept {
    struct kept *next;
    char *owner, *key, *sha256, *content_type, *body;
    size_t body_bytes;
    int status;
};

struct store {
    pthread_mutex_t lock;
    struct kept *first;
    int fail_next;
};

struct store_tx {
    struct store *store;
    struct kept *before; /* of this transaction: what to go back to */
};

struct store *fixture_store_new(void)
{
    struct store *store = calloc(1, sizeof(*store));

    if (!store)
        abort();
    pthread_mutex_init(&store->lock, NULL);
    return store;
}

static void forget_until(struct store *store, const struct kept *end)
{
    while (store->first != end) {
        struct kept *kept = store->first;
        store->first = kept->next;
        free(kept->owner);
        free(kept->key);
        free(kept->sha256);
        free(kept->content_type);
        free(kept->body);
        free(kept);
    }
}

void fixture_store_free(struct store *store)
{
    forget_until(store, NULL);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

size_t fixture_store_replies(struct store *store)
{
    size_t count = 0;

    pthread_mutex_lock(&store->lock);
    for (struct kept *kept = store->first; kept; kept = kept->next)
        count++;
    pthread_mutex_unlock(&store->lock);
    return count;
}

void fixture_store_fail_next(struct store *store, int status)
{
    pthread_mutex_lock(&store->lock);
    store->fail_next = status;
    pthread_mutex_unlock(&store->lock);
}

int store_write(struct store *store, store_body_fn body, void *arg)
{
    pthread_mutex_lock(&store->lock);
    struct store_tx tx = {store, store->first};
    int status = body(&tx, arg);
    if (status == 0 && store->fail_next) {
        status = store->fail_next;
        store->fail_next = 0;
    }
    if (status != 0)
        forget_until(store, tx.before);
    pthread_mutex_unlock(&store->lock);
    return status;
}

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

int store_tx_reply_put(struct store_tx *tx, const char *owner, const char *key, int64_t at_ms,
                       const struct store_reply *reply)
{
    struct kept *kept = calloc(1, sizeof(*kept));

    (void)at_ms;
    if (!kept)
        abort();
    *kept = (struct kept){
        .next = tx->store->first,
        .owner = copy(owner),
        .key = copy(key),
        .sha256 = copy(reply->request_sha256),
        .content_type = copy(reply->content_type),
        .body = reply->body ? memcpy(malloc(reply->body_bytes + 1), reply->body, reply->body_bytes)
                            : NULL,
        .body_bytes = reply->body_bytes,
        .status = reply->status,
    };
    tx->store->first = kept;
    return STORE_OK;
}

int store_tx_reply_get(struct store_tx *tx, const char *owner, const char *key,
                       struct store_reply *ret_reply)
{
    for (const struct kept *kept = tx->store->first; kept; kept = kept->next) {
        if (strcmp(kept->owner, owner) != 0 || strcmp(kept->key, key) != 0)
            continue;
        *ret_reply = (struct store_reply){kept->sha256, kept->status, kept->content_type,
                                          kept->body, kept->body_bytes};
        return STORE_OK;
    }
    return STORE_NOT_FOUND;
}

/* Not taken back when the body fails: no route here deletes a reply. */
int store_tx_reply_delete(struct store_tx *tx, const char *owner, const char *key)
{
    for (struct kept *kept = tx->store->first; kept; kept = kept->next)
        if (!strcmp(kept->owner, owner) && !strcmp(kept->key, key))
            kept->key[0] = '\0';
    return STORE_OK;
}

int store_tx_reply_expire(struct store_tx *tx, int64_t at_ms)
{
    (void)tx;
    (void)at_ms;
    return STORE_OK;
}
