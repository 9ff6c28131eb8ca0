/* Networks that serve, brought up to date before a problem is built of what they say. */
#include <inttypes.h>

#include "hosted.h"
#include "problem.h"
#include "problem_features.h"

void problem_hosted_deinit(struct problem_hosted *hosted)
{
    for (size_t k = 0; k < SERVING_COUNT; k++)
        evaluated_unref(hosted->evaluated[k]);
    *hosted = (struct problem_hosted){{NULL}, {NULL}};
}

/* Why its numbers cannot be used. NULL: out of memory, or cancelled. */
static const char *fault_note(const struct view *view, const struct policy *policy,
                              enum amf_status status, size_t fault, struct proto_arena *arena)
{
    const char *name = policy->revision->meta.revision;

    if (status == AMF_NOT_FINITE)
        return proto_arena_printf(arena,
                                  "The network %s gives numbers that are not finite for "
                                  "demonstration %s: retract it, or PUT another revision.",
                                  name, view_demonstration(view, fault)->meta.id);
    if (status == AMF_TOO_LARGE)
        return proto_arena_printf(arena, "The network %s is too large to evaluate.", name);
    return NULL;
}

int problem_evaluate(const struct view *view, struct proto_arena *arena, struct amf_pool *pool,
                     const atomic_bool *cancel, struct problem_hosted *ret_hosted,
                     const char **ret_note)
{
    POLICY_WANTS_CLEANUP struct policy_wants wants = POLICY_WANTS_NULL;
    struct problem_hosted hosted = {{NULL}, {NULL}};
    enum amf_status status = AMF_OK;

    problem_counting(view, hosted.policies);
    if (policy_wants_init(&wants, view))
        return -1;
    for (size_t k = 0; k < SERVING_COUNT && !status; k++) {
        const struct policy *policy = hosted.policies[k];
        size_t fault = 0;

        if (!policy || !policy->hosted)
            continue;
        status = hosted_evaluate(policy->hosted, view, &wants,
                                 k ? PROTO_REVISION_LIKELIHOOD : PROTO_REVISION_BOTH, k == 0, pool,
                                 cancel, &hosted.evaluated[k], &fault);
        if (status)
            *ret_note = fault_note(view, policy, status, fault, arena);
    }
    if (status) {
        problem_hosted_deinit(&hosted);
        return *ret_note ? 1 : -1;
    }
    *ret_hosted = hosted;
    return 0;
}

const struct features *problem_find_features(const struct problem_hosted *hosted,
                                             const struct policy *policy, size_t demonstration)
{
    if (!policy->hosted)
        return policy_features(policy, demonstration);
    for (size_t k = 0; hosted && k < SERVING_COUNT; k++)
        if (hosted->policies[k] == policy && hosted->evaluated[k])
            return hosted->evaluated[k]->features[demonstration];
    return NULL;
}
