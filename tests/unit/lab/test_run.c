/* Whole experiments, tiny: they do not depend on the number of threads, and rules do what they are
 * called. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <amf/select.h>

#include "learner.h"
#include "suite.h"

#define ROUNDS 3
#define SEEDS 2

static struct lab_settings ordinary(void)
{
    return (struct lab_settings){
        .rules = {LAB_RULE_CRITERION, LAB_RULE_UNIFORM, LAB_RULE_REBALANCE, LAB_RULE_PRIOR_ENTROPY},
        .rule_count = 4,
        .rounds = ROUNDS,
        .batch = 1,
        .seeds = SEEDS,
        .seed = 1,
        .workers = 1,
        .model = {AMF_KERNEL_RBF, 0.25, 0.1, 0.5, 0.5},
        .criterion = amf_criterion_settings_default(),
        .warm_start = AMF_SELECT_WARM_START_AUTO};
}

static void make_world(size_t pretrain_tasks, bool circle, struct lab_integrator *ret_integrator)
{
    const struct lab_integrator_settings settings = {
        .pretrain_tasks = pretrain_tasks, .horizon = 5, .expert_noise = 0.1, .circle = circle};

    ck_assert_int_eq(lab_integrator_init(&settings, ret_integrator), AMF_OK);
}

static size_t value_count(const struct lab_settings *settings)
{
    return settings->rule_count * LAB_METRIC_COUNT * settings->seeds * (settings->rounds + 1);
}

static void check_same(const struct lab_settings *settings, const struct lab_integrator *integrator)
{
    const size_t workers[] = {1, 2, 7};
    LAB_RESULT_CLEANUP struct lab_result first = LAB_RESULT_NULL;

    ck_assert_int_eq(lab_run(&integrator->world, settings, NULL, &first), AMF_OK);
    for (size_t i = 1; i < 3; i++) {
        LAB_RESULT_CLEANUP struct lab_result other = LAB_RESULT_NULL;
        struct lab_settings changed = *settings;

        changed.workers = workers[i];
        ck_assert_int_eq(lab_run(&integrator->world, &changed, NULL, &other), AMF_OK);
        ck_assert_mem_eq(first.values, other.values, value_count(settings) * sizeof(double));
        ck_assert_mem_eq(first.asked, other.asked,
                         4 * SEEDS * LAB_INTEGRATOR_TASKS * sizeof(double));
    }
}

START_TEST(any_number_of_threads_gives_the_same_bits)
{
    struct lab_settings settings = ordinary();
    struct lab_integrator integrator;

    make_world(6, false, &integrator);
    check_same(&settings, &integrator);
    settings.batch = 2;
    check_same(&settings, &integrator);
    make_world(6, true, &integrator);
    check_same(&settings, &integrator);
}
END_TEST

START_TEST(all_rules_start_from_the_same_policy)
{
    struct lab_settings settings = ordinary();
    LAB_RESULT_CLEANUP struct lab_result result = LAB_RESULT_NULL;
    struct lab_integrator integrator;
    size_t rule_step = LAB_METRIC_COUNT * SEEDS * (ROUNDS + 1);

    make_world(6, false, &integrator);
    ck_assert_int_eq(lab_run(&integrator.world, &settings, NULL, &result), AMF_OK);
    for (size_t rule = 1; rule < 4; rule++)
        ck_assert_double_eq(result.values[rule * rule_step], result.values[0]);
    ck_assert_double_ne(result.values[ROUNDS + 1], result.values[0]); /* another seed */
}
END_TEST

START_TEST(rebalance_and_criterion_ask_for_what_was_never_shown)
{
    struct lab_settings settings = ordinary();
    LAB_RESULT_CLEANUP struct lab_result result = LAB_RESULT_NULL;
    struct lab_integrator integrator;

    make_world(9, false, &integrator);
    ck_assert_int_eq(lab_run(&integrator.world, &settings, NULL, &result), AMF_OK);
    for (size_t task = 9; task < 12; task++)
        ck_assert_double_eq(lab_asked(&result, 2, task), 1);
    ck_assert_double_gt(lab_asked(&result, 0, 9) + lab_asked(&result, 0, 10) +
                            lab_asked(&result, 0, 11),
                        ROUNDS / 2.0);
}
END_TEST

START_TEST(every_demonstration_is_counted_once)
{
    struct lab_settings settings = ordinary();
    struct lab_integrator integrator;

    for (int circle = 0; circle < 2; circle++) {
        LAB_RESULT_CLEANUP struct lab_result result = LAB_RESULT_NULL;

        make_world(1, circle, &integrator);
        settings.batch = 2; /* does not divide the rounds */
        settings.occupancy_new = true;
        ck_assert_int_eq(lab_run(&integrator.world, &settings, NULL, &result), AMF_OK);
        for (size_t rule = 0; rule < settings.rule_count; rule++) {
            double sum = 0;

            for (size_t task = 0; task < LAB_INTEGRATOR_TASKS; task++)
                sum += lab_asked(&result, rule, task);
            ck_assert_double_eq(sum, ROUNDS);
        }
        for (size_t i = 0; i < value_count(&settings); i++)
            ck_assert(!isinf(result.values[i]));
    }
}
END_TEST

