/* Weights or pairs, cold or added, whole or cut: every route leads to the same numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <amf/matrix.h>
#include <amf/posterior.h>
#include <amf/ridge_table.h>

#include "reference.h"
#include "suite.h"
#include "synthetic.h"

#define TASKS 3
#define MOST 24 /* demonstrations */

static const enum amf_kernel_kind kinds[] = {AMF_KERNEL_LINEAR, AMF_KERNEL_EMBEDDING,
                                             AMF_KERNEL_FACTORED};

/* A problem's kernel on the steps of all its demonstrations, and its feature map. */
struct world {
    struct synthetic s;
    struct amf_pool *pool;
    struct amf_kernel *kernel;
    struct amf_feature_map *map;
    struct amf_features features;
    struct amf_block held[MOST]; /* under their own tasks */
    double *actions, table[TASKS * TASKS];
    size_t rows;
};

static void world_points(struct world *w, double *states, struct amf_row_source *sources,
                         const double **features, const double **gradients)
{
    const struct amf_problem *p = &w->s.problem;

    w->rows = 0;
    for (size_t i = 0; i < p->trajectory_count; i++) {
        const struct amf_trajectory *t = &p->trajectories[i];

        w->held[i] = (struct amf_block){w->rows, t->step_count, t->task};
        memcpy(states + w->rows * p->state_dim, t->states,
               t->step_count * p->state_dim * sizeof(double));
        memcpy(w->actions + w->rows * p->action_dim, t->actions,
               t->step_count * p->action_dim * sizeof(double));
        for (size_t c = 0; c < TASKS; c++) {
            features[i * TASKS + c] = t->features[c];
            gradients[i * TASKS + c] = t->gradients[c];
        }
        for (size_t k = 0; k < t->step_count; k++)
            sources[w->rows++] = (struct amf_row_source){i, k};
    }
}

static void world_init(struct world *w, const struct synthetic_shape *shape, bool task_table,
                       size_t workers)
{
    size_t most = shape->demonstrations * shape->steps;
    double *states = calloc(most, shape->state_dim * sizeof(double));
    struct amf_row_source *sources = calloc(most, sizeof(*sources));
    const double **features = calloc(shape->demonstrations * TASKS, sizeof(*features));
    const double **gradients = calloc(shape->demonstrations * TASKS, sizeof(*gradients));
    struct amf_points points;

    *w = (struct world){.pool = suite_pool(workers)};
    synthetic_init(&w->s, shape);
    w->actions = calloc(most, shape->action_dim * sizeof(double));
    world_points(w, states, sources, features, gradients);
    if (task_table) {
        ck_assert_int_eq(amf_task_table_discrete(TASKS, 0.4, w->table), AMF_OK);
        w->s.problem.kernel.task = AMF_TASK_TABLE;
        w->s.problem.kernel.task_table = w->table;
    }
    w->s.problem.kernel.variance = 1.7;
    points = (struct amf_points){.row_count = w->rows,
                                 .state_dim = shape->state_dim,
                                 .states = states,
                                 .task_count = TASKS,
                                 .task_dim = shape->task_dim,
                                 .task_vectors = w->s.task_vectors,
                                 .sources = sources,
                                 .features = features,
                                 .gradients = gradients,
                                 .feature_dim = w->s.problem.feature_dim,
                                 .gradient_dim = w->s.problem.gradient_dim};
    ck_assert_int_eq(amf_kernel_new(&w->s.problem.kernel, &points, w->pool, NULL, &w->kernel), 0);
    ck_assert_int_eq(amf_feature_map_new(w->kernel, &w->map), 0);
    w->features = amf_feature_map_get(w->map);
    free(states);
    free(sources);
    free(features);
    free(gradients);
}

static void world_deinit(struct world *w)
{
    amf_feature_map_free(w->map);
    amf_kernel_unref(w->kernel);
    amf_pool_free(w->pool);
    synthetic_deinit(&w->s);
    free(w->actions);
}
#define WORLD_CLEANUP __attribute__((cleanup(world_deinit)))

static struct synthetic_shape shape_of(uint64_t seed, enum amf_kernel_kind kernel,
                                       size_t demonstrations, size_t steps)
{
    return (struct synthetic_shape){.seed = seed,
                                    .demonstrations = demonstrations,
                                    .steps = steps,
                                    .tasks = TASKS,
                                    .state_dim = 4,
                                    .action_dim = 2,
                                    .task_dim = 2,
                                    .uneven = seed % 2,
                                    .kernel = kernel,
                                    .noise = 0.2};
}

