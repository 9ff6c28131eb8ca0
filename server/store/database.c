/* Opening a connection: flags, limits, settings, each read back.
 *
 * SQLite ignores a pragma it does not know or cannot honour, without an error. Durability rests on
 * two of them, so every one is asked for again and a different answer refuses the connection.
 *
 * The write-ahead log is only ever emptied by the writer: SQLite up to 3.51.2 can lose data when a
 * checkpoint on one connection meets a commit on another. So automatic checkpoints are off
 * everywhere, and closing a connection does not checkpoint either.
 */
#include "store_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct pragma {
    const char *set;
    const char *get;
    const char *want;
};

static const struct pragma common_pragmas[] = {
    {"PRAGMA busy_timeout=5000", "PRAGMA busy_timeout", "5000"},
    {"PRAGMA trusted_schema=OFF", "PRAGMA trusted_schema", "0"},
    {"PRAGMA cell_size_check=ON", "PRAGMA cell_size_check", "1"},
    {"PRAGMA mmap_size=0", "PRAGMA mmap_size", "0"},
    {"PRAGMA temp_store=MEMORY", "PRAGMA temp_store", "2"},
    {"PRAGMA foreign_keys=ON", "PRAGMA foreign_keys", "1"},
    {"PRAGMA wal_autocheckpoint=0", "PRAGMA wal_autocheckpoint", "0"},
    {NULL},
};

static const struct pragma writer_pragmas[] = {
    {"PRAGMA journal_mode=WAL", "PRAGMA journal_mode", "wal"},
    {"PRAGMA synchronous=FULL", "PRAGMA synchronous", "2"},
    {"PRAGMA journal_size_limit=67108864", "PRAGMA journal_size_limit", "67108864"},
    {NULL},
};

static const struct pragma reader_pragmas[] = {
    {"PRAGMA query_only=ON", "PRAGMA query_only", "1"},
    {"PRAGMA journal_mode", "PRAGMA journal_mode", "wal"},
    {NULL},
};

static const struct pragma offline_pragmas[] = {
    {"PRAGMA query_only=ON", "PRAGMA query_only", "1"},
    {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA locking_mode", "exclusive"},
    {NULL},
};

static const struct {
    int option;
    int value;
} switches[] = {
    {SQLITE_DBCONFIG_DEFENSIVE, 1},        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
    {SQLITE_DBCONFIG_DQS_DML, 0},          {SQLITE_DBCONFIG_DQS_DDL, 0},
    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},   {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
    {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}, {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
};

static const struct {
    int id;
    int value;
} limits[] = {
    /* a row: the largest blob and its keys */
    {SQLITE_LIMIT_LENGTH, STORE_BLOB_MAX_BYTES + (1 << 20)},
    {SQLITE_LIMIT_SQL_LENGTH, 100000},
    {SQLITE_LIMIT_COLUMN, 100},
    {SQLITE_LIMIT_EXPR_DEPTH, 100},
    {SQLITE_LIMIT_COMPOUND_SELECT, 5},
    {SQLITE_LIMIT_VDBE_OP, 25000},
    {SQLITE_LIMIT_FUNCTION_ARG, 16},
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 64},
    {SQLITE_LIMIT_TRIGGER_DEPTH, 10},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

void store_error_set(char ret_error[STORE_ERROR_BYTES], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(ret_error, STORE_ERROR_BYTES, format, args);
    va_end(args);
}

static void close_db(sqlite3 **db)
{
    sqlite3_close(*db);
}

static int pragma_read_back(sqlite3 *db, const struct pragma *pragma, bool *ret_matches)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, pragma->get, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) {
        const char *got = (const char *)sqlite3_column_text(statement, 0);
        *ret_matches = got && strcmp(got, pragma->want) == 0;
        rc = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_ERROR : rc;
}

/* Answers SQLite's code; SQLITE_MISMATCH when a setting did not take, with *ret_refused naming it.
 */
static int pragmas_apply(sqlite3 *db, const struct pragma *pragmas, const char **ret_refused)
{
    for (; pragmas->set; pragmas++) {
        bool matches = false;
        int rc = sqlite3_exec(db, pragmas->set, NULL, NULL, NULL);
        if (rc == SQLITE_OK)
            rc = pragma_read_back(db, pragmas, &matches);
        if (rc != SQLITE_OK)
            return rc;
        if (!matches) {
            *ret_refused = pragmas->set;
            return SQLITE_MISMATCH;
        }
    }
    return SQLITE_OK;
}

static int limits_apply(sqlite3 *db)
{
    for (size_t i = 0; i < sizeof(switches) / sizeof(*switches); i++) {
        int got = -1;
        int rc = sqlite3_db_config(db, switches[i].option, switches[i].value, &got);
        if (rc != SQLITE_OK)
            return rc;
        if (got != switches[i].value)
            return SQLITE_MISMATCH;
    }
    for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        sqlite3_limit(db, limits[i].id, limits[i].value);
        if (sqlite3_limit(db, limits[i].id, -1) != limits[i].value)
            return SQLITE_MISMATCH;
    }
    return SQLITE_OK;
}

/* vfs NULL: SQLite's own choice. */
static int open_with(const char *path, int flags, const char *vfs, sqlite3 **ret_db,
                     const char **ret_refused)
{
    __attribute__((cleanup(close_db))) sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(
        path, &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW, vfs);
    if (rc == SQLITE_OK)
        rc = limits_apply(db);
    if (rc == SQLITE_OK)
        rc = store_checksum_register(db);
    if (rc == SQLITE_OK)
        rc = pragmas_apply(db, common_pragmas, ret_refused);
    if (rc != SQLITE_OK)
        return rc;
    *ret_db = db;
    db = NULL;
    return SQLITE_OK;
}

