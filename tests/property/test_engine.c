/* An engine saves time and changes nothing: rankings of a growing problem are those from nothing,
 * bit for bit, whatever was ranked in between and by how many workers.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <amf/posterior.h>

#include "suite.h"
#include "synthetic.h"

#define TASKS 4
#define STATE_DIM 3
#define WIDE 660 /* features: more than steps, or the ranking would be over weights */

static struct synthetic_shape growing_shape(uint64_t seed, enum amf_kernel_kind kernel)
{
    bool linear = kernel == AMF_KERNEL_LINEAR, factored = kernel == AMF_KERNEL_FACTORED;

    return (struct synthetic_shape){.seed = seed,
                                    .demonstrations = 40,
                                    .steps = 16,
                                    .tasks = TASKS,
                                    .state_dim = linear ? WIDE : STATE_DIM,
                                    .action_dim = 3,
                                    .task_dim = 2,
                                    .uneven = true,
                                    .kernel = kernel,
                                    .noise = 0.2,
                                    .feature_dim = factored ? WIDE / 3 : WIDE};
}

/* Coordinates behind the first STATE_DIM are 0: features of a linear kernel, and nothing else. */
static void growing_init(struct synthetic *s, const struct synthetic_shape *shape)
{
    synthetic_init(s, shape);
    for (size_t i = 0; i < shape->demonstrations; i++)
        for (size_t t = 0; t < s->trajectories[i].step_count; t++)
            memset((double *)s->trajectories[i].states + t * shape->state_dim + STATE_DIM, 0,
                   (shape->state_dim - STATE_DIM) * sizeof(double));
}

struct answer { /* all that a ranking says, in an order of its own */
    double numbers[TASKS * (6 + TASKS)];
};

/* Under pending work on two tasks, so that every part of a scorer speaks. */
static struct answer rank_with(struct amf_engine *engine, const struct amf_problem *problem,
                               struct amf_pool *pool)
{
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
    const size_t pending[] = {1, 2, 1};
    struct answer answer;
    double *to = answer.numbers;

    memset(&answer, 0, sizeof(answer));
    ck_assert_int_eq(engine ? amf_scorer_renew(engine, problem, pool, &scorer)
                            : amf_scorer_new(problem, pool, &scorer),
                     AMF_OK);
    for (size_t count = 0; count <= 3; count += 3) {
        amf_scores_free(scores);
        ck_assert_int_eq(amf_scorer_score(scorer, pending, count, &scores), AMF_OK);
        for (size_t k = 0; k < scores->candidate_count; k++)
            *to++ = scores->candidates[k].gain;
    }
    for (size_t k = 0; k < TASKS; k++) {
        *to++ = scores->candidates[k].effective_sample_size;
        *to++ = scores->candidates[k].skipped_share;
        *to++ = scores->entropy[k];
        for (size_t e = 0; scores->candidates[k].target_gain && e < TASKS; e++)
            *to++ = scores->candidates[k].target_gain[e];
    }
    return answer;
}

static void assert_same(const struct answer *a, const struct answer *b, const char *what,
                        size_t held)
{
    for (size_t i = 0; i < sizeof(a->numbers) / sizeof(a->numbers[0]); i++)
        ck_assert_msg(!memcmp(&a->numbers[i], &b->numbers[i], sizeof(double)),
                      "%s, %zu held, number %zu: %.17g is not %.17g", what, held, i, a->numbers[i],
                      b->numbers[i]);
}

/* Each count of demonstrations in turn, the engine carried along. */
static void grow(struct synthetic *s, const size_t *counts, size_t count, const char *what)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2), *single = suite_pool(1);
    AMF_ENGINE_CLEANUP struct amf_engine *engine = NULL;

    ck_assert_int_eq(amf_engine_new(&engine), AMF_OK);
    for (size_t i = 0; i < count; i++) {
        struct answer grown, cold;

        s->problem.trajectory_count = counts[i];
        grown = rank_with(engine, &s->problem, pool);
        cold = rank_with(NULL, &s->problem, single);
        assert_same(&grown, &cold, what, counts[i]);
    }
}

