/* The maximum of the likelihood, from several starts; see likelihood.h.
 *
 * The likelihood has several hills: short scales with little noise explain the same data as long
 * scales with much. Hence restarts. They are taken one after the other, each evaluation being
 * shared out over the pool, so that rankings under way get their turn between two evaluations. The
 * search sees log p per observed number, which makes its tolerance mean the same for any N.
 */
#include <math.h>
#include <string.h>

#include <amf/rng.h>

#include "internal.h"
#include "likelihood_private.h"
#include "optimize.h"

#define FIT_STREAM 0x666974       /* "fit" */
#define FIT_SPREAD 5.0            /* factor within which restarts are drawn */
#define FIT_CORRELATION_MAX 0.999 /* 1 would make tasks the same, and never let go again */
#define FIT_TOLERANCE 1e-7        /* nats per observed number */

struct fit {
    struct amf_likelihood *likelihood;
    const struct amf_likelihood_options *options;
    double *start, *low, *high, *x, *best; /* size parameters each */
    double best_value;
    size_t evaluations;
};

static void fit_deinit(struct fit *fit)
{
    amf_likelihood_free(fit->likelihood);
    free(fit->start);
}
#define FIT_CLEANUP __attribute__((cleanup(fit_deinit)))

struct amf_likelihood_options amf_likelihood_options_default(void)
{
    return (struct amf_likelihood_options){
        .row_limit = 512, .check_limit = 4096, .restarts = 3, .evaluations = 60};
}

/* ---- the search ---- */

static enum amf_status fit_evaluate(void *arg, const double *x, double *ret_value,
                                    double *ret_gradient)
{
    const struct amf_likelihood *likelihood = arg;
    double count = (double)likelihood->rows * (double)likelihood->actions.cols;
    enum amf_status status = amf_likelihood_evaluate(likelihood, x, ret_value, ret_gradient, NULL);

    if (status)
        return status;
    *ret_value /= count;
    for (size_t p = 0; ret_gradient && p < likelihood->size; p++)
        ret_gradient[p] /= count;
    return AMF_OK;
}

static void fit_bound(struct fit *fit, const struct likelihood_part *part, double range)
{
    for (size_t p = part->first; p < part->first + part->count; p++) {
        fit->low[p] = fit->start[p] - log(range);
        fit->high[p] = fit->start[p] + log(range);
    }
}

static enum amf_status fit_init(struct fit *fit)
{
    const struct amf_likelihood *likelihood = fit->likelihood;
    const struct likelihood_part *correlation = &likelihood->of_correlation;
    size_t size = likelihood->size;

    fit->start = amf_new_array(5 * size, sizeof(double));
    if (!fit->start)
        return AMF_NO_MEMORY;
    fit->low = fit->start + size;
    fit->high = fit->low + size;
    fit->x = fit->high + size;
    fit->best = fit->x + size;
    amf_likelihood_start(fit->likelihood, fit->start);
    memcpy(fit->best, fit->start, size * sizeof(double));
    fit_bound(fit, &likelihood->of_variance, AMF_LIKELIHOOD_RANGE);
    fit_bound(fit, &likelihood->of_noise, AMF_LIKELIHOOD_RANGE);
    fit_bound(fit, &likelihood->of_state, AMF_LIKELIHOOD_SCALE_RANGE);
    fit_bound(fit, &likelihood->of_task, AMF_LIKELIHOOD_SCALE_RANGE);
    if (correlation->count) {
        fit->low[correlation->first] = 0;
        fit->high[correlation->first] = FIT_CORRELATION_MAX;
    }
    return AMF_OK;
}

static void fit_draw_start(struct fit *fit, size_t restart)
{
    const struct likelihood_part *correlation = &fit->likelihood->of_correlation;
    struct amf_rng rng;

    amf_rng_init(&rng, fit->options->seed, FIT_STREAM + ((uint64_t)restart << 32));
    for (size_t p = 0; p < fit->likelihood->size; p++) {
        double draw = 2 * amf_rng_uniform(&rng) - 1;

        fit->x[p] = fit->start[p] + draw * log(FIT_SPREAD);
        if (correlation->count && p == correlation->first)
            fit->x[p] = (draw + 1) / 2 * FIT_CORRELATION_MAX;
    }
}

static enum amf_status fit_climb(struct fit *fit)
{
    size_t evaluations = 0;
    double value = 0;
    const struct amf_optimize search = {.fn = fit_evaluate,
                                        .arg = fit->likelihood,
                                        .size = fit->likelihood->size,
                                        .low = fit->low,
                                        .high = fit->high,
                                        .tolerance = FIT_TOLERANCE,
                                        .evaluations = fit->options->evaluations,
                                        .gradient = true};
    enum amf_status status = amf_optimize(&search, fit->x, &value, &evaluations);

