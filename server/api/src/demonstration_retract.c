/* DELETE /v1/projects/{project}/demonstrations/{demonstration}: a retraction, with a reason. */
#include "verbs.h"

enum proto_code api_demonstration_retract(struct api_ctx *ctx, const void *request, void *response)
{
    const struct proto_retraction *retraction = request;
    struct project *project;
    enum proto_code code = api_project(ctx, &project);

    (void)response;
    ctx->status = API_NO_CONTENT;
    return code ? code
                : api_status(ctx, project_retract_demonstration(project, ctx->tx, ctx->params[1],
                                                                retraction->reason, &ctx->error));
}
