/* The point mass: where it starts, what its expert does, what a perfect and an idle policy are
 * worth. */
#include <math.h>
#include <stdlib.h>

#include <lab/world.h>

#include "learner.h"
#include "suite.h"

static struct lab_integrator_settings ordinary(void)
{
    return (struct lab_integrator_settings){.pretrain_tasks = 6, .horizon = 5, .expert_noise = 0.1};
}

static struct lab_demo demonstrate(const struct lab_integrator *integrator, uint64_t seed,
                                   size_t task, size_t number)
{
    struct lab_demo demo;

    ck_assert_int_eq(integrator->world.demonstrate(&integrator->world, seed, task,
                                                   integrator->vectors + 2 * task, number, &demo),
                     AMF_OK);
    return demo;
}

static void demo_free(struct lab_demo *demo)
{
    free(demo->states);
    free(demo->actions);
}

START_TEST(a_demonstration_starts_at_the_origin_and_moves_by_its_actions)
{
    struct lab_integrator_settings settings = ordinary();
    struct lab_integrator integrator;
    struct lab_demo demo;

    ck_assert_int_eq(lab_integrator_init(&settings, &integrator), AMF_OK);
    demo = demonstrate(&integrator, 7, 4, 0);
    ck_assert_uint_eq(demo.steps, 5);
    ck_assert(demo.states[0] == 0 && demo.states[1] == 0);
    for (size_t i = 2; i < 10; i++)
        ck_assert_double_eq_tol(demo.states[i], demo.states[i - 2] + demo.actions[i - 2], 1e-15);
    demo_free(&demo);
}
END_TEST

START_TEST(the_expert_without_noise_halves_the_distance)
{
    struct lab_integrator_settings settings = ordinary();
    struct lab_integrator integrator;
    struct lab_demo demo;

    settings.expert_noise = 0;
    ck_assert_int_eq(lab_integrator_init(&settings, &integrator), AMF_OK);
    demo = demonstrate(&integrator, 1, 3, 0); /* the point (0, 1) */
    ck_assert_double_eq_tol(demo.actions[1], 0.5, 1e-15);
    ck_assert_double_eq_tol(demo.states[2 * 4 + 1], 1 - 1.0 / 16, 1e-15);
    ck_assert_double_eq_tol(demo.states[2 * 4], 0, 1e-15);
    demo_free(&demo);
}
END_TEST

START_TEST(chance_is_a_function_of_seed_task_and_number)
{
    struct lab_integrator_settings settings = ordinary();
    const struct {
        uint64_t seed;
        size_t task, number;
    } others[] = {{2, 5, 3}, {1, 6, 3}, {1, 5, 4}};
    struct lab_integrator integrator;
    struct lab_demo first, again;

    ck_assert_int_eq(lab_integrator_init(&settings, &integrator), AMF_OK);
    first = demonstrate(&integrator, 1, 5, 3);
    again = demonstrate(&integrator, 1, 5, 3);
    ck_assert_mem_eq(first.actions, again.actions, 10 * sizeof(double));
    demo_free(&again);
    for (size_t i = 0; i < 3; i++) {
        double noise, other;

        again = demonstrate(&integrator, others[i].seed, others[i].task, others[i].number);
        noise = first.actions[0] - integrator.vectors[2 * 5] / 2;
        other = again.actions[0] - integrator.vectors[2 * others[i].task] / 2;
        ck_assert_double_ne(noise, other);
        demo_free(&again);
    }
    demo_free(&first);
}
END_TEST

START_TEST(twelve_demonstrations_are_shared_by_the_first_tasks)
{
    struct lab_integrator_settings settings = ordinary();
    struct lab_integrator integrator;

    settings.pretrain_tasks = 5;
    ck_assert_int_eq(lab_integrator_init(&settings, &integrator), AMF_OK);
    ck_assert_uint_eq(integrator.pretrain[0], 3);
    ck_assert_uint_eq(integrator.pretrain[1], 3);
    ck_assert_uint_eq(integrator.pretrain[2], 2);
    ck_assert_uint_eq(integrator.pretrain[4], 2);
    ck_assert_uint_eq(integrator.pretrain[5], 0);
}
END_TEST

START_TEST(a_policy_that_knows_nothing_stays_and_one_that_knows_all_arrives)
{
    struct lab_integrator_settings settings = ordinary();
    const struct lab_model model = {AMF_KERNEL_RBF, 0.25, 0.001, 0.5, 0.5};
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    LAB_LEARNER_CLEANUP struct lab_learner learner = {.world = NULL};
    struct lab_integrator integrator;
    struct lab_score idle, taught;

    settings.expert_noise = 0;
    ck_assert_int_eq(lab_integrator_init(&settings, &integrator), AMF_OK);
    ck_assert_int_eq(lab_learner_init(&integrator.world, &model, pool, &learner), AMF_OK);
    ck_assert_int_eq(integrator.world.evaluate(&integrator.world, &learner, &idle), AMF_OK);
    ck_assert_double_eq_tol(idle.value, -5, 1e-12); /* five steps at distance 1 */
    /* 5 steps of 2 actions, each of the prior's variance */
    ck_assert_double_eq_tol(idle.entropy, 10 * 0.5 * log(2 * M_PI * M_E * 0.25), 1e-12);
    for (size_t task = 0; task < LAB_INTEGRATOR_TASKS; task++) {
        struct lab_demo demo = demonstrate(&integrator, 1, task, 0);

        demo.task = task;
        ck_assert_int_eq(lab_learner_add(&learner, &demo), AMF_OK);
    }
    ck_assert_int_eq(integrator.world.evaluate(&integrator.world, &learner, &taught), AMF_OK);
    ck_assert_double_eq_tol(taught.value, -(1 - 1.0 / 32), 1e-3); /* 1/2 + 1/4 + .. + 1/32 */
    ck_assert_double_lt(taught.entropy, idle.entropy);
}
END_TEST

START_TEST(a_finer_horizon_takes_the_same_time)
{
    struct lab_integrator_settings settings = ordinary();
    struct lab_integrator integrator;
    struct lab_demo demo;

    settings.horizon = 20;
    settings.expert_noise = 0;
    ck_assert_int_eq(lab_integrator_init(&settings, &integrator), AMF_OK);
    demo = demonstrate(&integrator, 1, 0, 0);
    /* the first quarter of a step of one unit of time */
    ck_assert_double_eq_tol(demo.states[2], 0.125, 1e-15);
    demo_free(&demo);
}
END_TEST

START_TEST(settings_out_of_range_are_refused)
{
    struct lab_integrator_settings wrong[] = {ordinary(), ordinary(), ordinary(),
                                              ordinary(), ordinary(), ordinary()};
    struct lab_integrator integrator;

    wrong[0].pretrain_tasks = 0;
    wrong[1].pretrain_tasks = 13;
    wrong[2].horizon = 0;
    wrong[3].expert_noise = NAN;
    wrong[4].walk = 1;
    wrong[5].walk = 0.5;
    wrong[5].circle = true; /* a graph has no points between its nodes */
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_int_eq(lab_integrator_init(&wrong[i], &integrator), AMF_BAD_ARGUMENT);
}
END_TEST

SUITE_MAIN("lab_integrator", a_demonstration_starts_at_the_origin_and_moves_by_its_actions,
           the_expert_without_noise_halves_the_distance,
           chance_is_a_function_of_seed_task_and_number,
           twelve_demonstrations_are_shared_by_the_first_tasks,
           a_policy_that_knows_nothing_stays_and_one_that_knows_all_arrives,
           a_finer_horizon_takes_the_same_time, settings_out_of_range_are_refused)
