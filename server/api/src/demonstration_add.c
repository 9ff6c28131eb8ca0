/* POST /v1/projects/{project}/demonstrations */
#include "verbs.h"

static enum proto_code refuse_assignment(struct api_ctx *ctx)
{
    return proto_error_set(&ctx->error, PROTO_CODE_INVALID_FIELD, "/assignment",
                           "To answer an assignment, POST the demonstration to its /complete.");
}

enum proto_code api_demonstration_check_head(struct api_ctx *ctx,
                                             const struct proto_demonstration *head)
{
    struct view *view = state_view(ctx->state, ctx->params[0]);
    int status;

    if (!view)
        return state_no_project(ctx->params[0], &ctx->error);
    status = head->assignment ? (int)refuse_assignment(ctx)
                              : project_check_demonstration(view, head, "", &ctx->error);
    view_unref(view);
    return (enum proto_code)status;
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
        code = refuse_assignment(ctx);
    if (!code)
        code = api_status(ctx, project_add_demonstration(project, ctx->tx, demonstration, "",
                                                         stored, &ctx->error));
    if (!code)
        ctx->status = stored->duplicate ? API_OKAY : API_CREATED;
    return code;
}
