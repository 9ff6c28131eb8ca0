/* The fast gain against the formula, and what any gain must obey. */
#include <math.h>
#include <stdlib.h>

#include <amf/matrix.h>

#include "reference.h"
#include "suite.h"
#include "synthetic.h"

#define SEEDS 3

static struct synthetic_shape small_shape(uint64_t seed, enum amf_kernel_kind kernel)
{
    return (struct synthetic_shape){.seed = seed,
                                    .demonstrations = 5,
                                    .steps = 3,
                                    .tasks = 3,
                                    .state_dim = 2,
                                    .action_dim = 2,
                                    .task_dim = 2,
                                    .uneven = true,
                                    .kernel = kernel,
                                    .noise = 0.3};
}

/* All weights of a scorer in rows by trajectory; the caller zeroes the others. */
static void copy_weights(const struct amf_scorer *scorer, size_t tasks, double *ret_weights)
{
    for (size_t i = 0; i < amf_scorer_occupancy_count(scorer); i++)
        for (size_t c = 0; c < tasks; c++)
            ret_weights[amf_scorer_trajectory(scorer, i) * tasks + c] =
                amf_scorer_weight(scorer, i, c);
}

static size_t heaviest(const double *weights, size_t n, size_t tasks, size_t task)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (weights[i * tasks + task] > weights[best * tasks + task] * (1 + 1e-12))
            best = i;
    return best;
}

static void compare(const struct amf_problem *problem, struct amf_pool *pool, const size_t *pending,
                    size_t pending_count)
{
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
    double weights[64] = {0};
    size_t blocks[4][2];

    ck_assert_int_eq(amf_scorer_new(problem, pool, &scorer), AMF_OK);
    ck_assert_int_eq(amf_scorer_score(scorer, pending, pending_count, &scores), AMF_OK);
    ck_assert(scores->exhaustive);
    copy_weights(scorer, problem->task_count, weights);
    for (size_t p = 0; p < pending_count; p++) {
        blocks[p][0] =
            heaviest(weights, problem->trajectory_count, problem->task_count, pending[p]);
        blocks[p][1] = pending[p];
    }
    for (size_t c = 0; c < problem->candidate_count; c++) {
        double expected =
            reference_gain(problem, weights, c, (const size_t(*)[2])blocks, pending_count);

        ck_assert_msg(fabs(scores->candidates[c].gain - expected) <= 1e-8 * fabs(expected) + 1e-12,
                      "candidate %zu: formula %.15g, scorer %.15g", c, expected,
                      scores->candidates[c].gain);
    }
}

START_TEST(agrees_with_the_formula_for_every_kernel_and_measure)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    static const enum amf_measure_kind measures[] = {AMF_MEASURE_ENTROPY, AMF_MEASURE_NOISY_ENTROPY,
                                                     AMF_MEASURE_VARIANCE, AMF_MEASURE_REVERSE_KL};

    for (int kernel = AMF_KERNEL_RBF; kernel <= AMF_KERNEL_FACTORED; kernel++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            SYNTHETIC_CLEANUP struct synthetic s = {0};
            struct synthetic_shape shape = small_shape(seed, (enum amf_kernel_kind)kernel);

            synthetic_init(&s, &shape);
            s.problem.settings.measure = measures[((uint64_t)kernel + seed) % 4];
            s.problem.settings.weights = (enum amf_weights)((uint64_t)kernel % 4);
            compare(&s.problem, pool, NULL, 0);
        }
}
END_TEST

START_TEST(agrees_with_the_formula_under_a_task_table)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    double table[9];

    ck_assert_int_eq(amf_task_table_discrete(3, 0.25, table), AMF_OK);
    for (int kernel = AMF_KERNEL_RBF; kernel <= AMF_KERNEL_LINEAR; kernel++) {
        SYNTHETIC_CLEANUP struct synthetic s = {0};
        struct synthetic_shape shape = small_shape(7, (enum amf_kernel_kind)kernel);

        synthetic_init(&s, &shape);
        s.problem.kernel.task = AMF_TASK_TABLE;
        s.problem.kernel.task_table = table;
        s.problem.task_vectors = s.task_vectors;
        compare(&s.problem, pool, NULL, 0);
    }
}
END_TEST

START_TEST(agrees_with_the_formula_under_pending_work_and_exclude_self)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    const size_t pending[] = {1, 2, 1};

    for (int conditioning = AMF_CONDITIONING_ALL; conditioning <= AMF_CONDITIONING_NONE;
         conditioning++)
        for (int kernel = AMF_KERNEL_RBF; kernel <= AMF_KERNEL_FACTORED; kernel++) {
            SYNTHETIC_CLEANUP struct synthetic s = {0};
            struct synthetic_shape shape = small_shape(11, (enum amf_kernel_kind)kernel);

            synthetic_init(&s, &shape);
            s.problem.settings.conditioning = (enum amf_conditioning)conditioning;
            s.problem.settings.exclude_self = kernel % 2;
            compare(&s.problem, pool, pending, 3);
        }
}
END_TEST

/* Rollouts of the policy: the posterior knows the others, they alone stand in. */
START_TEST(agrees_with_the_formula_when_what_stands_in_is_not_held)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    const size_t pending[] = {1};

    for (int kernel = AMF_KERNEL_RBF; kernel <= AMF_KERNEL_FACTORED; kernel++)
        for (size_t held = 0; held <= 2; held++) {
            SYNTHETIC_CLEANUP struct synthetic s = {0};
            struct synthetic_shape shape = small_shape(13, (enum amf_kernel_kind)kernel);

            synthetic_init(&s, &shape);
            s.problem.settings.weights = AMF_WEIGHTS_OWN_TASK;
            for (size_t i = 0; i < shape.demonstrations; i++) {
                s.trajectories[i].conditioned = i < held;
                s.trajectories[i].occupancy = i >= held;
            }
            compare(&s.problem, pool, pending, 1);
        }
}
END_TEST

