/* GET /v1/projects/{project}/tasks/{task} */
#include "verbs.h"

enum proto_code api_task_get(struct api_ctx *ctx, const void *request, void *response)
{
    const struct view *view = api_view(ctx);
    size_t index;

    (void)request;
    if (!view)
        return ctx->error.code;
    index = view_find_task(view, ctx->params[1]);
    if (index == SIZE_MAX)
        return proto_error_set(&ctx->error, PROTO_CODE_TASK_NOT_FOUND, "",
                               "Project %s has no task %.64s.", view->id, ctx->params[1]);
    view_describe_task(view, index, response);
    return PROTO_CODE_OK;
}
