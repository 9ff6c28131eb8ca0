/* What the API names and this version cannot do yet is refused when it is asked for, not silently
 * left out. */
#include <math.h>

#include "verbs.h"

struct refusal {
    bool asked;
    const char *at, *detail;
};

enum proto_code api_project_check_supported(struct api_ctx *ctx, void *request)
{
    const struct proto_project *project = request;
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
    };

    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i].asked)
            return proto_error_set(&ctx->error, PROTO_CODE_NOT_SUPPORTED, refusals[i].at, "%s",
                                   refusals[i].detail);
    return PROTO_CODE_OK;
}
