/* The choice for one asker: what is counted of each task, what a ranking says of it, what the asker
 * can do.
 *
 * The same call makes a ranking's own choice and the one in an assignment, so the two cannot
 * disagree.
 */
#ifndef STATE_CHOOSE_H
#define STATE_CHOOSE_H

#include <stddef.h>
#include <stdint.h>

#include <amf/select.h>
#include <state/ranking.h>
#include <state/view.h>

struct choose_request {
    const struct view *view;
    const struct score *scores;   /* one per task of the view; NULL: nothing is scored yet */
    const int64_t *extra_pending; /* per task: picks made ahead of the log; NULL: none */
    const int64_t *unseen;        /* per task: open ones the scores do not know of; NULL: none */
    const struct proto_ask *ask;  /* NULL: an asker who can do everything, and skipped nothing */
    uint64_t round;               /* assignments opened before this one */
};

struct chosen {
    struct amf_choice choice;
    size_t task;                        /* index in the view; SIZE_MAX: none */
    size_t runner_up;                   /* the next best by score, SIZE_MAX: none */
    bool skipped;                       /* there is no task, and without skips there would be */
    size_t rollouts, rollout_successes; /* the newest of the task, under lowest_success */
};

/* ret_order: room for every task of the view, filled with the candidates best first, *ret_count of
 * them; both may be NULL. 0 or -1 (out of memory, or a setting that libamf refuses). */
__attribute__((warn_unused_result)) int choose_task(const struct choose_request *request,
                                                    struct chosen *ret_chosen, size_t *ret_order,
                                                    size_t *ret_count);

/* Whether this task is one that the asker would be given, were it not for a skip. */
bool choose_is_kept_by_skip(const struct choose_request *request, size_t index);

/* The scores of a ranking's pick, rearranged for a later view of the same project: one per task of
 * `view`, tasks that the ranking did not know are not scorable. ret_scores: view->tasks.count. */
void choose_align_scores(const struct ranking *ranking, size_t pick, const struct view *view,
                         struct score *ret_scores);

#endif
