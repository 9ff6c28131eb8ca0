/* The uploaded revisions' share in a problem: which of them counts for what, and their numbers. */
#ifndef STATE_SRC_PROBLEM_FEATURES_H
#define STATE_SRC_PROBLEM_FEATURES_H

#include <amf/scorer.h>
#include <proto/arena.h>
#include <state/policies.h>

struct problem_features {
    const struct view *view;
    const struct scales *scales;
    const struct problem_hosted *hosted;
    enum amf_kernel_kind kernel;
    const struct policy *selection; /* NULL: the kernel needs no features */
    /* NULL: no uploaded likelihoods are needed. */
    const struct policy *likelihood;
    enum amf_policy_kind policy;
};

/* Every `auto` that depends on the policy, and the weights where there are no likelihoods. */
void problem_resolve_policy(const struct view *view, struct proto_resolved *resolved);

/* The serving revisions whose features count: for the kernel, and for likelihoods where that is
 * another one. NULL: none. */
void problem_counting(const struct view *view, const struct policy *ret_policies[SERVING_COUNT]);
/* Uploaded or evaluated; NULL: there are none. */
const struct features *problem_find_features(const struct problem_hosted *hosted,
                                             const struct policy *policy, size_t demonstration);

/* Fills in the problem's policy and dimensions. 0; -1 out of memory; 1 the kernel has no features,
 * *ret_note says why. */
__attribute__((warn_unused_result)) int
problem_begin_features(const struct view *view, const struct scales *scales,
                       const struct problem_hosted *hosted, const struct proto_resolved *resolved,
                       struct proto_arena *arena, struct problem_features *ret_features,
                       struct amf_problem *problem, const char **ret_note);
/* What is known of one demonstration (its index in the view), whose task, step_count, states,
 * actions and flags are set: without what it needs it neither conditions nor stands in. 0 or -1. */
__attribute__((warn_unused_result)) int
problem_add_features(const struct problem_features *features, size_t demonstration,
                     struct amf_trajectory *trajectory, struct proto_arena *arena);
/* noise_relative times the root of the median k(x, x) over all pairs of the occupancy set that have
 * features. 0; -1 out of memory; 1, and *ret_note: it would be 0. */
__attribute__((warn_unused_result)) int
problem_relative_noise(const struct view *view, struct amf_problem *problem, const char **ret_note);

#endif
