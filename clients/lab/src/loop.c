/* Rounds: rule -> demonstration -> what the policy is worth now.
 *
 * With a batch of k the rule names k tasks before the first of their demonstrations comes, each
 * knowing of the ones before it as pending work; they are then given one by one, so that runs of
 * any batch have as many rounds.
 */
#include "loop.h"

#include <math.h>
#include <string.h>

#include <amf/select.h>

#include "internal.h"
#include "learner.h"

const char *const lab_rule_names[] = {"criterion",   "uniform", "rebalance", "prior_entropy",
                                      "round_robin", "oracle",  NULL};

struct loop {
    const struct lab_world *world;
    const struct lab_settings *settings;
    enum lab_rule rule;
    uint64_t seed;
    struct lab_learner learner,
        judge;             /* what the rule goes by; whose score counts, if there is one */
    size_t *given, *asked; /* demonstrations per evaluation task, with and without pre-training */
    size_t *picks;         /* batch tasks of the learner, pick_count of them still to be given */
    size_t pick_count, pick_next;
    size_t *candidates, candidate_count;
    struct amf_select_candidate *options;
    double gain, effective_size; /* of the newest choice */
};

static void loop_deinit(struct loop *loop)
{
    lab_learner_deinit(&loop->learner);
    lab_learner_deinit(&loop->judge);
    free(loop->given);
    free(loop->asked);
    free(loop->picks);
    free(loop->candidates);
    free(loop->options);
}

static enum amf_status loop_init(const struct lab_world *world, const struct lab_settings *settings,
                                 struct amf_pool *pool, struct loop *loop)
{
    loop->candidate_count = world->samples ? world->samples : world->task_count;
    loop->given = lab_new_array(world->task_count, sizeof(size_t));
    loop->asked = lab_new_array(world->task_count, sizeof(size_t));
    loop->picks = lab_new_array(settings->batch, sizeof(size_t));
    loop->candidates = lab_new_array(loop->candidate_count, sizeof(size_t));
    loop->options = lab_new_array(loop->candidate_count, sizeof(*loop->options));
    if (!loop->given || !loop->asked || !loop->picks || !loop->candidates || !loop->options)
        return AMF_NO_MEMORY;
    if (settings->judge.world) {
        enum amf_status status =
            lab_learner_init(settings->judge.world, &settings->judge.model, pool, &loop->judge);

        if (status)
            return status;
    }
    return lab_learner_init(world, &settings->model, pool, &loop->learner);
}

/* The evaluation task that a task is counted under: itself, or the nearest. */
static size_t loop_cell(const struct loop *loop, size_t task)
{
    size_t nearest = 0, dim = loop->world->task_dim;
    double least = INFINITY;

    if (task < loop->world->task_count)
        return task;
    for (size_t other = 0; other < loop->world->task_count; other++) {
        const double *a = lab_learner_vector(&loop->learner, task);
        const double *b = lab_learner_vector(&loop->learner, other);
        double sum = 0;

        for (size_t d = 0; d < dim; d++)
            sum += (a[d] - b[d]) * (a[d] - b[d]);
        if (sum < least) {
            least = sum;
            nearest = other;
        }
    }
    return nearest;
}

/* ---- demonstrations ---- */

static enum amf_status loop_tell(const struct loop *loop, size_t task, bool pretraining,
                                 struct lab_learner *learner)
{
    size_t cell = loop_cell(loop, task);
    struct lab_demo demo;
    enum amf_status status = learner->world->demonstrate(learner->world, loop->seed, cell,
                                                         lab_learner_vector(&loop->learner, task),
                                                         loop->given[cell], &demo);

    if (status)
        return status;
    demo.task = task;
    demo.pretraining = pretraining;
    return lab_learner_add(learner, &demo);
}

static enum amf_status loop_give(struct loop *loop, size_t task, bool pretraining)
{
    size_t cell = loop_cell(loop, task);
    enum amf_status status = loop_tell(loop, task, pretraining, &loop->learner);

    if (!status && loop->judge.world)
        status = loop_tell(loop, task, pretraining, &loop->judge);
    if (status)
        return status;
    loop->given[cell]++;
    loop->asked[cell] += !pretraining;
    return AMF_OK;
}

static void loop_take_back(struct loop *loop, size_t task)
{
    size_t cell = loop_cell(loop, task);

    lab_learner_drop_last(&loop->learner);
    if (loop->judge.world)
        lab_learner_drop_last(&loop->judge);
    loop->given[cell]--;
    loop->asked[cell]--;
}

static enum amf_status loop_fit(struct loop *loop)
{
    enum amf_status status = lab_learner_fit(&loop->learner);

    return status || !loop->judge.world ? status : lab_learner_fit(&loop->judge);
}

static enum amf_status loop_score(const struct loop *loop, struct lab_score *ret_score)
{
    const struct lab_learner *scored = loop->judge.world ? &loop->judge : &loop->learner;

