/* One ranking: from a problem to every candidate's gain and its diagnostics.
 *
 * amf_scorer_new does what does not depend on pending work: posterior, likelihoods, weights, the
 * choice of blocks and test pairs, their covariances while these are small enough. amf_scorer_score
 * may then be called with a growing list of pending tasks, which is how a greedy batch is made. A
 * scorer may be used from several threads at once.
 *
 * Steps dropped by max_steps, demonstrations beyond a limit (sample.h) and pairs below the floor
 * are never computed.
 */
#ifndef AMF_SCORER_H
#define AMF_SCORER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <amf/engine.h>
#include <amf/kernel.h>
#include <amf/measure.h>
#include <amf/occupancy.h>
#include <amf/policy.h>
#include <amf/pool.h>
#include <amf/status.h>

/* Arrays "per task" hold task_count pointers, each to the demonstration's steps in order, NULL
 * where that task is not covered; the array itself is NULL when the problem has no such thing. */
struct amf_trajectory {
    size_t task;                      /* it was given for */
    size_t step_count;                /* H >= 1 */
    const double *states;             /* H x state_dim */
    const double *actions;            /* H x action_dim */
    bool conditioned;                 /* held: the posterior and the GP's likelihoods know it */
    bool occupancy;                   /* stands in for unseen demonstrations */
    const double *const *features;    /* per task: H x feature_dim; embedding (phi), factored (h) */
    const double *const *gradients;   /* per task: H x gradient_dim; factored (g) */
    const double *const *policy_mean; /* per task: H x action_dim; deterministic policies */
    const double *const *log_likelihood; /* per task: H; given policies */
};

enum amf_conditioning {
    AMF_CONDITIONING_ALL, /* the posterior knows all conditioned demonstrations */
    AMF_CONDITIONING_NONE /* the candidate's block and pending work alone */
};

struct amf_criterion_settings {
    enum amf_measure_kind measure;
    enum amf_weights weights;
    enum amf_conditioning conditioning;
    bool exclude_self; /* leave out pairs of the block's own demonstration */
    struct amf_clip clip;
    double ess_target;      /* >= 1; tempered only */
    double weight_floor;    /* share in [0, 1) below which a pair is skipped; 0: none */
    size_t max_steps;       /* limits: 0 is none */
    size_t occupancy_limit; /* demonstrations */
    size_t blocks_per_task;
    size_t test_pair_limit;
    size_t conditioning_limit; /* pairs */
    uint64_t seed;             /* of the project; see amf_sample_seed */
};

/* No clip, no floor, no limits: exhaustive. entropy, tempered with target 8, conditioning all. */
struct amf_criterion_settings amf_criterion_settings_default(void);

#define AMF_SUMMARY_MOST 4096 /* features: p^2 doubles are 128 MiB */

/* Everything is borrowed: until amf_scorer_new returns, except features and gradients, which must
 * outlive the scorer. */
struct amf_problem {
    struct amf_kernel_spec kernel;
    double noise; /* sigma > 0 */
    size_t state_dim, action_dim, task_dim, feature_dim, gradient_dim;
    size_t task_count;
    const double *task_vectors; /* task_count x task_dim; AMF_TASK_VECTORS */

    enum amf_policy_kind policy;
    double policy_noise; /* sigma_pi > 0; deterministic only */

    /* Sum of phi phi' over pairs that are conditioned on without being here, such as a pre-training
     * set its owner keeps (ridge.h): feature_dim x feature_dim, embedding kernels alone (of a
     * factored one it would be of g (x) h), and at most AMF_SUMMARY_MOST of them. NULL: none. Like
     * what is held it plays no part under AMF_CONDITIONING_NONE. Refused where the weights need a
     * Gaussian process's likelihoods, as these would need the actions too. */
    const double *summary;

    const struct amf_trajectory *trajectories; /* oldest first */
    size_t trajectory_count;

    const size_t *candidates; /* task indices */
    size_t candidate_count;
    const size_t *targets;        /* evaluation tasks: task indices */
    const double *target_weights; /* mu >= 0, not all 0; normalised here */
    size_t target_count;

    struct amf_criterion_settings settings;
    const atomic_bool *cancel; /* may be NULL; outlives the scorer */
};

/* What amf_scorer_new refuses before it computes anything: a typed status, and in *ret_field
 * (static text, untouched when all is well) the member at fault, such as "settings.ess_target" or
 * "trajectories.states". Features are looked at by amf_scorer_new alone. */
AMF_CHECKED enum amf_status amf_problem_check(const struct amf_problem *problem,
                                              const char **ret_field);

