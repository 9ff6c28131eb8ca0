/* The statements of an open transaction. All run on the writer thread.
 *
 * The first failure sticks: SQLite may already have rolled everything back by itself (a full disk),
 * so a body that went on as if nothing had happened would write outside its transaction. The writer
 * looks at tx->status, not only at the body's answer.
 */
#include "store_private.h"

#include <stdlib.h>
#include <string.h>

static const char *const statements_sql[TX_STATEMENT_COUNT] = {
    [TX_LAST_SEQ] = "SELECT max(seq) FROM event WHERE project = ?1",
    [TX_EVENT_INSERT] = "INSERT INTO event (project, seq, at_ms, type, body, blob_id, checksum) "
                        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, row_checksum(?1, ?2, ?3, ?4, ?5, ?6))",
    [TX_BLOB_INSERT] = "INSERT INTO blob (project, blob_id, bytes, checksum) "
                       "VALUES (?1, ?2, ?3, row_checksum(?1, ?2, ?3)) ON CONFLICT DO NOTHING",
    [TX_BLOB_SELECT] =
        "SELECT bytes, " STORE_BLOB_INTACT " FROM blob AS b WHERE project = ?1 AND blob_id = ?2",
    [TX_BLOB_EQUAL] = "SELECT bytes = ?3 FROM blob WHERE project = ?1 AND blob_id = ?2",
    [TX_REPLY_INSERT] =
        "INSERT INTO reply (owner, key, at_ms, request_sha256, status, content_type, body, "
        "checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, row_checksum(?1, ?2, ?3, ?4, ?5, ?6, ?7))",
    [TX_REPLY_SELECT] =
        "SELECT request_sha256, status, content_type, body, " STORE_REPLY_INTACT " FROM reply "
        "WHERE owner = ?1 AND key = ?2",
    [TX_REPLY_DELETE] = "DELETE FROM reply WHERE owner = ?1 AND key = ?2",
    [TX_REPLY_EXPIRE] = "DELETE FROM reply WHERE at_ms < ?1",
    [TX_TOKEN_NEXT] = "SELECT seq FROM sqlite_sequence WHERE name = 'token'",
    [TX_TOKEN_INSERT] =
        "INSERT INTO token (number, name, role, project, created_at_ms, expires_at_ms, sha256, "
        "checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, row_checksum(?1, ?2, ?3, ?4, ?5, ?6, ?7))",
    [TX_TOKEN_DELETE] = "DELETE FROM token WHERE number = ?1",
};

struct store_tx_memory {
    struct store_tx_memory *next;
    char bytes[];
};

int store_tx_init(struct store_tx *tx, sqlite3 *db)
{
    *tx = (struct store_tx){.db = db};
    return store_statements_prepare(db, statements_sql, TX_STATEMENT_COUNT, tx->statements);
}

void store_tx_deinit(struct store_tx *tx)
{
    store_tx_end_body(tx);
    store_statements_finalize(tx->statements, TX_STATEMENT_COUNT);
}

void store_tx_begin(struct store_tx *tx)
{
    tx->status = STORE_OK;
    tx->sqlite_code = SQLITE_OK;
    tx->blob_bytes = 0;
}

void store_tx_end_body(struct store_tx *tx)
{
    while (tx->replies) {
        struct store_tx_memory *memory = tx->replies;
        tx->replies = memory->next;
        free(memory);
    }
}

int store_tx_fail(struct store_tx *tx, int status, int sqlite_code)
{
    if (!tx->status) {
        tx->status = status;
        tx->sqlite_code = sqlite_code;
    }
    return tx->status;
}

static int fail_sqlite(struct store_tx *tx, int sqlite_code)
{
    return store_tx_fail(tx, store_status_of_write(sqlite_code), sqlite_code);
}

static int bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    /* NULL binds NULL */
    return sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

static int bind_bytes(sqlite3_stmt *statement, int index, const void *bytes, size_t length)
{
    return sqlite3_bind_blob64(statement, index, bytes, length, SQLITE_STATIC);
}

static void reset(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

/* For statements without rows. Whatever bind or step answered last is the outcome. */
int store_tx_finish(struct store_tx *tx, sqlite3_stmt *statement, int rc)
{
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    reset(statement);
    return rc == SQLITE_DONE ? STORE_OK : fail_sqlite(tx, rc);
}

/* For statements with one row of one number. NULL and no row give 0. */
int store_tx_finish_number(struct store_tx *tx, sqlite3_stmt *statement, int rc,
                           int64_t *ret_number)
{
    int64_t number = 0;
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) {
        number = sqlite3_column_int64(statement, 0);
        rc = SQLITE_DONE;
    }
    reset(statement);
    if (rc != SQLITE_DONE)
        return fail_sqlite(tx, rc);
    *ret_number = number;
    return STORE_OK;
}

