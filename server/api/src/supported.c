/* What the API names and this version cannot do yet is refused when it is asked for, not silently
 * left out. */
#include <api/supported.h>

#include "verbs.h"

struct refusal {
    bool asked;
    const char *at, *detail;
};

enum proto_code api_project_check_supported(struct api_ctx *ctx, void *request)
{
    return api_settings_supported(request, &ctx->error);
}

enum proto_code api_settings_supported(const struct proto_project *project,
                                       struct proto_error *ret_error)
{
    const struct refusal refusals[] = {
        {project->policy.kind == PROTO_POLICY_MLP, "/policy/kind",
         "This version does not evaluate networks itself; use \"gp\", or \"external\" and upload "
         "features."},
    };

    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i].asked)
            return proto_error_set(ret_error, PROTO_CODE_NOT_SUPPORTED, refusals[i].at, "%s",
                                   refusals[i].detail);
    return PROTO_CODE_OK;
}