static struct amf_ridge *ridge_of(const struct world *w, size_t held, bool actions)
{
    struct amf_ridge *ridge = NULL;

    ck_assert_int_eq(amf_ridge_new(&w->features, w->s.problem.noise, NULL, w->held, held,
                                   actions ? w->actions : NULL, w->s.problem.action_dim, w->pool,
                                   NULL, &ridge),
                     AMF_OK);
    return ridge;
}

static struct amf_posterior *pairs_of(const struct world *w, const struct amf_block *blocks,
                                      size_t count, bool actions)
{
    struct amf_posterior *posterior = NULL;

    ck_assert_int_eq(amf_posterior_new(w->kernel, w->s.problem.noise, blocks, count,
                                       actions ? w->actions : NULL, w->s.problem.action_dim,
                                       w->pool, NULL, &posterior),
                     AMF_OK);
    return posterior;
}

static void assert_close(const double *a, const double *b, size_t count, double tolerance,
                         const char *what)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(fabs(a[i] - b[i]) <= tolerance * fmax(fabs(b[i]), 1e-3),
                      "%s, number %zu: %.17g and %.17g", what, i, a[i], b[i]);
}

/* ---- the posterior ---- */

static void compare_posteriors(const struct world *w, size_t held)
{
    AMF_RIDGE_CLEANUP struct amf_ridge *ridge = ridge_of(w, held, true);
    AMF_POSTERIOR_CLEANUP struct amf_posterior *pairs = pairs_of(w, w->held, held, true);
    size_t dim = w->s.problem.action_dim;
    double *numbers = calloc(2 * (1 + dim) * w->rows, sizeof(double));
    double *mean = numbers + 2 * w->rows, *variance = numbers;

    ck_assert_uint_eq(amf_ridge_rows(ridge), amf_posterior_rows(pairs));
    for (size_t c = 0; c < TASKS; c++) {
        struct amf_block all = {0, w->rows, c};

        ck_assert_int_eq(amf_ridge_predict(ridge, &all, 1, w->pool, NULL, mean, variance, NULL), 0);
        ck_assert_int_eq(amf_posterior_predict(pairs, &all, 1, w->pool, NULL, mean + dim * w->rows,
                                               variance + w->rows),
                         0);
        assert_close(variance, variance + w->rows, w->rows, 1e-9, "variance");
        assert_close(mean, mean + dim * w->rows, dim * w->rows, 1e-9, "mean");
    }
    free(numbers);
}

START_TEST(weights_and_pairs_predict_the_same)
{
    static const size_t held[] = {0, 1, 2, 3, 5, 24};

    for (size_t k = 0; k < 3; k++)
        for (uint64_t seed = 0; seed < 4; seed++) {
            WORLD_CLEANUP struct world w;
            struct synthetic_shape shape = shape_of(seed, kinds[k], MOST, 7);

            world_init(&w, &shape, seed > 1, 2);
            for (size_t h = 0; h < sizeof(held) / sizeof(held[0]); h++)
                compare_posteriors(&w, held[h]);
        }
}
END_TEST

START_TEST(variances_are_those_of_the_formula)
{
    for (size_t k = 0; k < 3; k++) {
        WORLD_CLEANUP struct world w;
        struct synthetic_shape shape = shape_of(8, kinds[k], 4, 3);
        struct reference_pair given[12], x = {1, 2, 0};
        struct amf_block at = {3 + 2, 1, 0};
        double variance;

        world_init(&w, &shape, false, 1);
        for (size_t r = 0; r < 12; r++)
            given[r] = (struct reference_pair){r / 3, r % 3, w.held[r / 3].task};
        AMF_RIDGE_CLEANUP struct amf_ridge *ridge = ridge_of(&w, 4, false);

        ck_assert_int_eq(amf_ridge_predict(ridge, &at, 1, w.pool, NULL, NULL, &variance, NULL), 0);
        ck_assert_double_eq_tol(variance, reference_covariance(&w.s.problem, given, 12, x, x),
                                1e-10);
    }
}
END_TEST