static bool text_is_within(const char *text)
{
    return text && strnlen(text, (size_t)STORE_TEXT_MAX_BYTES + 1) <= STORE_TEXT_MAX_BYTES;
}

static bool event_is_valid(const struct store_event *event)
{
    if (!text_is_within(event->project) || !*event->project || event->seq < 1 ||
        !text_is_within(event->type) || !*event->type || !text_is_within(event->body))
        return false;
    if (event->blob_id && (!text_is_within(event->blob_id) || !*event->blob_id))
        return false;
    return event->blob ? event->blob_id && event->blob_bytes <= STORE_BLOB_MAX_BYTES
                       : event->blob_bytes == 0;
}

static int last_seq(struct store_tx *tx, const char *project, int64_t *ret_seq)
{
    sqlite3_stmt *statement = tx->statements[TX_LAST_SEQ];
    return store_tx_finish_number(tx, statement, bind_text(statement, 1, project), ret_seq);
}

static int bind_blob(sqlite3_stmt *statement, const struct store_event *event)
{
    int rc = bind_text(statement, 1, event->project);
    if (rc == SQLITE_OK)
        rc = bind_text(statement, 2, event->blob_id);
    if (rc == SQLITE_OK)
        rc = bind_bytes(statement, 3, event->blob, event->blob_bytes);
    return rc;
}

static int put_blob(struct store_tx *tx, const struct store_event *event)
{
    int64_t equal = 0;
    sqlite3_stmt *insert = tx->statements[TX_BLOB_INSERT];
    sqlite3_stmt *compare = tx->statements[TX_BLOB_EQUAL];
    tx->blob_bytes += event->blob_bytes;
    if (store_tx_finish(tx, insert, bind_blob(insert, event)))
        return tx->status;
    if (sqlite3_changes(tx->db) == 1)
        return STORE_OK;
    if (store_tx_finish_number(tx, compare, bind_blob(compare, event), &equal))
        return tx->status;
    return equal ? STORE_OK : store_tx_fail(tx, STORE_INVALID, SQLITE_OK);
}

static int put_event(struct store_tx *tx, const struct store_event *event)
{
    sqlite3_stmt *statement = tx->statements[TX_EVENT_INSERT];
    int rc = bind_text(statement, 1, event->project);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 2, event->seq);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 3, event->at_ms);
    if (rc == SQLITE_OK)
        rc = bind_text(statement, 4, event->type);
    if (rc == SQLITE_OK)
        rc = bind_text(statement, 5, event->body);
    if (rc == SQLITE_OK)
        rc = bind_text(statement, 6, event->blob_id);
    return store_tx_finish(tx, statement, rc);
}

int store_tx_append(struct store_tx *tx, const struct store_event *event)
{
    int64_t seq = 0;
    if (tx->status)
        return tx->status;
    if (!event_is_valid(event))
        return store_tx_fail(tx, STORE_INVALID, SQLITE_OK);
    if (last_seq(tx, event->project, &seq))
        return tx->status;
    if (event->seq - 1 != seq)
        return store_tx_fail(tx, STORE_INVALID, SQLITE_OK);
    if (event->blob && put_blob(tx, event))
        return tx->status;
    return put_event(tx, event);
}

static bool reply_is_valid(const char *owner, const char *key, const struct store_reply *reply)
{
    return text_is_within(owner) && text_is_within(key) && text_is_within(reply->request_sha256) &&
           (!reply->content_type || text_is_within(reply->content_type)) &&
           (reply->body ? reply->body_bytes <= STORE_TEXT_MAX_BYTES : reply->body_bytes == 0);
}

int store_tx_reply_put(struct store_tx *tx, const char *owner, const char *key, int64_t at_ms,
                       const struct store_reply *reply)
{
    sqlite3_stmt *statement = tx->statements[TX_REPLY_INSERT];
    if (tx->status)
        return tx->status;
    if (!reply_is_valid(owner, key, reply))
        return store_tx_fail(tx, STORE_INVALID, SQLITE_OK);
    int rc = bind_text(statement, 1, owner);
    if (rc == SQLITE_OK)
        rc = bind_text(statement, 2, key);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 3, at_ms);
    if (rc == SQLITE_OK)
        rc = bind_text(statement, 4, reply->request_sha256);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int(statement, 5, reply->status);
    if (rc == SQLITE_OK)
        rc = bind_text(statement, 6, reply->content_type);
    if (rc == SQLITE_OK)
        rc = bind_bytes(statement, 7, reply->body, reply->body_bytes);
    return store_tx_finish(tx, statement, rc);
}

