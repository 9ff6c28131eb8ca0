/* GET /v1/tokens: oldest first, the token of the file admin.token before all. */
#include "verbs.h"

static enum proto_code fill_page(struct api_ctx *ctx, const struct token_table *table,
                                 struct proto_token_list *list)
{
    size_t limit = (size_t)ctx->limit, count = 0;
    struct proto_token *items = proto_arena_alloc(ctx->arena, limit, sizeof *items);
    int64_t after = -1;

    if (!items)
        return api_no_memory(ctx);
    if (ctx->cursor)
        (void)proto_token_parse_id(ctx->cursor, &after);
    list->tokens.items = items;
    for (size_t i = 0; i < table->count; i++) {
        if (table->items[i].number <= after)
            continue;
        if (count == limit) {
            list->next_cursor = items[count - 1].id;
            break;
        }
        if (api_describe_token(ctx, &table->items[i], &items[count]))
            return api_no_memory(ctx);
        list->tokens.count = ++count;
    }
    return PROTO_CODE_OK;
}

enum proto_code api_token_list(struct api_ctx *ctx, const void *request, void *response)
{
    struct token_table *table;
    enum proto_code code;

    (void)request;
    if (api_check_cursor(ctx, 't'))
        return ctx->error.code;
    table = state_tokens(ctx->state);
    code = fill_page(ctx, table, response);
    state_tokens_unref(ctx->state, table);
    return code;
}
