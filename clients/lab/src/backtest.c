/* Recorded demonstrations as a world: which would have been asked for, and what they would have
 * taught.
 *
 * The held-out recordings of a task are evenly spaced in the order given, so that a change of
 * collection or of operator along the way is in both parts. The others are shuffled by the seed;
 * the first `pretrain` are there from the start and the rest are handed out one by one.
 *
 *   error = mean over tasks of the mean over held-out steps and action dimensions of
 *           ((mean_d(x) - a_d) / deviation_d)^2
 *
 * with the deviation over all recordings that are not held out, for every seed alike: 1 is what
 * predicting the mean would give. No robot is run: the error is about the recorded actions.
 */
#include <math.h>
#include <string.h>

#include <amf/fit.h>
#include <amf/kernel.h>
#include <amf/matrix.h>
#include <amf/measure.h>
#include <amf/sample.h>

#include "internal.h"
#include "learner.h"

struct lab_backtest {
    struct lab_world world; /* first: the functions get back to us through it */
    const struct lab_recording *recordings;
    size_t max_steps, held_out_count; /* of each task */
    size_t *pretrain, *available;     /* per task */
    size_t *held_out;                 /* task_count x held_out_count */
    size_t *pool, *pool_first;        /* the others, task by task; task_count + 1 */
    double *table, *deviation;        /* of tasks; of actions */
    double *states, *actions;         /* of the held-out steps, thinned */
    struct amf_block *blocks;         /* one for each held-out recording */
    size_t held_out_rows;
};

static const struct lab_backtest *backtest_of(const struct lab_world *world)
{
    return (const struct lab_backtest *)(const void *)world;
}

void lab_backtest_free(struct lab_backtest *backtest)
{
    if (!backtest)
        return;
    free(backtest->pretrain);
    free(backtest->available);
    free(backtest->held_out);
    free(backtest->pool);
    free(backtest->pool_first);
    free(backtest->table);
    free(backtest->deviation);
    free(backtest->states);
    free(backtest->actions);
    free(backtest->blocks);
    free(backtest);
}

const struct lab_world *lab_backtest_world(const struct lab_backtest *backtest)
{
    return &backtest->world;
}

const size_t *lab_backtest_held_out(const struct lab_backtest *backtest)
{
    return backtest->held_out;
}

/* Copies the rows that thinning keeps; returns how many. */
static size_t backtest_thin(const struct lab_backtest *backtest,
                            const struct lab_recording *recording, double *ret_states,
                            double *ret_actions)
{
    size_t kept = amf_sample_thin_count(recording->steps, backtest->max_steps);
    size_t state_dim = backtest->world.state_dim, action_dim = backtest->world.action_dim;

    for (size_t i = 0; i < kept; i++) {
        size_t t = amf_sample_thin_index(recording->steps, kept, i);

        memcpy(ret_states + i * state_dim, recording->states + t * state_dim,
               state_dim * sizeof(double));
        memcpy(ret_actions + i * action_dim, recording->actions + t * action_dim,
               action_dim * sizeof(double));
    }
    return kept;
}

size_t lab_backtest_recording(const struct lab_backtest *backtest, uint64_t seed, size_t task,
                              size_t number)
{
    size_t count = backtest->available[task], position = number;
    struct amf_rng rng;

    /* Fisher and Yates, but only the one element whose place we are asked for is followed. */
    amf_rng_init(&rng, seed, lab_stream(LAB_STREAM_ORDER, task, 0));
    for (size_t last = count; last-- > 1;) {
        size_t other = amf_rng_below(&rng, last + 1);

        if (position == last)
            position = other;
        else if (position == other)
            position = last;
    }
    return backtest->pool[backtest->pool_first[task] + position];
}

static enum amf_status backtest_demonstrate(const struct lab_world *world, uint64_t seed,
                                            size_t task, const double *vector, size_t number,
                                            struct lab_demo *ret_demo)
{
    const struct lab_backtest *backtest = backtest_of(world);
    const struct lab_recording *recording =
        &backtest->recordings[lab_backtest_recording(backtest, seed, task, number)];
    size_t kept = amf_sample_thin_count(recording->steps, backtest->max_steps);
    struct lab_demo demo = {.steps = kept,
                            .states = lab_new_rows(kept, world->state_dim),
                            .actions = lab_new_rows(kept, world->action_dim)};

