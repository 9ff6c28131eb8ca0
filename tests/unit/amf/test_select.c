/* The choice: every rule, their order, ties, stops. */
#include <math.h>

#include <amf/select.h>

#include "suite.h"

#define COUNT 4

struct situation {
    struct amf_select_candidate candidates[COUNT];
    struct amf_select_settings settings;
    size_t held;
    uint64_t round;
};

/* Four tasks with gains 1, 4, 3, 2, one demonstration each, everything allowed. */
static struct situation situation(void)
{
    struct situation s = {.settings = {.rule = AMF_RULE_CRITERION,
                                       .warm_start = AMF_SELECT_WARM_START_AUTO,
                                       .budget = AMF_SELECT_NO_LIMIT,
                                       .seed = 1},
                          .held = 4};
    const double gains[COUNT] = {1, 4, 3, 2};

    for (size_t k = 0; k < COUNT; k++)
        s.candidates[k] = (struct amf_select_candidate){.allowed = true,
                                                        .cost_s = 1,
                                                        .demonstrations = 1,
                                                        .known = 1,
                                                        .attempts = 1,
                                                        .max_demonstrations = AMF_SELECT_NO_LIMIT,
                                                        .scorable = true,
                                                        .gain = gains[k]};
    return s;
}

static struct amf_choice choose(const struct situation *s)
{
    struct amf_choice choice;

    ck_assert_int_eq(
        amf_select_choose(s->candidates, COUNT, &s->settings, s->held, s->round, &choice), AMF_OK);
    return choice;
}

static void expect(const struct situation *s, size_t candidate, enum amf_rule rule)
{
    struct amf_choice choice = choose(s);

    ck_assert_uint_eq(choice.candidate, candidate);
    ck_assert_int_eq(choice.rule, rule);
}

START_TEST(the_largest_gain_wins)
{
    struct situation s = situation();
    struct amf_choice choice = choose(&s);

    expect(&s, 1, AMF_RULE_CRITERION);
    ck_assert(choice.has_gain && choice.gain == 4);
    ck_assert(choice.has_margin && choice.margin == 1);
    ck_assert_int_eq(choice.reason, AMF_SELECT_FINE);
}
END_TEST

START_TEST(costs_divide_the_gain)
{
    struct situation s = situation();

    s.candidates[1].cost_s = 2;
    s.candidates[2].cost_s = 1;
    expect(&s, 1, AMF_RULE_CRITERION); /* exponent 0: ignored */
    s.settings.cost_exponent = 1;
    expect(&s, 2, AMF_RULE_CRITERION);
    ck_assert_double_eq(choose(&s).gain, 3); /* the gain itself */
    ck_assert_double_eq(choose(&s).margin, 1);
}
END_TEST

START_TEST(ties_go_to_the_fewest_demonstrations_then_to_key_order)
{
    struct situation s = situation();

    s.candidates[2].gain = 4;
    expect(&s, 1, AMF_RULE_CRITERION);
    s.candidates[1].demonstrations = 2;
    expect(&s, 2, AMF_RULE_CRITERION);
    ck_assert_double_eq(choose(&s).margin, 0);
}
END_TEST

START_TEST(what_the_asker_cannot_do_is_not_named)
{
    struct situation s = situation();

    s.candidates[1].allowed = false;
    expect(&s, 2, AMF_RULE_CRITERION);
    s.candidates[2].max_demonstrations = 2;
    expect(&s, 2, AMF_RULE_CRITERION);
    s.candidates[2].pending = 1;
    expect(&s, 3, AMF_RULE_CRITERION);
    ck_assert_double_eq(choose(&s).margin, 1);
}
END_TEST

START_TEST(the_runner_up_is_whose_margin_it_is)
{
    struct situation s = situation();
    struct amf_choice all = choose(&s);

    ck_assert_uint_ne(all.runner_up, AMF_SELECT_NONE);
    ck_assert_double_eq(all.margin, all.gain - s.candidates[all.runner_up].gain);
    s.candidates[all.runner_up].max_demonstrations = 0;
    ck_assert_uint_ne(choose(&s).runner_up, all.runner_up);
}
END_TEST

START_TEST(askers_whom_the_gains_have_not_seen_are_sent_apart)
{
    struct situation s = situation();
    unsigned asked[COUNT] = {0};
    size_t scorable = 0;

    for (size_t k = 0; k < COUNT; k++)
        scorable += s.candidates[k].scorable && s.candidates[k].allowed;
    for (size_t ask = 0; ask < 3 * scorable; ask++) {
        size_t chosen = choose(&s).candidate;

        asked[chosen]++;
        s.candidates[chosen].pending++;
        s.candidates[chosen].unseen++;
    }
    for (size_t k = 0; k < COUNT; k++)
        if (s.candidates[k].scorable && s.candidates[k].allowed)
            ck_assert_uint_eq(asked[k], 3);
}
END_TEST

