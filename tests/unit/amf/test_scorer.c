/* Rankings: what is left out is said, what cannot be scored is said, what is wrong is refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <amf/scorer.h>

#include "suite.h"
#include "synthetic.h"

static void make(struct synthetic *s, size_t demonstrations, size_t steps)
{
    synthetic_init(s, &(struct synthetic_shape){.seed = 4,
                                                .demonstrations = demonstrations,
                                                .steps = steps,
                                                .tasks = 3,
                                                .state_dim = 2,
                                                .action_dim = 2,
                                                .task_dim = 2,
                                                .kernel = AMF_KERNEL_RBF,
                                                .noise = 0.3});
}

static struct amf_scores *score(const struct amf_problem *problem, const size_t *pending,
                                size_t count)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    struct amf_scores *scores = NULL;

    ck_assert_int_eq(amf_scorer_new(problem, pool, &scorer), AMF_OK);
    ck_assert_int_eq(amf_scorer_score(scorer, pending, count, &scores), AMF_OK);
    return scores;
}

static enum amf_status try(const struct amf_problem *problem)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;

    return amf_scorer_new(problem, pool, &scorer);
}

START_TEST(nothing_held_is_nothing_scorable)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
    const size_t pending[] = {0, 1};

    make(&s, 0, 3);
    scores = score(&s.problem, pending, 2);
    for (size_t c = 0; c < 3; c++)
        ck_assert(!scores->candidates[c].scorable && scores->candidates[c].gain == 0);
    ck_assert(scores->pending_ignored[0] && scores->pending_ignored[1]);
    ck_assert(scores->exhaustive);
}
END_TEST

START_TEST(a_task_nobody_showed_cannot_be_scored_by_own_task_weights)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL, *narrowed = NULL;
    const size_t pending[] = {2, 0};
    const size_t shown[] = {0, 1};

    make(&s, 2, 3); /* of tasks 0 and 1 */
    s.problem.settings.weights = AMF_WEIGHTS_OWN_TASK_RAW;
    scores = score(&s.problem, pending, 2);
    ck_assert(scores->candidates[0].scorable && scores->candidates[1].scorable);
    ck_assert(!scores->candidates[2].scorable && scores->candidates[2].gain == 0);
    ck_assert(!scores->task_scorable[2]);
    ck_assert(scores->pending_ignored[0] && !scores->pending_ignored[1]);
    ck_assert_double_eq(scores->candidates[0].target_gain[2], 0);
    /* mu is not renormalised: without the third target, whose mu is 2 of 4.5, gains rise by 4.5
     * / 2.5. */
    s.problem.targets = shown;
    s.problem.target_count = 2;
    narrowed = score(&s.problem, pending, 2);
    ck_assert_double_eq_tol(narrowed->candidates[0].gain, scores->candidates[0].gain * 4.5 / 2.5,
                            1e-12);
}
END_TEST

START_TEST(the_floor_skips_and_says_how_much)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    AMF_SCORES_CLEANUP struct amf_scores *all = NULL, *floored = NULL;

    make(&s, 6, 4);
    s.problem.settings.weights = AMF_WEIGHTS_SELF_NORMALIZED;
    all = score(&s.problem, NULL, 0);
    s.problem.settings.weight_floor = 0.05;
    floored = score(&s.problem, NULL, 0);
    ck_assert_uint_lt(floored->blocks.total, all->blocks.total);
    ck_assert(floored->exhaustive); /* skipped, not sampled */
    for (size_t c = 0; c < 3; c++) {
        ck_assert_double_eq(all->candidates[c].skipped_share, 0);
        ck_assert_double_le(floored->candidates[c].skipped_share, 6 * 0.05);
        ck_assert_double_le(floored->candidates[c].gain, all->candidates[c].gain);
    }
    s.problem.settings.weight_floor = 1e-300;
    amf_scores_free(floored);
    floored = score(&s.problem, NULL, 0);
    ck_assert_double_eq(floored->candidates[0].gain, all->candidates[0].gain);
}
END_TEST

