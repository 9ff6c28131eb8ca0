/* The order of rules: see select.h. Every rule is a comparison of two candidates under one key, so
 * that ties are broken in one place.
 */
#include <math.h>
#include <stdlib.h>

#include <amf/rng.h>
#include <amf/select.h>

#include "internal.h"

#define SELECT_STREAM_COIN 0x636f696e /* "coin" */
#define SELECT_STREAM_DRAW 0x64726177 /* "draw" */

struct select_input {
    const struct amf_select_candidate *candidates;
    size_t count;
    const struct amf_select_settings *settings;
    size_t held;
    uint64_t round;
    size_t fewest_unseen; /* over open and scorable candidates */
};

static bool select_open(const struct amf_select_candidate *candidate)
{
    size_t reached = candidate->demonstrations + candidate->pending;

    return candidate->allowed && (candidate->max_demonstrations == AMF_SELECT_NO_LIMIT ||
                                  reached < candidate->max_demonstrations);
}

static double select_score(const struct amf_select_candidate *candidate, double exponent)
{
    return exponent > 0 ? candidate->gain / pow(candidate->cost_s, exponent) : candidate->gain;
}

/* A key to minimise, and who takes part. */
typedef bool select_filter(const struct select_input *in, const struct amf_select_candidate *c);
typedef double select_key(const struct select_input *in, const struct amf_select_candidate *c);

/* The open candidate with the smallest key; ties: fewest demonstrations, then the first. */
static size_t select_least(const struct select_input *in, select_filter *filter, select_key *key)
{
    size_t best = AMF_SELECT_NONE;

    for (size_t k = 0; k < in->count; k++) {
        const struct amf_select_candidate *c = &in->candidates[k];
        double mine = 0, least = 0;

        if (!select_open(c) || (filter && !filter(in, c)))
            continue;
        if (best == AMF_SELECT_NONE) {
            best = k;
            continue;
        }
        mine = key(in, c);
        least = key(in, &in->candidates[best]);
        if (mine < least ||
            (mine == least && c->demonstrations < in->candidates[best].demonstrations))
            best = k;
    }
    return best;
}

static bool select_is_scorable(const struct select_input *in, const struct amf_select_candidate *c)
{
    return c->scorable && c->unseen <= in->fewest_unseen;
}

static size_t select_fewest_unseen(const struct select_input *in)
{
    size_t fewest = SIZE_MAX;

    for (size_t k = 0; k < in->count; k++)
        if (select_open(&in->candidates[k]) && in->candidates[k].scorable)
            fewest = amf_min(fewest, in->candidates[k].unseen);
    return fewest;
}

static bool select_wants_minimum(const struct select_input *in,
                                 const struct amf_select_candidate *c)
{
    (void)in;
    return c->demonstrations + c->pending < c->min_demonstrations;
}

static bool select_wants_warm_start(const struct select_input *in,
                                    const struct amf_select_candidate *c)
{
    if (in->settings->warm_start != AMF_SELECT_WARM_START_AUTO)
        return c->attempts < in->settings->warm_start;
    return in->settings->network ? c->attempts < 1 : !in->held;
}

static double select_by_attempts(const struct select_input *in,
                                 const struct amf_select_candidate *c)
{
    (void)in;
    return (double)c->attempts;
}

/* Pending ones count, so that two who ask at once are sent apart. */
static double select_by_demonstrations(const struct select_input *in,
                                       const struct amf_select_candidate *c)
{
    (void)in;
    return (double)(c->demonstrations + c->pending);
}

static double select_by_known(const struct select_input *in, const struct amf_select_candidate *c)
{
    (void)in;
    return (double)(c->known + c->pending);
}

static double select_by_success(const struct select_input *in, const struct amf_select_candidate *c)
{
    (void)in;
    return ((double)c->rollout_successes + 1) / ((double)c->rollouts + 2);
}

/* prior_entropy may be negative, where a division by cost would turn the order round: costs are
 * ignored. */
static double select_exponent(const struct select_input *in)
{
    return in->settings->rule == AMF_RULE_CRITERION ? in->settings->cost_exponent : 0;
}

static double select_by_score(const struct select_input *in, const struct amf_select_candidate *c)
{
    return -select_score(c, select_exponent(in));
}