START_TEST(the_oracle_takes_the_best_of_all_first_steps)
{
    struct lab_settings settings = ordinary();
    LAB_RESULT_CLEANUP struct lab_result result = LAB_RESULT_NULL;
    struct lab_integrator integrator;
    size_t rule_step = LAB_METRIC_COUNT * SEEDS * (ROUNDS + 1);

    make_world(1, false, &integrator);
    settings.rules[3] = LAB_RULE_ORACLE;
    ck_assert_int_eq(lab_run(&integrator.world, &settings, NULL, &result), AMF_OK);
    for (size_t seed = 0; seed < SEEDS; seed++)
        for (size_t rule = 0; rule < 3; rule++)
            ck_assert_double_ge(result.values[3 * rule_step + seed * (ROUNDS + 1) + 1],
                                result.values[rule * rule_step + seed * (ROUNDS + 1) + 1]);
}
END_TEST

/* Scores of a rule over seeds and rounds, one after the other. */
static const double *scores_of(const struct lab_result *result, size_t rule)
{
    return result->values + rule * LAB_METRIC_COUNT * SEEDS * (ROUNDS + 1);
}

START_TEST(a_judge_scores_and_does_not_choose)
{
    struct lab_settings settings = ordinary();
    const size_t bytes = SEEDS * (ROUNDS + 1) * sizeof(double);
    LAB_RESULT_CLEANUP struct lab_result own = LAB_RESULT_NULL, same = LAB_RESULT_NULL;
    LAB_RESULT_CLEANUP struct lab_result other = LAB_RESULT_NULL;
    struct lab_integrator integrator;

    make_world(6, false, &integrator);
    settings.rules[3] = LAB_RULE_ORACLE;
    ck_assert_int_eq(lab_run(&integrator.world, &settings, NULL, &own), AMF_OK);
    settings.judge = (struct lab_judge){&integrator.world, settings.model};
    ck_assert_int_eq(lab_run(&integrator.world, &settings, NULL, &same), AMF_OK);
    ck_assert_mem_eq(own.values, same.values, value_count(&settings) * sizeof(double));
    settings.model.noise = 1;
    ck_assert_int_eq(lab_run(&integrator.world, &settings, NULL, &other), AMF_OK);
    ck_assert_mem_eq(scores_of(&own, 1), scores_of(&other, 1), bytes); /* uniform */
    ck_assert_mem_eq(scores_of(&own, 3), scores_of(&other, 3), bytes); /* the oracle asks it */
    settings.judge.world = NULL;
    lab_result_deinit(&same);
    ck_assert_int_eq(lab_run(&integrator.world, &settings, NULL, &same), AMF_OK);
    ck_assert_mem_eq(same.asked, other.asked, SEEDS * LAB_INTEGRATOR_TASKS * sizeof(double));
    ck_assert_double_ne(scores_of(&same, 1)[0], scores_of(&other, 1)[0]);
}
END_TEST

START_TEST(a_judge_knows_the_tasks_of_its_world_alone)
{
    struct lab_settings settings = ordinary();
    struct lab_integrator integrator;
    const char *why;

    make_world(6, true, &integrator);
    ck_assert_ptr_null(lab_settings_check(&settings, &integrator.world));
    settings.judge = (struct lab_judge){&integrator.world, settings.model};
    why = lab_settings_check(&settings, &integrator.world);
    ck_assert(why && strncmp(why, "judge", 5) == 0);
}
END_TEST

static void count_down(void *arg, size_t done)
{
    size_t *last = arg;

    ck_assert_uint_eq(done, *last + 1);
    *last = done;
}

START_TEST(progress_counts_every_demonstration)
{
    struct lab_settings settings = ordinary();
    LAB_RESULT_CLEANUP struct lab_result result = LAB_RESULT_NULL;
    struct lab_integrator integrator;
    size_t done = 0;
    const struct lab_progress progress = {count_down, &done};

    make_world(6, false, &integrator);
    settings.workers = 2;
    ck_assert_int_eq(lab_run(&integrator.world, &settings, &progress, &result), AMF_OK);
    ck_assert_uint_eq(done, 4 * SEEDS * ROUNDS);
}
END_TEST

START_TEST(wrong_settings_are_named)
{
    struct lab_settings wrong[] = {ordinary(), ordinary(), ordinary(), ordinary(),
                                   ordinary(), ordinary(), ordinary()};
    const char *const names[] = {"rules", "rounds", "batch", "noise", "rules", "measure", "ess"};
    struct lab_result result = LAB_RESULT_NULL;
    struct lab_integrator integrator;

    make_world(6, false, &integrator);
    wrong[0].rule_count = 0;
    wrong[1].rounds = 0;
    wrong[2].batch = ROUNDS + 1;
    wrong[3].model.noise = NAN;
    wrong[4].rules[1] = LAB_RULE_CRITERION;
    wrong[5].criterion.measure = AMF_MEASURE_PRIOR_ENTROPY;
    wrong[6].criterion.ess_target = 0.5;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *why = lab_settings_check(&wrong[i], &integrator.world);

        ck_assert_ptr_nonnull(why);
        ck_assert_int_eq(strncmp(why, names[i], strlen(names[i])), 0);
        ck_assert_int_eq(lab_run(&integrator.world, &wrong[i], NULL, &result), AMF_BAD_ARGUMENT);
    }
    ck_assert_ptr_null(result.values);
}
END_TEST

SUITE_MAIN("lab_run", any_number_of_threads_gives_the_same_bits,
           all_rules_start_from_the_same_policy,
           rebalance_and_criterion_ask_for_what_was_never_shown,
           every_demonstration_is_counted_once, the_oracle_takes_the_best_of_all_first_steps,
           a_judge_scores_and_does_not_choose, a_judge_knows_the_tasks_of_its_world_alone,
           progress_counts_every_demonstration, wrong_settings_are_named)
