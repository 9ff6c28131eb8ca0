/* GET /v1/tokens/{token} */
#include "verbs.h"

static char *format_time(struct api_ctx *ctx, int64_t at_ms)
{
    char *text = proto_arena_alloc(ctx->arena, CLOCK_TEXT_BYTES, 1);

    if (text)
        clock_format(at_ms, text);
    return text;
}

int api_describe_token(struct api_ctx *ctx, const struct token *token,
                       struct proto_token *ret_token)
{
    bool has_start = token->number > 0, ends = token->expires_ms != INT64_MAX;
    char *id = proto_arena_alloc(ctx->arena, PROTO_TOKEN_ID_BYTES, 1);

    *ret_token = (struct proto_token){
        .id = id,
        .name = proto_arena_strdup(ctx->arena, token->name),
        .role = token->role,
        .project = *token->project ? proto_arena_strdup(ctx->arena, token->project) : NULL,
        .created_at = has_start ? format_time(ctx, token->created_ms) : NULL,
        .expires_at = ends ? format_time(ctx, token->expires_ms) : NULL,
        .state =
            token->expires_ms > state_now_ms(ctx->state) ? PROTO_TOKEN_LIVE : PROTO_TOKEN_EXPIRED,
    };
    if (!id || !ret_token->name || (*token->project && !ret_token->project) ||
        (has_start && !ret_token->created_at) || (ends && !ret_token->expires_at))
        return -1;
    proto_token_id(token->number, id);
    return 0;
}

enum proto_code api_token_get(struct api_ctx *ctx, const void *request, void *response)
{
    struct token_table *table = state_tokens(ctx->state);
    int64_t number;
    const struct token *token =
        proto_token_parse_id(ctx->params[0], &number) ? token_table_find(table, number) : NULL;
    enum proto_code code = PROTO_CODE_OK;

    (void)request;
    if (!token)
        code = state_no_token(ctx->params[0], &ctx->error);
    else if (api_describe_token(ctx, token, response))
        code = api_no_memory(ctx);
    state_tokens_unref(ctx->state, table);
    return code;
}
