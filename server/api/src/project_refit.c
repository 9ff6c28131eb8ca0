/* POST /v1/projects/{project}/refit: moments and scales anew, from what is held now.
 *
 * Worked out from a view on the connection's thread, which may take seconds; the transaction only
 * looks whether that view still holds, and logs the numbers.
 */
#include "verbs.h"

static void release_scales(void *object)
{
    cell_unref(object);
}

enum proto_code api_project_refit_prepare(struct api_ctx *ctx, void *request)
{
    const struct view *view = api_view(ctx);
    struct scales *scales = NULL;

    (void)request;
    if (!view)
        return ctx->error.code;
    if (view->held == 0)
        return proto_error_set(&ctx->error, PROTO_CODE_NOTHING_HELD, "",
                               "Project %s holds no successful demonstration to take moments and "
                               "scales from.",
                               view->id);
    if (state_refit(ctx->state, view, &scales) || api_keep(ctx, scales, release_scales))
        return api_no_memory(ctx);
    ctx->base = view;
    ctx->found = scales;
    return PROTO_CODE_OK;
}

enum proto_code api_project_refit(struct api_ctx *ctx, const void *request, void *response)
{
    struct project *project;
    enum proto_code code = api_project(ctx, &project);

    (void)request;
    if (!code)
        code = api_status(ctx, project_refit(project, ctx->tx, ctx->base, ctx->found, &ctx->error));
    if (!code)
        view_describe_scales(project_view(project), project_view(project)->scales, response);
    return code;
}
