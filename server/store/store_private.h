/* What the files of the store share. Each block names the file that implements it. */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <sqlite3.h>

#include <store/store.h>

enum { STORE_ERROR_BYTES = 256 };

/* What every refusal of a log and a database that are not one ends with. */
#define STORE_RESTORE_ADVICE "and restore a backup into an empty directory, never over this one"

/* directory.c: the data directory and the right to use it. */
struct store_directory {
    int fd;
    int lock_fd;
    char *path; /* without symbolic links */
    char *database_path;
    bool killed; /* a log with commits was left: nothing says that it belongs to the database */
};

#define STORE_DIRECTORY_NULL                                                                       \
    {                                                                                              \
        -1, -1, NULL, NULL, false                                                                  \
    }

int store_directory_open(const char *path, struct store_directory *ret_directory,
                         char ret_error[STORE_ERROR_BYTES]);
/* The same for reading alone: nothing is made or written, and nothing is synced. */
int store_directory_open_offline(const char *path, struct store_directory *ret_directory,
                                 char ret_error[STORE_ERROR_BYTES]);
/* Whether there is a write-ahead log with anything in it. */
bool store_directory_has_log(const struct store_directory *directory);
/* Makes the names of files in it durable. */
int store_directory_sync(const struct store_directory *directory,
                         char ret_error[STORE_ERROR_BYTES]);
void store_directory_deinit(struct store_directory *directory);

/* database.c: a connection with every setting made and read back, and what SQLite's codes mean. */
int store_database_open_writer(const char *path, sqlite3 **ret_db,
                               char ret_error[STORE_ERROR_BYTES]);
int store_database_open_reader(const char *path, sqlite3 **ret_db);
/* For reading a database that nobody else has open, without writing to its directory. has_log: its
 * write-ahead log is not empty, and is read as a part of it. */
int store_database_open_offline(const char *path, bool has_log, sqlite3 **ret_db);
/* Second half of opening the writer, once the database is known to be ours: turns on WAL and FULL.
 */
int store_database_make_durable(sqlite3 *db, char ret_error[STORE_ERROR_BYTES]);
/* What SQLite puts aside while it works on all rows (what a statement would undo, a copy of the
 * database) goes to files without names in `folder`, not to memory. SQLite's code. Where it puts
 * them is of the whole process, so only while nobody else uses it. End it whatever begin said. */
int store_database_spill_begin(sqlite3 *db, const char *folder);
int store_database_spill_end(sqlite3 *db);
/* Prepares sql[0..count); on failure what was prepared is left for store_statements_finalize. */
int store_statements_prepare(sqlite3 *db, const char *const *sql, size_t count,
                             sqlite3_stmt **ret_statements);
void store_statements_finalize(sqlite3_stmt **statements, size_t count);
int store_status_of_write(int sqlite_code);
int store_status_of_read(int sqlite_code);
__attribute__((format(printf, 2, 3))) void store_error_set(char ret_error[STORE_ERROR_BYTES],
                                                           const char *format, ...);

/* checksum.c: the SQL function row_checksum, for a connection; and whether a row is as written. */
int store_checksum_register(sqlite3 *db);
#define STORE_EVENT_INTACT                                                                         \
    "e.checksum = row_checksum(e.project, e.seq, e.at_ms, e.type, e.body, e.blob_id)"
#define STORE_BLOB_INTACT "b.checksum = row_checksum(b.project, b.blob_id, b.bytes)"
#define STORE_REPLY_INTACT                                                                         \
    "checksum = row_checksum(owner, key, at_ms, request_sha256, status, content_type, body)"
#define STORE_TOKEN_INTACT                                                                         \
    "checksum = row_checksum(number, name, role, project, created_at_ms, expires_at_ms, sha256)"

/* check.c: every row against its checksum. fn NULL: STORE_CORRUPT at the first that is wrong. */
int store_check_rows(sqlite3 *db, store_problem_fn fn, void *arg, struct store_counts *ret_counts);

/* log_check.c: refuses a write-ahead log in which commits lie behind damage. */
struct store_wal {
    bool used;               /* it has a head and something behind it */
    uint64_t database_bytes; /* the most the database had at one of its commits; 0: it has none */
};

int store_log_check(int fd, struct store_wal *ret_log, char ret_error[STORE_ERROR_BYTES]);

/* read.c. Steps a statement that selects one blob and whether it is intact. STORE_NOT_FOUND without
 * a row. */
int store_copy_blob(sqlite3_stmt *statement, unsigned char **ret_bytes, size_t *ret_length);

/* migrate.c, with the SQL of sql/ in a generated file. */
extern const char *const store_migrations[];
extern const int store_migration_count;
/* Refuses what is not ours or too new, without writing. 0: new and empty. */
int store_schema_recognise(sqlite3 *db, int *ret_version, char ret_error[STORE_ERROR_BYTES]);
/* Reads everything: whether a database and the log that lay beside it are one. Writes nothing. */
int store_schema_check_whole(sqlite3 *db, char ret_error[STORE_ERROR_BYTES]);
/* The event table only: it is read whole at every start anyway, while a check of everything reads
 * every blob. */
int store_schema_check_events(sqlite3 *db, char ret_error[STORE_ERROR_BYTES]);
int store_schema_migrate(sqlite3 *db, int version, char ret_error[STORE_ERROR_BYTES]);

/* backup.c: what a kill left of one goes away. */
void store_backup_sweep(const struct store_directory *directory);

