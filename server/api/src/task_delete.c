/* DELETE /v1/projects/{project}/tasks/{task} */
#include "verbs.h"

enum proto_code api_task_delete(struct api_ctx *ctx, const void *request, void *response)
{
    struct project *project;
    enum proto_code code = api_project(ctx, &project);

    (void)request;
    (void)response;
    ctx->status = API_NO_CONTENT;
    return code ? code
                : api_status(ctx,
                             project_delete_task(project, ctx->tx, ctx->params[1], &ctx->error));
}
