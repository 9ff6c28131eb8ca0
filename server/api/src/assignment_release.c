/* POST /v1/projects/{project}/assignments/{assignment}/release: as if it had never been asked
 * for. */
#include "verbs.h"

enum proto_code api_assignment_release(struct api_ctx *ctx, const void *request, void *response)
{
    return api_lease_end(ctx, request, PROTO_ASSIGNMENT_RELEASED, response);
}
