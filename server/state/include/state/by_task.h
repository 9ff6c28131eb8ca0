/* Numbers of tasks as they are told: the few that matter most, by key. Keys are borrowed from the
 * view, all else is in the arena. Each answers NULL when there is nothing to tell, with *ret_failed
 * (else untouched) true when that is for want of memory. */
#ifndef STATE_BY_TASK_H
#define STATE_BY_TASK_H

#include <state/ranking.h>

/* values[c] of the first of `count` tasks c. */
struct proto_by_task *by_task_listed(const struct view *view, const size_t *tasks, size_t count,
                                     const double *values, struct proto_arena *arena,
                                     bool *ret_failed);
/* values[c] of the tasks c whose key[c] is above 0, by falling key, then in key order. */
struct proto_by_task *by_task_largest(const struct view *view, const double *keys,
                                      const double *values, struct proto_arena *arena,
                                      bool *ret_failed);
struct proto_by_task *by_task_counts(const struct view *view, const int64_t *counts,
                                     struct proto_arena *arena, bool *ret_failed);
/* What evaluation tasks a gain is about, to four decimals. */
struct proto_by_task *by_task_shares(const struct view *view, const struct score *score,
                                     struct proto_arena *arena, bool *ret_failed);
/* Of each evaluation task that something is known of: the expected posterior entropy, nats to four
 * decimals, the heaviest first. scores: one per task of the view. *ret_mean: by target weight; NaN:
 * nothing is known. */
struct proto_by_task *by_task_entropies(const struct view *view, const struct score *scores,
                                        struct proto_arena *arena, double *ret_mean,
                                        bool *ret_failed);
/* Assignments that a pick's scores know of, per task of the ranking's view: those open then, and
 * the picks before. counts: tasks.count of them. */
void by_task_count_pending(const struct ranking *ranking, size_t pick, int64_t *ret_counts);

double by_task_round(double number); /* to four decimals, which is what a person reads */

#endif
