/* POST /v1/projects/{project}/policies/{revision}/activate */
#include "verbs.h"

enum proto_code api_policy_activate(struct api_ctx *ctx, const void *request, void *response)
{
    struct project *project;
    enum proto_code code = api_project(ctx, &project);

    (void)request;
    if (!code)
        code = api_status(ctx, project_activate(project, ctx->tx, ctx->params[1], &ctx->error));
    return code ? code : api_describe_policy(ctx, project_view(project), ctx->params[1], response);
}
