/* From a view to the numbers libamf works on: what the criterion sees of a project. */
#ifndef STATE_PROBLEM_H
#define STATE_PROBLEM_H

#include <amf/scorer.h>
#include <proto/arena.h>
#include <state/rollouts.h>

/* Settings with every `auto` decided by the policy's kind, and weights by what likelihoods there
 * are. */
void problem_resolve(const struct view *view, struct proto_resolved *ret_resolved);

/* Whether a demonstration's states stand in for unseen ones, features aside. */
bool problem_stands_in(const struct view *view, size_t demonstration,
                       enum proto_occupancy occupancy, const struct rollouts *rollouts);
/* Ids of demonstrations that the serving revisions leave out, at most PROTO_RANKING_MAX_MISSING,
 * and how many they and the stale pairs are. 0 or -1. */
__attribute__((warn_unused_result)) int
problem_missing(const struct view *view, struct proto_arena *arena, struct proto_strings *ret_ids,
                int64_t *ret_count, int64_t *ret_stale_pairs);
/* What a reader of a ranking should know of the revisions it was made with, and of what
 * problem_missing found; sentences that end with a blank; "": nothing. NULL: out of memory. */
const char *problem_policy_note(const struct view *view, const struct proto_strings *missing,
                                int64_t missing_count, int64_t stale_pairs,
                                struct proto_arena *arena);

/* What the networks that serve think of the view's demonstrations. */
struct problem_hosted {
    const struct policy *policies[SERVING_COUNT]; /* as problem_counting */
    struct evaluated *evaluated[SERVING_COUNT];   /* NULL: it is not evaluated here */
};

/* Has what is new evaluated, in the pool. 0; -1 out of memory or cancelled; 1: they cannot be, and
 * *ret_note says why. */
__attribute__((warn_unused_result)) int
problem_evaluate(const struct view *view, struct proto_arena *arena, struct amf_pool *pool,
                 const atomic_bool *cancel, struct problem_hosted *ret_hosted,
                 const char **ret_note);
void problem_hosted_deinit(struct problem_hosted *hosted);

struct target {          /* a task as a goal */
    double weight;       /* mu, normalised over the evaluation tasks; NaN: it is none */
    double failure_rate; /* by which mu was multiplied; NaN: it was not */
    size_t rollouts;     /* that the rate is of */
};

/* ret_targets: one per task of the view. 0, or -1 when out of memory. */
__attribute__((warn_unused_result)) int problem_targets(const struct view *view,
                                                        struct target *ret_targets);

/* Everything in *ret_problem is in the arena or borrowed from view, scales and hosted, which is
 * NULL where features do not matter. scales: frozen or provisional. 0; -1 out of memory; 1 when the
 * criterion cannot be asked, *ret_note then says why in a sentence. */
__attribute__((warn_unused_result)) int
problem_build(const struct view *view, const struct scales *scales,
              const struct problem_hosted *hosted, struct proto_arena *arena,
              struct amf_problem *ret_problem, const char **ret_note);

#endif
