/* The scorer: what scorer_setup.c prepares, scorer_sample.c picks and scorer_gain.c evaluates. */
#ifndef AMF_SCORER_PRIVATE_H
#define AMF_SCORER_PRIVATE_H

#include <amf/criterion.h>
#include <amf/matrix.h>
#include <amf/posterior.h>
#include <amf/ridge.h>
#include <amf/scorer.h>

#include "engine_private.h"

struct scorer_member { /* a demonstration of the occupancy set */
    size_t trajectory, task;
    size_t first_row, row_count; /* in the step table */
    size_t first_pair;           /* of its row_count x task_count numbers; see scorer_pair */
};

struct scorer_block { /* B_{j,c'} */
    struct amf_block at;
    size_t member; /* j */
    double weight; /* w_j(c'), rescaled for blocks left out */
};

struct scorer_group { /* consecutive blocks that one task of the pool takes at a time */
    size_t first_block, block_count;
    size_t first_row, row_count; /* among the rows of all blocks */
};

struct scorer_candidate {
    size_t task;
    size_t first_block, block_count;
    double skipped_share;
};

/* Covariances under the posterior, held in an engine's tiles: all that scoring needs. */
struct scorer_kept {
    bool ready;
    struct engine_tiles *tiles;
    size_t *block_column; /* block_count: of the first row */
    size_t *test_column;  /* test_count */
    size_t *block_order;  /* by column, so that neighbours meet the same tiles */
    size_t *test_order;
    size_t *task_column; /* task_count: first row of the block of largest weight */
};

struct amf_scorer {
    struct amf_pool *pool;
    const atomic_bool *cancel;
    struct amf_criterion_settings settings;
    size_t action_dim, task_count;
    struct amf_scorer_timing timing;

    struct amf_kernel *kernel;
    struct amf_engine *engine; /* borrowed while the scorer is made; NULL: it cannot do this one */
    struct amf_posterior *posterior; /* what the criterion is conditioned on, without pending work;
                                      * NULL where `kept` is ready and tells all that is needed */
    struct amf_feature_map *map;     /* with ridge; NULL where pairs are the better form */
    struct amf_ridge *ridge;         /* in place of posterior */
    struct amf_matrix whitened;      /* u of the covered pairs under it; kept where moments may
                                      * be taken of them */
    size_t *whitened_row;            /* n x task_count: first row of (member, task) */
    double noise, jitter;            /* jitter: of this or of the likelihoods' posterior */
    struct amf_measure *measure;

    size_t n;
    struct scorer_member *members;
    size_t pair_count;                     /* sum of row_count x task_count */
    double *step_log_likelihood;           /* pair_count; -infinity where not covered */
    double *variance;                      /* pair_count; 0 where not covered */
    struct amf_matrix log_likelihood;      /* n x task_count, clipped */
    struct amf_matrix clipped;             /* n x task_count: share of terms outside the clip */
    struct amf_matrix weights;             /* n x task_count */
    double *entropy;                       /* task_count */
    struct amf_occupancy_summary *summary; /* task_count */

    size_t candidate_count, target_count;
    struct scorer_candidate *candidates;
    size_t *targets;
    double *target_weights; /* normalised */

    size_t block_count, block_rows;
    struct scorer_block *blocks;    /* by candidate, then member */
    struct amf_block *block_list;   /* their .at */
    size_t group_count, group_rows; /* group_rows: the largest */
    struct scorer_group *groups;

    struct amf_block *tests; /* test pairs, by target, member, step */
    size_t test_block_count, test_count;
    double *test_weight;
    size_t *test_target, *test_source; /* target index; member */

    /* Kept while small, else worked out by every call: N x test_count, N x block_rows, and the
     * covariances of block rows with test pairs, block_rows x test_count. */
    struct amf_matrix test_whitened, block_whitened, cross;
    struct scorer_kept kept;
    struct amf_extent occupancy, conditioning, block_extent, test_extent;
};

/* Where the numbers of (member i, task) begin. */
static inline size_t scorer_pair(const struct amf_scorer *scorer, size_t i, size_t task)
{
    return scorer->members[i].first_pair + task * scorer->members[i].row_count;
}

static inline struct amf_block scorer_member_block(const struct amf_scorer *scorer, size_t i,
                                                   size_t task)
{
    return (struct amf_block){scorer->members[i].first_row, scorer->members[i].row_count, task};
}

static inline double *scorer_weight(const struct amf_scorer *scorer, size_t i, size_t task)
{
    return amf_matrix_row(&scorer->weights, i) + task;
}