START_TEST(limits_are_kept_and_told)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    AMF_SCORES_CLEANUP struct amf_scores *all = NULL, *cut = NULL;

    make(&s, 30, 8);
    s.problem.settings.weights = AMF_WEIGHTS_UNIFORM;
    all = score(&s.problem, NULL, 0);
    ck_assert(all->exhaustive);
    ck_assert_uint_eq(all->pairs.total, 30 * 8 * 3);
    s.problem.settings.occupancy_limit = 20;
    s.problem.settings.conditioning_limit = 100;
    s.problem.settings.blocks_per_task = 10;
    s.problem.settings.test_pair_limit = 200;
    cut = score(&s.problem, NULL, 0);
    ck_assert(!cut->exhaustive);
    ck_assert_uint_eq(cut->occupancy.used, 16); /* 10, and the 6 since pairs were cut last */
    ck_assert_uint_eq(cut->occupancy.total, 30);
    ck_assert_uint_eq(cut->conditioning.used, 96); /* whole demonstrations */
    ck_assert_uint_eq(cut->conditioning.total, 240);
    ck_assert_uint_eq(cut->blocks.used, 30);
    ck_assert_uint_eq(cut->blocks.total, 48);
    ck_assert_uint_le(cut->pairs.used, 200);
    ck_assert_double_eq_tol(cut->candidates[0].skipped_share, 0.375, 1e-12);
}
END_TEST

/* What an engine can go on from: the ranking before, and the newest demonstration behind it. */
START_TEST(beyond_the_limits_an_arrival_is_appended)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    size_t before[10];

    make(&s, 40, 8);
    s.problem.settings.occupancy_limit = 10;
    s.problem.settings.conditioning_limit = 80;
    for (size_t count = 11; count <= 40; count++) {
        AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
        AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
        size_t n = 6 + (count - 1) % 5;

        s.problem.trajectory_count = count;
        ck_assert_int_eq(amf_scorer_new(&s.problem, pool, &scorer), AMF_OK);
        ck_assert_int_eq(amf_scorer_score(scorer, NULL, 0, &scores), AMF_OK);
        ck_assert_uint_eq(amf_scorer_occupancy_count(scorer), n);
        ck_assert_uint_eq(amf_scorer_trajectory(scorer, n - 1), count - 1);
        ck_assert_uint_eq(scores->conditioning.used, 8 * n);
        for (size_t i = 0; i < n; i++) {
            if (n > 6 && i < n - 1)
                ck_assert_uint_eq(amf_scorer_trajectory(scorer, i), before[i]);
            before[i] = amf_scorer_trajectory(scorer, i);
        }
    }
}
END_TEST

/* Samples stand for the whole: with every block of equal weight, half of them give about the gain
 * of all. */
START_TEST(samples_estimate_the_whole)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    AMF_SCORES_CLEANUP struct amf_scores *all = NULL, *cut = NULL;

    make(&s, 30, 8);
    s.problem.settings.weights = AMF_WEIGHTS_UNIFORM;
    all = score(&s.problem, NULL, 0);
    s.problem.settings.blocks_per_task = 20;
    s.problem.settings.test_pair_limit = 300;
    cut = score(&s.problem, NULL, 0);
    for (size_t c = 0; c < 3; c++)
        ck_assert_double_eq_tol(cut->candidates[c].gain, all->candidates[c].gain,
                                0.3 * all->candidates[c].gain);
}
END_TEST

START_TEST(thinning_equals_scoring_the_thinned)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    AMF_SCORES_CLEANUP struct amf_scores *inside = NULL, *outside = NULL;
    double states[6][4], actions[6][4];

    make(&s, 6, 9);
    s.problem.settings.max_steps = 2; /* first and last */
    inside = score(&s.problem, NULL, 0);
    s.problem.settings.max_steps = 0;
    for (size_t i = 0; i < 6; i++) {
        memcpy(states[i], s.trajectories[i].states, 2 * sizeof(double));
        memcpy(states[i] + 2, s.trajectories[i].states + 16, 2 * sizeof(double));
        memcpy(actions[i], s.trajectories[i].actions, 2 * sizeof(double));
        memcpy(actions[i] + 2, s.trajectories[i].actions + 16, 2 * sizeof(double));
        s.trajectories[i].states = states[i];
        s.trajectories[i].actions = actions[i];
        s.trajectories[i].step_count = 2;
    }
    outside = score(&s.problem, NULL, 0);
    for (size_t c = 0; c < 3; c++)
        ck_assert_double_eq(inside->candidates[c].gain, outside->candidates[c].gain);
}
END_TEST