START_TEST(agrees_with_the_formula_with_a_scale_per_dimension)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = small_shape(5, AMF_KERNEL_MATERN32);
    const double states[] = {0.5, 2}, tasks[] = {3, 0.7};

    synthetic_init(&s, &shape);
    s.problem.kernel.state_scale = states;
    s.problem.kernel.state_scale_count = 2;
    s.problem.kernel.task_scale = tasks;
    s.problem.kernel.task_scale_count = 2;
    compare(&s.problem, pool, NULL, 0);
}
END_TEST

/* Gains of one call; ret: task_count numbers. */
static void gains(const struct amf_problem *problem, struct amf_pool *pool, const size_t *pending,
                  size_t pending_count, double *ret_gains)
{
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;

    ck_assert_int_eq(amf_scorer_new(problem, pool, &scorer), AMF_OK);
    ck_assert_int_eq(amf_scorer_score(scorer, pending, pending_count, &scores), AMF_OK);
    for (size_t c = 0; c < scores->candidate_count; c++) {
        double parts = 0;

        for (size_t e = 0; e < scores->target_count; e++)
            parts += scores->candidates[c].target_gain[e];
        ck_assert_double_eq_tol(parts, scores->candidates[c].gain, 1e-12 * fabs(parts));
        ret_gains[c] = scores->candidates[c].gain;
    }
}

START_TEST(gains_are_finite_and_never_negative)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);

    for (int measure = AMF_MEASURE_ENTROPY; measure <= AMF_MEASURE_JENSEN_SHANNON; measure++)
        for (int mode = AMF_WEIGHTS_RAW; mode <= AMF_WEIGHTS_UNIFORM; mode++)
            for (double noise = 1e-6; noise < 1e6; noise *= 100) {
                SYNTHETIC_CLEANUP struct synthetic s = {0};
                struct synthetic_shape shape = small_shape((uint64_t)mode, AMF_KERNEL_RBF);
                double gain[3];

                synthetic_init(&s, &shape);
                s.problem.noise = noise;
                s.problem.settings.measure = (enum amf_measure_kind)measure;
                s.problem.settings.weights = (enum amf_weights)mode;
                gains(&s.problem, pool, NULL, 0, gain);
                for (size_t c = 0; c < 3; c++)
                    ck_assert_msg(isfinite(gain[c]) && gain[c] >= 0, "%d %d %g: %g", measure, mode,
                                  noise, gain[c]);
            }
}
END_TEST

START_TEST(a_pending_demonstration_makes_the_same_task_worth_less)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        SYNTHETIC_CLEANUP struct synthetic s = {0};
        struct synthetic_shape shape = small_shape(seed, AMF_KERNEL_RBF);
        size_t pending[6] = {1, 1, 1, 1, 1, 1};
        double before[3], after[3];

        synthetic_init(&s, &shape);
        gains(&s.problem, pool, NULL, 0, before);
        for (size_t count = 1; count <= 6; count++) {
            gains(&s.problem, pool, pending, count, after);
            ck_assert_double_lt(after[1], before[1]);
            before[1] = after[1];
        }
    }
}
END_TEST

START_TEST(kl_is_entropy)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = small_shape(1, AMF_KERNEL_MATERN52);
    double entropy[3], kl[3];

    synthetic_init(&s, &shape);
    gains(&s.problem, pool, NULL, 0, entropy);
    s.problem.settings.measure = AMF_MEASURE_KL;
    gains(&s.problem, pool, NULL, 0, kl);
    for (size_t c = 0; c < 3; c++)
        ck_assert_double_eq(entropy[c], kl[c]);
}
END_TEST

/* With no data and no noise to speak of, a block explains its own states whole, and nothing at all
 * under overwhelming noise. */
START_TEST(limits_of_the_noise)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = small_shape(2, AMF_KERNEL_RBF);
    double gain[3];

    shape.demonstrations = 1;
    shape.tasks = 1;
    shape.uneven = false;
    synthetic_init(&s, &shape);
    s.problem.settings.conditioning = AMF_CONDITIONING_NONE;
    s.problem.settings.measure = AMF_MEASURE_VARIANCE;
    s.problem.settings.weights = AMF_WEIGHTS_UNIFORM;
    s.problem.noise = 1e-6;
    gains(&s.problem, pool, NULL, 0, gain);
    ck_assert_double_eq_tol(gain[0], 2 * 3, 1e-6); /* d_a x steps x k(x, x) */
    s.problem.noise = 1e9;
    gains(&s.problem, pool, NULL, 0, gain);
    ck_assert_double_lt(gain[0], 1e-15);
}
END_TEST

SUITE_MAIN("property_gain", agrees_with_the_formula_for_every_kernel_and_measure,
           agrees_with_the_formula_under_a_task_table,
           agrees_with_the_formula_under_pending_work_and_exclude_self,
           agrees_with_the_formula_when_what_stands_in_is_not_held,
           agrees_with_the_formula_with_a_scale_per_dimension, gains_are_finite_and_never_negative,
           a_pending_demonstration_makes_the_same_task_worth_less, kl_is_entropy,
           limits_of_the_noise)
