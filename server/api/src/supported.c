/* What the API names and this version cannot do yet is refused when it is asked for, not silently
 * left out. */
#include <math.h>

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
        {project->policy.kind != PROTO_POLICY_GP, "/policy/kind",
         "This version serves Gaussian-process policies: \"gp\"."},
        {project->kernel.kind == PROTO_KERNEL_EMBEDDING ||
             project->kernel.kind == PROTO_KERNEL_FACTORED,
         "/kernel/kind",
         "Kernels on uploaded features need an external policy, which this version does not "
         "serve."},
        {!isnan(project->noise_relative), "/noise_relative",
         "It is for kernels on features; use noise_std."},
        {project->criterion.occupancy == PROTO_OCCUPANCY_ROLLOUTS, "/criterion/occupancy",
         "Rollouts do not serve as occupancy set in this version; use \"held\" or \"new\"."},
        {project->criterion.target == PROTO_TARGET_FAILURE, "/criterion/target",
         "Failure-weighted targets are not in this version; use \"weights\"."},
    };

    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i].asked)
            return proto_error_set(ret_error, PROTO_CODE_NOT_SUPPORTED, refusals[i].at, "%s",
                                   refusals[i].detail);
    return PROTO_CODE_OK;
}
