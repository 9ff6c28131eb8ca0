/* POST /v1/projects/{project}/assignments/{assignment}/fail: an attempt that did not work. It
 * counts as one for the warm start. */
#include "verbs.h"

enum proto_code api_assignment_fail(struct api_ctx *ctx, const void *request, void *response)
{
    return api_lease_end(ctx, request, PROTO_ASSIGNMENT_FAILED, response);
}