/* d_a / n sum_i w_i sum_t 1/2 log(2 pi e v0), from the scorer's own parts. */
START_TEST(prior_entropy_is_the_expected_entropy)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL, *pending = NULL;
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    const size_t busy[] = {1};

    make(&s, 6, 4);
    s.problem.settings.measure = AMF_MEASURE_PRIOR_ENTROPY;
    ck_assert_int_eq(amf_scorer_new(&s.problem, pool, &scorer), AMF_OK);
    ck_assert_int_eq(amf_scorer_score(scorer, NULL, 0, &scores), AMF_OK);
    ck_assert_int_eq(amf_scorer_score(scorer, busy, 1, &pending), AMF_OK);
    for (size_t c = 0; c < 3; c++) {
        double expected = 0;

        for (size_t i = 0; i < 6; i++)
            for (size_t t = 0; t < 4; t++)
                expected += 2.0 / 6 * amf_scorer_weight(scorer, i, c) *
                            log(2 * M_PI * M_E * amf_scorer_variance(scorer, i, c)[t]) / 2;
        ck_assert_double_eq_tol(scores->candidates[c].gain, expected, 1e-12 * fabs(expected));
        ck_assert_double_eq(scores->entropy[c], scores->candidates[c].gain);
        ck_assert_double_lt(pending->candidates[c].gain, scores->candidates[c].gain);
        ck_assert_double_eq(pending->entropy[c], scores->entropy[c]);
    }
}
END_TEST

START_TEST(demonstrations_without_features_stand_in_for_what_they_cover)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
    const double *own[6][3] = {{0}};

    make(&s, 6, 3);
    s.problem.kernel.kind = AMF_KERNEL_EMBEDDING;
    s.problem.policy = AMF_POLICY_DETERMINISTIC;
    s.problem.settings.weights = AMF_WEIGHTS_SELF_NORMALIZED;
    for (size_t i = 0; i < 6; i++) { /* under the own task alone; task 2 of none */
        own[i][i % 3] = s.trajectories[i].features[i % 3];
        s.trajectories[i].features = own[i];
        if (i % 3 == 2)
            s.trajectories[i].occupancy = false;
    }
    scores = score(&s.problem, NULL, 0);
    ck_assert(scores->candidates[0].scorable && scores->candidates[1].scorable);
    ck_assert(!scores->candidates[2].scorable);
    ck_assert_double_le(scores->candidates[0].effective_sample_size, 2 + 1e-12);
    own[0][0] = NULL; /* held, but not covered under its own task */
    ck_assert_int_eq(try(&s.problem), AMF_BAD_ARGUMENT);
}
END_TEST

START_TEST(given_likelihoods_are_used_as_they_are)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    const double terms[3][2] = {{-1, -2}, {-5, -1}, {0, 0}};
    const double *const tables[3] = {terms[0], terms[1], NULL};

    make(&s, 2, 2);
    s.trajectories[0].log_likelihood = s.trajectories[1].log_likelihood = tables;
    s.problem.policy = AMF_POLICY_GIVEN;
    s.problem.settings.clip = (struct amf_clip){AMF_CLIP_STEP, -4, 0};
    ck_assert_int_eq(amf_scorer_new(&s.problem, pool, &scorer), AMF_OK);
    ck_assert_double_eq(amf_scorer_step_log_likelihood(scorer, 0, 0)[1], -2);
    ck_assert_double_eq(amf_scorer_log_likelihood(scorer, 1, 1), -5);
    ck_assert(isinf(amf_scorer_log_likelihood(scorer, 1, 2)));
    ck_assert_double_eq(amf_scorer_weight(scorer, 1, 2), 0);
}
END_TEST

START_TEST(identical_demonstrations_and_almost_no_noise)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;

    make(&s, 12, 6);
    for (size_t i = 1; i < 12; i++) {
        s.trajectories[i].states = s.trajectories[0].states;
        s.trajectories[i].actions = s.trajectories[0].actions;
    }
    s.problem.noise = 1e-9;
    scores = score(&s.problem, NULL, 0);
    ck_assert_double_gt(scores->jitter, 0);
    for (size_t c = 0; c < 3; c++)
        ck_assert(isfinite(scores->candidates[c].gain) && scores->candidates[c].gain >= 0);
}
END_TEST

START_TEST(features_of_length_zero_carry_no_information)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;

    make(&s, 3, 3);
    s.problem.kernel.kind = AMF_KERNEL_EMBEDDING;
    memset(s.features, 0, 3 * 3 * 3 * 6 * sizeof(double));
    scores = score(&s.problem, NULL, 0);
    for (size_t c = 0; c < 3; c++) {
        ck_assert_double_eq(scores->candidates[c].gain, 0);
        ck_assert(isfinite(scores->entropy[c]));
    }
}
END_TEST

