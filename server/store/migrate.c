/* The schema's version: recognised before anything is written, then brought up to date.
 *
 * Step N of sql/ leads from version N-1 to N and sets user_version itself, in one transaction, so a
 * crash leaves the old version or the new one. There is no way back: a database from a newer
 * program is refused.
 */
#include "store_private.h"

#include <string.h>

enum { APPLICATION_ID = 0x414d4644 }; /* 'AMFD', as sql/0001_init.sql sets it */

static int query_int(sqlite3 *db, const char *sql, int *ret_value)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) {
        *ret_value = sqlite3_column_int(statement, 0);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return rc;
}

static int fail(int rc, const char *what, char ret_error[STORE_ERROR_BYTES])
{
    store_error_set(ret_error, "%s: %s (SQLite code %d)", what, sqlite3_errstr(rc), rc);
    int status = store_status_of_read(rc);
    return rc == SQLITE_NOTADB ? STORE_INVALID : status;
}

int store_schema_recognise(sqlite3 *db, int *ret_version, char ret_error[STORE_ERROR_BYTES])
{
    int application = 0, version = 0, objects = 0;
    int rc = query_int(db, "PRAGMA application_id", &application);
    if (rc == SQLITE_OK)
        rc = query_int(db, "PRAGMA user_version", &version);
    if (rc == SQLITE_OK)
        rc = query_int(db, "SELECT count(*) FROM sqlite_schema", &objects);
    if (rc != SQLITE_OK)
        return fail(rc, "cannot be read as a database", ret_error);
    bool empty = application == 0 && version == 0 && objects == 0;
    if (!empty && application != APPLICATION_ID) {
        store_error_set(ret_error, "is a database of another program; it has not been touched");
        return STORE_INVALID;
    }
    if (version > store_migration_count) {
        store_error_set(ret_error,
                        "has schema version %d, newer than this program's %d; run the newer "
                        "program; nothing has been changed",
                        version, store_migration_count);
        return STORE_INVALID;
    }
    if (!empty && version < 1) {
        store_error_set(ret_error, "has schema version %d, which no program wrote", version);
        return STORE_INVALID;
    }
    *ret_version = version;
    return STORE_OK;
}

static int migrate_to(sqlite3 *db, int version)
{
    int now = -1;
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, store_migrations[version - 1], NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = query_int(db, "PRAGMA user_version", &now);
    if (rc == SQLITE_OK && now != version)
        rc = SQLITE_MISMATCH;
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (rc != SQLITE_OK && !sqlite3_get_autocommit(db))
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* sql answers with 'ok', or with what is damaged, which goes behind advice. */
static int check(sqlite3 *db, const char *sql, const char *advice,
                 char ret_error[STORE_ERROR_BYTES])
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    const char *line = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    int status = STORE_OK;
    if (!line) {
        status = fail(rc, "cannot be checked", ret_error);
    } else if (sqlite3_stricmp(line, "ok") != 0) {
        store_error_set(ret_error, "is damaged%s: %s", advice, line);
        for (char *end = ret_error; (end = strchr(end, '\n'));)
            *end = ' ';
        status = STORE_CORRUPT;
    }
    sqlite3_finalize(statement);
    return status;
}

int store_schema_check_whole(sqlite3 *db, char ret_error[STORE_ERROR_BYTES])
{
    static const char advice[] = " or does not belong to the amf.db-wal beside it; nothing has "
                                 "been changed: keep both, " STORE_RESTORE_ADVICE;
    int status = check(db, "PRAGMA integrity_check(1)", advice, ret_error);
    if (status)
        return status;
    return check(db,
                 "SELECT CASE count(*) WHEN 0 THEN 'ok' ELSE 'rows are missing' END "
                 "FROM pragma_foreign_key_check",
                 advice, ret_error);
}

int store_schema_check_events(sqlite3 *db, char ret_error[STORE_ERROR_BYTES])
{
    return check(db, "PRAGMA quick_check(event)", "", ret_error);
}

int store_schema_migrate(sqlite3 *db, int version, char ret_error[STORE_ERROR_BYTES])
{
    while (version < store_migration_count) {
        int rc = migrate_to(db, ++version);
        if (rc != SQLITE_OK)
            return fail(rc, "cannot bring the schema up to date", ret_error);
    }
    return STORE_OK;
}
