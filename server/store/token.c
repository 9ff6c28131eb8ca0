/* The table of access tokens: small, and read once, at the start. sql/0002_token.sql says what its
 * columns are. */
#include "store_private.h"

enum { DIGEST_BYTES = 32 };

int store_tx_token_next(struct store_tx *tx, int64_t *ret_number)
{
    int64_t last = 0;

    if (tx->status)
        return tx->status;
    /* The table remembers the largest number it ever had, whatever has been deleted since. */
    if (store_tx_finish_number(tx, tx->statements[TX_TOKEN_NEXT], SQLITE_OK, &last))
        return tx->status;
    *ret_number = last + 1;
    return STORE_OK;
}

static int bind_token(sqlite3_stmt *statement, const struct store_token *token)
{
    int rc = sqlite3_bind_int64(statement, 1, token->number);

    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(statement, 2, token->name, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(statement, 3, token->role, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK) /* NULL binds NULL */
        rc = sqlite3_bind_text(statement, 4, token->project, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 5, token->created_at_ms);
    if (rc == SQLITE_OK && token->expires_at_ms != INT64_MAX)
        rc = sqlite3_bind_int64(statement, 6, token->expires_at_ms);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_blob(statement, 7, token->sha256, DIGEST_BYTES, SQLITE_STATIC);
    return rc;
}

int store_tx_token_add(struct store_tx *tx, const struct store_token *token)
{
    sqlite3_stmt *statement = tx->statements[TX_TOKEN_INSERT];
    int64_t next = 0;

    if (store_tx_token_next(tx, &next))
        return tx->status;
    if (token->number != next || !token->name || !*token->name || !token->role || !*token->role ||
        !token->sha256)
        return store_tx_fail(tx, STORE_INVALID, SQLITE_OK);
    return store_tx_finish(tx, statement, bind_token(statement, token));
}

int store_tx_token_delete(struct store_tx *tx, int64_t number)
{
    sqlite3_stmt *statement = tx->statements[TX_TOKEN_DELETE];

    if (tx->status)
        return tx->status;
    return store_tx_finish(tx, statement, sqlite3_bind_int64(statement, 1, number));
}

static int column_token(sqlite3_stmt *statement, struct store_token *ret_token)
{
    struct store_token token = {
        .number = sqlite3_column_int64(statement, 0),
        .name = (const char *)sqlite3_column_text(statement, 1),
        .role = (const char *)sqlite3_column_text(statement, 2),
        .project = (const char *)sqlite3_column_text(statement, 3),
        .created_at_ms = sqlite3_column_int64(statement, 4),
        .expires_at_ms = sqlite3_column_int64(statement, 5),
        .sha256 = sqlite3_column_blob(statement, 6),
    };

    if (sqlite3_column_type(statement, 5) == SQLITE_NULL)
        token.expires_at_ms = INT64_MAX;
    if (!token.name || !token.role || !token.sha256 ||
        sqlite3_column_bytes(statement, 6) != DIGEST_BYTES ||
        (!token.project && sqlite3_column_type(statement, 3) != SQLITE_NULL))
        return sqlite3_errcode(sqlite3_db_handle(statement)) == SQLITE_NOMEM ? STORE_NO_MEMORY
                                                                             : STORE_CORRUPT;
    if (!sqlite3_column_int(statement, 7))
        return STORE_CORRUPT;
    *ret_token = token;
    return STORE_OK;
}

int store_read_tokens(struct store *store, store_token_fn fn, void *arg)
{
    struct store_reader *reader = NULL;
    int status = store_reader_borrow(&store->readers, &reader), rc = SQLITE_ROW;

    if (status)
        return status;
    sqlite3_stmt *statement = reader->statements[READ_TOKENS];
    while (!status && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_token token;

        status = column_token(statement, &token);
        if (!status)
            status = fn(&token, arg);
    }
    if (!status)
        status = store_status_of_read(rc);
    sqlite3_reset(statement);
    store_reader_give_back(&store->readers, reader);
    return status;
}
