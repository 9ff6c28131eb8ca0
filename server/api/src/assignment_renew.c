/* POST /v1/projects/{project}/assignments/{assignment}/renew: more time from now on, and a new
 * fence.
 */
#include <math.h>

#include "verbs.h"

void api_assignment_renew_defaults(struct api_ctx *ctx, void *request)
{
    (void)ctx;
    proto_renew_defaults(request);
}

enum proto_code api_assignment_renew(struct api_ctx *ctx, const void *request, void *response)
{
    const struct proto_renew *renew = request;
    const struct assignment *assignment;
    struct project *project;
    enum proto_code code = api_lease(ctx, renew->fence, &project, &assignment);
    double lease_s = renew->lease_s;

    if (code)
        return code;
    if (isnan(lease_s))
        lease_s = project_view(project)->settings->project.selection.lease_s;
    code = api_status(
        ctx, project_renew_assignment(project, ctx->tx, ctx->params[1], renew->fence, lease_s));
    if (!code)
        *(struct proto_assignment *)response =
            view_find_assignment(project_view(project), ctx->params[1])->assignment;
    return code;
}