START_TEST(an_extension_is_a_posterior_that_knew_it_all)
{
    WORLD_CLEANUP struct world w;
    struct synthetic_shape shape = shape_of(3, AMF_KERNEL_FACTORED, MOST, 6);
    double *a, *b;

    world_init(&w, &shape, false, 2);
    a = calloc(2 * w.rows, sizeof(double));
    b = a + w.rows;
    AMF_RIDGE_CLEANUP struct amf_ridge *parent = ridge_of(&w, 10, true), *child = NULL;
    AMF_RIDGE_CLEANUP struct amf_ridge *whole = ridge_of(&w, 14, false);

    ck_assert_int_eq(amf_ridge_extend(parent, w.held + 10, 4, w.pool, NULL, &child), 0);
    ck_assert_int_eq(amf_ridge_predict(child, w.held, MOST, w.pool, NULL, NULL, a, NULL), 0);
    ck_assert_int_eq(amf_ridge_predict(whole, w.held, MOST, w.pool, NULL, NULL, b, NULL), 0);
    assert_close(a, b, w.rows, 1e-12, "extended");
    free(a);
}
END_TEST

START_TEST(wrong_input_is_refused_by_name)
{
    WORLD_CLEANUP struct world w;
    struct synthetic_shape shape = shape_of(3, AMF_KERNEL_EMBEDDING, 4, 6);
    struct amf_ridge *ridge = NULL;
    struct amf_feature_map *map = NULL;
    struct synthetic_shape rbf = shape_of(3, AMF_KERNEL_RBF, 4, 6);
    struct amf_kernel *kernel = NULL;
    double state = 0;

    world_init(&w, &shape, false, 1);
    ck_assert_int_eq(amf_ridge_new(&w.features, 0, NULL, w.held, 4, NULL, 0, w.pool, NULL, &ridge),
                     AMF_BAD_ARGUMENT);
    ck_assert_int_eq(
        amf_ridge_new(&w.features, NAN, NULL, w.held, 4, NULL, 0, w.pool, NULL, &ridge),
        AMF_NOT_FINITE);
    ck_assert_int_eq(
        amf_ridge_new(&w.features, 1e-7, NULL, w.held, 4, NULL, 0, w.pool, NULL, &ridge),
        AMF_NOT_POSDEF);
    w.actions[1] = NAN;
    ck_assert_int_eq(
        amf_ridge_new(&w.features, 1, NULL, w.held, 4, w.actions, 2, w.pool, NULL, &ridge),
        AMF_NOT_FINITE);
    w.s.features[0] = INFINITY;
    ck_assert_int_eq(amf_ridge_new(&w.features, 1, NULL, w.held, 4, NULL, 0, w.pool, NULL, &ridge),
                     AMF_NOT_FINITE);
    w.s.problem.kernel.kind = AMF_KERNEL_RBF;
    ck_assert_int_eq(amf_kernel_new(&w.s.problem.kernel,
                                    &(struct amf_points){.row_count = 1,
                                                         .state_dim = 1,
                                                         .states = &state,
                                                         .task_count = TASKS,
                                                         .task_dim = rbf.task_dim,
                                                         .task_vectors = w.s.task_vectors},
                                    w.pool, NULL, &kernel),
                     0);
    ck_assert_int_eq(amf_feature_map_new(kernel, &map), AMF_BAD_ARGUMENT);
    amf_kernel_unref(kernel);
}
END_TEST

/* ---- tables ---- */

struct scene { /* all demonstrations as blocks under all tasks, and all pairs */
    struct amf_block blocks[MOST * TASKS];
    size_t source[MOST * TASKS], count;
    double *weight;
    size_t *target, *test_source, tests;
    struct amf_ridge_table_input input;
};

static void scene_init(struct scene *scene, const struct world *w, enum amf_measure_kind measure,
                       size_t targets, bool exclude_self)
{
    *scene = (struct scene){.tests = w->rows * TASKS};
    scene->weight = calloc(scene->tests, sizeof(double));
    scene->target = calloc(scene->tests, sizeof(size_t));
    scene->test_source = calloc(scene->tests, sizeof(size_t));
    for (size_t c = 0, x = 0; c < TASKS; c++)
        for (size_t i = 0; i < w->s.problem.trajectory_count; i++) {
            scene->source[scene->count] = i;
            scene->blocks[scene->count++] =
                (struct amf_block){w->held[i].first_row, w->held[i].row_count, c};
            for (size_t t = 0; t < w->held[i].row_count; t++, x++) {
                scene->weight[x] = 0.1 + (double)((7 * x) % 5);
                scene->target[x] = c % targets;
                scene->test_source[x] = i;
            }
        }
    scene->input =
        (struct amf_ridge_table_input){.blocks = scene->blocks,
                                       .block_count = scene->count,
                                       .block_source = exclude_self ? scene->source : NULL,
                                       .tests = scene->blocks,
                                       .test_block_count = scene->count,
                                       .test_weight = scene->weight,
                                       .test_target = scene->target,
                                       .test_source = scene->test_source,
                                       .target_count = targets,
                                       .measure = measure,
                                       .keep = true};
}