    fit->evaluations += evaluations;
    if (status == AMF_NOT_POSDEF || status == AMF_NOT_FINITE)
        return AMF_OK; /* this start leads nowhere */
    if (!status && value > fit->best_value) {
        fit->best_value = value;
        memcpy(fit->best, fit->x, fit->likelihood->size * sizeof(double));
    }
    return status;
}

static enum amf_status fit_search(struct fit *fit)
{
    enum amf_status status;

    if (!fit->likelihood->size || !fit->likelihood->rows)
        return AMF_OK;
    status = fit_evaluate(fit->likelihood, fit->start, &fit->best_value, NULL);
    fit->evaluations++;
    memcpy(fit->x, fit->start, fit->likelihood->size * sizeof(double));
    for (size_t restart = 0; !status && restart <= fit->options->restarts; restart++) {
        if (restart)
            fit_draw_start(fit, restart);
        status = fit_climb(fit);
    }
    return status;
}

/* ---- the answer ---- */

static struct amf_likelihood_fit *fit_new_answer(const struct amf_likelihood *likelihood)
{
    size_t states = likelihood->state_scale_count, tasks = likelihood->task_scale_count;
    struct amf_likelihood_fit *answer =
        calloc(1, sizeof(*answer) + (states + tasks) * sizeof(double));
    double *numbers = (double *)(answer + 1);

    if (!answer)
        return NULL;
    answer->variance = likelihood->variance;
    answer->noise = likelihood->noise;
    answer->task_correlation = likelihood->correlation;
    if (states)
        answer->state_scale = memcpy(numbers, likelihood->state_scale, states * sizeof(double));
    if (tasks)
        answer->task_scale =
            memcpy(numbers + states, likelihood->task_scale, tasks * sizeof(double));
    return answer;
}

static void fit_take(const struct likelihood_part *part, const double *parameters,
                     double *ret_numbers)
{
    for (size_t d = 0; d < part->count; d++)
        ret_numbers[d] = exp(parameters[part->first + d]);
}

static void fit_take_all(const struct fit *fit, struct amf_likelihood_fit *answer)
{
    const struct amf_likelihood *likelihood = fit->likelihood;

    fit_take(&likelihood->of_variance, fit->best, &answer->variance);
    fit_take(&likelihood->of_noise, fit->best, &answer->noise);
    if (answer->state_scale)
        fit_take(&likelihood->of_state, fit->best, answer->state_scale);
    if (answer->task_scale)
        fit_take(&likelihood->of_task, fit->best, answer->task_scale);
    if (likelihood->of_correlation.count)
        answer->task_correlation = fit->best[likelihood->of_correlation.first];
}

/* Compares on the larger set, which is the same one where everything was fitted. */
static enum amf_status fit_check(const struct fit *fit, const struct amf_likelihood *check,
                                 struct amf_likelihood_fit *answer)
{
    double start_jitter = 0, jitter = 0, start = 0, value = 0;
    enum amf_status status =
        amf_likelihood_evaluate(check, fit->start, &start, NULL, &start_jitter);

    if (status)
        return status;
    status = amf_likelihood_evaluate(check, fit->best, &value, NULL, &jitter);
    if (status && status != AMF_NOT_POSDEF && status != AMF_NOT_FINITE)
        return status;
    answer->start_value = answer->value = start;
    answer->jitter = start_jitter;
    answer->kept_start = status || !(value > start);
    if (answer->kept_start)
        return AMF_OK;
    answer->value = value;
    answer->jitter = jitter;
    fit_take_all(fit, answer);
    return AMF_OK;
}

enum amf_status amf_likelihood_maximise(const struct amf_problem *problem,
                                        const struct amf_likelihood_numbers *numbers,
                                        const struct amf_likelihood_options *options,
                                        struct amf_pool *pool, struct amf_likelihood_fit **ret_fit)
{
    FIT_CLEANUP struct fit fit = {.options = options};
    AMF_LIKELIHOOD_CLEANUP struct amf_likelihood *check = NULL;
    AMF_LIKELIHOOD_FIT_CLEANUP struct amf_likelihood_fit *answer = NULL;
    enum amf_status status;

    if (!options->evaluations)
        return AMF_BAD_ARGUMENT;
    status = amf_likelihood_new(problem, numbers, options->row_limit, pool, &fit.likelihood);
    if (!status)
        status = amf_likelihood_new(problem, numbers, options->check_limit, pool, &check);
    if (!status)
        status = fit_init(&fit);
    if (!status)
        status = fit_search(&fit);
    if (status)
        return status;
    answer = fit_new_answer(fit.likelihood);
    if (!answer)
        return AMF_NO_MEMORY;
    status = fit_check(&fit, check, answer);
    if (status)
        return status;
    answer->rows = fit.likelihood->rows;
    answer->rows_checked = check->rows;
    answer->rows_total = check->rows_total;
    answer->evaluations = fit.evaluations;
    *ret_fit = answer;
    answer = NULL;
    return AMF_OK;
}

void amf_likelihood_fit_free(struct amf_likelihood_fit *fit)
{
    free(fit);
}
