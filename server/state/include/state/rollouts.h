/* The newest rollouts of each task: how often the policy succeeds now, and where it goes.
 *
 * Older ones are those of a policy that no longer is. The rule lowest_success, failure-weighted
 * targets and rollouts as occupancy set all go by the same ones.
 */
#ifndef STATE_ROLLOUTS_H
#define STATE_ROLLOUTS_H

#include <stdbool.h>
#include <stddef.h>

#include <state/view.h>

struct rollout_count {
    size_t rollouts, succeeded;
};

struct rollouts {
    struct rollout_count *tasks; /* one per task of the view */
    bool *newest;                /* one per demonstration of the view: whether it is among them */
    size_t count;                /* of all tasks */
};

#define ROLLOUTS_NULL                                                                              \
    {                                                                                              \
        NULL, NULL, 0                                                                              \
    }

/* At most criterion.rollouts_per_task of each task, successful or not; a walk back from the newest
 * demonstration until all are found. 0, or -1 when out of memory. */
__attribute__((warn_unused_result)) int rollouts_init(struct rollouts *rollouts,
                                                      const struct view *view);
void rollouts_deinit(struct rollouts *rollouts);

/* (failures + 1) / (rollouts + 2). */
double rollouts_failure_rate(const struct rollout_count *count);

#define ROLLOUTS_CLEANUP __attribute__((cleanup(rollouts_deinit)))

#endif
