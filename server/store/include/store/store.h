/* The event log on disk: one SQLite database (WAL, synchronous FULL) in a data directory.
 *
 * One writer. store_write() hands a transaction body to the one thread that owns the writing
 * connection; bodies that queue up while a commit is under way share the next one (group commit),
 * each in a savepoint of its own. A body runs on that thread, so everything it touches there needs
 * no lock. store_write() returns after the commit is on disk.
 *
 * Reading functions use connections of their own and may be called from any thread, also from
 * inside a body (where they do not see what the open transaction has appended; use the store_tx_*
 * functions for that).
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
    STORE_NO_MEMORY = -1, /* or out of file handles */
    /* The commit failed and whether it is stored is unknown (a disk that does not sync, a damaged
     * file). The store is latched: it reads on, but every later write answers this. */
    STORE_UNKNOWN = -2,
    STORE_FULL = -3,    /* no space: nothing was stored, reads go on, a later write may succeed */
    STORE_CORRUPT = -4, /* reading: the file is damaged or the disk does not give it back */
    /* store_open: not a data directory of this program, locked by another process, newer schema;
     * see the error text. Elsewhere a caller's mistake: a seq that is not the next one, a missing
     * field, a value beyond its limit, a key that is taken. */
    STORE_INVALID = -5,
    STORE_BUSY = -6, /* another program holds the database: nothing was stored, try again */
    STORE_NOT_FOUND = 1,
    STORE_REPLY_DAMAGED = 2
    /* other positive values: a body's own answer, see store_write */
};

enum {
    STORE_BLOB_MAX_BYTES = 64 << 20,
    STORE_TEXT_MAX_BYTES = 16 << 20, /* an event's body, a reply's body */
};

struct store;
struct store_tx; /* an open transaction; valid only inside the body */

/* Both run on the writer thread, before the store_write calls of the group return. They must not
 * call store_write. */
struct store_hooks {
    /* After each commit: publish what the bodies changed. */
    void (*committed)(void *arg);
    /* A commit or a body failed with a negative status: everything the bodies did since the last
     * `committed` has been rolled back and none of them is acknowledged: forget it. */
    void (*rolled_back)(void *arg);
    void *arg;
};

/* Opens or creates DIR (one level, mode 0700) and DIR/amf.db, and takes an exclusive lock on
 * DIR/lock. A file that is not ours is refused untouched. ret_error gets one line for a person. */
__attribute__((warn_unused_result)) int store_open(const char *dir, struct store **ret_store,
                                                   char ret_error[256]);
/* The same in halves, for who reads first. After a kill the whole database is read to see whether
 * its files are one: between the halves that goes on beside the caller. Until store_open_end has
 * answered 0 the database and its log are left as they are, store_write and store_backup_new are
 * refused, and what is read may be wrong: give none of it out. */
__attribute__((warn_unused_result)) int store_open_begin(const char *dir, struct store **ret_store,
                                                         char ret_error[256]);
/* Waits for it. The store is to be closed whatever the answer. */
__attribute__((warn_unused_result)) int store_open_end(struct store *store, char ret_error[256]);
/* Before the first write, and behind store_open_end. */
void store_set_hooks(struct store *store, const struct store_hooks *hooks);
/* Waits for queued writes, checkpoints, closes. No other call may be under way. */
void store_close(struct store *store);
/* SQLite's version, as loaded. */
const char *store_library(void);
/* Text for /readyz: NULL when writes are possible, else why not. Borrowed, valid for the store's
 * life. Any thread. */
const char *store_latched(struct store *store);

/* For who watches the server. Sizes that cannot be read are 0. Any thread. */
struct store_usage {
    const char *directory;              /* where it is; borrowed from the store */
    uint64_t database_bytes, log_bytes; /* amf.db, and its write-ahead log */
    uint64_t free_bytes;                /* what the disk still has for this user */
    size_t queued;                      /* writes that wait for the one that is under way */
};
void store_usage(struct store *store, struct store_usage *ret_usage);

/* A body answers
 *   0         commit;
 *   positive  roll back its own appends only; store_write returns it, the others of the group
 *             commit. rolled_back is not called for it, so a body must not change anything in
 *             memory before it has decided to answer 0;
 *   negative  a store_status, passed on from a store_tx_* call: the whole group fails with it, the
 *             bodies before it included, and rolled_back is called.
 * After a store_tx_* call has failed the group fails, whatever the body answers.
 * A body runs once or, when no transaction can be begun (latched, busy), not at all: then no hook
 * is called either. */
