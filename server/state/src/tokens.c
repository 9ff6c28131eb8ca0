/* The table of tokens: read at the start, copied for a change, swapped in after the commit. */
#include "tokens.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proto/token.h>
#include <store/store.h>

#include "registry.h"

/* Room for that many tokens. NULL: out of memory; then the table is as it was. */
static struct token_table *table_resize(struct token_table *table, size_t capacity)
{
    size_t bytes;

    if (__builtin_mul_overflow(capacity, sizeof table->items[0], &bytes) ||
        __builtin_add_overflow(bytes, sizeof *table, &bytes))
        return NULL;
    return realloc(table, bytes);
}

static struct token_table *table_new(size_t count)
{
    struct token_table *table = table_resize(NULL, count ? count : 1);

    if (table) {
        memset(table->items, 0, count * sizeof table->items[0]);
        table->refs = 1;
        table->count = count;
    }
    return table;
}

static void copy_key(char target[PROTO_KEY_MAX_BYTES + 1], const char *text)
{
    snprintf(target, PROTO_KEY_MAX_BYTES + 1, "%s", text ? text : "");
}

static int role_of(const char *name)
{
    for (int role = 0; proto_role_names[role]; role++)
        if (!strcmp(proto_role_names[role], name))
            return role;
    return -1;
}

/* A table like `from` with room for one token more, which is the last. */
static struct token_table *table_with_one_more(const struct token_table *from)
{
    struct token_table *table = table_new(from->count + 1);

    if (table)
        memcpy(table->items, from->items, from->count * sizeof from->items[0]);
    return table;
}

struct reading {
    struct token_table *table;
    size_t capacity;
};

static struct token *reading_add(struct reading *reading)
{
    struct token_table *table = reading->table;

    if (table->count == reading->capacity) {
        table = table_resize(table, 2 * reading->capacity);
        if (!table)
            return NULL;
        reading->table = table;
        reading->capacity *= 2;
    }
    table->items[table->count] = (struct token){0};
    return &table->items[table->count++];
}

static int read_token(const struct store_token *stored, void *arg)
{
    int role = role_of(stored->role);
    struct token *token = role < 0 ? NULL : reading_add(arg);

    if (!token)
        return role < 0 ? STORE_CORRUPT : STORE_NO_MEMORY;
    token->number = stored->number;
    copy_key(token->name, stored->name);
    copy_key(token->project, stored->project);
    token->role = role;
    token->created_ms = stored->created_at_ms;
    token->expires_ms = stored->expires_at_ms;
    memcpy(token->sha256, stored->sha256, sizeof token->sha256);
    return 0;
}

int tokens_init(struct tokens *tokens, struct store *store, const char *admin_token)
{
    struct reading reading = {table_new(admin_token ? 1 : 0), 1};
    int status;

    *tokens = (struct tokens){0};
    pthread_mutex_init(&tokens->mutex, NULL);
    if (!reading.table)
        return STORE_NO_MEMORY;
    if (admin_token) {
        struct token *admin = &reading.table->items[0];

        copy_key(admin->name, proto_role_names[PROTO_ROLE_ADMIN]);
        admin->role = PROTO_ROLE_ADMIN;
        admin->expires_ms = INT64_MAX;
        proto_token_digest(admin_token, admin->sha256);
    }
    status = store_read_tokens(store, read_token, &reading);
    tokens->current = reading.table;
    return status;
}

void tokens_deinit(struct tokens *tokens)
{
    free(tokens->current);
    free(tokens->draft);
    pthread_mutex_destroy(&tokens->mutex);
}

struct token_table *state_tokens(struct state *state)
{
    struct token_table *table;

    pthread_mutex_lock(&state->tokens.mutex);
    table = state->tokens.current;
    table->refs++;
    pthread_mutex_unlock(&state->tokens.mutex);
    return table;
}

void state_tokens_unref(struct state *state, struct token_table *table)
{
    size_t left;

    pthread_mutex_lock(&state->tokens.mutex);
    left = --table->refs;
    pthread_mutex_unlock(&state->tokens.mutex);
    if (left == 0)
        free(table);
}

__attribute__((format(printf, 2, 3))) static void tell(const struct state *state,
                                                       const char *format, ...)
{
    char line[320];
    va_list arguments;

    if (!state->config.log)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    state->config.log(line, state->config.log_arg);
}

static void tell_difference(const struct state *state, const struct token_table *old,
                            const struct token_table *new)
{
    char id[PROTO_TOKEN_ID_BYTES];

    for (size_t i = 0; i < old->count; i++) {
        proto_token_id(old->items[i].number, id);
        if (!token_table_find(new, old->items[i].number))
            tell(state, "token %s (%s) has been revoked", id, old->items[i].name);
    }
    for (size_t i = 0; i < new->count; i++) {
        const struct token *token = &new->items[i];

        proto_token_id(token->number, id);
        if (!token_table_find(old, token->number))
            tell(state, "token %s (%s) has been made: %s, project %s", id, token->name,
                 proto_role_names[token->role], *token->project ? token->project : "any");
    }
}