static void scene_deinit(struct scene *scene)
{
    free(scene->weight);
    free(scene->target);
    free(scene->test_source);
}
#define SCENE_CLEANUP __attribute__((cleanup(scene_deinit)))

static double measured(enum amf_measure_kind kind, double noise, double before, double after)
{
    switch (kind) {
    case AMF_MEASURE_VARIANCE:
        return before - after;
    case AMF_MEASURE_NOISY_ENTROPY:
        return log((before + noise * noise) / (after + noise * noise)) / 2;
    case AMF_MEASURE_REVERSE_KL:
        return before / after - 1 - log(before / after) / 2;
    default:
        return log(before / after) / 2;
    }
}

/* One block's sums by conditioning pairs on it: k - V'V, before and after. */
static void expected_sums(const struct world *w, const struct scene *scene, size_t held,
                          size_t block, double *ret_sums)
{
    struct amf_block given[MOST + 1];
    double *before = calloc(2 * scene->tests, sizeof(double)), *after = before + scene->tests;

    memcpy(given, w->held, held * sizeof(*given));
    given[held] = scene->blocks[block];
    AMF_POSTERIOR_CLEANUP struct amf_posterior *first = pairs_of(w, given, held, false);
    AMF_POSTERIOR_CLEANUP struct amf_posterior *second = pairs_of(w, given, held + 1, false);

    ck_assert_int_eq(
        amf_posterior_predict(first, scene->blocks, scene->count, w->pool, NULL, NULL, before), 0);
    ck_assert_int_eq(
        amf_posterior_predict(second, scene->blocks, scene->count, w->pool, NULL, NULL, after), 0);
    memset(ret_sums, 0, scene->input.target_count * sizeof(double));
    for (size_t x = 0; x < scene->tests; x++)
        if (!scene->input.block_source || scene->test_source[x] != scene->source[block])
            ret_sums[scene->target[x]] +=
                scene->weight[x] *
                measured(scene->input.measure, w->s.problem.noise, before[x], after[x]);
    free(before);
}

static void check_table(const struct world *w, const struct scene *scene, size_t held,
                        const struct amf_ridge_table *table, const char *what)
{
    size_t targets = scene->input.target_count;
    double sums[TASKS];

    for (size_t b = 0; b < scene->count; b += 5) {
        expected_sums(w, scene, held, b, sums);
        assert_close(amf_ridge_table_sums(table) + b * targets, sums, targets, 1e-9, what);
    }
}

static struct amf_ridge_table *table_of(const struct world *w, const struct scene *scene,
                                        size_t held)
{
    AMF_RIDGE_CLEANUP struct amf_ridge *ridge = ridge_of(w, held, false);
    struct amf_ridge_table *table = NULL;

    ck_assert_int_eq(amf_ridge_table_new(ridge, &scene->input, w->pool, NULL, &table), AMF_OK);
    return table;
}

START_TEST(tables_agree_with_pairs_cold_and_added)
{
    static const enum amf_measure_kind measures[] = {AMF_MEASURE_ENTROPY, AMF_MEASURE_NOISY_ENTROPY,
                                                     AMF_MEASURE_VARIANCE, AMF_MEASURE_REVERSE_KL};

    for (size_t k = 0; k < 3; k++)
        for (size_t m = 0; m < 4; m++)
            for (size_t targets = 1; targets <= TASKS; targets += 2) {
                WORLD_CLEANUP struct world w;
                SCENE_CLEANUP struct scene scene;
                struct synthetic_shape shape = shape_of(m, kinds[k], 12, 8);

                world_init(&w, &shape, m == 3, 2);
                scene_init(&scene, &w, measures[m], targets, targets > 1 && m % 2);
                AMF_RIDGE_TABLE_CLEANUP struct amf_ridge_table *table = table_of(&w, &scene, 5);

                check_table(&w, &scene, 5, table, "cold");
                for (size_t held = 5; held < 9; held++)
                    ck_assert_int_eq(amf_ridge_table_add(table, &w.held[held], w.pool, NULL), 0);
                check_table(&w, &scene, 9, table, "added");
                scene.input.keep = false;
                AMF_RIDGE_TABLE_CLEANUP struct amf_ridge_table *lean = table_of(&w, &scene, 9);

                check_table(&w, &scene, 9, lean, "not kept");
                ck_assert_int_eq(amf_ridge_table_add(lean, &w.held[9], w.pool, NULL),
                                 AMF_BAD_ARGUMENT);
            }
}
END_TEST

