/* POST /v1/projects/{project}/demonstrations */
#include "verbs.h"

/* What is too long for the body of /complete comes here first and names its assignment, so that
 * nothing is stored for one that asks for another task. An id that is not of this project says
 * where a copy came from. */
static enum proto_code check(struct api_ctx *ctx, const struct view *view,
                             const struct proto_demonstration *demonstration)
{
    const struct assignment *answered =
        demonstration->assignment ? view_find_assignment(view, demonstration->assignment) : NULL;

    if (answered && demonstration->role != PROTO_ROLE_DEMONSTRATION)
        return proto_error_set(&ctx->error, PROTO_CODE_INVALID_FIELD, "/role",
                               "An assignment asks for a demonstration, not for a %s.",
                               proto_demonstration_role_names[demonstration->role]);
    if (answered && api_check_task(ctx, &answered->assignment, demonstration->task, "/task"))
        return ctx->error.code;
    return (enum proto_code)project_check_demonstration(view, demonstration, "", &ctx->error);
}

enum proto_code api_demonstration_check_head(struct api_ctx *ctx,
                                             const struct proto_demonstration *head)
{
    struct view *view = state_view(ctx->state, ctx->params[0]);
    enum proto_code code;

    if (!view)
        return state_no_project(ctx->params[0], &ctx->error);
    code = check(ctx, view, head);
    view_unref(view);
    return code;
}

enum proto_code api_demonstration_add_prepare(struct api_ctx *ctx, void *request)
{
    return api_demonstration_prepare(ctx, request);
}

enum proto_code api_demonstration_add(struct api_ctx *ctx, const void *request, void *response)
{
    const struct proto_demonstration *demonstration = request;
    struct proto_stored *stored = response;
    struct project *project;
    enum proto_code code = api_project(ctx, &project);

    if (!code && demonstration->assignment)
        code = check(ctx, project_view(project), demonstration);
    if (!code)
        code = api_status(ctx, project_add_demonstration(project, ctx->tx, demonstration, "",
                                                         stored, &ctx->error));
    if (!code)
        ctx->status = stored->duplicate ? API_OKAY : API_CREATED;
    return code;
}
