/* POST /v1/tokens: the secret is drawn here and told in this one answer. */
#include <stdio.h>
#include <sys/random.h>

#include <proto/time.h>
#include <store/store.h>

#include "verbs.h"

void api_token_create_defaults(struct api_ctx *ctx, void *request)
{
    (void)ctx;
    proto_token_defaults(request);
}

/* When the token ends, INT64_MAX: never. */
static enum proto_code find_end(struct api_ctx *ctx, const struct proto_token *asked,
                                int64_t now_ms, int64_t *ret_expires_ms)
{
    int64_t expires_ms = INT64_MAX;

    if (asked->expires_in_s != PROTO_INT_NULL)
        expires_ms = now_ms + 1000 * asked->expires_in_s;
    else if (asked->expires_at && proto_time_read(asked->expires_at, &expires_ms) < 0)
        return proto_error_set(&ctx->error, PROTO_CODE_INVALID_FIELD, "/expires_at",
                               "expires_at is no RFC 3339 time, such as 2027-01-31T12:00:00Z.");
    if (expires_ms <= now_ms)
        return proto_error_set(&ctx->error, PROTO_CODE_INVALID_FIELD, "/expires_at",
                               "expires_at is in the past.");
    *ret_expires_ms = expires_ms;
    return PROTO_CODE_OK;
}

static enum proto_code check_project(struct api_ctx *ctx, const char *project)
{
    struct view *view = project ? state_view(ctx->state, project) : NULL;

    if (project && !view)
        return proto_error_set(&ctx->error, PROTO_CODE_INVALID_FIELD, "/project",
                               "There is no project %.64s; null is for all projects.", project);
    view_unref(view);
    return PROTO_CODE_OK;
}

enum proto_code api_token_create(struct api_ctx *ctx, const void *request, void *response)
{
    const struct proto_token *asked = request;
    struct token token = {.role = asked->role, .created_ms = state_now_ms(ctx->state)};
    char *text = proto_arena_alloc(ctx->arena, PROTO_TOKEN_TEXT_BYTES, 1);
    uint8_t secret[PROTO_TOKEN_SECRET_BYTES];
    enum proto_code code = check_project(ctx, asked->project);

    if (!code)
        code = find_end(ctx, asked, token.created_ms, &token.expires_ms);
    if (code)
        return code;
    if (!text || getrandom(secret, sizeof secret, 0) != sizeof secret)
        return api_no_memory(ctx);
    snprintf(token.name, sizeof token.name, "%s", asked->name);
    snprintf(token.project, sizeof token.project, "%s", asked->project ? asked->project : "");
    code = api_status(ctx, state_token_create(ctx->state, ctx->tx, &token, secret, text,
                                              &token.number, &ctx->error));
    if (!code && api_describe_token(ctx, &token, response))
        code = api_status(ctx, STORE_NO_MEMORY);
    if (code)
        return code;
    ((struct proto_token *)response)->token = text;
    ctx->status = API_CREATED;
    return PROTO_CODE_OK;
}