START_TEST(a_growing_problem_ranks_as_from_nothing)
{
    const size_t one_by_one[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,
                                 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 40};

    for (int kernel = AMF_KERNEL_RBF; kernel <= AMF_KERNEL_FACTORED; kernel++) {
        SYNTHETIC_CLEANUP struct synthetic s = {0};
        struct synthetic_shape shape =
            growing_shape((uint64_t)kernel, (enum amf_kernel_kind)kernel);

        growing_init(&s, &shape);
        grow(&s, one_by_one, sizeof(one_by_one) / sizeof(one_by_one[0]), "every kernel");
    }
}
END_TEST

START_TEST(whatever_the_weights_and_the_samples)
{
    const size_t counts[] = {6, 7, 9, 20, 21, 22, 33, 34, 40};

    for (int mode = AMF_WEIGHTS_RAW; mode <= AMF_WEIGHTS_UNIFORM; mode++) {
        SYNTHETIC_CLEANUP struct synthetic s = {0};
        struct synthetic_shape shape = growing_shape(9, AMF_KERNEL_RBF);

        growing_init(&s, &shape);
        s.problem.settings.weights = (enum amf_weights)mode;
        s.problem.settings.weight_floor = 1e-4;
        s.problem.settings.blocks_per_task = 5;
        s.problem.settings.test_pair_limit = 60;
        grow(&s, counts, sizeof(counts) / sizeof(counts[0]), "every mode");
    }
}
END_TEST

START_TEST(whatever_the_measure)
{
    const size_t counts[] = {10, 11, 12, 30};

    for (int measure = AMF_MEASURE_ENTROPY; measure <= AMF_MEASURE_PRIOR_ENTROPY; measure++) {
        SYNTHETIC_CLEANUP struct synthetic s = {0};
        struct synthetic_shape shape = growing_shape(10, AMF_KERNEL_MATERN52);

        growing_init(&s, &shape);
        s.problem.settings.measure = (enum amf_measure_kind)measure;
        grow(&s, counts, sizeof(counts) / sizeof(counts[0]), "every measure");
    }
}
END_TEST

START_TEST(under_a_task_table)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = growing_shape(11, AMF_KERNEL_MATERN32);
    const size_t counts[] = {5, 6, 7, 8, 30, 31};
    double table[TASKS * TASKS];

    growing_init(&s, &shape);
    ck_assert_int_eq(amf_task_table_discrete(TASKS, 0.3, table), AMF_OK);
    s.problem.kernel.task = AMF_TASK_TABLE;
    s.problem.kernel.task_table = table;
    grow(&s, counts, sizeof(counts) / sizeof(counts[0]), "task table");
}
END_TEST

/* A step longer than a panel of the factor, and sets cut by limits that make members leave. */
START_TEST(long_demonstrations_and_limits)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = growing_shape(12, AMF_KERNEL_RBF);
    const size_t counts[] = {3, 4, 5, 6, 7, 8, 12, 13};

    shape.steps = 75;
    shape.demonstrations = 13;
    growing_init(&s, &shape);
    grow(&s, counts, sizeof(counts) / sizeof(counts[0]), "long");
    s.problem.settings.conditioning_limit = 200;
    s.problem.settings.occupancy_limit = 6;
    grow(&s, counts, sizeof(counts) / sizeof(counts[0]), "limits");
}
END_TEST

static void retract(struct synthetic *s, size_t index)
{
    s->trajectories[index].conditioned = s->trajectories[index].occupancy = false;
}