/* sums of the whole minus those of the cut, over all targets. */
static void check_cut(const struct scene *scene, const struct amf_ridge_table *whole,
                      const struct amf_ridge_table *cut, double *ret_lost)
{
    size_t targets = scene->input.target_count;

    for (size_t b = 0; b < scene->count; b++) {
        double lost = 0, gain = 0;

        for (size_t e = 0; e < targets; e++) {
            gain += amf_ridge_table_sums(whole)[b * targets + e];
            lost += amf_ridge_table_sums(whole)[b * targets + e] -
                    amf_ridge_table_sums(cut)[b * targets + e];
        }
        ck_assert_msg(lost >= -1e-9 * gain && lost <= amf_ridge_table_bounds(cut)[b] + 1e-9 * gain,
                      "block %zu: lost %g of %g, bound %g", b, lost, gain,
                      amf_ridge_table_bounds(cut)[b]);
        *ret_lost += lost;
    }
}

START_TEST(what_a_cut_loses_is_within_its_bound)
{
    static const enum amf_measure_kind measures[] = {AMF_MEASURE_ENTROPY, AMF_MEASURE_NOISY_ENTROPY,
                                                     AMF_MEASURE_VARIANCE, AMF_MEASURE_KL};
    static const double shares[] = {0.01, 0.05, 0.25};

    for (size_t m = 0; m < 4; m++)
        for (size_t k = 0; k < 3; k++) {
            WORLD_CLEANUP struct world w;
            SCENE_CLEANUP struct scene scene;
            struct synthetic_shape shape = shape_of(m, kinds[m % 3], 14, 12);
            double lost = 0;

            world_init(&w, &shape, false, 2);
            scene_init(&scene, &w, measures[m], 2, false);
            AMF_RIDGE_TABLE_CLEANUP struct amf_ridge_table *whole = table_of(&w, &scene, 4);

            scene.input.cut = shares[k];
            AMF_RIDGE_TABLE_CLEANUP struct amf_ridge_table *cut = table_of(&w, &scene, 4);

            ck_assert_uint_lt(amf_ridge_table_rows(cut), amf_ridge_table_rows(whole));
            for (size_t held = 4; held < 14; held++) {
                check_cut(&scene, whole, cut, &lost);
                ck_assert_int_eq(amf_ridge_table_add(whole, &w.held[held], w.pool, NULL), 0);
                ck_assert_int_eq(amf_ridge_table_add(cut, &w.held[held], w.pool, NULL), 0);
            }
            ck_assert_double_gt(lost, 0);
        }
}
END_TEST

START_TEST(any_number_of_workers_gives_the_same_bits)
{
    static const size_t workers[] = {1, 2, 7};

    for (int form = 0; form < 3; form++) { /* pairs, moments, cut */
        double first[MOST * TASKS];

        for (size_t k = 0; k < 3; k++) {
            WORLD_CLEANUP struct world w;
            SCENE_CLEANUP struct scene scene;
            struct synthetic_shape shape = shape_of(5, AMF_KERNEL_FACTORED, MOST, 40);

            shape.uneven = false;
            world_init(&w, &shape, false, workers[k]);
            scene_init(&scene, &w, form == 1 ? AMF_MEASURE_VARIANCE : AMF_MEASURE_ENTROPY, 1,
                       false);
            scene.input.cut = form == 2 ? 0.01 : 0;
            AMF_RIDGE_TABLE_CLEANUP struct amf_ridge_table *table = table_of(&w, &scene, 12);

            for (size_t held = 12; held < MOST; held++)
                ck_assert_int_eq(amf_ridge_table_add(table, &w.held[held], w.pool, NULL), 0);
            if (!k)
                memcpy(first, amf_ridge_table_sums(table), sizeof(first));
            ck_assert_mem_eq(first, amf_ridge_table_sums(table), sizeof(first));
        }
    }
}
END_TEST

/* ---- rankings ---- */