    (void)vector;
    if (!demo.states || !demo.actions) {
        free(demo.states);
        free(demo.actions);
        return AMF_NO_MEMORY;
    }
    backtest_thin(backtest, recording, demo.states, demo.actions);
    *ret_demo = demo;
    return AMF_OK;
}

static enum amf_status backtest_evaluate(const struct lab_world *world,
                                         const struct lab_learner *learner,
                                         struct lab_score *ret_score)
{
    const struct lab_backtest *backtest = backtest_of(world);
    size_t rows = backtest->held_out_rows, dim = world->action_dim;
    size_t recordings = world->task_count * backtest->held_out_count;
    LAB_FREE_CLEANUP double *mean = lab_new_rows(rows, dim), *variance = lab_new_rows(rows, 1);
    struct lab_score score = {0, 0};
    enum amf_status status = AMF_NO_MEMORY;

    if (mean && variance)
        status = lab_learner_predict(learner, backtest->states, backtest->blocks, recordings, mean,
                                     variance);
    if (status)
        return status;
    for (size_t r = 0; r < recordings; r++) {
        const struct amf_block *block = &backtest->blocks[r];
        double sum = 0;

        for (size_t i = block->first_row * dim; i < (block->first_row + block->row_count) * dim;
             i++) {
            double miss = (mean[i] - backtest->actions[i]) / backtest->deviation[i % dim];

            sum += miss * miss;
        }
        score.value += sum / (double)(block->row_count * dim * recordings);
        for (size_t t = 0; t < block->row_count; t++)
            score.entropy += (double)dim *
                             amf_measure_gaussian_entropy(variance[block->first_row + t]) /
                             (double)recordings;
    }
    *ret_score = score;
    return AMF_OK;
}

/* ---- setting up ---- */

static enum amf_status backtest_check(const struct lab_backtest_settings *settings,
                                      const struct lab_recording *recordings, size_t count)
{
    if (!settings->task_count || !settings->state_dim || !settings->action_dim ||
        !settings->held_out)
        return AMF_BAD_ARGUMENT;
    for (size_t i = 0; i < count; i++) {
        const struct lab_recording *recording = &recordings[i];

        if (recording->task >= settings->task_count || !recording->steps)
            return AMF_BAD_ARGUMENT;
        if (!amf_all_finite(recording->states, recording->steps * settings->state_dim) ||
            !amf_all_finite(recording->actions, recording->steps * settings->action_dim))
            return AMF_NOT_FINITE;
    }
    return AMF_OK;
}

static enum amf_status backtest_allocate(const struct lab_backtest_settings *settings, size_t count,
                                         struct lab_backtest *backtest)
{
    size_t tasks = settings->task_count, held_out;

    if (__builtin_mul_overflow(tasks, settings->held_out, &held_out))
        return AMF_TOO_LARGE;
    backtest->pretrain = lab_new_array(tasks, sizeof(size_t));
    backtest->available = lab_new_array(tasks, sizeof(size_t));
    backtest->held_out = lab_new_array(held_out, sizeof(size_t));
    backtest->blocks = lab_new_array(held_out, sizeof(*backtest->blocks));
    backtest->pool = lab_new_array(count, sizeof(size_t));
    backtest->pool_first = lab_new_array(tasks + 1, sizeof(size_t));
    backtest->table = lab_new_rows(tasks, tasks);
    backtest->deviation = lab_new_rows(settings->action_dim, 1);
    return backtest->pretrain && backtest->available && backtest->held_out && backtest->blocks &&
                   backtest->pool && backtest->pool_first && backtest->table && backtest->deviation
               ? AMF_OK
               : AMF_NO_MEMORY;
}

/* True when number `position` of `total` is one of `wanted` that are evenly spaced. */
static bool backtest_is_held_out(size_t position, size_t total, size_t wanted)
{
    size_t which = position * wanted / total;

    for (size_t k = which ? which - 1 : 0; k < wanted && k <= which + 1; k++)
        if ((2 * k + 1) * total / (2 * wanted) == position)
            return true;
    return false;
}

/* False when the task has too few recordings. */
static bool backtest_split(const struct lab_backtest_settings *settings, size_t count, size_t task,
                           struct lab_backtest *backtest)
{
    size_t total = 0, position = 0, held_out = 0, used = backtest->pool_first[task];

