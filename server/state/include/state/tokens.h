/* Who may use the server: every token, in memory.
 *
 * Each request asks, so it must not wait for the writer or the disk: readers take a reference to an
 * immutable table. The writer thread makes a new table for a change, and the table is swapped in
 * after the commit, like a project's view. A revoked token is refused from the next request on.
 *
 * Number 0 is the token of the file admin.token. It is in no database: whoever can read the file is
 * the machine's owner, and stays administrator whatever happens to the other tokens.
 */
#ifndef STATE_TOKENS_H
#define STATE_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <proto/token.h>
#include <proto/wire.h>

struct state;
struct store_tx;

#define STATE_TOKENS_MAX 4096 /* bounds the table that is copied for each change */

struct token {
    int64_t number;
    char name[PROTO_KEY_MAX_BYTES + 1];
    char project[PROTO_KEY_MAX_BYTES + 1]; /* "": all */
    int role;                              /* enum proto_role */
    int64_t created_ms;
    int64_t expires_ms; /* INT64_MAX: never */
    uint8_t sha256[PROTO_TOKEN_DIGEST_BYTES];
};

struct token_table {
    size_t refs; /* under the lock of whoever owns the table */
    size_t count;
    struct token items[]; /* by number */
};

/* NULL: not there. */
const struct token *token_table_find(const struct token_table *table, int64_t number);
/* The token of that name that has not expired; NULL: none. */
const struct token *token_table_find_name(const struct token_table *table, const char *name,
                                          int64_t now_ms);
/* The token whose text this is; NULL: it is none of these. Takes the same time wherever a wrong
 * text differs from the right one. */
const struct token *token_table_check(const struct token_table *table, const char *text);

/* The newest durable table, to be given back; any thread. */
struct token_table *state_tokens(struct state *state);
void state_tokens_unref(struct state *state, struct token_table *table);

/* PROTO_CODE_TOKEN_NOT_FOUND, in words. */
enum proto_code state_no_token(const char *id, struct proto_error *ret_error);

/* Inside a store_write body. Statuses as in project.h. token: all but its number, which is
 * returned, and its hash, which follows from the number and the secret. */
__attribute__((warn_unused_result)) int
state_token_create(struct state *state, struct store_tx *tx, const struct token *token,
                   const uint8_t secret[PROTO_TOKEN_SECRET_BYTES],
                   char ret_text[PROTO_TOKEN_TEXT_BYTES], int64_t *ret_number,
                   struct proto_error *ret_error);
__attribute__((warn_unused_result)) int state_token_delete(struct state *state, struct store_tx *tx,
                                                           const char *id,
                                                           struct proto_error *ret_error);

#endif
