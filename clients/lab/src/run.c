/* Runs shared out over threads.
 *
 * A thread takes the next run, and computes it on a pool of one worker of its own: a run is a chain
 * of small steps, too small to be shared out themselves. Which thread takes which run changes
 * nothing but the time.
 */
#define _GNU_SOURCE /* sched_getaffinity */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include <amf/pool.h>

#include "internal.h"
#include "loop.h"

struct run_queue {
    struct lab_result *result;
    const struct lab_progress *progress;
    pthread_mutex_t lock; /* of everything below */
    size_t next, done;
    enum amf_status status; /* the first failure; nothing starts after it */
};

void lab_result_deinit(struct lab_result *result)
{
    free(result->values);
    free(result->asked);
    result->values = result->asked = NULL;
}

/* ---- settings ---- */

static const char *check_numbers(const struct lab_settings *settings)
{
    if (!settings->rule_count || settings->rule_count > LAB_RULE_COUNT)
        return "rules: at least one, none twice";
    if (settings->rounds < 1 || settings->rounds > 1000)
        return "rounds: from 1 to 1000";
    if (settings->seeds < 1 || settings->seeds > 1000)
        return "seeds: from 1 to 1000";
    if (settings->batch < 1 || settings->batch > settings->rounds)
        return "batch: from 1 to the number of rounds";
    if (!(settings->model.noise > 0) || !isfinite(settings->model.noise))
        return "noise: above 0";
    if (!(settings->criterion.ess_target >= 1) || !isfinite(settings->criterion.ess_target))
        return "ess-target: at least 1";
    return NULL;
}

static const char *check_rules(const struct lab_settings *settings)
{
    for (size_t i = 0; i < settings->rule_count; i++) {
        if ((unsigned)settings->rules[i] >= LAB_RULE_COUNT)
            return "rules: there is no such rule";
        for (size_t j = 0; j < i; j++)
            if (settings->rules[i] == settings->rules[j])
                return "rules: none twice";
        if (settings->rules[i] == LAB_RULE_ORACLE && settings->batch > 1)
            return "batch: the oracle looks one demonstration ahead";
    }
    if (settings->criterion.measure == AMF_MEASURE_PRIOR_ENTROPY)
        return "measure: prior_entropy is a rule here";
    return NULL;
}

const char *lab_settings_check(const struct lab_settings *settings, const struct lab_world *world)
{
    const char *wrong = check_numbers(settings);
    size_t left = 0;

    if (!wrong)
        wrong = check_rules(settings);
    if (!wrong && settings->judge.world && world->samples)
        wrong = "judge: not where any task may be asked for";
    for (size_t task = 0; world->available && task < world->task_count; task++)
        left += world->available[task] - world->pretrain[task];
    if (!wrong && world->available && left < settings->rounds)
        wrong = "rounds: there are fewer recordings than that";
    return wrong;
}

/* ---- threads ---- */

static double *result_curve(const struct lab_result *result, size_t rule, enum lab_metric metric,
                            size_t seed)
{
    const struct lab_settings *settings = &result->settings;
    size_t at = (rule * LAB_METRIC_COUNT + (size_t)metric) * settings->seeds + seed;

    return result->values + at * (settings->rounds + 1);
}

static void run_tick(void *arg)
{
    struct run_queue *queue = arg;

    pthread_mutex_lock(&queue->lock);
    queue->done++;
    if (queue->progress)
        queue->progress->tell(queue->progress->arg, queue->done);
    pthread_mutex_unlock(&queue->lock);
}

/* Rules of one seed follow one another, so that a look at half of the runs is at whole seeds. */
static enum amf_status run_one(struct run_queue *queue, size_t number, struct amf_pool *pool)
{
    const struct lab_result *result = queue->result;
    const struct lab_settings *settings = &result->settings;
    size_t rule = number % settings->rule_count, seed = number / settings->rule_count;
    const struct lab_ticker ticker = {run_tick, queue};
    struct lab_trace trace = {.asked = result->asked +
                                       (rule * settings->seeds + seed) * result->world->task_count};

    for (size_t metric = 0; metric < LAB_METRIC_COUNT; metric++)
        trace.metrics[metric] = result_curve(result, rule, (enum lab_metric)metric, seed);
    return lab_loop_run(result->world, settings, settings->rules[rule], settings->seed + seed, pool,
                        &ticker, &trace);
}

static void run_fail(struct run_queue *queue, enum amf_status status)
{
    pthread_mutex_lock(&queue->lock);
    if (!queue->status)
        queue->status = status;
    pthread_mutex_unlock(&queue->lock);
}

static bool run_take(struct run_queue *queue, size_t *ret_number)
{
    const struct lab_settings *settings = &queue->result->settings;
    bool taken;

    pthread_mutex_lock(&queue->lock);
    taken = !queue->status && queue->next < settings->rule_count * settings->seeds;
    if (taken)
        *ret_number = queue->next++;
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

static void *run_thread(void *arg)
{
    struct run_queue *queue = arg;
    AMF_POOL_CLEANUP struct amf_pool *pool = NULL;
    enum amf_status status = amf_pool_new(1, &pool);
    size_t number;

    while (!status && run_take(queue, &number))
        status = run_one(queue, number, pool);
    if (status)
        run_fail(queue, status);
    return NULL;
}

static size_t run_workers(const struct lab_settings *settings)
{
    size_t runs = settings->rule_count * settings->seeds, workers = settings->workers;
    cpu_set_t processors;

    if (!workers)
        workers = sched_getaffinity(0, sizeof(processors), &processors) == 0
                      ? (size_t)CPU_COUNT(&processors)
                      : 1;
    return workers < runs ? workers : runs;
}

/* The caller only waits: BLAS belongs to the threads' own pools. */
static enum amf_status run_all(struct run_queue *queue)
{
    size_t workers = run_workers(&queue->result->settings), started = 0;
    LAB_FREE_CLEANUP pthread_t *threads = lab_new_array(workers, sizeof(*threads));

    if (!threads)
        return AMF_NO_MEMORY;
    while (started < workers && pthread_create(&threads[started], NULL, run_thread, queue) == 0)
        started++;
    if (!started)
        return AMF_NO_THREADS;
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return queue->status;
}

enum amf_status lab_run(const struct lab_world *world, const struct lab_settings *settings,
                        const struct lab_progress *progress, struct lab_result *ret_result)
{
    LAB_RESULT_CLEANUP struct lab_result result = {.settings = *settings, .world = world};
    struct run_queue queue = {.result = &result, .progress = progress};
    size_t runs;
    enum amf_status status;

    if (lab_settings_check(settings, world))
        return AMF_BAD_ARGUMENT;
    runs = settings->rule_count * settings->seeds; /* both within a thousand */
    result.values = lab_new_rows(runs * LAB_METRIC_COUNT, settings->rounds + 1);
    result.asked = lab_new_rows(runs, world->task_count);
    if (!result.values || !result.asked)
        return AMF_NO_MEMORY;
    if (pthread_mutex_init(&queue.lock, NULL) != 0)
        return AMF_NO_MEMORY;
    status = run_all(&queue);
    pthread_mutex_destroy(&queue.lock);
    if (status)
        return status;
    *ret_result = result;
    result.values = result.asked = NULL;
    return AMF_OK;
}