/* Past both limits, through several epochs of 8 demonstrations, with some taken away on the way. */
START_TEST(beyond_the_limits)
{
    AMF_POOL_CLEANUP struct amf_pool *single = suite_pool(1), *pair = suite_pool(2);
    AMF_POOL_CLEANUP struct amf_pool *seven = suite_pool(7);
    struct amf_pool *pools[] = {single, pair, seven};

    for (int kernel = AMF_KERNEL_RBF; kernel <= AMF_KERNEL_FACTORED; kernel++) {
        AMF_ENGINE_CLEANUP struct amf_engine *engine = NULL;
        SYNTHETIC_CLEANUP struct synthetic s = {0};
        struct synthetic_shape shape =
            growing_shape(31 + (uint64_t)kernel, (enum amf_kernel_kind)kernel);

        growing_init(&s, &shape);
        s.problem.settings.conditioning_limit = 256;
        s.problem.settings.occupancy_limit = 16;
        ck_assert_int_eq(amf_engine_new(&engine), AMF_OK);
        for (size_t count = 12; count <= 40; count++) {
            struct answer grown, cold;

            if (count == 23 || count == 30)
                retract(&s, count - 2); /* one that every set holds */
            if (count == 27)
                retract(&s, 3);
            s.problem.trajectory_count = count;
            grown = rank_with(engine, &s.problem, pools[count % 3]);
            cold = rank_with(NULL, &s.problem, pools[(count + 1) % 3]);
            assert_same(&grown, &cold, "limits", count);
        }
    }
}
END_TEST

/* As many rows and members as before, in the same places, and none of them the same. */
START_TEST(from_epoch_to_epoch)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = growing_shape(38, AMF_KERNEL_RBF);
    const size_t counts[] = {18, 26, 34, 35, 27, 40, 32};

    shape.uneven = false;
    growing_init(&s, &shape);
    s.problem.settings.conditioning_limit = 256;
    s.problem.settings.occupancy_limit = 16;
    grow(&s, counts, sizeof(counts) / sizeof(counts[0]), "epochs");
}
END_TEST

/* Anything but appended demonstrations: the engine forgets, and nobody sees it. */
START_TEST(a_changed_problem_ranks_as_from_nothing)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    AMF_ENGINE_CLEANUP struct amf_engine *engine = NULL;
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = growing_shape(13, AMF_KERNEL_RBF);

    growing_init(&s, &shape);
    ck_assert_int_eq(amf_engine_new(&engine), AMF_OK);
    for (int change = 0; change < 9; change++) {
        struct answer grown, cold;

        switch (change) {
        case 1:
            s.problem.noise = 0.3;
            break;
        case 2:
            s.state_scale = 0.7;
            break;
        case 3:
            s.trajectories[3].conditioned = false;
            break;
        case 4:
            s.trajectories[5].occupancy = false;
            break;
        case 5:
            s.trajectories[7].task = (s.trajectories[7].task + 1) % TASKS;
            break;
        case 6:
            s.problem.settings.weights = AMF_WEIGHTS_UNIFORM;
            break;
        case 7:
            s.numbers[3] += 0.5; /* a state */
            break;
        case 8:
            s.numbers[shape.steps * shape.state_dim] += 0.5; /* an action */
            break;
        }
        grown = rank_with(engine, &s.problem, pool);
        cold = rank_with(NULL, &s.problem, pool);
        assert_same(&grown, &cold, "changed", (size_t)change);
    }
}
END_TEST

static void assert_any_workers(enum amf_kernel_kind kernel, enum amf_conditioning conditioning)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = growing_shape(14, kernel);
    const size_t workers[] = {1, 2, 7};
    struct answer answers[3];

    shape.demonstrations = 33;
    shape.uneven = false; /* 528 conditioned rows: more than covariances settle at a time */
    growing_init(&s, &shape);
    s.problem.settings.conditioning = conditioning;
    for (size_t w = 0; w < 3; w++) {
        AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(workers[w]);
        AMF_ENGINE_CLEANUP struct amf_engine *engine = NULL;

        ck_assert_int_eq(amf_engine_new(&engine), AMF_OK);
        for (size_t count = 4 + 3 * w; count < 33; count += 9) {
            s.problem.trajectory_count = count;
            answers[w] = rank_with(engine, &s.problem, pool);
        }
        s.problem.trajectory_count = 33;
        answers[w] = rank_with(engine, &s.problem, pool);
    }
    assert_same(&answers[0], &answers[1], "two workers", 33);
    assert_same(&answers[0], &answers[2], "seven workers", 33);
}

START_TEST(any_number_of_workers_along_the_way)
{
    assert_any_workers(AMF_KERNEL_RBF, AMF_CONDITIONING_ALL);
    assert_any_workers(AMF_KERNEL_FACTORED, AMF_CONDITIONING_ALL);
    assert_any_workers(AMF_KERNEL_EMBEDDING, AMF_CONDITIONING_NONE);
}
END_TEST