/* tx.c: the statements of the open transaction. */
enum store_tx_statement {
    TX_LAST_SEQ,
    TX_EVENT_INSERT,
    TX_BLOB_INSERT,
    TX_BLOB_SELECT,
    TX_BLOB_EQUAL,
    TX_REPLY_INSERT,
    TX_REPLY_SELECT,
    TX_REPLY_DELETE,
    TX_REPLY_EXPIRE,
    TX_TOKEN_NEXT,
    TX_TOKEN_INSERT,
    TX_TOKEN_DELETE,
    TX_STATEMENT_COUNT
};

struct store_tx_memory;

struct store_tx {
    sqlite3 *db;
    sqlite3_stmt *statements[TX_STATEMENT_COUNT];
    int status;      /* first failure since store_tx_begin; everything after it answers the same */
    int sqlite_code; /* its cause */
    size_t blob_bytes;               /* since store_tx_begin */
    struct store_tx_memory *replies; /* given out to the body that runs */
};

int store_tx_init(struct store_tx *tx, sqlite3 *db);
void store_tx_deinit(struct store_tx *tx);
void store_tx_begin(struct store_tx *tx);
void store_tx_end_body(struct store_tx *tx);
/* Keeps the first failure of a transaction, and answers it. */
int store_tx_fail(struct store_tx *tx, int status, int sqlite_code);
/* Runs a bound statement (rc: outcome of the last bind). Without rows; with one row of one number,
 * for which NULL and no row count as 0. */
int store_tx_finish(struct store_tx *tx, sqlite3_stmt *statement, int rc);
int store_tx_finish_number(struct store_tx *tx, sqlite3_stmt *statement, int rc,
                           int64_t *ret_number);

/* writer.c: the thread that owns the writing connection. */
enum store_writer_statement {
    WRITER_BEGIN,
    WRITER_COMMIT,
    WRITER_ROLLBACK,
    WRITER_SAVEPOINT,
    WRITER_RELEASE,
    WRITER_ROLLBACK_TO,
    WRITER_STATEMENT_COUNT
};

struct store_request;

/* metrics.c: the writer's figures. */
struct store_counters {
    atomic_uint_fast64_t commit_counts[STORE_COMMIT_BOUNDS + 1], commit_ns;
    atomic_uint_fast64_t group_counts[STORE_GROUP_BOUNDS + 1], writes;
    atomic_uint_fast64_t full, failed;
};
void store_count_commit(struct store_counters *counters, int64_t took_ns, unsigned group);
int64_t store_monotonic_ns(void);

struct store_writer {
    sqlite3 *db;
    sqlite3_stmt *statements[WRITER_STATEMENT_COUNT];
    struct store_tx tx;
    struct store_hooks hooks;
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex; /* guards the queue and stopping */
    pthread_cond_t wake;   /* a request has come, or stopping */
    struct store_request *first, *last;
    bool stopping;
    int wal_pages;                 /* in the write-ahead log now */
    int checkpoint_at_pages;       /* next attempt to empty it */
    _Atomic(const char *) latched; /* NULL, or latch_line, which is then final */
    char latch_line[STORE_ERROR_BYTES];
    struct store_counters counters;
};

int store_writer_init(struct store_writer *writer);
/* Takes over db whatever the outcome. */
int store_writer_start(struct store_writer *writer, sqlite3 *db);
/* Commits what is queued, empties the write-ahead log, ends the thread. */
void store_writer_stop(struct store_writer *writer);
void store_writer_deinit(struct store_writer *writer);
int store_writer_submit(struct store_writer *writer, store_body_fn body, void *arg);
size_t store_writer_queued(struct store_writer *writer);

/* read.c: reading connections. */
struct store_reader;

struct store_readers {
    const char *database_path;
    bool offline, has_log; /* see store_database_open_offline */
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t returned;
    struct store_reader *idle;
    unsigned lent;
};

enum store_reader_statement {
    READ_PROJECT,
    READ_PROJECT_BLOBS,
    READ_ALL,
    READ_ALL_BLOBS,
    READ_BLOB,
    READ_TOKENS,
    READ_LOGS,
    READ_COUNT
};

struct store_reader {
    struct store_reader *next;
    sqlite3 *db;
    sqlite3_stmt *statements[READ_COUNT];
};

int store_reader_borrow(struct store_readers *readers, struct store_reader **ret_reader);
void store_reader_give_back(struct store_readers *readers, struct store_reader *reader);
int store_readers_init(struct store_readers *readers, const char *database_path);
void store_readers_deinit(struct store_readers *readers);

/* store.c: the writing connection of a directory, checked, its schema brought up to date. */
int store_open_database(const struct store_directory *directory, sqlite3 **ret_db,
                        char ret_error[STORE_ERROR_BYTES]);
/* A thread to which no signals come: those are for the program's own. */
int store_thread_start(pthread_t *ret_thread, void *(*main)(void *), void *arg);

/* On the way to the writer. */
struct store_opening {
    sqlite3 *db; /* the connection that will write; the thread's while it runs */
    bool checking;
    pthread_t thread; /* checks the whole database, after a kill */
    int status;
    char reason[STORE_ERROR_BYTES];
};

struct store {
    struct store_directory directory;
    struct store_readers readers;
    bool readers_ready;
    struct store_opening opening;
    struct store_writer writer;
    bool writer_ready; /* not before the check has ended well; never, in a store for reading only */
    atomic_flag backing_up;
};

#endif
