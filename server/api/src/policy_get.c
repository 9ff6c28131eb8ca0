/* GET /v1/projects/{project}/policies/{revision} */
#include <string.h>

#include <state/policies.h>

#include "verbs.h"

enum proto_code api_find_policy(struct api_ctx *ctx, const struct view *view, size_t *ret_index)
{
    size_t index = view_find_policy(view, ctx->params[1]);

    if (index == SIZE_MAX && view_has_gp(view) && !strcmp(ctx->params[1], PROTO_REVISION_GP))
        index = view->policy_count;
    if (index == SIZE_MAX)
        return proto_error_set(
            &ctx->error, PROTO_CODE_POLICY_NOT_FOUND, "",
            "Project %s has no revision %.64s of its policy; GET /policies lists "
            "those it has.",
            view->id, ctx->params[1]);
    *ret_index = index;
    return PROTO_CODE_OK;
}

enum proto_code api_policy_get(struct api_ctx *ctx, const void *request, void *response)
{
    const struct view *view = api_view(ctx);
    size_t index = 0;

    (void)request;
    if (!view || api_find_policy(ctx, view, &index))
        return ctx->error.code;
    return api_describe_policy(ctx, view, ctx->params[1], response);
}
