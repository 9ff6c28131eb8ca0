/* DELETE /v1/projects/{project}: out of reach from now on; the log keeps its events. */
#include "verbs.h"

enum proto_code api_project_delete(struct api_ctx *ctx, const void *request, void *response)
{
    struct project *project;
    enum proto_code code = api_project(ctx, &project);

    (void)request;
    (void)response;
    ctx->status = API_NO_CONTENT;
    return code ? code : api_status(ctx, project_delete(project, ctx->tx));
}
