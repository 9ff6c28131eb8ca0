/* Who asks, and whether the route is for them.
 *
 * In this order: is there a token, is it good, may it reach the project, may its role use the
 * route. A project that a token may not reach does not exist for it: the same answer as for one
 * that never was, so that nobody finds out names by asking.
 */
#include <string.h>

#include "verbs.h"

#define PROJECT_PREFIX "/v1/projects/{project}"

/* Copies: the table may be another one by the time the name is needed. */
static void set_principal(struct api_principal *who, const struct token *token)
{
    proto_token_id(token->number, who->id);
    memcpy(who->name, token->name, sizeof who->name);
    memcpy(who->project, token->project, sizeof who->project);
    who->role = token->role;
}

static enum proto_code identify(struct api_ctx *ctx, const char *bearer)
{
    struct token_table *table = state_tokens(ctx->state);
    const struct token *token = token_table_check(table, bearer);
    bool expired = token && token->expires_ms <= state_now_ms(ctx->state);

    if (token)
        set_principal(&ctx->principal, token);
    state_tokens_unref(ctx->state, table);
    if (!token)
        return proto_error_set(&ctx->error, PROTO_CODE_UNAUTHORIZED, "",
                               "The token is none of this server's, or it has been revoked.");
    if (expired)
        return proto_error_set(&ctx->error, PROTO_CODE_TOKEN_EXPIRED, "",
                               "The token %s has expired; an administrator can make another.",
                               ctx->principal.name);
    return PROTO_CODE_OK;
}

static enum proto_code check_reach(struct api_ctx *ctx, const struct api_route *route)
{
    bool of_project = !strncmp(route->template, PROJECT_PREFIX, strlen(PROJECT_PREFIX));

    if (!*ctx->principal.project || route->own_project_only)
        return PROTO_CODE_OK;
    if (of_project)
        return strcmp(ctx->params[0], ctx->principal.project)
                   ? state_no_project(ctx->params[0], &ctx->error)
                   : PROTO_CODE_OK;
    return proto_error_set(&ctx->error, PROTO_CODE_INSUFFICIENT_SCOPE, "",
                           "The token %s is for project %s only; this takes one for all projects.",
                           ctx->principal.name, ctx->principal.project);
}

static enum proto_code check_role(struct api_ctx *ctx, const struct api_route *route)
{
    char roles[64];

    if (ctx->principal.role == PROTO_ROLE_ADMIN || route->roles & 1u << ctx->principal.role)
        return PROTO_CODE_OK;
    proto_roles_write(route->roles | 1u << PROTO_ROLE_ADMIN, " or ", roles, sizeof roles);
    return proto_error_set(&ctx->error, PROTO_CODE_INSUFFICIENT_SCOPE, "",
                           "The token %s has the role %s; this takes %s.", ctx->principal.name,
                           proto_role_names[ctx->principal.role], roles);
}

enum proto_code api_admit(struct api_ctx *ctx, const struct api_route *route, const char *bearer)
{
    enum proto_code code;

    if (!bearer)
        return proto_error_set(
            &ctx->error, PROTO_CODE_UNAUTHORIZED, "",
            "Send the header Authorization: Bearer TOKEN; the first start of the "
            "server wrote a token to admin.token in its data directory.");
    code = identify(ctx, bearer);
    if (code == PROTO_CODE_OK)
        code = check_reach(ctx, route);
    if (code == PROTO_CODE_OK)
        code = check_role(ctx, route);
    return code;
}