/* Copies a column, with a zero behind it, to memory that lives as long as the body. NULL gives
 * NULL. */
static int keep_column(struct store_tx *tx, sqlite3_stmt *statement, int column,
                       const char **ret_bytes, size_t *ret_length)
{
    if (sqlite3_column_type(statement, column) == SQLITE_NULL) {
        *ret_bytes = NULL;
        *ret_length = 0;
        return STORE_OK;
    }
    const void *bytes = sqlite3_column_blob(statement, column);
    size_t length = (size_t)sqlite3_column_bytes(statement, column);
    if (!bytes && length)
        return store_tx_fail(tx, STORE_NO_MEMORY, SQLITE_NOMEM);
    struct store_tx_memory *memory = malloc(sizeof(*memory) + length + 1);
    if (!memory)
        return store_tx_fail(tx, STORE_NO_MEMORY, SQLITE_NOMEM);
    if (length)
        memcpy(memory->bytes, bytes, length);
    memory->bytes[length] = '\0';
    memory->next = tx->replies;
    tx->replies = memory;
    *ret_bytes = memory->bytes;
    *ret_length = length;
    return STORE_OK;
}

static int keep_reply(struct store_tx *tx, sqlite3_stmt *statement, struct store_reply *ret_reply)
{
    size_t length = 0;
    struct store_reply reply = {.status = sqlite3_column_int(statement, 1)};
    if (!sqlite3_column_int(statement, 4))
        return STORE_REPLY_DAMAGED;
    if (keep_column(tx, statement, 0, &reply.request_sha256, &length) ||
        keep_column(tx, statement, 2, &reply.content_type, &length) ||
        keep_column(tx, statement, 3, &reply.body, &reply.body_bytes))
        return tx->status;
    *ret_reply = reply;
    return STORE_OK;
}

int store_tx_reply_get(struct store_tx *tx, const char *owner, const char *key,
                       struct store_reply *ret_reply)
{
    sqlite3_stmt *statement = tx->statements[TX_REPLY_SELECT];
    if (tx->status)
        return tx->status;
    if (!text_is_within(owner) || !text_is_within(key))
        return store_tx_fail(tx, STORE_INVALID, SQLITE_OK);
    int status = STORE_NOT_FOUND;
    int rc = bind_text(statement, 1, owner);
    if (rc == SQLITE_OK)
        rc = bind_text(statement, 2, key);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        status = keep_reply(tx, statement, ret_reply);
    else if (rc != SQLITE_DONE)
        status = fail_sqlite(tx, rc);
    reset(statement);
    return status;
}

int store_tx_reply_delete(struct store_tx *tx, const char *owner, const char *key)
{
    sqlite3_stmt *statement = tx->statements[TX_REPLY_DELETE];
    if (tx->status)
        return tx->status;
    if (!text_is_within(owner) || !text_is_within(key))
        return store_tx_fail(tx, STORE_INVALID, SQLITE_OK);
    int rc = bind_text(statement, 1, owner);
    if (rc == SQLITE_OK)
        rc = bind_text(statement, 2, key);
    return store_tx_finish(tx, statement, rc);
}

int store_tx_read_blob(struct store_tx *tx, const char *project, const char *blob_id,
                       unsigned char **ret_bytes, size_t *ret_length)
{
    sqlite3_stmt *statement = tx->statements[TX_BLOB_SELECT];
    if (tx->status)
        return tx->status;
    if (!project || !blob_id)
        return store_tx_fail(tx, STORE_INVALID, SQLITE_OK);
    int rc = bind_text(statement, 1, project);
    if (rc == SQLITE_OK)
        rc = bind_text(statement, 2, blob_id);
    int status =
        rc == SQLITE_OK ? store_copy_blob(statement, ret_bytes, ret_length) : fail_sqlite(tx, rc);
    reset(statement);
    return status;
}

int store_tx_reply_expire(struct store_tx *tx, int64_t at_ms)
{
    sqlite3_stmt *statement = tx->statements[TX_REPLY_EXPIRE];
    if (tx->status)
        return tx->status;
    return store_tx_finish(tx, statement, sqlite3_bind_int64(statement, 1, at_ms));
}