/* Refused by the scorer and by the check alike, and the check names the member. */
static void expect_refusal(const struct amf_problem *problem, enum amf_status expected,
                           const char *field)
{
    const char *named = "none";

    ck_assert_int_eq(amf_problem_check(problem, &named), expected);
    ck_assert_str_eq(named, field);
    ck_assert_int_eq(try(problem), expected);
}

START_TEST(hostile_numbers_are_refused_by_name)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    const double bad[] = {NAN, 0, 0}, negative[] = {1, -1, 1}, none[] = {0, 0, 0};
    const double indefinite[] = {1, 0.9, -0.9, 0.9, 1, 0.9, -0.9, 0.9, 1};
    struct amf_problem p;
    struct {
        double *number;
        const char *name;
        double wrong;
    } numbers[] = {{&p.noise, "noise", 0},
                   {&p.kernel.variance, "kernel.variance", -1},
                   {&p.settings.weight_floor, "settings.weight_floor", 1},
                   {&p.settings.weight_floor, "settings.weight_floor", -0.1},
                   {&p.settings.ess_target, "settings.ess_target", 0.5}};

    make(&s, 3, 3);
    for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++) {
        p = s.problem;
        *numbers[k].number = numbers[k].wrong;
        expect_refusal(&p, AMF_BAD_ARGUMENT, numbers[k].name);
        *numbers[k].number = NAN;
        expect_refusal(&p, AMF_NOT_FINITE, numbers[k].name);
        *numbers[k].number = INFINITY;
        expect_refusal(&p, AMF_NOT_FINITE, numbers[k].name);
    }
    p = s.problem;
    p.policy = AMF_POLICY_DETERMINISTIC;
    p.policy_noise = 0;
    expect_refusal(&p, AMF_BAD_ARGUMENT, "policy_noise");
    p = s.problem;
    p.target_weights = bad;
    expect_refusal(&p, AMF_NOT_FINITE, "target_weights");
    p.target_weights = negative;
    expect_refusal(&p, AMF_BAD_ARGUMENT, "target_weights");
    p.target_weights = none;
    expect_refusal(&p, AMF_BAD_ARGUMENT, "target_weights");
    p = s.problem;
    p.settings.clip = (struct amf_clip){AMF_CLIP_STEP, 0, -12};
    expect_refusal(&p, AMF_BAD_ARGUMENT, "settings.clip");
    p.settings.clip = (struct amf_clip){AMF_CLIP_TRAJECTORY, -INFINITY, 0};
    expect_refusal(&p, AMF_NOT_FINITE, "settings.clip");
    p = s.problem;
    p.kernel.state_scale = none;
    expect_refusal(&p, AMF_BAD_ARGUMENT, "kernel.state_scale");
    p = s.problem;
    p.kernel.task_scale_count = 3;
    expect_refusal(&p, AMF_BAD_ARGUMENT, "kernel.task_scale");
    p = s.problem;
    p.kernel.task = AMF_TASK_TABLE;
    p.kernel.task_table = indefinite;
    expect_refusal(&p, AMF_NOT_POSDEF, "kernel.task_table");
}
END_TEST

START_TEST(hostile_lists_and_trajectories_are_refused_by_name)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    double states[6] = {0, 1, 2, INFINITY, 4, 5}, actions[6] = {NAN};
    const size_t beyond[] = {0, 1, 3};
    struct amf_problem p;
    struct amf_trajectory *one, good;

    make(&s, 3, 3);
    one = &s.trajectories[1];
    good = *one;
    p = s.problem;
    p.candidates = beyond;
    expect_refusal(&p, AMF_BAD_ARGUMENT, "candidates");
    p = s.problem;
    p.targets = beyond;
    expect_refusal(&p, AMF_BAD_ARGUMENT, "targets");
    p = s.problem;
    p.target_count = 0; /* nothing is worth knowing */
    expect_refusal(&p, AMF_BAD_ARGUMENT, "target_weights");
    p = s.problem;
    p.task_count = 0;
    expect_refusal(&p, AMF_BAD_ARGUMENT, "task_count");
    one->states = states;
    expect_refusal(&s.problem, AMF_NOT_FINITE, "trajectories.states");
    one->states = NULL;
    expect_refusal(&s.problem, AMF_BAD_ARGUMENT, "trajectories.states");
    *one = good;
    one->actions = actions;
    expect_refusal(&s.problem, AMF_NOT_FINITE, "trajectories.actions");
    *one = good;
    one->step_count = 0;
    expect_refusal(&s.problem, AMF_BAD_ARGUMENT, "trajectories.step_count");
    *one = good;
    one->task = 3;
    expect_refusal(&s.problem, AMF_BAD_ARGUMENT, "trajectories.task");
}
END_TEST

