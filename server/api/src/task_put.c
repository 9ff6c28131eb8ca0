/* PUT /v1/projects/{project}/tasks/{task}: registers a task, or replaces what is said of it. */
#include <string.h>

#include "verbs.h"

void api_task_put_defaults(struct api_ctx *ctx, void *request)
{
    struct proto_task *task = request;

    proto_task_defaults(task);
    task->key = ctx->params[1];
}

enum proto_code api_task_put(struct api_ctx *ctx, const void *request, void *response)
{
    const struct proto_task *task = request;
    struct project *project;
    bool created = false;
    enum proto_code code = api_project(ctx, &project);

    if (!code && strcmp(task->key, ctx->params[1]) != 0)
        code = proto_error_set(&ctx->error, PROTO_CODE_INVALID_FIELD, "/key",
                               "The path names task %.64s.", ctx->params[1]);
    if (!code)
        code = api_status(ctx, project_put_task(project, ctx->tx, task, &created, &ctx->error));
    if (code)
        return code;
    view_describe_task(project_view(project), view_find_task(project_view(project), task->key),
                       response);
    ctx->status = created ? API_CREATED : API_OKAY;
    return PROTO_CODE_OK;
}
