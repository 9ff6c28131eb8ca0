/* Erasing for good: the rows in one transaction, then the file without them.
 *
 * SQLite overwrites deleted rows with zeros (secure_delete), and VACUUM writes the database anew
 * and copies it over the old one in a transaction of its own; the log that this went through is
 * emptied and removed. So a kill leaves what was there, or the rows gone and the file as large as
 * before; then the next purge makes it small. What the disk itself keeps of overwritten blocks is
 * beyond reach. Needs twice the size of the database beside it while it runs.
 */
#include "store_private.h"

/* SQLite's own temporary database counts as attached, and holds all of it. */
static int allow_vacuum(sqlite3 *db, const char *folder)
{
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 1);
    int rc = sqlite3_exec(db, "PRAGMA secure_delete=ON", NULL, NULL, NULL);
    return rc == SQLITE_OK ? store_database_spill_begin(db, folder) : rc;
}

static void close_db(sqlite3 **db)
{
    sqlite3_close(*db);
}

static int erase(sqlite3 *db, const char *sql, const char *project)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(statement, 1, project, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int erase_all(sqlite3 *db, const char *const *projects, size_t count)
{
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (size_t i = 0; i < count && rc == SQLITE_OK; i++) {
        rc = erase(db, "DELETE FROM event WHERE project = ?1", projects[i]);
        if (rc == SQLITE_OK)
            rc = erase(db, "DELETE FROM blob WHERE project = ?1", projects[i]);
    }
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (rc != SQLITE_OK && !sqlite3_get_autocommit(db))
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* The log has to know how large the database was before, or a start after a kill would take the two
 * for strangers: so a commit that changes nothing goes ahead. */
static int shrink(sqlite3 *db)
{
    int rc = sqlite3_exec(db,
                          "BEGIN IMMEDIATE; UPDATE event SET seq = seq WHERE position = "
                          "(SELECT max(position) FROM event); COMMIT",
                          NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "VACUUM", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return rc;
}

static int fail(const struct store_directory *directory, const char *what, int rc,
                char ret_error[STORE_ERROR_BYTES])
{
    store_error_set(ret_error, "%s: %s: %s (SQLite code %d)", directory->database_path, what,
                    sqlite3_errstr(rc), rc);
    return store_status_of_write(rc);
}

static int purge_in(const struct store_directory *directory, const char *const *projects,
                    size_t count, char ret_error[STORE_ERROR_BYTES])
{
    __attribute__((cleanup(close_db))) sqlite3 *db = NULL;
    const char *what = "nothing was erased";
    char reason[STORE_ERROR_BYTES] = "";
    int status = store_open_database(directory, &db, reason);
    if (status) {
        store_error_set(ret_error, "%s: %s", directory->database_path, reason);
        return status;
    }
    int rc = allow_vacuum(db, directory->path);
    if (rc == SQLITE_OK)
        rc = erase_all(db, projects, count);
    if (rc == SQLITE_OK && (rc = shrink(db)) != SQLITE_OK)
        what = "erased, but the file is as large as before; purge again";
    (void)store_database_spill_end(db);
    if (rc != SQLITE_OK)
        return fail(directory, what, rc, ret_error);
    return STORE_OK;
}

int store_purge(const char *dir, const char *const *projects, size_t count, char ret_error[256])
{
    __attribute__((cleanup(store_directory_deinit))) struct store_directory directory =
        STORE_DIRECTORY_NULL;
    int status = store_directory_open(dir, &directory, ret_error);
    if (!status)
        status = purge_in(&directory, projects, count, ret_error);
    return status ? status : store_directory_sync(&directory, ret_error);
}
