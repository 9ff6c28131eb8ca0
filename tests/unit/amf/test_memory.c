/* Out of memory: whichever allocation it is that fails, the call says so, nothing leaks, and an
 * engine that has seen a failure ranks with the same bits afterwards.
 *
 * calloc, malloc and realloc of libamf come here by the linker's --wrap; those of BLAS and NLopt do
 * not. The leak is for the address sanitizer to see.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <amf/fit.h>
#include <amf/likelihood.h>
#include <amf/network.h>
#include <amf/scorer.h>

#include "suite.h"
#include "synthetic.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

enum { PENDING = 2, TASKS = 3 };

static atomic_int until_failure = INT32_MAX; /* allocations that still succeed */
static atomic_bool goes_on;                  /* and all that follow the first failure fail, too */

static bool refused(void)
{
    int left = atomic_fetch_sub(&until_failure, 1);

    return left == 0 || (left < 0 && atomic_load(&goes_on));
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return refused() ? NULL : __real_realloc(memory, size);
}

struct scene {
    struct synthetic synthetic;
    struct amf_pool *pool;
    struct amf_engine *engine;
    double right[TASKS], found[TASKS]; /* gains */
};

static void scene_init(struct scene *scene, enum amf_kernel_kind kernel)
{
    *scene = (struct scene){.pool = suite_pool(1)};
    synthetic_init(&scene->synthetic, &(struct synthetic_shape){.seed = 3,
                                                                .demonstrations = 5,
                                                                .steps = 4,
                                                                .tasks = TASKS,
                                                                .state_dim = 2,
                                                                .action_dim = 1,
                                                                .task_dim = 2,
                                                                .kernel = kernel,
                                                                .noise = 0.2});
    ck_assert_int_eq(amf_engine_new(&scene->engine), AMF_OK);
}

static void scene_deinit(struct scene *scene)
{
    amf_engine_free(scene->engine);
    amf_pool_free(scene->pool);
    synthetic_deinit(&scene->synthetic);
}

/* Runs attempt with one more allocation each time, until it gets through without a failure. It must
 * assert nothing: Check allocates, too. */
static void sweep(enum amf_status (*attempt)(struct scene *scene), struct scene *scene, bool all)
{
    enum amf_status status = AMF_NO_MEMORY;
    int allowed = 0, left = 0;

    for (; status != AMF_OK || left <= 0; allowed++) {
        atomic_store(&goes_on, all);
        atomic_store(&until_failure, allowed);
        status = attempt(scene);
        left = atomic_exchange(&until_failure, INT32_MAX);
        atomic_store(&goes_on, false);
        ck_assert_msg(status == AMF_OK || status == AMF_NO_MEMORY, "allocation %d: status %d",
                      allowed, status);
        if (status == AMF_OK && scene)
            ck_assert_mem_eq(scene->found, scene->right, sizeof(scene->right));
        ck_assert_int_lt(allowed, 5000);
    }
    ck_assert_int_gt(allowed, 4); /* some attempts did fail */
}

static enum amf_status score(struct scene *scene, struct amf_scorer *scorer)
{
    const size_t pending[PENDING] = {0, 1};
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
    enum amf_status status = amf_scorer_score(scorer, pending, PENDING, &scores);

    for (size_t k = 0; !status && k < TASKS; k++)
        scene->found[k] = scores->candidates[k].gain;
    return status;
}

static void remember(struct scene *scene)
{
    const size_t pending[PENDING] = {0, 1};
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;

    ck_assert_int_eq(amf_scorer_new(&scene->synthetic.problem, scene->pool, &scorer), AMF_OK);
    ck_assert_int_eq(amf_scorer_score(scorer, pending, PENDING, &scores), AMF_OK);
    for (size_t k = 0; k < TASKS; k++)
        scene->right[k] = scores->candidates[k].gain;
}

static enum amf_status rank_anew(struct scene *scene)
{
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    enum amf_status status = amf_scorer_new(&scene->synthetic.problem, scene->pool, &scorer);

    return status ? status : score(scene, scorer);
}

/* What the engine knows before: all but the newest demonstration, ranked while memory was there. */
static enum amf_status rank_on(struct scene *scene)
{
    int allowed = atomic_exchange(&until_failure, INT32_MAX);
    AMF_SCORER_CLEANUP struct amf_scorer *before = NULL, *scorer = NULL;
    struct amf_problem shorter = scene->synthetic.problem;

    shorter.trajectory_count--;
    ck_assert_int_eq(amf_scorer_renew(scene->engine, &shorter, scene->pool, &before), AMF_OK);
    atomic_store(&until_failure, allowed);
    enum amf_status status =
        amf_scorer_renew(scene->engine, &scene->synthetic.problem, scene->pool, &scorer);
    return status ? status : score(scene, scorer);
}