START_TEST(nothing_to_do_has_a_reason)
{
    struct situation s = situation();

    s.settings.budget = 4;
    s.settings.spent = 4;
    ck_assert_uint_eq(choose(&s).candidate, AMF_SELECT_NONE);
    ck_assert_int_eq(choose(&s).reason, AMF_SELECT_BUDGET_SPENT);
    s.settings.budget = 5;
    expect(&s, 1, AMF_RULE_CRITERION);
    for (size_t k = 0; k < COUNT; k++)
        s.candidates[k].max_demonstrations = 1;
    ck_assert_int_eq(choose(&s).reason, AMF_SELECT_ALL_DONE);
    for (size_t k = 0; k < COUNT; k++)
        s.candidates[k].allowed = false;
    ck_assert_int_eq(choose(&s).reason, AMF_SELECT_NOTHING_ALLOWED);
}
END_TEST

START_TEST(warm_start_counts_attempts)
{
    struct situation s = situation();

    s.settings.warm_start = 2;
    s.candidates[0].attempts = 2;
    s.candidates[1].attempts = 2;
    expect(&s, 2, AMF_RULE_WARM_START);
    s.candidates[3].attempts = 0;
    expect(&s, 3, AMF_RULE_WARM_START);
    s.candidates[2].attempts = s.candidates[3].attempts = 2;
    expect(&s, 1, AMF_RULE_CRITERION);
}
END_TEST

START_TEST(warm_start_auto)
{
    struct situation s = situation();

    s.held = 0; /* Gaussian process: while nothing is held */
    s.candidates[0].attempts = 2;
    expect(&s, 1, AMF_RULE_WARM_START);
    s.held = 1;
    expect(&s, 1, AMF_RULE_CRITERION);
    s.settings.network = true; /* one of each */
    s.candidates[3].attempts = 0;
    expect(&s, 3, AMF_RULE_WARM_START);
}
END_TEST

START_TEST(minimum_comes_before_the_criterion_and_after_the_warm_start)
{
    struct situation s = situation();

    s.candidates[0].min_demonstrations = 2;
    expect(&s, 0, AMF_RULE_MINIMUM);
    s.candidates[0].pending = 1;
    expect(&s, 1, AMF_RULE_CRITERION);
    s.candidates[0].pending = 0;
    s.settings.warm_start = 2;
    s.candidates[0].attempts = 3;
    expect(&s, 1, AMF_RULE_WARM_START);
}
END_TEST

START_TEST(exploring_is_seeded_and_about_its_share)
{
    struct situation s = situation();
    size_t explored = 0, named[COUNT] = {0};

    s.settings.explore_share = 0.25;
    for (s.round = 0; s.round < 4000; s.round++) {
        struct amf_choice choice = choose(&s), again = choose(&s);

        ck_assert_uint_eq(choice.candidate, again.candidate);
        explored += choice.rule == AMF_RULE_EXPLORE;
        named[choice.candidate] += choice.rule == AMF_RULE_EXPLORE;
    }
    ck_assert_uint_ge(explored, 900);
    ck_assert_uint_le(explored, 1100);
    for (size_t k = 0; k < COUNT; k++)
        ck_assert_uint_ge(named[k], 190);
}
END_TEST

START_TEST(baselines)
{
    struct situation s = situation();
    size_t named[COUNT] = {0};

    s.settings.rule = AMF_RULE_ROUND_ROBIN;
    for (s.round = 0; s.round < 8; s.round++)
        expect(&s, s.round % COUNT, AMF_RULE_ROUND_ROBIN);
    s.round = 1;
    s.candidates[1].allowed = false;
    expect(&s, 2, AMF_RULE_ROUND_ROBIN);
    s = situation();
    s.settings.rule = AMF_RULE_REBALANCE;
    s.candidates[0].known = s.candidates[1].known = 5;
    expect(&s, 2, AMF_RULE_REBALANCE);
    s.candidates[2].pending = 1;
    expect(&s, 3, AMF_RULE_REBALANCE);
    s = situation();
    s.settings.rule = AMF_RULE_LOWEST_SUCCESS;
    for (size_t k = 0; k < COUNT; k++)
        s.candidates[k].rollouts = s.candidates[k].rollout_successes = 3;
    s.candidates[3].rollout_successes = 1;
    expect(&s, 3, AMF_RULE_LOWEST_SUCCESS);
    s.settings.rule = AMF_RULE_UNIFORM;
    for (s.round = 0; s.round < 2000; s.round++)
        named[choose(&s).candidate]++;
    for (size_t k = 0; k < COUNT; k++)
        ck_assert(named[k] > 400 && named[k] < 600);
}
END_TEST