static int explain(int rc, const char *refused, char ret_error[STORE_ERROR_BYTES])
{
    if (rc == SQLITE_MISMATCH)
        store_error_set(ret_error, "this SQLite (%s) does not accept %s", sqlite3_libversion(),
                        refused ? refused : "a safety setting");
    else
        store_error_set(ret_error, "%s (SQLite code %d)", sqlite3_errstr(rc), rc);
    switch (rc & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOMEM:
    case SQLITE_FULL:
    case SQLITE_BUSY:
        return store_status_of_read(rc);
    default:
        return STORE_INVALID;
    }
}

int store_database_open_writer(const char *path, sqlite3 **ret_db,
                               char ret_error[STORE_ERROR_BYTES])
{
    const char *refused = NULL;
    int rc = open_with(path, SQLITE_OPEN_READWRITE, NULL, ret_db, &refused);
    return rc == SQLITE_OK ? STORE_OK : explain(rc, refused, ret_error);
}

int store_database_make_durable(sqlite3 *db, char ret_error[STORE_ERROR_BYTES])
{
    const char *refused = NULL;
    int rc = pragmas_apply(db, writer_pragmas, &refused);
    return rc == SQLITE_OK ? STORE_OK : explain(rc, refused, ret_error);
}

int store_database_open_reader(const char *path, sqlite3 **ret_db)
{
    __attribute__((cleanup(close_db))) sqlite3 *db = NULL;
    const char *refused = NULL;
    int rc = open_with(path, SQLITE_OPEN_READONLY, NULL, &db, &refused);
    if (rc == SQLITE_OK)
        rc = pragmas_apply(db, reader_pragmas, &refused);
    if (rc != SQLITE_OK)
        return store_status_of_read(rc);
    *ret_db = db;
    db = NULL;
    return STORE_OK;
}

/* As an address, with every byte that could mean something in one escaped. */
static char *address_of(const char *path)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_str_appendall(text, "file:");
    for (; *path; path++) {
        if (strchr("?#%", *path))
            sqlite3_str_appendf(text, "%%%02X", *path);
        else
            sqlite3_str_appendchar(text, 1, *path);
    }
    sqlite3_str_appendall(text, "?immutable=1");
    return sqlite3_str_finish(text);
}

/* Without a log the file is all there is, and SQLite is told that nobody changes it: then it makes
 * no -shm beside it. With a log it keeps the index of that in its own memory if the database is
 * its alone (locking_mode), for which it would lock it; but locks need a file open for writing. */
int store_database_open_offline(const char *path, bool has_log, sqlite3 **ret_db)
{
    __attribute__((cleanup(close_db))) sqlite3 *db = NULL;
    const char *refused = NULL;
    char *address = address_of(path);
    int rc = SQLITE_NOMEM;
    if (has_log)
        rc = open_with(path, SQLITE_OPEN_READONLY, "unix-none", &db, &refused);
    else if (address)
        rc = open_with(address, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL, &db, &refused);
    sqlite3_free(address);
    if (rc == SQLITE_OK)
        rc = pragmas_apply(db, offline_pragmas, &refused);
    if (rc != SQLITE_OK)
        return store_status_of_read(rc);
    *ret_db = db;
    db = NULL;
    return STORE_OK;
}

int store_database_spill_begin(sqlite3 *db, const char *folder)
{
    sqlite3_temp_directory = sqlite3_mprintf("%s", folder); /* where there is room, if anywhere */
    return sqlite3_temp_directory ? sqlite3_exec(db, "PRAGMA temp_store=FILE", NULL, NULL, NULL)
                                  : SQLITE_NOMEM;
}

int store_database_spill_end(sqlite3 *db)
{
    int rc = sqlite3_exec(db, "PRAGMA temp_store=MEMORY", NULL, NULL, NULL);
    sqlite3_free(sqlite3_temp_directory);
    sqlite3_temp_directory = NULL;
    return rc;
}

int store_statements_prepare(sqlite3 *db, const char *const *sql, size_t count,
                             sqlite3_stmt **ret_statements)
{
    for (size_t i = 0; i < count; i++) {
        int rc =
            sqlite3_prepare_v3(db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &ret_statements[i], NULL);
        if (rc != SQLITE_OK)
            return store_status_of_read(rc);
    }
    return STORE_OK;
}

void store_statements_finalize(sqlite3_stmt **statements, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sqlite3_finalize(statements[i]);
        statements[i] = NULL;
    }
}

int store_status_of_write(int sqlite_code)
{
    if (sqlite_code == SQLITE_IOERR_NOMEM)
        return STORE_NO_MEMORY;
    switch (sqlite_code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return STORE_OK;
    case SQLITE_NOMEM:
        return STORE_NO_MEMORY;
    case SQLITE_FULL:
        return STORE_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STORE_BUSY;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
    case SQLITE_MISUSE:
        return STORE_INVALID;
    default:
        return STORE_UNKNOWN;
    }
}

int store_status_of_read(int sqlite_code)
{
    /* A connection that cannot be opened is almost always a process out of file handles. */
    if (sqlite_code == SQLITE_IOERR_NOMEM || (sqlite_code & 0xff) == SQLITE_CANTOPEN)
        return STORE_NO_MEMORY;
    int status = store_status_of_write(sqlite_code);
    return status == STORE_UNKNOWN ? STORE_CORRUPT : status;
}
