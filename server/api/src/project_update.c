/* PATCH /v1/projects/{project}: the fields that are given change, all others stay. */
#include <string.h>

#include "verbs.h"

void api_project_update_defaults(struct api_ctx *ctx, void *request)
{
    const struct view *view = api_view(ctx);

    if (view) {
        *(struct proto_project *)request = view->settings->project;
        ctx->base = view->settings;
    } else {
        proto_project_defaults(request);
        ((struct proto_project *)request)->id =
            ctx->params[0]; /* the handler says that there is none */
    }
}

enum proto_code api_project_update(struct api_ctx *ctx, const void *request, void *response)
{
    const struct proto_project *settings = request;
    struct project *project;
    enum proto_code code = api_project(ctx, &project);

    if (!code && strcmp(settings->id, ctx->params[0]) != 0)
        code = proto_error_set(&ctx->error, PROTO_CODE_INVALID_FIELD, "/id",
                               "A project keeps its id, %s.", ctx->params[0]);
    /* The fields that were not given came from the newest durable settings. */
    if (!code && project_view(project)->settings != ctx->base)
        code = proto_error_set(&ctx->error, PROTO_CODE_CHANGED_MEANWHILE, "",
                               "Project %s changed while this was under way; send it again.",
                               ctx->params[0]);
    if (!code)
        code = api_status(ctx, project_update(project, ctx->tx, settings, &ctx->error));
    return code ? code : api_describe_project(ctx, project_view(project), response);
}
