/* Idempotency-Key: the same request sent again gets the same answer, and has its effect once.
 *
 * The answer is kept by the transaction that has the effect, so there is no moment at which one
 * is stored without the other. Two requests with one key meet on the writer thread, where the
 * second finds the first one's answer. Answers other than 2xx are not kept: nothing happened, so
 * trying again is right.
 *
 * An answer tells of one project. When that has been deleted, the same request is a new one, and so
 * it is for the next project of the same id: "stored" must not be said of what is held nowhere. The
 * project's log is kept behind the request's hash, as "HASH LOG".
 */
#ifndef HTTP_IDEMPOTENCY_H
#define HTTP_IDEMPOTENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nettle/sha2.h>

#include <proto/arena.h>

#include "limits.h"
#include "reply.h"

struct store;
struct store_tx;

struct http_key {
    const char *text;   /* the header's value */
    const char *owner;  /* id of the token: keys of different askers do not meet */
    const char *bearer; /* the reply is kept sealed with it (see seal.h); NULL: as it is */
    /* Which project the path means, in the words of api_incarnation; NULL or "": an answer that is
     * kept holds for any. */
    const char *incarnation;
    struct sha256_ctx hash;
    char request_sha256[65]; /* once the request is whole */
};

/* 1 to 64 characters of A-Z a-z 0-9 _ - */
bool http_key_valid(const char *text);
/* The hash over method, path and body, which comes in pieces. */
void http_key_begin(struct http_key *key, const char *method, const char *path);
void http_key_add(struct http_key *key, const void *bytes, size_t length);
void http_key_end(struct http_key *key);

enum http_replay {
    HTTP_REPLAY_NONE,    /* a new key, or one of a project that is gone */
    HTTP_REPLAY_SAME,    /* the reply is the one kept */
    HTTP_REPLAY_DIFFERS, /* the key belongs to another request */
    HTTP_REPLAY_SEALED,  /* the reply was sealed with another token */
    HTTP_REPLAY_DAMAGED  /* the reply is not what was kept */
};

/* Of a request that is not whole yet, outside a store body: whether the key is certain to be new.
 */
bool http_key_is_new(struct store *store, const struct http_key *key);
/* In a store body. An answer of a project that is gone is dropped. 0 or a negative store status. */
__attribute__((warn_unused_result)) int
http_key_find(struct store_tx *tx, const struct http_key *key, struct proto_arena *arena,
              struct http_reply *reply, enum http_replay *ret_replay);
/* In a store body, after the effect. Drops what is older than a day, now and then: *expired_ms says
 * when it last did and belongs to the writer thread. */
__attribute__((warn_unused_result)) int http_key_keep(struct store_tx *tx,
                                                      const struct http_key *key,
                                                      const struct http_reply *reply,
                                                      int64_t now_ms, int64_t *expired_ms);

#endif