START_TEST(whatever_it_is_conditioned_on)
{
    const size_t counts[] = {1, 2, 9, 10, 11, 40};

    for (int kernel = AMF_KERNEL_RBF; kernel <= AMF_KERNEL_FACTORED; kernel++) {
        SYNTHETIC_CLEANUP struct synthetic s = {0};
        struct synthetic_shape shape =
            growing_shape(17 + (uint64_t)kernel, (enum amf_kernel_kind)kernel);

        growing_init(&s, &shape);
        s.problem.settings.conditioning = AMF_CONDITIONING_NONE;
        grow(&s, counts, sizeof(counts) / sizeof(counts[0]), "none");
        s.problem.settings.weights = AMF_WEIGHTS_UNIFORM;
        grow(&s, counts, sizeof(counts) / sizeof(counts[0]), "none, uniform");
        s.problem.settings.conditioning = AMF_CONDITIONING_ALL;
        s.problem.policy = AMF_POLICY_DETERMINISTIC;
        s.problem.policy_noise = 1;
        grow(&s, counts, sizeof(counts) / sizeof(counts[0]), "a network's policy");
    }
}
END_TEST

/* Features of some tasks are missing, and steps are dropped, so that rows do not lie together. */
START_TEST(features_with_gaps)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = growing_shape(23, AMF_KERNEL_FACTORED);
    const size_t counts[] = {5, 6, 7, 20, 21, 40};

    growing_init(&s, &shape);
    for (size_t i = 0; i < 40; i += 3)
        ((const double **)s.trajectories[i].features)[(s.trajectories[i].task + 1) % TASKS] = NULL;
    s.problem.settings.max_steps = 5;
    grow(&s, counts, sizeof(counts) / sizeof(counts[0]), "gaps");
}
END_TEST

/* Nobody promises an engine that yesterday's features are still where they were. */
START_TEST(changed_features_are_seen)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    AMF_ENGINE_CLEANUP struct amf_engine *engine = NULL;
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = growing_shape(24, AMF_KERNEL_FACTORED);
    struct answer before, grown, cold;

    growing_init(&s, &shape);
    ck_assert_int_eq(amf_engine_new(&engine), AMF_OK);
    before = rank_with(engine, &s.problem, pool);
    s.features[5] += 0.25;
    grown = rank_with(engine, &s.problem, pool);
    cold = rank_with(NULL, &s.problem, pool);
    assert_same(&grown, &cold, "a feature", 40);
    ck_assert(before.numbers[0] < grown.numbers[0] || before.numbers[0] > grown.numbers[0]);
    s.gradients[7] += 0.25;
    grown = rank_with(engine, &s.problem, pool);
    cold = rank_with(NULL, &s.problem, pool);
    assert_same(&grown, &cold, "a gradient", 40);
}
END_TEST

static void gains_of(const struct amf_scorer *scorer, double ret_gains[TASKS])
{
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;

    ck_assert_int_eq(amf_scorer_score(scorer, (const size_t[]){2, 0}, 2, &scores), AMF_OK);
    for (size_t k = 0; k < TASKS; k++)
        ret_gains[k] = scores->candidates[k].gain;
}

/* A daemon answers from the ranking it has while the next one is made. */
START_TEST(a_scorer_stays_what_it_is_while_its_engine_goes_on)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    AMF_ENGINE_CLEANUP struct amf_engine *engine = NULL;
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = growing_shape(25, AMF_KERNEL_RBF);
    struct amf_scorer *scorers[5] = {NULL};
    double gains[5][TASKS], again[TASKS];

    growing_init(&s, &shape);
    ck_assert_int_eq(amf_engine_new(&engine), AMF_OK);
    for (size_t k = 0; k < 5; k++) {
        s.problem.trajectory_count = 20 + 3 * k;
        ck_assert_int_eq(amf_scorer_renew(engine, &s.problem, pool, &scorers[k]), AMF_OK);
        gains_of(scorers[k], gains[k]);
        if (k == 2) {
            amf_scorer_free(scorers[1]);
            scorers[1] = NULL;
        }
    }
    amf_engine_free(engine);
    engine = NULL;
    for (size_t k = 0; k < 5; k++) {
        if (!scorers[k])
            continue;
        gains_of(scorers[k], again);
        ck_assert_mem_eq(again, gains[k], sizeof(again));
        amf_scorer_free(scorers[k]);
    }
}
END_TEST

