/* Reading connections, lent one per call.
 *
 * SQLite connections must not be shared by threads, and opening one costs more than most reads. So
 * they wait in a free list; who finds none opens another, up to a cap that bounds file handles and
 * memory, and beyond it waits for one to come back.
 */
#include "store_private.h"

#include <stdlib.h>
#include <string.h>

enum { READERS_MAX = 16 };

#define EVENT_COLUMNS "e.project, e.seq, e.at_ms, e.type, e.body, e.blob_id, " STORE_EVENT_INTACT
#define BLOB_COLUMNS "b.bytes, " STORE_BLOB_INTACT
#define WITH_BLOBS " LEFT JOIN blob AS b ON b.project = e.project AND b.blob_id = e.blob_id"

static const char *const statements_sql[READ_COUNT] = {
    [READ_PROJECT] = "SELECT " EVENT_COLUMNS ", length(b.bytes) FROM event AS e" WITH_BLOBS
                     " WHERE e.project = ?1 AND e.seq > ?2 ORDER BY e.seq",
    [READ_PROJECT_BLOBS] = "SELECT " EVENT_COLUMNS ", " BLOB_COLUMNS " FROM event AS e" WITH_BLOBS
                           " WHERE e.project = ?1 AND e.seq > ?2 ORDER BY e.seq",
    [READ_ALL] = "SELECT " EVENT_COLUMNS ", length(b.bytes) FROM event AS e" WITH_BLOBS
                 " ORDER BY e.position",
    [READ_ALL_BLOBS] = "SELECT " EVENT_COLUMNS ", " BLOB_COLUMNS " FROM event AS e" WITH_BLOBS
                       " ORDER BY e.position",
    [READ_BLOB] = "SELECT " BLOB_COLUMNS " FROM blob AS b WHERE b.project = ?1 AND b.blob_id = ?2",
    [READ_TOKENS] = "SELECT number, name, role, project, created_at_ms, expires_at_ms, "
                    "sha256, " STORE_TOKEN_INTACT " FROM token ORDER BY number",
    [READ_LOGS] =
        "SELECT e.project, (SELECT type FROM event WHERE project = e.project ORDER BY seq DESC "
        "LIMIT 1), count(*), (SELECT count(*) FROM blob WHERE project = e.project), (SELECT "
        "coalesce(sum(length(bytes)), 0) FROM blob WHERE project = e.project) FROM event AS e "
        "GROUP BY e.project ORDER BY e.project",
};

static void reader_free(struct store_reader *reader)
{
    if (!reader)
        return;
    store_statements_finalize(reader->statements, READ_COUNT);
    sqlite3_close(reader->db);
    free(reader);
}

static void reader_freep(struct store_reader **reader)
{
    reader_free(*reader);
}

static int reader_new(const struct store_readers *readers, struct store_reader **ret_reader)
{
    __attribute__((cleanup(reader_freep))) struct store_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return STORE_NO_MEMORY;
    int status = readers->offline ? store_database_open_offline(readers->database_path,
                                                                readers->has_log, &reader->db)
                                  : store_database_open_reader(readers->database_path, &reader->db);
    if (!status)
        status =
            store_statements_prepare(reader->db, statements_sql, READ_COUNT, reader->statements);
    if (status)
        return status;
    *ret_reader = reader;
    reader = NULL;
    return STORE_OK;
}

int store_readers_init(struct store_readers *readers, const char *database_path)
{
    *readers = (struct store_readers){.database_path = database_path};
    if (pthread_mutex_init(&readers->mutex, NULL))
        return STORE_NO_MEMORY;
    if (pthread_cond_init(&readers->returned, NULL)) {
        pthread_mutex_destroy(&readers->mutex);
        return STORE_NO_MEMORY;
    }
    return STORE_OK;
}

void store_readers_deinit(struct store_readers *readers)
{
    while (readers->idle) {
        struct store_reader *reader = readers->idle;
        readers->idle = reader->next;
        reader_free(reader);
    }
    pthread_cond_destroy(&readers->returned);
    pthread_mutex_destroy(&readers->mutex);
}

void store_reader_give_back(struct store_readers *readers, struct store_reader *reader)
{
    pthread_mutex_lock(&readers->mutex);
    if (reader) {
        reader->next = readers->idle;
        readers->idle = reader;
    }
    readers->lent--;
    pthread_cond_signal(&readers->returned);
    pthread_mutex_unlock(&readers->mutex);
}

int store_reader_borrow(struct store_readers *readers, struct store_reader **ret_reader)
{
    pthread_mutex_lock(&readers->mutex);
    while (readers->lent == READERS_MAX)
        pthread_cond_wait(&readers->returned, &readers->mutex);
    readers->lent++;
    struct store_reader *reader = readers->idle;
    if (reader)
        readers->idle = reader->next;
    pthread_mutex_unlock(&readers->mutex);
    if (reader) {
        *ret_reader = reader;
        return STORE_OK;
    }
    int status = reader_new(readers, ret_reader);
    if (status)
        store_reader_give_back(readers, NULL);
    return status;
}

static int bind_texts(sqlite3_stmt *statement, const char *first, const char *second)
{
    int rc = sqlite3_bind_text(statement, 1, first, -1, SQLITE_STATIC);
    return rc == SQLITE_OK && second ? sqlite3_bind_text(statement, 2, second, -1, SQLITE_STATIC)
                                     : rc;
}