static void check_ranking(const struct amf_problem *problem, struct amf_pool *pool)
{
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
    double weights[16 * TASKS];
    const size_t pending[] = {1};
    size_t heaviest = 0, block[1][2];

    ck_assert_int_eq(amf_scorer_new(problem, pool, &scorer), AMF_OK);
    for (size_t i = 0; i < problem->trajectory_count; i++)
        for (size_t c = 0; c < TASKS; c++)
            weights[i * TASKS + c] = amf_scorer_weight(scorer, i, c);
    for (size_t i = 1; i < problem->trajectory_count; i++)
        if (weights[i * TASKS + 1] > weights[heaviest * TASKS + 1] * (1 + 1e-12))
            heaviest = i;
    block[0][0] = heaviest;
    block[0][1] = 1;
    for (size_t count = 0; count <= 1; count++) {
        amf_scores_free(scores);
        ck_assert_int_eq(amf_scorer_score(scorer, pending, count, &scores), AMF_OK);
        ck_assert(scores->exhaustive);
        for (size_t c = 0; c < TASKS; c++) {
            double expected = reference_gain(problem, weights, c, block, count);

            assert_close(&scores->candidates[c].gain, &expected, 1, 1e-9, "gain");
        }
    }
}

/* p is 1 + 4 + 2 for linear, 6 for embedding and 18 for factored kernels: 2 to 24 steps of 2 are
 * below, at and above it. A limit on pairs is none where there are more than features. */
START_TEST(rankings_near_the_switch_are_those_of_the_formula)
{
    static const size_t least[] = {7, 6, 18};
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);

    for (size_t k = 0; k < 3; k++)
        for (size_t count = 1; count <= 12; count++) {
            SYNTHETIC_CLEANUP struct synthetic s = {0};
            struct synthetic_shape shape = shape_of(2 * count, kinds[k], count, 2);

            synthetic_init(&s, &shape);
            s.problem.settings.exclude_self = count % 2;
            s.problem.settings.conditioning_limit = 2 * count > least[k] ? 3 : 0;
            check_ranking(&s.problem, pool);
            s.problem.settings.exclude_self = false;
            s.problem.settings.measure = AMF_MEASURE_VARIANCE;
            check_ranking(&s.problem, pool);
        }
}
END_TEST

/* Gains of the scorer's, weights and all, by the sums of a table that keeps covariances. */
static void gains_by_table(const struct world *w, const struct amf_scorer *scorer,
                           struct scene *scene, double ret_gain[TASKS])
{
    const struct amf_problem *p = &w->s.problem;
    size_t n = p->trajectory_count;

    for (size_t b = 0, x = 0; b < scene->count; b++)
        for (size_t t = 0; t < scene->blocks[b].row_count; t++, x++)
            scene->weight[x] = amf_scorer_weight(scorer, b % n, b / n) / TASKS;
    AMF_RIDGE_TABLE_CLEANUP struct amf_ridge_table *table = table_of(w, scene, n);

    for (size_t c = 0; c < TASKS; c++) {
        ret_gain[c] = 0;
        for (size_t b = c * n; b < (c + 1) * n; b++)
            for (size_t e = 0; e < TASKS; e++)
                ret_gain[c] += amf_scorer_weight(scorer, b % n, c) *
                               amf_ridge_table_sums(table)[b * TASKS + e] * (double)p->action_dim /
                               (double)(n * n);
    }
}

/* More weights than one tile of their Gram matrix has, and not a whole number of tiles. */
START_TEST(variances_over_many_weights_are_those_of_covariances)
{
    static const size_t workers[] = {1, 2, 7};
    double first[TASKS], expected[TASKS];

    for (size_t k = 0; k < 3; k++) {
        WORLD_CLEANUP struct world w;
        SCENE_CLEANUP struct scene scene;
        AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
        AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
        struct synthetic_shape shape = shape_of(6, AMF_KERNEL_EMBEDDING, MOST, 20);

        shape.feature_dim = 300;
        world_init(&w, &shape, false, workers[k]);
        for (size_t c = 0; c < TASKS; c++)
            w.s.target_weights[c] = 1;
        w.s.problem.settings.measure = AMF_MEASURE_VARIANCE;
        ck_assert_int_eq(amf_scorer_new(&w.s.problem, w.pool, &scorer), AMF_OK);
        ck_assert_int_eq(amf_scorer_score(scorer, NULL, 0, &scores), AMF_OK);
        scene_init(&scene, &w, AMF_MEASURE_VARIANCE, TASKS, false);
        gains_by_table(&w, scorer, &scene, expected);
        for (size_t c = 0; c < TASKS; c++) {
            assert_close(&scores->candidates[c].gain, &expected[c], 1, 1e-9, "gain");
            first[c] = k ? first[c] : scores->candidates[c].gain;
            ck_assert_mem_eq(&first[c], &scores->candidates[c].gain, sizeof(double));
        }
    }
}
END_TEST

