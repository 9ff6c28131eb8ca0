/* The split of recordings: what is held out is never given, whatever the seed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lab/world.h>

#include "learner.h"
#include "suite.h"

#define TASKS 3
#define EACH 11
#define STEPS 6
#define HELD_OUT 4

static double numbers[TASKS * EACH][STEPS];

/* Interleaved, so that a task's recordings do not stand together. Recording r is at the states
 * r, r, ... and acts by its task. */
static void record(struct lab_recording ret_recordings[TASKS * EACH])
{
    static const double actions[TASKS][STEPS] = {
        {-1, 1, -1, 1, -1, 1}, {0, 2, 0, 2, 0, 2}, {3, 5, 3, 5, 3, 5}};

    for (size_t r = 0; r < TASKS * EACH; r++) {
        for (size_t t = 0; t < STEPS; t++)
            numbers[r][t] = (double)r;
        ret_recordings[r] =
            (struct lab_recording){r % TASKS, STEPS, numbers[r], actions[r % TASKS]};
    }
}

static struct lab_backtest_settings ordinary(const size_t *pretrain)
{
    return (struct lab_backtest_settings){.task_count = TASKS,
                                          .state_dim = 1,
                                          .action_dim = 1,
                                          .pretrain = pretrain,
                                          .held_out = HELD_OUT,
                                          .max_steps = 3,
                                          .task_correlation = 0.25};
}

START_TEST(held_out_recordings_are_never_given)
{
    const size_t pretrain[TASKS] = {2, 0, 7};
    struct lab_backtest_settings settings = ordinary(pretrain);
    struct lab_recording recordings[TASKS * EACH];
    LAB_BACKTEST_CLEANUP struct lab_backtest *backtest = NULL;
    size_t too_few;

    record(recordings);
    ck_assert_int_eq(lab_backtest_new(&settings, recordings, TASKS * EACH, &too_few, &backtest),
                     AMF_OK);
    for (uint64_t seed = 0; seed < 20; seed++) {
        int times[TASKS * EACH] = {0};

        for (size_t i = 0; i < TASKS * HELD_OUT; i++)
            times[lab_backtest_held_out(backtest)[i]]++;
        for (size_t task = 0; task < TASKS; task++)
            for (size_t k = 0; k < EACH - HELD_OUT; k++) {
                size_t recording = lab_backtest_recording(backtest, seed, task, k);

                ck_assert_uint_eq(recordings[recording].task, task);
                times[recording]++;
            }
        for (size_t r = 0; r < TASKS * EACH; r++)
            ck_assert_int_eq(times[r], 1); /* each in one part, once */
    }
}
END_TEST

START_TEST(held_out_recordings_are_spread_evenly)
{
    const size_t pretrain[TASKS] = {0}, expected[HELD_OUT] = {1, 4, 6, 9};
    struct lab_backtest_settings settings = ordinary(pretrain);
    struct lab_recording recordings[TASKS * EACH];
    LAB_BACKTEST_CLEANUP struct lab_backtest *backtest = NULL;
    size_t too_few;

    record(recordings);
    ck_assert_int_eq(lab_backtest_new(&settings, recordings, TASKS * EACH, &too_few, &backtest),
                     AMF_OK);
    for (size_t task = 0; task < TASKS; task++)
        for (size_t i = 0; i < HELD_OUT; i++)
            ck_assert_uint_eq(lab_backtest_held_out(backtest)[task * HELD_OUT + i],
                              expected[i] * TASKS + task);
}
END_TEST

START_TEST(the_order_changes_with_the_seed)
{
    const size_t pretrain[TASKS] = {0};
    struct lab_backtest_settings settings = ordinary(pretrain);
    struct lab_recording recordings[TASKS * EACH];
    LAB_BACKTEST_CLEANUP struct lab_backtest *backtest = NULL;
    size_t too_few, first[TASKS * EACH] = {0}, different = 0;

    record(recordings);
    ck_assert_int_eq(lab_backtest_new(&settings, recordings, TASKS * EACH, &too_few, &backtest),
                     AMF_OK);
    for (uint64_t seed = 0; seed < 200; seed++)
        first[lab_backtest_recording(backtest, seed, 0, 0)]++;
    for (size_t r = 0; r < TASKS * EACH; r++)
        different += first[r] > 0;
    ck_assert_uint_eq(different, EACH - HELD_OUT); /* any of them may come first */
}
END_TEST