START_TEST(no_candidates_is_an_empty_ranking)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;

    make(&s, 3, 3);
    s.problem.candidate_count = 0;
    s.problem.candidates = NULL;
    scores = score(&s.problem, NULL, 0);
    ck_assert_uint_eq(scores->candidate_count, 0);
    ck_assert(scores->task_scorable[0] && isfinite(scores->entropy[0]));
}
END_TEST

/* Whatever the numbers, a gain is a number or a status says why there is none. */
START_TEST(no_setting_makes_a_gain_that_is_none)
{
    const double extremes[] = {1e-9, 1, 1e9};

    for (int kernel = AMF_KERNEL_RBF; kernel <= AMF_KERNEL_FACTORED; kernel++)
        for (size_t v = 0; v < 3; v++)
            for (size_t n = 0; n < 3; n++)
                for (size_t l = 0; l < 3; l++) {
                    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
                    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
                    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
                    SYNTHETIC_CLEANUP struct synthetic s = {0};
                    enum amf_status status;

                    make(&s, 4, 5);
                    s.problem.kernel.kind = (enum amf_kernel_kind)kernel;
                    s.problem.kernel.variance = extremes[v];
                    s.problem.noise = extremes[n];
                    s.state_scale = s.task_scale = extremes[l];
                    status = amf_scorer_new(&s.problem, pool, &scorer);
                    if (!status)
                        status = amf_scorer_score(scorer, NULL, 0, &scores);
                    ck_assert_msg(status == AMF_OK || status == AMF_NOT_POSDEF,
                                  "%d %zu %zu %zu: %s", kernel, v, n, l, amf_status_name(status));
                    for (size_t c = 0; scores && c < 3; c++)
                        ck_assert(isfinite(scores->candidates[c].gain) &&
                                  scores->candidates[c].gain >= 0);
                }
}
END_TEST

START_TEST(pending_tasks_must_exist)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    const size_t pending[] = {3};

    make(&s, 3, 3);
    ck_assert_int_eq(amf_scorer_new(&s.problem, pool, &scorer), AMF_OK);
    ck_assert_int_eq(amf_scorer_score(scorer, pending, 1, &scores), AMF_BAD_ARGUMENT);
}
END_TEST

START_TEST(a_cancelled_ranking_says_so)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    atomic_bool cancel = true;

    make(&s, 6, 3);
    s.problem.cancel = &cancel;
    ck_assert_int_eq(try(&s.problem), AMF_CANCELLED);
}
END_TEST

/* Enough rows to leave every in-memory shortcut: two ways through the same sums. */
START_TEST(large_problems_take_the_long_way_to_the_same_answer)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    AMF_SCORES_CLEANUP struct amf_scores *alone = NULL, *together = NULL;
    const size_t one[] = {0};

    make(&s, 45, 24); /* 3,240 block rows and test pairs: their covariances are not kept */
    s.problem.settings.weights = AMF_WEIGHTS_UNIFORM;
    together = score(&s.problem, NULL, 0);
    s.problem.candidates = one;
    s.problem.candidate_count = 1; /* kept */
    alone = score(&s.problem, NULL, 0);
    ck_assert_double_eq_tol(alone->candidates[0].gain, together->candidates[0].gain,
                            1e-10 * alone->candidates[0].gain);
}
END_TEST

SUITE_MAIN("amf_scorer", nothing_held_is_nothing_scorable,
           a_task_nobody_showed_cannot_be_scored_by_own_task_weights,
           the_floor_skips_and_says_how_much, limits_are_kept_and_told,
           beyond_the_limits_an_arrival_is_appended, samples_estimate_the_whole,
           thinning_equals_scoring_the_thinned, prior_entropy_is_the_expected_entropy,
           demonstrations_without_features_stand_in_for_what_they_cover,
           given_likelihoods_are_used_as_they_are, identical_demonstrations_and_almost_no_noise,
           features_of_length_zero_carry_no_information, hostile_numbers_are_refused_by_name,
           hostile_lists_and_trajectories_are_refused_by_name, no_candidates_is_an_empty_ranking,
           no_setting_makes_a_gain_that_is_none, pending_tasks_must_exist,
           a_cancelled_ranking_says_so, large_problems_take_the_long_way_to_the_same_answer)