START_TEST(prior_entropy_knows_pending_work_in_either_form)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);

    for (size_t count = 2; count <= 12; count += 10) {
        AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
        AMF_SCORES_CLEANUP struct amf_scores *before = NULL, *after = NULL;
        SYNTHETIC_CLEANUP struct synthetic s = {0};
        struct synthetic_shape shape = shape_of(4, AMF_KERNEL_EMBEDDING, count, 2);
        const size_t pending[] = {1};

        synthetic_init(&s, &shape);
        s.problem.settings.measure = AMF_MEASURE_PRIOR_ENTROPY;
        ck_assert_int_eq(amf_scorer_new(&s.problem, pool, &scorer), AMF_OK);
        ck_assert_int_eq(amf_scorer_score(scorer, NULL, 0, &before), AMF_OK);
        ck_assert_int_eq(amf_scorer_score(scorer, pending, 1, &after), AMF_OK);
        ck_assert_double_eq(before->candidates[1].gain, before->entropy[1]);
        ck_assert_double_lt(after->candidates[1].gain, before->candidates[1].gain);
    }
}
END_TEST

/* ---- a summary in place of demonstrations ---- */

#define SUMMARY_DIM 6 /* features of a synthetic problem */

/* Sum of phi phi' over the steps of the first `count` demonstrations under their own tasks. */
static void summarize(const struct synthetic *s, size_t count, double *ret_summary)
{
    memset(ret_summary, 0, SUMMARY_DIM * SUMMARY_DIM * sizeof(double));
    for (size_t i = 0; i < count; i++)
        for (size_t t = 0; t < s->trajectories[i].step_count; t++) {
            const double *phi =
                s->trajectories[i].features[s->trajectories[i].task] + t * SUMMARY_DIM;

            for (size_t a = 0; a < SUMMARY_DIM; a++)
                for (size_t b = 0; b < SUMMARY_DIM; b++)
                    ret_summary[a * SUMMARY_DIM + b] += phi[a] * phi[b];
        }
}

static void rank_into(const struct amf_problem *problem, struct amf_pool *pool, double *ret_numbers)
{
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    const size_t pending[] = {1, 2};

    ck_assert_int_eq(amf_scorer_new(problem, pool, &scorer), AMF_OK);
    for (size_t count = 0; count <= 2; count++) {
        AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;

        ck_assert_int_eq(amf_scorer_score(scorer, pending, count, &scores), AMF_OK);
        for (size_t c = 0; c < TASKS; c++)
            *ret_numbers++ = scores->candidates[c].gain;
    }
    for (size_t c = 0; c < TASKS; c++)
        for (size_t i = 0; i < amf_scorer_occupancy_count(scorer); i++)
            *ret_numbers++ = amf_scorer_variance(scorer, i, c)[0];
}

/* The first `seen` demonstrations are held but stand in for nothing; then only their summary is
 * there. held: how many of the others are conditioned on, so that there are fewer rows than
 * features, none, or more. */
static void check_summary(struct synthetic *s, size_t seen, size_t held, struct amf_pool *pool)
{
    double expected[3 * TASKS + 12 * TASKS] = {0}, found[3 * TASKS + 12 * TASKS] = {0};
    double summary[SUMMARY_DIM * SUMMARY_DIM];
    struct amf_problem problem = s->problem;

    for (size_t i = 0; i < problem.trajectory_count; i++) {
        s->trajectories[i].occupancy = i >= seen;
        s->trajectories[i].conditioned = i < seen + held;
    }
    rank_into(&problem, pool, expected);
    summarize(s, seen, summary);
    problem.trajectories += seen;
    problem.trajectory_count -= seen;
    problem.summary = summary;
    rank_into(&problem, pool, found);
    assert_close(found, expected, sizeof(found) / sizeof(*found), 1e-10, "summary");
}

START_TEST(a_summary_is_as_good_as_the_demonstrations_it_is_of)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);

    for (size_t seen = 1; seen <= 6; seen++)
        for (size_t held = 0; held <= 6; held += 2) {
            SYNTHETIC_CLEANUP struct synthetic s = {0};
            struct synthetic_shape shape = shape_of(seen, AMF_KERNEL_EMBEDDING, 12, 2);

            synthetic_init(&s, &shape);
            s.problem.kernel.variance = 1.7;
            s.problem.policy = held % 4 ? AMF_POLICY_DETERMINISTIC : AMF_POLICY_GP;
            s.problem.settings.weights = held % 4 ? AMF_WEIGHTS_TEMPERED : AMF_WEIGHTS_OWN_TASK;
            s.problem.settings.measure = seen % 2 ? AMF_MEASURE_ENTROPY : AMF_MEASURE_VARIANCE;
            check_summary(&s, seen, held, pool);
        }
}
END_TEST