static inline bool scorer_needs_likelihood(enum amf_weights mode)
{
    return mode != AMF_WEIGHTS_OWN_TASK && mode != AMF_WEIGHTS_OWN_TASK_RAW &&
           mode != AMF_WEIGHTS_UNIFORM;
}

/* scorer_check.c */
AMF_CHECKED enum amf_status amf_scorer_check(const struct amf_problem *problem);
/* scorer_setup.c: kernel, posterior, likelihoods, weights, entropies */
AMF_CHECKED enum amf_status amf_scorer_setup(struct amf_scorer *scorer,
                                             const struct amf_problem *problem);
/* variance: pair_count numbers, used where the task's weights are positive. */
double amf_scorer_entropy(const struct amf_scorer *scorer, size_t task, const double *variance);
double amf_scorer_seconds(void); /* monotonic */
/* The posterior that the engine stands for, made as another way to the same numbers. */
AMF_CHECKED enum amf_status amf_scorer_make_posterior(struct amf_scorer *scorer);
/* scorer_sample.c: which blocks and test pairs */
bool amf_scorer_above_floor(const struct amf_scorer *scorer, size_t i, size_t task);
AMF_CHECKED enum amf_status amf_scorer_sample(struct amf_scorer *scorer,
                                              const struct amf_problem *problem);
/* scorer_kept.c: which tiles and columns. kept.ready stays false when it would take too much
 * memory. */
AMF_CHECKED enum amf_status amf_scorer_keep(struct amf_scorer *scorer,
                                            const struct amf_problem *problem);
void amf_scorer_kept_deinit(struct scorer_kept *kept);
/* scorer_kept_gain.c. pending: task indices. As amf_scorer_sum_blocks below. */
AMF_CHECKED enum amf_status amf_scorer_kept_sum_blocks(const struct amf_scorer *scorer,
                                                       const size_t *pending, size_t pending_count,
                                                       double *ret_sums, double *ret_jitter);
/* scorer_ridge.c. kept: steps of each trajectory after thinning. */
bool amf_scorer_takes_ridge(const struct amf_problem *problem, const size_t *kept);
/* actions: of the held blocks' rows, or NULL. */
AMF_CHECKED enum amf_status amf_scorer_make_ridge(struct amf_scorer *scorer,
                                                  const struct amf_problem *problem,
                                                  const struct amf_block *held, size_t count,
                                                  const double *actions);
/* As amf_scorer_sum_blocks. */
AMF_CHECKED enum amf_status amf_scorer_ridge_sum_blocks(const struct amf_scorer *scorer,
                                                        const struct amf_ridge *pending,
                                                        double *ret_sums);
/* scorer_ridge_moment.c: whether so many pairs' rows of u are worth keeping, and whether gains are
 * taken from them. */
bool amf_scorer_keeps_whitened(const struct amf_scorer *scorer, size_t rows, size_t dim);
bool amf_scorer_takes_moments(const struct amf_scorer *scorer);
/* ret_sums: candidate_count x target_count, weighted sums over each candidate's blocks. *ret_sure:
 * whether rounding left them their digits; if not, covariances are to be taken. */
AMF_CHECKED enum amf_status amf_scorer_moment_sums(const struct amf_scorer *scorer,
                                                   const struct amf_ridge *ridge, double *ret_sums,
                                                   bool *ret_sure);
/* scorer_gain.c */
AMF_CHECKED enum amf_status amf_scorer_keep_covariances(struct amf_scorer *scorer);
/* pending: the posterior with pending work. ret_sums: block_count x target_count, zeroed by the
 * caller; *ret_jitter is raised where a block needs it. */
AMF_CHECKED enum amf_status amf_scorer_sum_blocks(const struct amf_scorer *scorer,
                                                  const struct amf_posterior *pending,
                                                  double *ret_sums, double *ret_jitter);
/* chol(gram + (sigma^2 + jitter) I) of one block into factor; jitter as little as does it, raised
 * in *jitter. gram is left as it is; work: a double for each row. */
AMF_CHECKED enum amf_status amf_scorer_factor_block(const struct amf_scorer *scorer,
                                                    const struct amf_block *block,
                                                    const double *gram, double *work,
                                                    double *factor, double *jitter);
/* A workspace of that many doubles for each worker, each on a cache line of its own. */
AMF_CHECKED enum amf_status amf_scorer_workspace(struct amf_matrix *matrix, size_t workers,
                                                 size_t size);

#endif