START_TEST(demonstrations_are_thinned)
{
    const size_t pretrain[TASKS] = {0};
    struct lab_backtest_settings settings = ordinary(pretrain);
    struct lab_recording recordings[TASKS * EACH];
    LAB_BACKTEST_CLEANUP struct lab_backtest *backtest = NULL;
    const struct lab_world *world;
    struct lab_demo demo;
    size_t too_few;

    record(recordings);
    ck_assert_int_eq(lab_backtest_new(&settings, recordings, TASKS * EACH, &too_few, &backtest),
                     AMF_OK);
    world = lab_backtest_world(backtest);
    ck_assert_int_eq(world->demonstrate(world, 1, 2, NULL, 0, &demo), AMF_OK);
    ck_assert_uint_eq(demo.steps, 3); /* steps 0, 3 and 5 */
    ck_assert(demo.actions[0] == 3 && demo.actions[1] == 5 && demo.actions[2] == 5);
    free(demo.states);
    free(demo.actions);
}
END_TEST

START_TEST(predicting_the_mean_errs_by_one)
{
    const size_t pretrain[1] = {0};
    static const double actions[4][2] = {{-1, 1}, {1, -1}, {-1, 1}, {1, -1}}, states[2] = {0, 0};
    struct lab_backtest_settings settings = {
        .task_count = 1, .state_dim = 1, .action_dim = 1, .pretrain = pretrain, .held_out = 2};
    const struct lab_model model = {AMF_KERNEL_RBF, 1, 0.3, NAN, 1};
    struct lab_recording recordings[4];
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    LAB_BACKTEST_CLEANUP struct lab_backtest *backtest = NULL;
    LAB_LEARNER_CLEANUP struct lab_learner learner = {.world = NULL};
    struct lab_score score;
    size_t too_few;

    for (size_t r = 0; r < 4; r++)
        recordings[r] = (struct lab_recording){0, 2, states, actions[r]};
    ck_assert_int_eq(lab_backtest_new(&settings, recordings, 4, &too_few, &backtest), AMF_OK);
    ck_assert_int_eq(lab_learner_init(lab_backtest_world(backtest), &model, pool, &learner),
                     AMF_OK);
    ck_assert_int_eq(
        lab_backtest_world(backtest)->evaluate(lab_backtest_world(backtest), &learner, &score),
        AMF_OK);
    ck_assert_double_eq_tol(score.value, 1, 1e-12);
}
END_TEST

START_TEST(too_few_recordings_are_told_by_task)
{
    const size_t pretrain[TASKS] = {7, 8, 7};
    struct lab_backtest_settings settings = ordinary(pretrain);
    struct lab_recording recordings[TASKS * EACH];
    struct lab_backtest *backtest = NULL;
    size_t too_few;

    record(recordings);
    ck_assert_int_eq(lab_backtest_new(&settings, recordings, TASKS * EACH, &too_few, &backtest),
                     AMF_BAD_ARGUMENT);
    ck_assert_uint_eq(too_few, 1);
    numbers[5][2] = NAN;
    ck_assert_int_eq(lab_backtest_new(&settings, recordings, TASKS * EACH, &too_few, &backtest),
                     AMF_NOT_FINITE);
    ck_assert_ptr_null(backtest);
}
END_TEST

SUITE_MAIN("lab_backtest", held_out_recordings_are_never_given,
           held_out_recordings_are_spread_evenly, the_order_changes_with_the_seed,
           demonstrations_are_thinned, predicting_the_mean_errs_by_one,
           too_few_recordings_are_told_by_task)