static size_t select_open_count(const struct select_input *in)
{
    size_t open = 0;

    for (size_t k = 0; k < in->count; k++)
        open += select_open(&in->candidates[k]);
    return open;
}

static size_t select_uniform(const struct select_input *in)
{
    struct amf_rng rng;
    size_t left;

    amf_rng_init(&rng, in->settings->seed, SELECT_STREAM_DRAW + (in->round << 32));
    left = amf_rng_below(&rng, select_open_count(in));
    for (size_t k = 0; k < in->count; k++)
        if (select_open(&in->candidates[k]) && !left--)
            return k;
    return AMF_SELECT_NONE;
}

static size_t select_round_robin(const struct select_input *in)
{
    for (size_t k = 0; k < in->count; k++) {
        size_t at = (size_t)((in->round + k) % in->count);

        if (select_open(&in->candidates[at]))
            return at;
    }
    return AMF_SELECT_NONE;
}

static bool select_explores(const struct select_input *in)
{
    struct amf_rng rng;

    amf_rng_init(&rng, in->settings->seed, SELECT_STREAM_COIN + (in->round << 32));
    return amf_rng_uniform(&rng) < in->settings->explore_share;
}

/* ---- checks before any rule ---- */

static enum amf_status select_check(const struct select_input *in)
{
    const struct amf_select_settings *settings = in->settings;

    if ((unsigned)settings->rule > AMF_RULE_LOWEST_SUCCESS)
        return AMF_BAD_ARGUMENT;
    if (!isfinite(settings->explore_share) || !isfinite(settings->cost_exponent) ||
        !isfinite(settings->stop_gain))
        return AMF_NOT_FINITE;
    if (settings->explore_share < 0 || settings->explore_share > 1 || settings->cost_exponent < 0)
        return AMF_BAD_ARGUMENT;
    for (size_t k = 0; k < in->count; k++) {
        const struct amf_select_candidate *c = &in->candidates[k];

        if (!isfinite(c->cost_s) || (c->scorable && !isfinite(c->gain)))
            return AMF_NOT_FINITE;
        if (!(c->cost_s > 0))
            return AMF_BAD_ARGUMENT;
    }
    return AMF_OK;
}

/* AMF_SELECT_FINE, or why there is nothing to choose from. */
static enum amf_select_reason select_blocked(const struct select_input *in)
{
    bool any_allowed = false;

    if (in->settings->budget != AMF_SELECT_NO_LIMIT && in->settings->spent >= in->settings->budget)
        return AMF_SELECT_BUDGET_SPENT;
    for (size_t k = 0; k < in->count; k++)
        any_allowed |= in->candidates[k].allowed;
    if (!any_allowed)
        return AMF_SELECT_NOTHING_ALLOWED;
    return select_open_count(in) ? AMF_SELECT_FINE : AMF_SELECT_ALL_DONE;
}

/* ---- the choice ---- */

static void select_take(const struct select_input *in, size_t candidate, enum amf_rule rule,
                        struct amf_choice *choice)
{
    choice->candidate = candidate;
    choice->rule = rule;
    choice->has_gain = in->candidates[candidate].scorable;
    choice->gain = choice->has_gain ? in->candidates[candidate].gain : 0;
}

static void select_margin(const struct select_input *in, struct amf_choice *choice)
{
    double mine = select_score(&in->candidates[choice->candidate], select_exponent(in));

    for (size_t k = 0; k < in->count; k++) {
        const struct amf_select_candidate *c = &in->candidates[k];
        double margin = mine - select_score(c, select_exponent(in));

        if (k == choice->candidate || !select_open(c) || !select_is_scorable(in, c))
            continue;
        if (choice->has_margin && margin >= choice->margin)
            continue;
        choice->has_margin = true;
        choice->margin = margin;
        choice->runner_up = k;
    }
}

/* The largest gain among what the asker can do, not the chosen one's: with costs they may differ.
 */
static bool select_below_stop(const struct select_input *in)
{
    double largest = -INFINITY;

    for (size_t k = 0; k < in->count; k++)
        if (select_open(&in->candidates[k]) && in->candidates[k].scorable)
            largest = fmax(largest, in->candidates[k].gain);
    return in->settings->stop_gain > 0 && largest < in->settings->stop_gain;
}

