/* POST /v1/projects/{project}/demonstrations */
#include "verbs.h"

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
        code = proto_error_set(&ctx->error, PROTO_CODE_INVALID_FIELD, "/assignment",
                               "To answer an assignment, POST the demonstration to its /complete.");
    if (!code)
        code = api_status(ctx, project_add_demonstration(project, ctx->tx, demonstration, "",
                                                         stored, &ctx->error));
    if (!code)
        ctx->status = stored->duplicate ? API_OKAY : API_CREATED;
    return code;
}
