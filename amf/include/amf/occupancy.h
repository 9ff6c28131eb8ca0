/* From log-likelihoods to importance weights w_i(c): how well held demonstration i stands in for an
 * unseen demonstration of task c.
 *
 *   raw              r_i(c) = n exp l_i(c) / sum_j exp l_i(c_j): its likelihood for c over that for
 *                    the mixture of tasks that were demonstrated, j over the set
 *   self_normalized  n r_i(c) / sum_i r_i(c)
 *   tempered         n r_i(c)^b / sum_i r_i(c)^b, per task the largest b in [0, 1] whose effective
 *                    sample size reaches the target (at most n)
 *   calibrated       the same with one b for all tasks: the one that makes the demonstrations' own
 *                    task labels likeliest under softmax over tasks of b l_i(c)
 *   own_task_raw     1 for the demonstration's own task, else 0
 *   own_task         that, scaled to average 1
 *   uniform          1
 *
 * All in log space. A pair whose likelihood is unavailable (-infinity) weighs 0 in every mode.
 */
#ifndef AMF_OCCUPANCY_H
#define AMF_OCCUPANCY_H

#include <stdbool.h>
#include <stddef.h>

#include <amf/status.h>

enum amf_weights {
    AMF_WEIGHTS_RAW,
    AMF_WEIGHTS_SELF_NORMALIZED,
    AMF_WEIGHTS_TEMPERED,
    AMF_WEIGHTS_CALIBRATED,
    AMF_WEIGHTS_OWN_TASK_RAW,
    AMF_WEIGHTS_OWN_TASK,
    AMF_WEIGHTS_UNIFORM
};

enum amf_clip_scope { AMF_CLIP_NONE, AMF_CLIP_TRAJECTORY, AMF_CLIP_STEP };

struct amf_clip {
    enum amf_clip_scope scope;
    double low, high; /* nats, low <= high; unused for AMF_CLIP_NONE */
};

/* l of one demonstration under one task from its steps' terms. *ret_clipped: share of the terms
 * (STEP: steps; TRAJECTORY: the one sum, so 0 or 1) that lay outside the clip. */
double amf_occupancy_sum_steps(const double *terms, size_t step_count, const struct amf_clip *clip,
                               double *ret_clipped);

/* log_likelihood: n x task_count, each finite or -infinity (AMF_NOT_FINITE); own_task: n indices
 * below task_count; ess_target >= 1, tempered only. ret_weights: n x task_count, each finite and >=
 * 0. n may be 0. *ret_temper (may be NULL): task_count numbers b, 1 where nothing was tempered. */
AMF_CHECKED enum amf_status amf_occupancy_weigh(enum amf_weights mode, const double *log_likelihood,
                                                const size_t *own_task, size_t n, size_t task_count,
                                                double ess_target, double *ret_weights,
                                                double *ret_temper);

struct amf_occupancy_summary {
    double sum;                   /* of w_i(c) over i */
    double effective_sample_size; /* sum^2 / sum of squares; 0 when all weights are 0 */
    double largest_share;         /* largest weight / sum; 0 when all weights are 0 */
    size_t largest;               /* who has it; weights within 1e-12 relative tie: lowest index */
};

/* Of one task's column of an n x task_count weight matrix. */
struct amf_occupancy_summary amf_occupancy_summarize(const double *weights, size_t n,
                                                     size_t task_count, size_t task);

#endif
