/* GET /v1/projects/{project} */
#include "verbs.h"

enum proto_code api_project_get(struct api_ctx *ctx, const void *request, void *response)
{
    const struct view *view = api_view(ctx);

    (void)request;
    if (!view)
        return ctx->error.code;
    return api_describe_project(ctx, view, response);
}