typedef int (*store_body_fn)(struct store_tx *tx, void *arg);
__attribute__((warn_unused_result)) int store_write(struct store *store, store_body_fn body,
                                                    void *arg);

struct store_event {
    const char *project;
    int64_t seq;         /* 1, 2, 3 ... within a project, without gaps */
    int64_t at_ms;       /* wall clock, milliseconds since 1970 */
    const char *type;    /* such as "demonstration_added" */
    const char *body;    /* JSON text */
    const void *blob;    /* bytes that belong to the event (a demonstration), or NULL */
    size_t blob_bytes;   /* at most STORE_BLOB_MAX_BYTES */
    const char *blob_id; /* key of the blob within the project; NULL without blob */
};

/* Appends; event->seq must be the next one of that project (the caller counts; the store checks:
 * STORE_INVALID). A blob_id names its bytes for good: with blob NULL the event refers to a blob
 * stored before, and giving the same bytes again stores nothing twice; other bytes under a known
 * id are STORE_INVALID. */
__attribute__((warn_unused_result)) int store_tx_append(struct store_tx *tx,
                                                        const struct store_event *event);

/* A blob as this transaction sees it, its own appends included. *ret_bytes is malloc'ed.
 * STORE_NOT_FOUND. */
__attribute__((warn_unused_result)) int store_tx_read_blob(struct store_tx *tx, const char *project,
                                                           const char *blob_id,
                                                           unsigned char **ret_bytes,
                                                           size_t *ret_length);

/* A reply kept for Idempotency-Key. owner: who asked (id of the token). */
struct store_reply {
    const char *request_sha256; /* hex, over method, path and body; then what http adds to it */
    int status;
    const char *content_type; /* NULL: none */
    const char *body;         /* NULL: none; any bytes; a zero follows them when read back */
    size_t body_bytes;
};
/* STORE_INVALID when the owner has used the key: ask store_tx_reply_get first. */
__attribute__((warn_unused_result)) int store_tx_reply_put(struct store_tx *tx, const char *owner,
                                                           const char *key, int64_t at_ms,
                                                           const struct store_reply *reply);
/* STORE_OK, STORE_NOT_FOUND, or STORE_REPLY_DAMAGED: it is not what was written, which fails nobody
 * else of the group. Pointers are valid until the body returns. Sees this transaction's
 * own rows and those of earlier bodies in the group. */
__attribute__((warn_unused_result)) int store_tx_reply_get(struct store_tx *tx, const char *owner,
                                                           const char *key,
                                                           struct store_reply *ret_reply);
/* STORE_OK also when there is none. */
__attribute__((warn_unused_result)) int store_tx_reply_delete(struct store_tx *tx,
                                                              const char *owner, const char *key);
/* Drops replies older than at_ms. */
__attribute__((warn_unused_result)) int store_tx_reply_expire(struct store_tx *tx, int64_t at_ms);

/* An access token. */
struct store_token {
    int64_t number; /* from 1 */
    const char *name, *role;
    const char *project;   /* NULL: all */
    int64_t created_at_ms; /* wall clock, milliseconds since 1970 */
    int64_t expires_at_ms; /* INT64_MAX: never */
    const uint8_t *sha256; /* 32 bytes */
};
/* The number of the next token: one that none ever had. */
__attribute__((warn_unused_result)) int store_tx_token_next(struct store_tx *tx,
                                                            int64_t *ret_number);
/* token->number must be the next one. */
__attribute__((warn_unused_result)) int store_tx_token_add(struct store_tx *tx,
                                                           const struct store_token *token);
/* A number that is not there is no error. */
__attribute__((warn_unused_result)) int store_tx_token_delete(struct store_tx *tx, int64_t number);
/* Calls fn for each token, by number. Pointers are valid during the call. fn's nonzero answer stops
 * and is returned; fn must not read from the store itself. */
typedef int (*store_token_fn)(const struct store_token *token, void *arg);
__attribute__((warn_unused_result)) int store_read_tokens(struct store *store, store_token_fn fn,
                                                          void *arg);