void tokens_committed(struct state *state)
{
    struct tokens *tokens = &state->tokens;
    struct token_table *old = tokens->current;

    if (!tokens->draft)
        return;
    pthread_mutex_lock(&tokens->mutex);
    tokens->current = tokens->draft;
    pthread_mutex_unlock(&tokens->mutex);
    tokens->draft = NULL;
    tell_difference(state, old, tokens->current);
    state_tokens_unref(state, old);
}

void tokens_rolled_back(struct state *state)
{
    free(state->tokens.draft);
    state->tokens.draft = NULL;
}

/* As this transaction sees it. The writer alone swaps `current`, so it may read it without lock. */
static const struct token_table *working_table(const struct state *state)
{
    return state->tokens.draft ? state->tokens.draft : state->tokens.current;
}

static void set_draft(struct state *state, struct token_table *table)
{
    free(state->tokens.draft);
    state->tokens.draft = table;
}

/* An expired token's name is free again, and takes the token along. */
static int remove_number(struct state *state, struct store_tx *tx, int64_t number)
{
    const struct token_table *from = working_table(state);
    struct token_table *table = table_new(from->count - 1);
    size_t kept = 0;
    int status;

    if (!table)
        return STORE_NO_MEMORY;
    for (size_t i = 0; i < from->count; i++)
        if (from->items[i].number != number)
            table->items[kept++] = from->items[i];
    status = store_tx_token_delete(tx, number);
    if (status) {
        free(table);
        return status;
    }
    set_draft(state, table);
    return 0;
}

static int check_room(const struct state *state, const struct token *token, int64_t now_ms,
                      struct proto_error *ret_error)
{
    const struct token_table *table = working_table(state);
    /* One of that name whose time is up goes first. */
    bool gives_way = token_table_find_name(table, token->name, INT64_MIN) != NULL;

    if (token_table_find_name(table, token->name, now_ms))
        return (int)proto_error_set(ret_error, PROTO_CODE_TOKEN_EXISTS, "/name",
                                    "A token %s exists; revoke it or take another name.",
                                    token->name);
    if (table->count - gives_way >= STATE_TOKENS_MAX)
        return (int)proto_error_set(ret_error, PROTO_CODE_TOO_MANY_TOKENS, "",
                                    "There are %zu tokens; revoke those that are not used.",
                                    table->count);
    return 0;
}

static int drop_expired_of_name(struct state *state, struct store_tx *tx, const char *name)
{
    const struct token *old = token_table_find_name(working_table(state), name, INT64_MIN);

    return old ? remove_number(state, tx, old->number) : 0;
}

static int store_token(struct store_tx *tx, const struct token *token)
{
    return store_tx_token_add(
        tx, &(struct store_token){.number = token->number,
                                  .name = token->name,
                                  .role = proto_role_names[token->role],
                                  .project = *token->project ? token->project : NULL,
                                  .created_at_ms = token->created_ms,
                                  .expires_at_ms = token->expires_ms,
                                  .sha256 = token->sha256});
}

int state_token_create(struct state *state, struct store_tx *tx, const struct token *token,
                       const uint8_t secret[PROTO_TOKEN_SECRET_BYTES],
                       char ret_text[PROTO_TOKEN_TEXT_BYTES], int64_t *ret_number,
                       struct proto_error *ret_error)
{
    int status = check_room(state, token, token->created_ms, ret_error);
    struct token_table *table;
    struct token *added;
    int64_t number = 0;

    if (!status)
        status = drop_expired_of_name(state, tx, token->name);
    if (!status)
        status = store_tx_token_next(tx, &number);
    if (status)
        return status;
    table = table_with_one_more(working_table(state));
    if (!table)
        return STORE_NO_MEMORY;
    added = &table->items[table->count - 1];
    *added = *token;
    added->number = number;
    proto_token_write(number, secret, ret_text);
    proto_token_digest(ret_text, added->sha256);
    status = store_token(tx, added);
    if (status) {
        free(table);
        return status;
    }
    set_draft(state, table);
    *ret_number = number;
    return 0;
}

enum proto_code state_no_token(const char *id, struct proto_error *ret_error)
{
    int64_t number;

    /* Only an id is repeated: who takes the token itself for its id must not read it in a log. */
    return proto_error_set(ret_error, PROTO_CODE_TOKEN_NOT_FOUND, "",
                           "There is no token %s; GET /v1/tokens lists them.",
                           proto_token_parse_id(id, &number) ? id : "of that id");
}

int state_token_delete(struct state *state, struct store_tx *tx, const char *id,
                       struct proto_error *ret_error)
{
    int64_t number;

    if (!proto_token_parse_id(id, &number) || !token_table_find(working_table(state), number))
        return (int)state_no_token(id, ret_error);
    if (number == 0)
        return (int)proto_error_set(ret_error, PROTO_CODE_LAST_ADMIN, "",
                                    "This is the token of the file admin.token: to replace it, "
                                    "delete the file and start the server again.");
    return remove_number(state, tx, number);
}