static void select_by_gain(const struct select_input *in, struct amf_choice *choice)
{
    size_t best = select_least(in, select_is_scorable, select_by_score);

    if (best == AMF_SELECT_NONE) {
        select_take(in, select_least(in, NULL, select_by_demonstrations), AMF_RULE_FALLBACK,
                    choice);
        choice->reason = AMF_SELECT_NOT_SCORABLE;
        return;
    }
    select_take(in, best, in->settings->rule, choice);
    select_margin(in, choice);
    if (in->settings->rule == AMF_RULE_CRITERION && select_below_stop(in)) {
        choice->reason = AMF_SELECT_BELOW_STOP_GAIN;
        if (in->settings->stop_hard)
            choice->candidate = AMF_SELECT_NONE;
    }
}

static void select_by_rule(const struct select_input *in, struct amf_choice *choice)
{
    enum amf_rule rule = in->settings->rule;

    switch (rule) {
    case AMF_RULE_UNIFORM:
        select_take(in, select_uniform(in), rule, choice);
        break;
    case AMF_RULE_ROUND_ROBIN:
        select_take(in, select_round_robin(in), rule, choice);
        break;
    case AMF_RULE_REBALANCE:
        select_take(in, select_least(in, NULL, select_by_known), rule, choice);
        break;
    case AMF_RULE_LOWEST_SUCCESS:
        select_take(in, select_least(in, NULL, select_by_success), rule, choice);
        break;
    default:
        select_by_gain(in, choice);
    }
}

static void select_run(const struct select_input *in, struct amf_choice *choice)
{
    bool by_gain =
        in->settings->rule == AMF_RULE_CRITERION || in->settings->rule == AMF_RULE_PRIOR_ENTROPY;
    size_t warm =
        by_gain ? select_least(in, select_wants_warm_start, select_by_attempts) : AMF_SELECT_NONE;
    size_t minimum = select_least(in, select_wants_minimum, select_by_demonstrations);

    if (warm != AMF_SELECT_NONE)
        select_take(in, warm, AMF_RULE_WARM_START, choice);
    else if (minimum != AMF_SELECT_NONE)
        select_take(in, minimum, AMF_RULE_MINIMUM, choice);
    else if (in->settings->rule == AMF_RULE_CRITERION && select_explores(in))
        select_take(in, select_uniform(in), AMF_RULE_EXPLORE, choice);
    else
        select_by_rule(in, choice);
}

enum amf_status amf_select_choose(const struct amf_select_candidate *candidates, size_t count,
                                  const struct amf_select_settings *settings, size_t held,
                                  uint64_t round, struct amf_choice *ret_choice)
{
    struct select_input in = {candidates, count, settings, held, round, 0};
    struct amf_choice choice = {
        .candidate = AMF_SELECT_NONE, .runner_up = AMF_SELECT_NONE, .rule = settings->rule};
    enum amf_status status = select_check(&in);

    if (status)
        return status;
    in.fewest_unseen = select_fewest_unseen(&in);
    choice.reason = select_blocked(&in);
    if (choice.reason == AMF_SELECT_FINE)
        select_run(&in, &choice);
    *ret_choice = choice;
    return AMF_OK;
}

/* ---- the order of a ranking ---- */

struct select_ranked {
    bool scorable;
    double score;
    size_t demonstrations, index;
};

static int select_compare(const void *left, const void *right)
{
    const struct select_ranked *a = left, *b = right;

    if (a->scorable != b->scorable)
        return a->scorable ? -1 : 1;
    if (a->scorable && a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->demonstrations != b->demonstrations)
        return a->demonstrations < b->demonstrations ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

enum amf_status amf_select_order(const struct amf_select_candidate *candidates, size_t count,
                                 double cost_exponent, size_t *ret_order)
{
    AMF_FREE_CLEANUP struct select_ranked *ranked = amf_new_array(count, sizeof(*ranked));

    if (!ranked)
        return AMF_NO_MEMORY;
    for (size_t k = 0; k < count; k++) {
        const struct amf_select_candidate *c = &candidates[k];

        if (c->scorable && !isfinite(c->gain))
            return AMF_NOT_FINITE;
        ranked[k] = (struct select_ranked){
            c->scorable, c->scorable ? select_score(c, cost_exponent) : 0, c->demonstrations, k};
    }
    qsort(ranked, count, sizeof(*ranked), select_compare);
    for (size_t k = 0; k < count; k++)
        ret_order[k] = ranked[k].index;
    return AMF_OK;
}
