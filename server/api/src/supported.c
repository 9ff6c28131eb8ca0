/* What the API names and this version cannot do yet is refused when it is asked for, not silently
 * left out. */
#include "verbs.h"

struct refusal {
    bool asked;
    const char *at, *detail;
};

enum proto_code api_project_check_supported(struct api_ctx *ctx, void *request)
{
    const struct proto_project *project = request;
    const struct refusal refusals[] = {
        {project->policy.kind == PROTO_POLICY_MLP, "/policy/kind",
         "This version does not evaluate networks itself; use \"gp\", or \"external\" and upload "
         "features."},
    };

    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i].asked)
            return proto_error_set(&ctx->error, PROTO_CODE_NOT_SUPPORTED, refusals[i].at, "%s",
                                   refusals[i].detail);
    return PROTO_CODE_OK;
}