/* A cancelled ranking leaves nothing half done behind. */
START_TEST(after_a_failure_the_next_ranking_is_right)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    AMF_ENGINE_CLEANUP struct amf_engine *engine = NULL;
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = growing_shape(15, AMF_KERNEL_RBF);
    struct amf_scorer *scorer = NULL;
    struct answer grown, cold;
    atomic_bool cancel = true;

    growing_init(&s, &shape);
    ck_assert_int_eq(amf_engine_new(&engine), AMF_OK);
    s.problem.trajectory_count = 20;
    (void)rank_with(engine, &s.problem, pool);
    s.problem.trajectory_count = 30;
    s.problem.cancel = &cancel;
    ck_assert_int_eq(amf_scorer_renew(engine, &s.problem, pool, &scorer), AMF_CANCELLED);
    s.problem.cancel = NULL;
    grown = rank_with(engine, &s.problem, pool);
    cold = rank_with(NULL, &s.problem, pool);
    assert_same(&grown, &cold, "after cancelling", 30);
}
END_TEST

/* A growing problem comes to have more steps than features, loses demonstrations, and grows again.
 */
START_TEST(from_pairs_to_weights_and_back)
{
    const enum amf_kernel_kind kernels[] = {AMF_KERNEL_LINEAR, AMF_KERNEL_EMBEDDING,
                                            AMF_KERNEL_FACTORED};
    const size_t counts[] = {5, 6, 7, 8, 9, 10, 5, 6, 20};

    for (size_t k = 0; k < 3; k++) {
        SYNTHETIC_CLEANUP struct synthetic s = {0};
        struct synthetic_shape shape = growing_shape(26 + k, kernels[k]);

        shape.uneven = false;
        shape.state_dim = kernels[k] == AMF_KERNEL_LINEAR ? 7 * shape.steps : STATE_DIM;
        shape.feature_dim = (kernels[k] == AMF_KERNEL_FACTORED ? 40 : 7 * shape.steps);
        growing_init(&s, &shape);
        grow(&s, counts, sizeof(counts) / sizeof(counts[0]), "there and back");
    }
}
END_TEST

/* Gigabytes may hang on it. */
START_TEST(an_engine_without_a_part_forgets)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    AMF_ENGINE_CLEANUP struct amf_engine *engine = NULL;
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = growing_shape(30, AMF_KERNEL_FACTORED);
    size_t empty, held;

    shape.feature_dim = 40; /* 120 in all */
    growing_init(&s, &shape);
    ck_assert_int_eq(amf_engine_new(&engine), AMF_OK);
    empty = amf_engine_bytes(engine);
    s.problem.trajectory_count = 7;
    (void)rank_with(engine, &s.problem, pool);
    held = amf_engine_bytes(engine);
    s.problem.trajectory_count = 40;
    (void)rank_with(engine, &s.problem, pool);
    ck_assert_uint_gt(held, empty);
    ck_assert_uint_eq(amf_engine_bytes(engine), empty);
}
END_TEST

