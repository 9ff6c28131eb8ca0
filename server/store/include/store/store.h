/* The event log on disk: one SQLite database (WAL, synchronous FULL) in a data directory.
 *
 * One writer. store_write() hands a transaction body to the one thread that owns the writing
 * connection; bodies that queue up while a commit is under way share the next one (group commit), each in
 * a savepoint of its own. A body runs on that thread, so everything it touches there needs no lock.
 * store_write() returns after the commit is on disk.
 *
 * Reading functions use connections of their own and may be called from any thread, also from inside a body
 * (where they do not see what the open transaction has appended; use the store_tx_* functions for that).
 *
 * The store knows neither HTTP nor the meaning of events: type and body are text to it.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum store_status {
    STORE_OK = 0,
    STORE_NO_MEMORY = -1,
    STORE_UNKNOWN = -2, /* the commit failed: whether it is stored is unknown; the store is latched: every later write answers this */
    STORE_FULL = -3,    /* no space: nothing was stored, reads go on, a later write may succeed */
    STORE_CORRUPT = -4,
    STORE_INVALID = -5, /* not a data directory of this program, locked by another process, newer schema: see the error text */
    STORE_NOT_FOUND = 1
    /* other positive values: a body's own answer, see store_write */
};

struct store;
struct store_tx; /* an open transaction; valid only inside the body */

struct store_hooks {
    /* On the writer thread, after each commit and before its writers return: publish what the bodies changed. */
    void (*committed)(void *arg);
    /* On the writer thread: a commit or a body failed with a negative status and everything since the last `committed` has
     * been rolled back: forget it. */
    void (*rolled_back)(void *arg);
    void *arg;
};

/* Opens or creates DIR/amf.db and takes an exclusive lock on DIR/lock. ret_error gets one line for a person. */
__attribute__((warn_unused_result)) int store_open(const char *dir, struct store **ret_store,
                                                   char ret_error[256]);
/* Before the first write. */
void store_set_hooks(struct store *store, const struct store_hooks *hooks);
/* Waits for queued writes, checkpoints, closes. */
void store_close(struct store *store);
/* Text for /readyz: NULL when writes are possible, else why not. Borrowed, valid for the store's life. */
const char *store_latched(struct store *store);

/* A body answers 0 to commit; a positive value to roll back its own changes only (store_write returns it);
 * a negative store_status, passed on from a store_tx_* call, fails the whole transaction. */
typedef int (*store_body_fn)(struct store_tx *tx, void *arg);
__attribute__((warn_unused_result)) int store_write(struct store *store, store_body_fn body, void *arg);

struct store_event {
    const char *project;
    int64_t seq;        /* 1, 2, 3 ... within a project, without gaps */
    int64_t at_ms;      /* wall clock, milliseconds since 1970 */
    const char *type;   /* such as "demonstration_added" */
    const char *body;   /* JSON text */
    const void *blob;   /* bytes that belong to the event (a demonstration), or NULL */
    size_t blob_bytes;
    const char *blob_id; /* key of the blob within the project; NULL without blob */
};

/* Appends; event->seq must be the next one of that project (the caller counts; the primary key checks). */
__attribute__((warn_unused_result)) int store_tx_append(struct store_tx *tx, const struct store_event *event);

/* A reply kept for Idempotency-Key. owner: who asked (token name). */
struct store_reply {
    const char *request_sha256; /* hex, over method, path and body */
    int status;
    const char *content_type, *body;
    size_t body_bytes;
};
__attribute__((warn_unused_result)) int store_tx_reply_put(struct store_tx *tx, const char *owner,
                                                           const char *key, int64_t at_ms,
                                                           const struct store_reply *reply);
/* STORE_OK or STORE_NOT_FOUND. Pointers are valid until the body returns. Sees this transaction's own rows. */
__attribute__((warn_unused_result)) int store_tx_reply_get(struct store_tx *tx, const char *owner,
                                                           const char *key, struct store_reply *ret_reply);
/* Drops replies older than at_ms. */
__attribute__((warn_unused_result)) int store_tx_reply_expire(struct store_tx *tx, int64_t at_ms);

/* Calls fn for each event of a project after `after_seq`, in order (project NULL: of all projects, in the order they were
 * committed). with_blobs: blob is filled. Strings are valid during the call. fn's nonzero answer stops and is returned. */
typedef int (*store_event_fn)(const struct store_event *event, void *arg);
__attribute__((warn_unused_result)) int store_read_events(struct store *store, const char *project,
                                                          int64_t after_seq, bool with_blobs,
                                                          store_event_fn fn, void *arg);
/* *ret_bytes is malloc'ed. STORE_NOT_FOUND. */
__attribute__((warn_unused_result)) int store_read_blob(struct store *store, const char *project,
                                                        const char *blob_id, unsigned char **ret_bytes,
                                                        size_t *ret_length);

#endif
