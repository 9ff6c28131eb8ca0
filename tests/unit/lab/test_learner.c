/* The Gaussian process: standardisation, and the posterior mean where it is known by hand. */
#include <math.h>
#include <stdlib.h>

#include "learner.h"
#include "suite.h"

static const size_t no_pretraining[2] = {0, 0};
static const double table[4] = {1, 0.5, 0.5, 1};

static struct lab_world plain(bool standardize)
{
    return (struct lab_world){.state_dim = 1,
                              .action_dim = 1,
                              .task_count = 2,
                              .task_table = table,
                              .pretrain = no_pretraining,
                              .standardize = standardize};
}

static void teach(struct lab_learner *learner, size_t task, size_t steps, const double *states,
                  const double *actions)
{
    struct lab_demo demo = {.task = task,
                            .steps = steps,
                            .states = calloc(steps, sizeof(double)),
                            .actions = calloc(steps, sizeof(double))};

    for (size_t t = 0; t < steps; t++) {
        demo.states[t] = states[t];
        demo.actions[t] = actions[t];
    }
    ck_assert_int_eq(lab_learner_add(learner, &demo), AMF_OK);
}

START_TEST(one_observation_teaches_both_tasks_by_their_correlation)
{
    const struct lab_world world = plain(false);
    const struct lab_model model = {AMF_KERNEL_RBF, 2, 1, 1, 1};
    const struct amf_block blocks[] = {{0, 1, 0}, {1, 1, 1}, {2, 1, 0}};
    const double state = 3, action = 6, queries[] = {3, 3, 4};
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    LAB_LEARNER_CLEANUP struct lab_learner learner = {.world = NULL};
    double mean[3], variance[3];

    ck_assert_int_eq(lab_learner_init(&world, &model, pool, &learner), AMF_OK);
    teach(&learner, 0, 1, &state, &action);
    ck_assert_int_eq(lab_learner_predict(&learner, queries, blocks, 3, mean, variance), AMF_OK);
    ck_assert_double_eq_tol(mean[0], 2.0 / 3 * 6, 1e-12);
    ck_assert_double_eq_tol(mean[1], 1.0 / 3 * 6, 1e-12);
    ck_assert_double_eq_tol(mean[2], exp(-0.5) * 2.0 / 3 * 6, 1e-12);
    ck_assert_double_eq_tol(variance[0], 2 - 4.0 / 3, 1e-12);
    ck_assert_double_eq_tol(variance[1], 2 - 1.0 / 3, 1e-12);
}
END_TEST

START_TEST(units_do_not_matter_once_standardised)
{
    const struct lab_world world = plain(true);
    const struct lab_model model = {AMF_KERNEL_RBF, 1, 0.3, NAN, 1};
    const struct amf_block block = {0, 1, 0};
    const double states[] = {0, 1, 3, 2}, actions[] = {1, -1, 2, 0.5}, query = 1.5;
    double large_states[4], large_actions[4], large_query = 1500 + 7, mean[2], variance[2];
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);

    for (size_t t = 0; t < 4; t++) {
        large_states[t] = 1000 * states[t] + 7;
        large_actions[t] = 20 * actions[t] - 4;
    }
    for (int large = 0; large < 2; large++) {
        LAB_LEARNER_CLEANUP struct lab_learner learner = {.world = NULL};

        ck_assert_int_eq(lab_learner_init(&world, &model, pool, &learner), AMF_OK);
        teach(&learner, 0, 4, large ? large_states : states, large ? large_actions : actions);
        ck_assert_int_eq(lab_learner_fit(&learner), AMF_OK);
        ck_assert_int_eq(lab_learner_predict(&learner, large ? &large_query : &query, &block, 1,
                                             mean + large, variance + large),
                         AMF_OK);
    }
    ck_assert_double_eq_tol(mean[1], 20 * mean[0] - 4, 1e-9);
    ck_assert_double_eq_tol(variance[1], variance[0], 1e-9);
}
END_TEST

START_TEST(scaling_is_frozen_when_enough_is_held)
{
    const struct lab_world world = plain(true);
    const struct lab_model model = {AMF_KERNEL_RBF, 1, 0.3, NAN, 1};
    const double near[] = {0, 1}, far[] = {50, 90};
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    LAB_LEARNER_CLEANUP struct lab_learner learner = {.world = NULL};
    double before;

    ck_assert_int_eq(lab_learner_init(&world, &model, pool, &learner), AMF_OK);
    for (int i = 0; i < 4; i++)
        teach(&learner, 0, 2, near, near);
    ck_assert_int_eq(lab_learner_fit(&learner), AMF_OK);
    before = learner.scaling.state_mean[0];
    teach(&learner, 1, 2, far, near);
    ck_assert_int_eq(lab_learner_fit(&learner), AMF_OK); /* the fifth: the last that counts */
    ck_assert_double_ne(learner.scaling.state_mean[0], before);
    before = learner.scaling.state_mean[0];
    teach(&learner, 1, 2, far, near);
    ck_assert_int_eq(lab_learner_fit(&learner), AMF_OK);
    ck_assert_double_eq(learner.scaling.state_mean[0], before);
}
END_TEST

START_TEST(scaling_is_frozen_when_the_model_says)
{
    const struct lab_world world = plain(true);
    const struct lab_model model = {AMF_KERNEL_RBF, 1, 0.3, NAN, 1, .fit_after = 2};
    const double near[] = {0, 1}, far[] = {50, 90};
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    LAB_LEARNER_CLEANUP struct lab_learner learner = {.world = NULL};

    ck_assert_int_eq(lab_learner_init(&world, &model, pool, &learner), AMF_OK);
    for (int i = 0; i < 2; i++) {
        teach(&learner, 0, 2, near, near);
        ck_assert_int_eq(lab_learner_fit(&learner), AMF_OK);
    }
    teach(&learner, 1, 2, far, near);
    ck_assert_int_eq(lab_learner_fit(&learner), AMF_OK);
    ck_assert_double_eq(learner.scaling.state_mean[0], 0.5);
}
END_TEST

/* Actions that have nothing to do with the states are all noise: 1 once standardised. */
START_TEST(likelihood_finds_the_noise_at_the_freeze)
{
    const struct lab_world world = plain(true);
    const struct lab_model model = {AMF_KERNEL_RBF, 1, 0.3, NAN, 1, .likelihood = true};
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    LAB_LEARNER_CLEANUP struct lab_learner learner = {.world = NULL};

    ck_assert_int_eq(lab_learner_init(&world, &model, pool, &learner), AMF_OK);
    for (int i = 0; i < 5; i++) {
        const double states[] = {0, 1, 0, 1}, actions[] = {1, -1, -1, 1};

        ck_assert_double_eq(learner.scaling.noise, 0.3);
        teach(&learner, 0, 4, states, actions);
        ck_assert_int_eq(lab_learner_fit(&learner), AMF_OK);
    }
    ck_assert_double_eq_tol(learner.scaling.noise, 1, 0.1);
    ck_assert_double_lt(learner.scaling.variance, 0.1);
}
END_TEST

SUITE_MAIN("lab_learner", one_observation_teaches_both_tasks_by_their_correlation,
           units_do_not_matter_once_standardised, scaling_is_frozen_when_enough_is_held,
           scaling_is_frozen_when_the_model_says, likelihood_finds_the_noise_at_the_freeze)