/* The other route: a Cholesky factor and triangular solves, by BLAS. */
START_TEST(variances_agree_with_triangular_solves)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);

    for (int kernel = AMF_KERNEL_RBF; kernel <= AMF_KERNEL_LINEAR; kernel++) {
        AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
        AMF_KERNEL_CLEANUP struct amf_kernel *prior = NULL;
        AMF_POSTERIOR_CLEANUP struct amf_posterior *posterior = NULL;
        SYNTHETIC_CLEANUP struct synthetic s = {0};
        struct synthetic_shape shape = growing_shape(16, (enum amf_kernel_kind)kernel);
        const struct amf_problem *p = &s.problem;
        struct amf_block blocks[40];
        size_t dim = shape.state_dim;
        double variance[16], *states = calloc(40 * 16 * dim, sizeof(double));

        shape.uneven = false;
        shape.noise = 0.05;
        growing_init(&s, &shape);
        for (size_t i = 0; i < 40; i++) {
            blocks[i] = (struct amf_block){16 * i, 16, p->trajectories[i].task};
            memcpy(states + i * 16 * dim, p->trajectories[i].states, 16 * dim * sizeof(double));
        }
        ck_assert_int_eq(amf_kernel_new(&p->kernel,
                                        &(struct amf_points){.row_count = 640,
                                                             .state_dim = dim,
                                                             .states = states,
                                                             .task_count = TASKS,
                                                             .task_dim = 2,
                                                             .task_vectors = p->task_vectors},
                                        pool, NULL, &prior),
                         AMF_OK);
        ck_assert_int_eq(
            amf_posterior_new(prior, p->noise, blocks, 40, NULL, 0, pool, NULL, &posterior),
            AMF_OK);
        ck_assert_int_eq(amf_scorer_new(p, pool, &scorer), AMF_OK);
        for (size_t i = 0; i < 40; i++)
            for (size_t c = 0; c < TASKS; c++) {
                struct amf_block pairs = {16 * i, 16, c};

                ck_assert_int_eq(
                    amf_posterior_predict(posterior, &pairs, 1, pool, NULL, NULL, variance), 0);
                for (size_t t = 0; t < 16; t++)
                    ck_assert_double_eq_tol(amf_scorer_variance(scorer, i, c)[t], variance[t],
                                            1e-9);
            }
        free(states);
    }
}
END_TEST

/* ---- digits at little noise, against long double ---- */

enum { EXACT_DEMOS = 10, EXACT_STEPS = 16, EXACT_HELD = EXACT_DEMOS * EXACT_STEPS };
enum { EXACT_PAIRS = 2 * EXACT_HELD }; /* two tasks; pair p is row p % HELD under task p / HELD */

struct exact {
    const struct synthetic *s;
    long double factor[EXACT_HELD][EXACT_HELD], whitened[EXACT_PAIRS][EXACT_HELD];
};

static long double exact_kernel(const struct synthetic *s, size_t p, size_t q)
{
    size_t dim = s->problem.state_dim;
    const double *a = s->trajectories[p % EXACT_HELD / EXACT_STEPS].states + p % EXACT_STEPS * dim;
    const double *b = s->problem.task_vectors;
    long double sum = 1;

    for (size_t d = 0; d < STATE_DIM; d++)
        sum += (long double)a[d] *
               s->trajectories[q % EXACT_HELD / EXACT_STEPS].states[q % EXACT_STEPS * dim + d];
    for (size_t d = 0; d < 2; d++)
        sum += (long double)b[p / EXACT_HELD * 2 + d] * b[q / EXACT_HELD * 2 + d];
    return s->problem.kernel.variance * sum;
}

/* x := L^-1 x for a lower triangle. */
static void exact_solve(const long double *factor, size_t stride, size_t count, long double *x)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++)
            x[i] -= factor[i * stride + k] * x[k];
        x[i] /= factor[i * stride + i];
    }
}

/* Row by row: what is left of it is solved for, what is right of that is the root. */
static void exact_cholesky(long double *a, size_t stride, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        exact_solve(a, stride, i, a + i * stride);
        for (size_t k = 0; k < i; k++)
            a[i * stride + i] -= a[i * stride + k] * a[i * stride + k];
        a[i * stride + i] = sqrtl(a[i * stride + i]);
    }
}

static size_t exact_held(const struct synthetic *s, size_t row)
{
    return s->trajectories[row / EXACT_STEPS].task * EXACT_HELD + row;
}

static void exact_init(struct exact *exact, const struct synthetic *s)
{
    long double noise = s->problem.noise;

    exact->s = s;
    for (size_t p = 0; p < EXACT_HELD; p++)
        for (size_t q = 0; q <= p; q++)
            exact->factor[p][q] =
                exact_kernel(s, exact_held(s, p), exact_held(s, q)) + (p == q ? noise * noise : 0);
    exact_cholesky(exact->factor[0], EXACT_HELD, EXACT_HELD);
    for (size_t p = 0; p < EXACT_PAIRS; p++) {
        for (size_t q = 0; q < EXACT_HELD; q++)
            exact->whitened[p][q] = exact_kernel(s, p, exact_held(s, q));
        exact_solve(exact->factor[0], EXACT_HELD, EXACT_HELD, exact->whitened[p]);
    }
}