    for (size_t i = 0; i < count; i++)
        total += backtest->recordings[i].task == task;
    if (total < settings->held_out || total - settings->held_out < settings->pretrain[task])
        return false;
    for (size_t i = 0; i < count; i++) {
        if (backtest->recordings[i].task != task)
            continue;
        if (backtest_is_held_out(position++, total, settings->held_out))
            backtest->held_out[task * settings->held_out + held_out++] = i;
        else
            backtest->pool[used++] = i;
    }
    backtest->available[task] = used - backtest->pool_first[task];
    backtest->pretrain[task] = settings->pretrain[task];
    backtest->pool_first[task + 1] = used;
    return true;
}

static enum amf_status backtest_keep_held_out(struct lab_backtest *backtest)
{
    size_t recordings = backtest->world.task_count * backtest->held_out_count, rows = 0;

    for (size_t r = 0; r < recordings; r++) {
        size_t steps = backtest->recordings[backtest->held_out[r]].steps;

        backtest->blocks[r] = (struct amf_block){
            rows, amf_sample_thin_count(steps, backtest->max_steps), r / backtest->held_out_count};
        rows += backtest->blocks[r].row_count;
    }
    backtest->held_out_rows = rows;
    backtest->states = lab_new_rows(rows, backtest->world.state_dim);
    backtest->actions = lab_new_rows(rows, backtest->world.action_dim);
    if (!backtest->states || !backtest->actions)
        return AMF_NO_MEMORY;
    for (size_t r = 0; r < recordings; r++)
        backtest_thin(backtest, &backtest->recordings[backtest->held_out[r]],
                      backtest->states + backtest->blocks[r].first_row * backtest->world.state_dim,
                      backtest->actions +
                          backtest->blocks[r].first_row * backtest->world.action_dim);
    return AMF_OK;
}

static enum amf_status backtest_deviation(struct lab_backtest *backtest)
{
    size_t count = backtest->pool_first[backtest->world.task_count];
    LAB_FREE_CLEANUP struct amf_span *spans = lab_new_array(count, sizeof(*spans));
    LAB_FREE_CLEANUP double *mean = lab_new_rows(backtest->world.action_dim, 1);

    if (!spans || !mean)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const struct lab_recording *recording = &backtest->recordings[backtest->pool[i]];

        spans[i] = (struct amf_span){recording->actions, recording->steps};
    }
    return amf_fit_moments(spans, count, backtest->world.action_dim, mean, backtest->deviation);
}

static struct lab_world backtest_world(const struct lab_backtest_settings *settings,
                                       const struct lab_backtest *backtest)
{
    return (struct lab_world){
        .score_name = "error",
        .less_is_better = true,
        .state_dim = settings->state_dim,
        .action_dim = settings->action_dim,
        .task_count = settings->task_count,
        .task_table = backtest->table,
        .pretrain = backtest->pretrain,
        .available = backtest->available,
        .standardize = true,
        .demonstrate = backtest_demonstrate,
        .evaluate = backtest_evaluate,
    };
}

enum amf_status lab_backtest_new(const struct lab_backtest_settings *settings,
                                 const struct lab_recording *recordings, size_t count,
                                 size_t *ret_short, struct lab_backtest **ret_backtest)
{
    LAB_BACKTEST_CLEANUP struct lab_backtest *backtest = NULL;
    enum amf_status status = backtest_check(settings, recordings, count);

    *ret_short = settings->task_count;
    if (status)
        return status;
    backtest = lab_new_array(1, sizeof(*backtest));
    if (!backtest)
        return AMF_NO_MEMORY;
    backtest->recordings = recordings;
    backtest->max_steps = settings->max_steps;
    backtest->held_out_count = settings->held_out;
    status = backtest_allocate(settings, count, backtest);
    for (size_t task = 0; !status && task < settings->task_count; task++)
        if (!backtest_split(settings, count, task, backtest)) {
            *ret_short = task;
            return AMF_BAD_ARGUMENT;
        }
    if (!status)
        status = amf_task_table_discrete(settings->task_count, settings->task_correlation,
                                         backtest->table);
    if (status)
        return status;
    backtest->world = backtest_world(settings, backtest);
    status = backtest_keep_held_out(backtest);
    if (!status)
        status = backtest_deviation(backtest);
    if (status)
        return status;
    *ret_backtest = backtest;
    backtest = NULL;
    return AMF_OK;
}