    return scored->world->evaluate(scored->world, scored, ret_score);
}

static enum amf_status loop_pretrain(struct loop *loop)
{
    for (size_t task = 0; task < loop->world->task_count; task++)
        for (size_t i = 0; i < loop->world->pretrain[task]; i++) {
            enum amf_status status = loop_give(loop, task, true);

            if (!status && loop->settings->model.fit_after)
                status = lab_learner_fit(&loop->learner);
            if (status)
                return status;
        }
    return loop_fit(loop);
}

/* ---- the choice ---- */

static enum amf_status loop_sample(struct loop *loop, size_t round)
{
    LAB_FREE_CLEANUP double *vector = lab_new_rows(loop->world->task_dim, 1);
    enum amf_status status = vector ? AMF_OK : AMF_NO_MEMORY;
    struct amf_rng rng;

    amf_rng_init(&rng, loop->seed, lab_stream(LAB_STREAM_SHOTS, round, 0));
    for (size_t k = 0; !status && k < loop->candidate_count; k++) {
        loop->candidates[k] = k;
        if (!loop->world->samples)
            continue;
        loop->world->sample(loop->world, &rng, vector);
        status = lab_learner_add_task(&loop->learner, vector, &loop->candidates[k]);
    }
    return status;
}

static size_t loop_pending(const struct loop *loop, size_t cell)
{
    size_t pending = 0;

    for (size_t i = 0; i < loop->pick_count; i++)
        pending += loop_cell(loop, loop->picks[i]) == cell;
    return pending;
}

static void loop_describe(const struct loop *loop, const struct amf_scores *scores)
{
    for (size_t k = 0; k < loop->candidate_count; k++) {
        size_t cell = loop_cell(loop, loop->candidates[k]);
        size_t pending = loop_pending(loop, cell);
        size_t left = AMF_SELECT_NO_LIMIT;

        if (loop->world->available)
            left = loop->world->available[cell] - loop->world->pretrain[cell];
        loop->options[k] = (struct amf_select_candidate){
            .allowed = true,
            .cost_s = 1,
            .demonstrations = loop->asked[cell],
            .known = loop->given[cell],
            .attempts = loop->asked[cell] + pending,
            .pending = pending,
            .max_demonstrations = left,
            .scorable = scores && scores->candidates[k].scorable,
            .gain = scores ? scores->candidates[k].gain : 0,
        };
    }
}

/* n: the demonstrations that stand in for others. */
static size_t loop_occupancy(const struct loop *loop)
{
    size_t count = 0;

    for (size_t i = 0; i < loop->learner.demo_count; i++)
        count += !(loop->settings->occupancy_new && loop->learner.demos[i].pretraining);
    return count;
}

static enum amf_status loop_choose(struct loop *loop, size_t round, const struct amf_scores *scores)
{
    static const enum amf_rule rules[LAB_RULE_COUNT] = {
        [LAB_RULE_CRITERION] = AMF_RULE_CRITERION,
        [LAB_RULE_UNIFORM] = AMF_RULE_UNIFORM,
        [LAB_RULE_REBALANCE] = AMF_RULE_REBALANCE,
        [LAB_RULE_PRIOR_ENTROPY] = AMF_RULE_PRIOR_ENTROPY,
        [LAB_RULE_ROUND_ROBIN] = AMF_RULE_ROUND_ROBIN,
    };
    const struct amf_select_settings settings = {
        .rule = rules[loop->rule],
        .warm_start = loop->settings->warm_start,
        .budget = AMF_SELECT_NO_LIMIT,
        .seed = loop->seed,
    };
    size_t held = loop_occupancy(loop);
    struct amf_choice choice;
    enum amf_status status;

    loop_describe(loop, scores);
    status =
        amf_select_choose(loop->options, loop->candidate_count, &settings, held, round, &choice);
    if (status)
        return status;
    if (choice.candidate == AMF_SELECT_NONE)
        return AMF_BAD_ARGUMENT; /* settings_check has made sure of enough recordings */
    loop->picks[loop->pick_count++] = loop->candidates[choice.candidate];
    loop->gain = choice.has_gain ? choice.gain : NAN;
    return AMF_OK;
}

static double loop_effective_size(const struct amf_scores *scores)
{
    double sum = 0;

    for (size_t k = 0; k < scores->candidate_count; k++)
        sum += scores->candidates[k].effective_sample_size / (double)scores->candidate_count;
    return sum;
}

static enum amf_status loop_pick_by_score(struct loop *loop, size_t round, size_t batch)
{
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    struct amf_criterion_settings settings = loop->settings->criterion;
    enum amf_status status;

    if (loop->rule == LAB_RULE_PRIOR_ENTROPY)
        settings.measure = AMF_MEASURE_PRIOR_ENTROPY;
    status = lab_learner_scorer(&loop->learner, &settings, loop->settings->occupancy_new,
                                loop->candidates, loop->candidate_count, &scorer);
    for (size_t i = 0; !status && i < batch; i++) {
        AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;

        status = amf_scorer_score(scorer, loop->picks, loop->pick_count, &scores);
        if (status)
            return status;
        status = loop_choose(loop, round + i, scores);
        loop->effective_size = loop_effective_size(scores);
    }
    return status;
}