struct amf_scorer;

/* Keeps pool. AMF_BAD_ARGUMENT, AMF_NOT_FINITE, AMF_NOT_POSDEF, AMF_NO_MEMORY, AMF_TOO_LARGE,
 * AMF_CANCELLED. A problem without occupancy demonstrations is fine: nothing is scorable. */
AMF_CHECKED enum amf_status amf_scorer_new(const struct amf_problem *problem, struct amf_pool *pool,
                                           struct amf_scorer **ret_scorer);
/* The same scorer, bit for bit, in less time where the engine remembers the problem without its
 * newest demonstrations. The scorer shares covariances with the engine, which may go on or be
 * freed. After a failure the engine is empty or as it was. */
AMF_CHECKED enum amf_status amf_scorer_renew(struct amf_engine *engine,
                                             const struct amf_problem *problem,
                                             struct amf_pool *pool, struct amf_scorer **ret_scorer);
void amf_scorer_free(struct amf_scorer *scorer);

struct amf_score { /* of one candidate */
    size_t task;
    bool scorable; /* false: no demonstration weighs anything for it */
    double gain;   /* nats or (action unit)^2; never NaN; 0 when not scorable */
    double effective_sample_size, largest_weight_share;
    double clipped_share; /* of its likelihood terms, outside the clip */
    double skipped_share; /* of its blocks' weight, below the floor or beyond blocks_per_task */
    const double *target_gain; /* target_count parts that sum to gain; NULL for prior_entropy */
};

struct amf_extent { /* what was used of what there was */
    size_t used, total;
};

struct amf_scores {
    struct amf_score *candidates; /* in the problem's order */
    size_t candidate_count, target_count;
    /* Per task of the problem, task_count each. entropy: d_a/n sum_i w_i(c) sum_t 1/2 log(2 pi e
     * v0) in nats, before pending work (which the gain of prior_entropy does know); 0 when not
     * scorable. */
    double *entropy;
    bool *task_scorable;   /* an evaluation task that is not contributes nothing */
    bool *pending_ignored; /* pending_count: no demonstration weighs anything for it, no block added
                            */
    double jitter;         /* added to the kernel's diagonal, pending work included; 0: none */
    bool exhaustive;       /* false: some extent below is cut by a limit */
    struct amf_extent occupancy, conditioning, blocks, pairs;
};

/* pending: task indices, repeats allowed, in order of assignment. *ret_scores is one allocation. */
AMF_CHECKED enum amf_status amf_scorer_score(const struct amf_scorer *scorer, const size_t *pending,
                                             size_t pending_count, struct amf_scores **ret_scores);
void amf_scores_free(struct amf_scores *scores);

/* The parts, for who wants to look: i is a position in the occupancy set. */
size_t amf_scorer_occupancy_count(const struct amf_scorer *scorer);      /* n */
size_t amf_scorer_trajectory(const struct amf_scorer *scorer, size_t i); /* in the problem */
size_t amf_scorer_step_count(const struct amf_scorer *scorer, size_t i); /* H_i */
/* One number for each of the H_i steps that were kept. Likelihoods are -infinity, and variances 0,
 * where the pair is not covered; variances are before pending work, and may be 0 for another task
 * under own-task weights of a policy that is no Gaussian process. Likelihoods of a Gaussian
 * process are -infinity as well where nothing asks for them (conditioning none, with weights that
 * need none) and beside a summary. */
const double *amf_scorer_step_log_likelihood(const struct amf_scorer *scorer, size_t i,
                                             size_t task);
const double *amf_scorer_variance(const struct amf_scorer *scorer, size_t i, size_t task);
double amf_scorer_log_likelihood(const struct amf_scorer *scorer, size_t i,
                                 size_t task); /* clipped */
double amf_scorer_weight(const struct amf_scorer *scorer, size_t i, size_t task);

struct amf_scorer_timing {
    double posterior_s, weights_s, covariance_s; /* of amf_scorer_new */
};
struct amf_scorer_timing amf_scorer_timing(const struct amf_scorer *scorer);

static inline void amf_scorer_freep(struct amf_scorer **scorer)
{
    amf_scorer_free(*scorer);
}
static inline void amf_scores_freep(struct amf_scores **scores)
{
    amf_scores_free(*scores);
}
#define AMF_SCORER_CLEANUP __attribute__((cleanup(amf_scorer_freep)))
#define AMF_SCORES_CLEANUP __attribute__((cleanup(amf_scores_freep)))

#endif
