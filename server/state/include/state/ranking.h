/* A ranking: every candidate's gain at one sequence number, and the greedy picks worked out ahead.
 *
 * Pick 0 is the answer to the next ask. Pick k is conditioned on the open assignments the ranking
 * saw and on picks 0 .. k-1, so several operators who ask before the next ranking is there are sent
 * apart. Immutable once published; the worker that made it publishes a longer copy as it gets
 * further.
 */
#ifndef STATE_RANKING_H
#define STATE_RANKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <state/view.h>

#define RANKING_MAX_PICKS 16

struct share {   /* of a gain */
    size_t task; /* an evaluation task's index in the view */
    double value;
};

struct score {
    double gain; /* NaN when not scorable */
    double effective_sample_size, largest_weight_share, clipped_share, skipped_share;
    double posterior_entropy; /* NaN: not known */
    double target_weight;     /* normalised mu in use; NaN: no evaluation task */
    double failure_rate;      /* of its newest rollouts, in target_weight; NaN: plays no part */
    size_t rollouts;          /* newest ones, of which failure_rate is */
    bool scorable;
    const char *note; /* static text or NULL */
    /* What evaluation tasks the gain is about: the largest shares, of share_total above 0. */
    struct share shares[PROTO_BY_TASK_MAX];
    size_t share_count, share_total;
};

struct pick {
    struct score *scores; /* one per task of the view */
    size_t *order;        /* candidates as task indices, best first */
    size_t order_count;
    size_t choice; /* task index, SIZE_MAX: none */
    int rule;      /* enum proto_rule */
    bool exhaustive;
    double jitter;
    const char *note; /* what was sampled, left out or went wrong; NULL */
};

struct ranking {
    struct view *view; /* what it saw; holds a reference */
    int measure;       /* resolved, enum proto_measure */
    bool provisional;
    struct proto_resolved resolved;
    const char *revision, *likelihood_revision; /* of the policy; NULL: none serves */
    struct proto_strings missing; /* ids of demonstrations without features: the first ones */
    int64_t missing_count, stale_pairs;
    struct proto_timing timing;
    struct pick picks[RANKING_MAX_PICKS];
    size_t pick_count;
};

/* A ranking is a cell (cell.h): everything it points to is in its arena, but for the view. */
struct ranking *ranking_ref(struct ranking *ranking);
void ranking_unref(struct ranking *ranking);

#endif