/* Calls fn for each event of a project after `after_seq`, in order (project NULL, after_seq 0: of
 * all projects, in the order they were committed). with_blobs: blob is filled; else only blob_id
 * and blob_bytes. Strings are valid during the call. fn's nonzero answer stops and is returned. fn
 * must not read from the store itself: it would hold two of the few reading connections. */
typedef int (*store_event_fn)(const struct store_event *event, void *arg);
__attribute__((warn_unused_result)) int store_read_events(struct store *store, const char *project,
                                                          int64_t after_seq, bool with_blobs,
                                                          store_event_fn fn, void *arg);
/* *ret_bytes is malloc'ed, never NULL when found. STORE_NOT_FOUND. */
__attribute__((warn_unused_result)) int store_read_blob(struct store *store, const char *project,
                                                        const char *blob_id,
                                                        unsigned char **ret_bytes,
                                                        size_t *ret_length);

/* ---- figures ---- */
enum { STORE_COMMIT_BOUNDS = 12, STORE_GROUP_BOUNDS = 9 };
extern const double store_commit_bounds_s[STORE_COMMIT_BOUNDS],
    store_group_bounds[STORE_GROUP_BOUNDS];

struct store_metrics {
    /* Commits that succeeded: how many took up to which bound, the last above all of them; and of
     * how many writes they were. */
    uint64_t commit_counts[STORE_COMMIT_BOUNDS + 1], group_counts[STORE_GROUP_BOUNDS + 1];
    double commit_sum_s;
    uint64_t writes;       /* in them, together */
    uint64_t full, failed; /* groups that failed: for space; otherwise */
};
/* Since the store was opened. Any thread. */
void store_metrics_read(struct store *store, struct store_metrics *ret_metrics);

/* ---- a copy of everything ---- */
struct store_backup;
/* The database as it is now, in a file without a name in the data directory, every row compared
 * with its checksum. Writers go on meanwhile. One at a time: STORE_BUSY while another has not been
 * freed. STORE_FULL: no room for it. STORE_CORRUPT: something in it is not what was written.
 * Blocks; any thread but the writer's. Free it before the store is closed. */
__attribute__((warn_unused_result)) int store_backup_new(struct store *store,
                                                         struct store_backup **ret_backup);
/* A whole database, to be put in place as DIR/amf.db. The file is the backup's. */
int store_backup_fd(const struct store_backup *backup);
uint64_t store_backup_bytes(const struct store_backup *backup);
void store_backup_free(struct store_backup *backup); /* NULL is fine */

/* ---- while no daemon runs ---- */
/* For reading alone: nothing in DIR is made or changed, also when a log is left of a process that
 * was killed. store_write and store_backup_new are refused. STORE_INVALID: cannot be opened, or has
 * an older schema; STORE_CORRUPT: cannot be read. */
__attribute__((warn_unused_result)) int
store_open_offline(const char *dir, struct store **ret_store, char ret_error[256]);

struct store_problem {
    const char *what;    /* "event", "demonstration", "kept answer", "token", "database" */
    const char *project; /* name of its log, or NULL */
    int64_t seq;         /* of the event, or number of the token; 0: none */
    const char *id;      /* of the demonstration, or NULL */
    const char *text;    /* what is wrong with it */
};
typedef void (*store_problem_fn)(const struct store_problem *problem, void *arg);
struct store_counts {
    int64_t events, blobs, replies, tokens;
};
/* Looks through everything: pages, indexes, checksums, which event names which bytes. Each problem
 * is told to fn; 0 also when there are some. STORE_NO_MEMORY. */
__attribute__((warn_unused_result)) int store_check(struct store *store, store_problem_fn fn,
                                                    void *arg, struct store_counts *ret_counts);

/* One log, as the whole of it is told. */
struct store_log {
    const char *project, *last_type; /* type of its newest event */
    int64_t events, blobs, blob_bytes;
};
/* Calls fn for each log, by name; as store_read_events. */
typedef int (*store_log_fn)(const struct store_log *log, void *arg);
__attribute__((warn_unused_result)) int store_read_logs(struct store *store, store_log_fn fn,
                                                        void *arg);

/* Erases the logs of these names with their blobs in one transaction, and then makes the file anew
 * without what was erased. Killed at any moment, it leaves all of the logs or nothing. DIR must not
 * be in use. Brings the schema up to date first. */
__attribute__((warn_unused_result)) int store_purge(const char *dir, const char *const *projects,
                                                    size_t count, char ret_error[256]);

#endif