static long double exact_covariance(const struct exact *exact, size_t p, size_t q)
{
    long double sum = exact_kernel(exact->s, p, q);

    for (size_t k = 0; k < EXACT_HELD; k++)
        sum -= exact->whitened[p][k] * exact->whitened[q][k];
    return sum;
}

/* One block's entropies over all pairs, all weights 1. */
static long double exact_block(const struct exact *exact, size_t first)
{
    const struct amf_problem *problem = &exact->s->problem;
    double total = problem->target_weights[0] + problem->target_weights[1];
    long double gram[EXACT_STEPS * EXACT_STEPS], cross[EXACT_STEPS], sum = 0;

    for (size_t i = 0; i < EXACT_STEPS; i++)
        for (size_t j = 0; j <= i; j++)
            gram[i * EXACT_STEPS + j] = exact_covariance(exact, first + i, first + j) +
                                        (i == j ? (long double)problem->noise * problem->noise : 0);
    exact_cholesky(gram, EXACT_STEPS, EXACT_STEPS);
    for (size_t p = 0; p < EXACT_PAIRS; p++) {
        long double squares = 0;

        for (size_t i = 0; i < EXACT_STEPS; i++)
            cross[i] = exact_covariance(exact, first + i, p);
        exact_solve(gram, EXACT_STEPS, EXACT_STEPS, cross);
        for (size_t i = 0; i < EXACT_STEPS; i++)
            squares += cross[i] * cross[i];
        sum -= problem->target_weights[p / EXACT_HELD] / total / 2 *
               log1pl(-squares / exact_covariance(exact, p, p));
    }
    return sum;
}

/* Over weights, and on both sides of where the engine leaves a problem to the solves, wherever that
 * is. */
START_TEST(little_noise_costs_no_digits)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    struct exact *exact = calloc(1, sizeof(*exact));
    struct synthetic_shape shape = growing_shape(5, AMF_KERNEL_LINEAR);

    shape.demonstrations = EXACT_DEMOS;
    shape.tasks = 2;
    shape.uneven = false;
    for (int run = 0; run < 18; run++) {
        AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
        AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
        SYNTHETIC_CLEANUP struct synthetic s = {0};

        shape.state_dim = run % 2 ? WIDE : STATE_DIM;
        shape.noise = 0.003 * pow(1.3, run / 2);
        growing_init(&s, &shape);
        s.problem.settings.weights = AMF_WEIGHTS_UNIFORM;
        ck_assert_int_eq(amf_scorer_new(&s.problem, pool, &scorer), AMF_OK);
        ck_assert_int_eq(amf_scorer_score(scorer, NULL, 0, &scores), AMF_OK);
        exact_init(exact, &s);
        for (size_t c = 0; c < 2; c++) {
            long double gain = 0;

            for (size_t j = 0; j < EXACT_DEMOS; j++)
                gain += exact_block(exact, c * EXACT_HELD + j * EXACT_STEPS);
            gain *= 3.0L / (EXACT_DEMOS * EXACT_DEMOS);
            ck_assert_double_eq_tol(scores->candidates[c].gain / (double)gain, 1, 1e-9);
        }
    }
    free(exact);
}
END_TEST

SUITE_MAIN("property_engine", a_growing_problem_ranks_as_from_nothing,
           whatever_the_weights_and_the_samples, whatever_the_measure, under_a_task_table,
           long_demonstrations_and_limits, beyond_the_limits, from_epoch_to_epoch,
           a_changed_problem_ranks_as_from_nothing, any_number_of_workers_along_the_way,
           whatever_it_is_conditioned_on, features_with_gaps, changed_features_are_seen,
           a_scorer_stays_what_it_is_while_its_engine_goes_on,
           after_a_failure_the_next_ranking_is_right, from_pairs_to_weights_and_back,
           an_engine_without_a_part_forgets, variances_agree_with_triangular_solves,
           little_noise_costs_no_digits)
