/* Revisions of a project's policy, as readers of a view see them.
 *
 * A revision is staged, then active, then retired. Up to two are active: one for the features that
 * kernels on features are made of (selection), one for likelihoods. Features belong to a revision
 * and a demonstration; a demonstration that lacks those of the active revision has no part in the
 * criterion, and is listed. Once retired, a revision's features leave memory; the log keeps them.
 */
#ifndef STATE_POLICIES_H
#define STATE_POLICIES_H

#include <state/rollouts.h>

/* Index in view->policies; SIZE_MAX: none of that name. */
size_t view_find_policy(const struct view *view, const char *revision);
/* The uploaded revision that serves; NULL: none does. */
const struct policy *view_serving(const struct view *view, enum serving role);
/* Of a demonstration by its index; NULL: none. */
const struct features *policy_features(const struct policy *policy, size_t demonstration);
/* Whether the project has the built-in revision, "gp". */
bool view_has_gp(const struct view *view);
/* Name of the revision that serves; NULL: none does. */
const char *view_serving_name(const struct view *view, enum serving role);

/* As it is told to clients; `index` view->policy_count: the built-in one. Borrows from the view and
 * the arena. 0 or -1 (out of memory). O(demonstrations x tasks). */
__attribute__((warn_unused_result)) int view_describe_policy(const struct view *view, size_t index,
                                                             struct proto_arena *arena,
                                                             struct proto_revision *ret_revision);

/* Of which demonstrations revisions have to say something; found once for a walk over all. */
struct policy_wants {
    int occupancy, conditioning; /* enum proto_occupancy, proto_conditioning; resolved */
    struct rollouts rollouts;
};

#define POLICY_WANTS_NULL                                                                          \
    {                                                                                              \
        .rollouts = ROLLOUTS_NULL                                                                  \
    }
#define POLICY_WANTS_CLEANUP __attribute__((cleanup(policy_wants_deinit)))

/* 0, or -1 when out of memory. */
__attribute__((warn_unused_result)) int policy_wants_init(struct policy_wants *wants,
                                                          const struct view *view);
void policy_wants_deinit(struct policy_wants *wants);
/* Whether a revision of this role has to. */
bool policy_wants_demonstration(const struct policy_wants *wants, const struct view *view,
                                size_t demonstration, int role);

/* What a revision lacks of one demonstration: 0 nothing, 1 and *ret_missing filled, -1 out of
 * memory. arena NULL: tasks are counted in *ret_missing and not listed. */
__attribute__((warn_unused_result)) int
policy_lacks(const struct view *view, const struct policy_wants *wants, const struct policy *policy,
             size_t demonstration, struct proto_arena *arena,
             struct proto_missing_features *ret_missing);
/* Of all demonstrations. */
void policy_count_missing(const struct view *view, const struct policy_wants *wants,
                          const struct policy *policy, int64_t *ret_demonstrations,
                          int64_t *ret_stale_pairs);

#endif