/* Gives the next demonstration of each task to the policy, and takes it back. */
static enum amf_status loop_pick_by_trial(struct loop *loop)
{
    double best = INFINITY;
    size_t chosen = AMF_SELECT_NONE;

    loop_describe(loop, NULL);
    for (size_t k = 0; k < loop->candidate_count; k++) {
        size_t task = loop->candidates[k];
        struct lab_score score;
        enum amf_status status;

        if (loop->options[k].demonstrations >= loop->options[k].max_demonstrations)
            continue;
        status = loop_give(loop, task, false);
        if (status)
            return status;
        status = loop_score(loop, &score);
        loop_take_back(loop, task);
        if (status)
            return status;
        if (!loop->world->less_is_better)
            score.value = -score.value;
        if (score.value < best || chosen == AMF_SELECT_NONE) {
            best = score.value;
            chosen = task;
        }
    }
    if (chosen == AMF_SELECT_NONE)
        return AMF_BAD_ARGUMENT;
    loop->picks[loop->pick_count++] = chosen;
    return AMF_OK;
}

/* Sampled candidates that were not picked are forgotten; the picked ones move up. */
static enum amf_status loop_keep_picks(struct loop *loop, size_t task_count)
{
    size_t dim = loop->world->task_dim;
    LAB_FREE_CLEANUP double *vectors = lab_new_rows(loop->pick_count, dim);
    enum amf_status status = AMF_OK;

    if (!vectors)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < loop->pick_count; i++)
        memcpy(vectors + i * dim, lab_learner_vector(&loop->learner, loop->picks[i]),
               dim * sizeof(double));
    lab_learner_drop_tasks(&loop->learner, task_count);
    for (size_t i = 0; !status && i < loop->pick_count; i++)
        status = lab_learner_add_task(&loop->learner, vectors + i * dim, &loop->picks[i]);
    return status;
}

static enum amf_status loop_plan(struct loop *loop, size_t round, size_t batch)
{
    size_t task_count = loop->learner.task_count;
    enum amf_status status = loop_sample(loop, round);

    loop->pick_count = loop->pick_next = 0;
    loop->gain = loop->effective_size = NAN;
    if (!status && (loop->rule == LAB_RULE_CRITERION || loop->rule == LAB_RULE_PRIOR_ENTROPY))
        status = loop_pick_by_score(loop, round, batch);
    for (size_t i = loop->pick_count; !status && i < batch; i++)
        status = loop->rule == LAB_RULE_ORACLE ? loop_pick_by_trial(loop)
                                               : loop_choose(loop, round + i, NULL);
    if (!status && loop->world->samples)
        status = loop_keep_picks(loop, task_count);
    return status;
}

/* ---- the run ---- */

static enum amf_status loop_record(const struct loop *loop, size_t round, struct lab_trace *trace)
{
    struct lab_score score;
    enum amf_status status = loop_score(loop, &score);

    if (status)
        return status;
    trace->metrics[LAB_SCORE][round] = score.value;
    trace->metrics[LAB_ENTROPY][round] = score.entropy;
    trace->metrics[LAB_GAIN][round] = round ? loop->gain : NAN;
    trace->metrics[LAB_EFFECTIVE_SIZE][round] = round ? loop->effective_size : NAN;
    return AMF_OK;
}

static enum amf_status loop_round(struct loop *loop, size_t round)
{
    size_t left = loop->settings->rounds - round + 1;
    enum amf_status status = AMF_OK;

    if (loop->pick_next == loop->pick_count)
        status =
            loop_plan(loop, round, left < loop->settings->batch ? left : loop->settings->batch);
    if (!status)
        status = loop_give(loop, loop->picks[loop->pick_next++], false);
    return status ? status : loop_fit(loop);
}

enum amf_status lab_loop_run(const struct lab_world *world, const struct lab_settings *settings,
                             enum lab_rule rule, uint64_t seed, struct amf_pool *pool,
                             const struct lab_ticker *ticker, struct lab_trace *trace)
{
    __attribute__((cleanup(loop_deinit))) struct loop loop = {
        .world = world, .settings = settings, .rule = rule, .seed = seed};
    enum amf_status status = loop_init(world, settings, pool, &loop);

    if (!status)
        status = loop_pretrain(&loop);
    if (!status)
        status = loop_record(&loop, 0, trace);
    for (size_t round = 1; !status && round <= settings->rounds; round++) {
        status = loop_round(&loop, round);
        if (!status)
            status = loop_record(&loop, round, trace);
        if (!status)
            ticker->tick(ticker->arg);
    }
    for (size_t task = 0; !status && task < world->task_count; task++)
        trace->asked[task] = (double)loop.asked[task];
    return status;
}
