/* GET /v1/projects/{project}/decisions/{decision}: one choice, by the id of its assignment. */
#include <state/decisions.h>

#include "verbs.h"

enum proto_code api_decision_get(struct api_ctx *ctx, const void *request, void *response)
{
    const char *log_name;
    const struct view *view = api_view_and_log(ctx, &log_name);
    size_t index;

    (void)request;
    if (!view)
        return ctx->error.code;
    index = view_find_assignment_index(view, ctx->params[1]);
    if (index == SIZE_MAX)
        return proto_error_set(&ctx->error, PROTO_CODE_DECISION_NOT_FOUND, "",
                               "Project %s has no decision %.64s.", view->id, ctx->params[1]);
    return api_read_status(
        ctx, decision_read(state_store(ctx->state), log_name, view, index, ctx->arena, response));
}