START_TEST(a_summary_plays_no_part_under_conditioning_none)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = shape_of(5, AMF_KERNEL_EMBEDDING, 8, 2);
    double summary[SUMMARY_DIM * SUMMARY_DIM], with[45] = {0}, without[45] = {0};

    synthetic_init(&s, &shape);
    summarize(&s, 4, summary);
    s.problem.settings.weights = AMF_WEIGHTS_OWN_TASK;
    s.problem.settings.conditioning = AMF_CONDITIONING_NONE;
    rank_into(&s.problem, pool, without);
    s.problem.summary = summary;
    rank_into(&s.problem, pool, with);
    ck_assert_mem_eq(with, without, sizeof(with));
}
END_TEST

static void expect_summary(struct amf_problem *problem, struct amf_pool *pool,
                           enum amf_status checked, enum amf_status made)
{
    const char *field = "none";
    struct amf_scorer *scorer = NULL;

    ck_assert_int_eq(amf_problem_check(problem, &field), checked);
    ck_assert_str_eq(field, checked ? "summary" : "none");
    ck_assert_int_eq(amf_scorer_new(problem, pool, &scorer), made);
    amf_scorer_free(scorer);
}

START_TEST(what_is_no_summary_is_refused_by_name)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = shape_of(5, AMF_KERNEL_EMBEDDING, 8, 2);
    double summary[SUMMARY_DIM * SUMMARY_DIM];

    synthetic_init(&s, &shape);
    s.problem.summary = summary;
    s.problem.settings.weights = AMF_WEIGHTS_OWN_TASK;
    summarize(&s, 4, summary);
    expect_summary(&s.problem, pool, AMF_OK, AMF_OK);
    s.problem.settings.weights = AMF_WEIGHTS_TEMPERED; /* by a Gaussian process's likelihoods */
    expect_summary(&s.problem, pool, AMF_BAD_ARGUMENT, AMF_BAD_ARGUMENT);
    s.problem.settings.weights = AMF_WEIGHTS_OWN_TASK;
    s.problem.kernel.kind = AMF_KERNEL_FACTORED;
    expect_summary(&s.problem, pool, AMF_BAD_ARGUMENT, AMF_BAD_ARGUMENT);
    s.problem.kernel.kind = AMF_KERNEL_EMBEDDING;
    summary[1] += 0.1;
    expect_summary(&s.problem, pool, AMF_BAD_ARGUMENT, AMF_BAD_ARGUMENT);
    summary[1] = NAN;
    expect_summary(&s.problem, pool, AMF_NOT_FINITE, AMF_NOT_FINITE);
    summarize(&s, 4, summary);
    summary[7] = -0.1;
    expect_summary(&s.problem, pool, AMF_BAD_ARGUMENT, AMF_BAD_ARGUMENT);
    memset(summary, 0, sizeof(summary)); /* nothing was seen, */
    expect_summary(&s.problem, pool, AMF_OK, AMF_OK);
    summary[1] = summary[SUMMARY_DIM] = 0.5; /* so nothing can go together */
    expect_summary(&s.problem, pool, AMF_BAD_ARGUMENT, AMF_BAD_ARGUMENT);
    summarize(&s, 4, summary); /* and one whose negative eigenvalue only a factorisation finds: */
    summary[1] = summary[SUMMARY_DIM] = 1.1 * sqrt(summary[0] * summary[7]);
    s.problem.noise = 100; /* which hides it in A */
    expect_summary(&s.problem, pool, AMF_OK, AMF_BAD_ARGUMENT);
}
END_TEST

SUITE_MAIN("property_ridge", weights_and_pairs_predict_the_same, variances_are_those_of_the_formula,
           an_extension_is_a_posterior_that_knew_it_all, wrong_input_is_refused_by_name,
           tables_agree_with_pairs_cold_and_added, what_a_cut_loses_is_within_its_bound,
           any_number_of_workers_gives_the_same_bits,
           rankings_near_the_switch_are_those_of_the_formula,
           variances_over_many_weights_are_those_of_covariances,
           prior_entropy_knows_pending_work_in_either_form,
           a_summary_is_as_good_as_the_demonstrations_it_is_of,
           a_summary_plays_no_part_under_conditioning_none, what_is_no_summary_is_refused_by_name)
