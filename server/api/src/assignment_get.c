/* GET /v1/projects/{project}/assignments/{assignment} */
#include "verbs.h"

enum proto_code api_assignment_get(struct api_ctx *ctx, const void *request, void *response)
{
    const struct view *view = api_view(ctx);
    const struct assignment *assignment;

    (void)request;
    if (!view)
        return ctx->error.code;
    assignment = view_find_assignment(view, ctx->params[1]);
    if (!assignment)
        return proto_error_set(&ctx->error, PROTO_CODE_ASSIGNMENT_NOT_FOUND, "",
                               "Project %s has no assignment %.64s.", view->id, ctx->params[1]);
    *(struct proto_assignment *)response = assignment->assignment;
    return PROTO_CODE_OK;
}
