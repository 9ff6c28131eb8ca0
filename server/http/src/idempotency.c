/* Replies kept for Idempotency-Key; idempotency.h says why in this transaction. */
#include "idempotency.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proto/hex.h>
#include <store/store.h>

#include "seal.h"

/* A hash and a project's log, whose name is an id and a number. */
#define HTTP_KEY_REQUEST_BYTES 256

bool http_key_valid(const char *text)
{
    static const char allowed[] = "_-0123456789"
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t length = strlen(text);

    return length >= 1 && length <= HTTP_KEY_MAX_BYTES && strspn(text, allowed) == length;
}

void http_key_begin(struct http_key *key, const char *method, const char *path)
{
    sha256_init(&key->hash);
    /* The NULs between the parts keep "POST /a" + "b" and "POST /ab" + "" apart. */
    sha256_update(&key->hash, strlen(method) + 1, (const uint8_t *)method);
    sha256_update(&key->hash, strlen(path) + 1, (const uint8_t *)path);
}

void http_key_add(struct http_key *key, const void *bytes, size_t length)
{
    sha256_update(&key->hash, length, bytes);
}

void http_key_end(struct http_key *key)
{
    uint8_t digest[SHA256_DIGEST_SIZE];

    sha256_digest(&key->hash, sizeof(digest), digest);
    proto_hex_write(digest, sizeof(digest), key->request_sha256);
}

static int look_up(struct store_tx *tx, void *arg)
{
    const struct http_key *key = arg;
    struct store_reply kept;

    return store_tx_reply_get(tx, key->owner, key->text, &kept);
}

bool http_key_is_new(struct store *store, const struct http_key *key)
{
    struct http_key sought = {.text = key->text, .owner = key->owner};

    return store_write(store, look_up, &sought) == STORE_NOT_FOUND;
}

/* 0, or -1: sealed with another token. ret_body has room for what is kept. */
static int open_body(const struct http_key *key, const struct store_reply *kept, char *ret_body,
                     size_t *ret_bytes)
{
    if (!key->bearer) {
        memcpy(ret_body, kept->body, kept->body_bytes);
        *ret_bytes = kept->body_bytes;
        return 0;
    }
    if (http_unseal(key->bearer, key->text, kept->body, kept->body_bytes, ret_body))
        return -1;
    *ret_bytes = kept->body_bytes - HTTP_SEAL_BYTES;
    return 0;
}

static int replay(const struct http_key *key, const struct store_reply *kept,
                  struct proto_arena *arena, struct http_reply *reply, enum http_replay *ret_replay)
{
    struct http_reply made = {.status = kept->status};

    if (kept->content_type) {
        made.content_type = proto_arena_strdup(arena, kept->content_type);
        made.body = malloc(kept->body_bytes ? kept->body_bytes : 1);
        if (!made.content_type || !made.body) {
            http_reply_deinit(&made);
            return STORE_NO_MEMORY;
        }
        if (open_body(key, kept, made.body, &made.body_bytes)) {
            http_reply_deinit(&made);
            *ret_replay = HTTP_REPLAY_SEALED;
            return 0;
        }
    }
    http_reply_deinit(reply);
    *reply = made;
    *ret_replay = HTTP_REPLAY_SAME;
    return 0;
}

/* request: as kept, its hash known to be the same. */
static bool is_of_another_project(const struct http_key *key, const char *request)
{
    const char *incarnation = request + strlen(key->request_sha256);

    return *incarnation == ' ' && key->incarnation &&
           strcmp(incarnation + 1, key->incarnation) != 0;
}

int http_key_find(struct store_tx *tx, const struct http_key *key, struct proto_arena *arena,
                  struct http_reply *reply, enum http_replay *ret_replay)
{
    struct store_reply kept;
    int status = store_tx_reply_get(tx, key->owner, key->text, &kept);

    if (status < 0)
        return status;
    if (status == STORE_NOT_FOUND) {
        *ret_replay = HTTP_REPLAY_NONE;
        return 0;
    }
    if (status == STORE_REPLY_DAMAGED) {
        *ret_replay = HTTP_REPLAY_DAMAGED;
        return 0;
    }
    if (strncmp(kept.request_sha256, key->request_sha256, strlen(key->request_sha256)) != 0) {
        *ret_replay = HTTP_REPLAY_DIFFERS;
        return 0;
    }
    if (is_of_another_project(key, kept.request_sha256)) {
        *ret_replay = HTTP_REPLAY_NONE;
        return store_tx_reply_delete(tx, key->owner, key->text);
    }
    return replay(key, &kept, arena, reply, ret_replay);
}

static void freep(char **bytes)
{
    free(*bytes);
}

int http_key_keep(struct store_tx *tx, const struct http_key *key, const struct http_reply *reply,
                  int64_t now_ms, int64_t *expired_ms)
{
    bool bound = key->incarnation && *key->incarnation;
    char request[HTTP_KEY_REQUEST_BYTES];
    struct store_reply kept = {
        .request_sha256 = request,
        .status = reply->status,
        .content_type = reply->content_type,
        .body = reply->body,
        .body_bytes = reply->body_bytes,
    };

    snprintf(request, sizeof(request), "%s%s%s", key->request_sha256, bound ? " " : "",
             bound ? key->incarnation : "");
    if (now_ms - *expired_ms >= HTTP_REPLY_EXPIRE_PERIOD_MS) {
        int status = store_tx_reply_expire(tx, now_ms - HTTP_REPLY_KEPT_MS);
        if (status < 0)
            return status;
        *expired_ms = now_ms;
    }
    if (!key->bearer || !reply->content_type)
        return store_tx_reply_put(tx, key->owner, key->text, now_ms, &kept);

    __attribute__((cleanup(freep))) char *sealed = malloc(kept.body_bytes + HTTP_SEAL_BYTES);
    if (!sealed || http_seal(key->bearer, key->text, kept.body, kept.body_bytes, sealed))
        return STORE_NO_MEMORY;
    kept.body = sealed;
    kept.body_bytes += HTTP_SEAL_BYTES;
    return store_tx_reply_put(tx, key->owner, key->text, now_ms, &kept);
}