static void reset(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

/* A blob of no bytes is NULL to SQLite; here it is told from no blob at all. */
static int column_bytes(sqlite3_stmt *statement, int column, const void **ret_bytes,
                        size_t *ret_length)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    size_t length = (size_t)sqlite3_column_bytes(statement, column);
    if (!bytes && sqlite3_errcode(sqlite3_db_handle(statement)) == SQLITE_NOMEM)
        return STORE_NO_MEMORY;
    *ret_bytes = bytes ? bytes : "";
    *ret_length = length;
    return STORE_OK;
}

static int column_event(sqlite3_stmt *statement, bool with_blobs, struct store_event *ret_event)
{
    struct store_event event = {
        .project = (const char *)sqlite3_column_text(statement, 0),
        .seq = sqlite3_column_int64(statement, 1),
        .at_ms = sqlite3_column_int64(statement, 2),
        .type = (const char *)sqlite3_column_text(statement, 3),
        .body = (const char *)sqlite3_column_text(statement, 4),
        .blob_id = (const char *)sqlite3_column_text(statement, 5),
    };
    if (!event.project || !event.type || !event.body ||
        (!event.blob_id && sqlite3_column_type(statement, 5) != SQLITE_NULL))
        return sqlite3_errcode(sqlite3_db_handle(statement)) == SQLITE_NOMEM ? STORE_NO_MEMORY
                                                                             : STORE_CORRUPT;
    if (!sqlite3_column_int(statement, 6))
        return STORE_CORRUPT;
    if (with_blobs && event.blob_id) {
        if (!sqlite3_column_int(statement, 8)) /* NULL: an event without the blob it names */
            return STORE_CORRUPT;
        int status = column_bytes(statement, 7, &event.blob, &event.blob_bytes);
        if (status)
            return status;
    }
    if (!with_blobs && event.blob_id)
        event.blob_bytes = (size_t)sqlite3_column_int64(statement, 7);
    *ret_event = event;
    return STORE_OK;
}

static int each_event(sqlite3_stmt *statement, bool with_blobs, store_event_fn fn, void *arg)
{
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_event event;
        int status = column_event(statement, with_blobs, &event);
        if (!status)
            status = fn(&event, arg);
        if (status)
            return status;
    }
    return store_status_of_read(rc);
}

int store_read_events(struct store *store, const char *project, int64_t after_seq, bool with_blobs,
                      store_event_fn fn, void *arg)
{
    struct store_reader *reader = NULL;
    if (!project && after_seq != 0)
        return STORE_INVALID;
    int status = store_reader_borrow(&store->readers, &reader);
    if (status)
        return status;
    int rc = SQLITE_OK;
    sqlite3_stmt *statement;
    if (project) {
        statement = reader->statements[with_blobs ? READ_PROJECT_BLOBS : READ_PROJECT];
        rc = bind_texts(statement, project, NULL);
        if (rc == SQLITE_OK)
            rc = sqlite3_bind_int64(statement, 2, after_seq);
    } else {
        statement = reader->statements[with_blobs ? READ_ALL_BLOBS : READ_ALL];
    }
    status =
        rc == SQLITE_OK ? each_event(statement, with_blobs, fn, arg) : store_status_of_read(rc);
    reset(statement);
    store_reader_give_back(&store->readers, reader);
    return status;
}

int store_read_logs(struct store *store, store_log_fn fn, void *arg)
{
    struct store_reader *reader = NULL;
    int status = store_reader_borrow(&store->readers, &reader), rc = SQLITE_DONE;
    if (status)
        return status;
    sqlite3_stmt *statement = reader->statements[READ_LOGS];
    while (!status && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct store_log log = {
            .project = (const char *)sqlite3_column_text(statement, 0),
            .last_type = (const char *)sqlite3_column_text(statement, 1),
            .events = sqlite3_column_int64(statement, 2),
            .blobs = sqlite3_column_int64(statement, 3),
            .blob_bytes = sqlite3_column_int64(statement, 4),
        };
        status = log.project && log.last_type ? fn(&log, arg) : STORE_CORRUPT;
    }
    if (!status)
        status = store_status_of_read(rc);
    reset(statement);
    store_reader_give_back(&store->readers, reader);
    return status;
}

int store_copy_blob(sqlite3_stmt *statement, unsigned char **ret_bytes, size_t *ret_length)
{
    const void *bytes = NULL;
    size_t length = 0;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_DONE)
        return STORE_NOT_FOUND;
    int status =
        rc == SQLITE_ROW ? column_bytes(statement, 0, &bytes, &length) : store_status_of_read(rc);
    if (!status && !sqlite3_column_int(statement, 1))
        status = STORE_CORRUPT;
    if (status)
        return status;
    unsigned char *copy = malloc(length ? length : 1);
    if (!copy)
        return STORE_NO_MEMORY;
    if (length)
        memcpy(copy, bytes, length);
    *ret_bytes = copy;
    *ret_length = length;
    return STORE_OK;
}

int store_read_blob(struct store *store, const char *project, const char *blob_id,
                    unsigned char **ret_bytes, size_t *ret_length)
{
    struct store_reader *reader = NULL;
    if (!project || !blob_id)
        return STORE_INVALID;
    int status = store_reader_borrow(&store->readers, &reader);
    if (status)
        return status;
    sqlite3_stmt *statement = reader->statements[READ_BLOB];
    int rc = bind_texts(statement, project, blob_id);
    status = rc == SQLITE_OK ? store_copy_blob(statement, ret_bytes, ret_length)
                             : store_status_of_read(rc);
    reset(statement);
    store_reader_give_back(&store->readers, reader);
    return status;
}