START_TEST(prior_entropy_may_be_negative_and_ignores_costs)
{
    struct situation s = situation();

    s.settings.rule = AMF_RULE_PRIOR_ENTROPY;
    s.settings.cost_exponent = 1;
    for (size_t k = 0; k < COUNT; k++)
        s.candidates[k].gain = -10 - (double)k;
    s.candidates[3].cost_s = 1000;
    expect(&s, 0, AMF_RULE_PRIOR_ENTROPY);
}
END_TEST

START_TEST(what_cannot_be_scored_falls_back_to_the_least_demonstrated)
{
    struct situation s = situation();

    s.candidates[1].scorable = false;
    expect(&s, 2, AMF_RULE_CRITERION);
    for (size_t k = 0; k < COUNT; k++) {
        s.candidates[k].scorable = false;
        s.candidates[k].gain = 0;
    }
    s.candidates[0].demonstrations = 2;
    expect(&s, 1, AMF_RULE_FALLBACK);
    ck_assert_int_eq(choose(&s).reason, AMF_SELECT_NOT_SCORABLE);
    ck_assert(!choose(&s).has_gain && !choose(&s).has_margin);
}
END_TEST

START_TEST(stopping_is_soft_or_hard)
{
    struct situation s = situation();

    s.settings.stop_gain = 5;
    expect(&s, 1, AMF_RULE_CRITERION);
    ck_assert_int_eq(choose(&s).reason, AMF_SELECT_BELOW_STOP_GAIN);
    s.settings.stop_hard = true;
    expect(&s, AMF_SELECT_NONE, AMF_RULE_CRITERION);
    s.settings.stop_gain = 4; /* not below */
    expect(&s, 1, AMF_RULE_CRITERION);
    ck_assert_int_eq(choose(&s).reason, AMF_SELECT_FINE);
}
END_TEST

START_TEST(wrong_input_is_refused)
{
    struct situation s = situation();
    struct amf_choice choice;

    s.candidates[0].gain = NAN;
    ck_assert_int_eq(amf_select_choose(s.candidates, COUNT, &s.settings, 1, 0, &choice),
                     AMF_NOT_FINITE);
    s = situation();
    s.candidates[0].cost_s = 0;
    ck_assert_int_eq(amf_select_choose(s.candidates, COUNT, &s.settings, 1, 0, &choice),
                     AMF_BAD_ARGUMENT);
    s = situation();
    s.settings.explore_share = 2;
    ck_assert_int_eq(amf_select_choose(s.candidates, COUNT, &s.settings, 1, 0, &choice),
                     AMF_BAD_ARGUMENT);
    s.settings.rule = AMF_RULE_FALLBACK; /* an answer, not a wish */
    ck_assert_int_eq(amf_select_choose(s.candidates, COUNT, &s.settings, 1, 0, &choice),
                     AMF_BAD_ARGUMENT);
    s = situation();
    ck_assert_int_eq(amf_select_choose(NULL, 0, &s.settings, 0, 0, &choice), AMF_OK);
    ck_assert_int_eq(choice.reason, AMF_SELECT_NOTHING_ALLOWED);
}
END_TEST

START_TEST(a_ranking_lists_the_best_first_and_the_unscorable_last)
{
    struct situation s = situation();
    size_t order[COUNT];
    const size_t plain[] = {1, 2, 3, 0}, gaps[] = {2, 3, 0, 1};

    ck_assert_int_eq(amf_select_order(s.candidates, COUNT, 0, order), AMF_OK);
    ck_assert_mem_eq(order, plain, sizeof(order));
    s.candidates[1].scorable = false;
    ck_assert_int_eq(amf_select_order(s.candidates, COUNT, 0, order), AMF_OK);
    ck_assert_mem_eq(order, gaps, sizeof(order));
}
END_TEST

SUITE_MAIN("amf_select", the_largest_gain_wins, costs_divide_the_gain,
           ties_go_to_the_fewest_demonstrations_then_to_key_order,
           what_the_asker_cannot_do_is_not_named, the_runner_up_is_whose_margin_it_is,
           askers_whom_the_gains_have_not_seen_are_sent_apart, nothing_to_do_has_a_reason,
           warm_start_counts_attempts, warm_start_auto,
           minimum_comes_before_the_criterion_and_after_the_warm_start,
           exploring_is_seeded_and_about_its_share, baselines,
           prior_entropy_may_be_negative_and_ignores_costs,
           what_cannot_be_scored_falls_back_to_the_least_demonstrated, stopping_is_soft_or_hard,
           wrong_input_is_refused, a_ranking_lists_the_best_first_and_the_unscorable_last)