static const enum amf_kernel_kind kernels[] = {AMF_KERNEL_RBF, AMF_KERNEL_LINEAR,
                                               AMF_KERNEL_FACTORED};

START_TEST(a_ranking_says_so)
{
    struct scene scene;

    scene_init(&scene, kernels[_i / 2]);
    remember(&scene);
    sweep(rank_anew, &scene, _i % 2);
    scene.synthetic.problem.settings.measure = AMF_MEASURE_PRIOR_ENTROPY;
    remember(&scene);
    sweep(rank_anew, &scene, _i % 2);
    scene_deinit(&scene);
}
END_TEST

START_TEST(a_ranking_beside_a_summary_says_so)
{
    const double summary[36] = {1};
    struct scene scene;

    scene_init(&scene, AMF_KERNEL_EMBEDDING);
    scene.synthetic.problem.summary = summary;
    scene.synthetic.problem.settings.weights = AMF_WEIGHTS_OWN_TASK;
    remember(&scene);
    sweep(rank_anew, &scene, _i);
    scene_deinit(&scene);
}
END_TEST

START_TEST(a_ranking_that_remembers_says_so_and_recovers)
{
    struct scene scene;

    scene_init(&scene, kernels[_i / 2]);
    remember(&scene);
    sweep(rank_on, &scene, _i % 2);
    scene_deinit(&scene);
}
END_TEST

static enum amf_status fit(struct scene *scene)
{
    const struct amf_likelihood_numbers numbers = {.noise = true, .state_scale = true};
    const struct amf_likelihood_options options = {.evaluations = 3, .restarts = 1};
    AMF_LIKELIHOOD_FIT_CLEANUP struct amf_likelihood_fit *found = NULL;
    const struct amf_trajectory *one = scene->synthetic.trajectories;
    const struct amf_span span = {one->states, one->step_count};
    double median;
    enum amf_status status = amf_fit_median_distance(&span, 1, 2, NULL, 1, &median);

    return status ? status
                  : amf_likelihood_maximise(&scene->synthetic.problem, &numbers, &options,
                                            scene->pool, &found);
}

START_TEST(a_fit_says_so)
{
    struct scene scene;

    scene_init(&scene, AMF_KERNEL_RBF);
    sweep(fit, &scene, _i);
    scene_deinit(&scene);
}
END_TEST

static enum amf_status make_network(struct amf_pool *pool)
{
    const double weights[] = {1, 2, 3, 4}, states[] = {1, -1};
    const struct amf_layer layers[] = {
        {.kind = AMF_LAYER_NORM, .out = 2, .weight = weights, .epsilon = 1},
        {.kind = AMF_LAYER_LINEAR, .in = 2, .out = 1, .weight = weights}};
    const struct amf_network_spec spec = {
        .state_dim = 2, .action_dim = 1, .layers = layers, .layer_count = 2};
    AMF_NETWORK_CLEANUP struct amf_network *network = NULL;
    struct amf_network_fault fault;
    double action;
    const struct amf_network_batch batch = {states, 1, NULL, &action, NULL};
    enum amf_status status = amf_network_new(&spec, &network, &fault);

    return status ? status : amf_network_evaluate(network, &batch, 1, pool, NULL);
}

static enum amf_status make_objects(struct scene *scene)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = NULL;
    AMF_ENGINE_CLEANUP struct amf_engine *engine = NULL;
    AMF_MEASURE_CLEANUP struct amf_measure *measure = NULL;
    const double adjacency[] = {0, 1, 1, 0};
    double table[4];
    enum amf_status status = amf_pool_new(2, &pool);

    (void)scene;
    if (!status)
        status = amf_engine_new(&engine);
    if (!status)
        status = amf_measure_new(AMF_MEASURE_ENTROPY, 1, &measure);
    if (!status)
        status = amf_task_table_random_walk(2, adjacency, 0.5, table);
    return status ? status : make_network(pool);
}

START_TEST(objects_say_so)
{
    sweep(make_objects, NULL, _i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("amf_memory");
    TCase *tests = tcase_create("amf_memory");

    tcase_add_loop_test(tests, a_ranking_says_so, 0, 6);
    tcase_add_loop_test(tests, a_ranking_that_remembers_says_so_and_recovers, 0, 6);
    tcase_add_loop_test(tests, a_ranking_beside_a_summary_says_so, 0, 2);
    tcase_add_loop_test(tests, a_fit_says_so, 0, 2);
    tcase_add_loop_test(tests, objects_say_so, 0, 2);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0;
}
