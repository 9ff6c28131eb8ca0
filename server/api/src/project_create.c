/* POST /v1/projects */
#include "verbs.h"

enum proto_code api_project_create(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_project settings = *(const struct proto_project *)request;
    struct project *project;
    enum proto_code code;

    proto_project_settle(&settings);
    code = api_status(ctx,
                      state_create_project(ctx->state, ctx->tx, &settings, &project, &ctx->error));
    if (code)
        return code;
    ctx->status = API_CREATED;
    return api_describe_project(ctx, project_view(project), response);
}
