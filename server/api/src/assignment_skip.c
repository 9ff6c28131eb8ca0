/* POST /v1/projects/{project}/assignments/{assignment}/skip: not this task, for one operator or for
 * all: lease.h of state says how long. */
#include "verbs.h"

enum proto_code api_assignment_skip(struct api_ctx *ctx, const void *request, void *response)
{
    return api_lease_end(ctx, request, PROTO_ASSIGNMENT_SKIPPED, response);
}
