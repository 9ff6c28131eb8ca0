/* From a problem to the data of its likelihood: which rows, which numbers, in which order. */
#include <math.h>
#include <string.h>

#include <amf/sample.h>

#include "internal.h"
#include "likelihood_private.h"

#define LIKELIHOOD_DEMONSTRATIONS 16 /* that have room in a limit of rows */

static bool likelihood_has_scale(enum amf_kernel_kind kind)
{
    return kind != AMF_KERNEL_LINEAR;
}

/* ---- what is refused ---- */

static enum amf_status likelihood_check_positive(double value)
{
    if (!isfinite(value))
        return AMF_NOT_FINITE;
    return value > 0 ? AMF_OK : AMF_BAD_ARGUMENT;
}

static enum amf_status likelihood_check_scale(const double *scale, size_t count, size_t dim)
{
    enum amf_status status = AMF_OK;

    if (!scale || (count != 1 && count != dim))
        return AMF_BAD_ARGUMENT;
    for (size_t d = 0; !status && d < count; d++)
        status = likelihood_check_positive(scale[d]);
    return status;
}

static enum amf_status likelihood_check_trajectory(const struct amf_problem *problem,
                                                   const struct amf_trajectory *trajectory)
{
    size_t states, actions;

    if (!trajectory->conditioned)
        return AMF_OK;
    if (trajectory->task >= problem->task_count || !trajectory->step_count ||
        (problem->state_dim && !trajectory->states) || !trajectory->actions)
        return AMF_BAD_ARGUMENT;
    if (__builtin_mul_overflow(trajectory->step_count, problem->state_dim, &states) ||
        __builtin_mul_overflow(trajectory->step_count, problem->action_dim, &actions))
        return AMF_TOO_LARGE;
    return amf_all_finite(trajectory->states, states) &&
                   amf_all_finite(trajectory->actions, actions)
               ? AMF_OK
               : AMF_NOT_FINITE;
}

static enum amf_status likelihood_check_numbers(const struct amf_problem *problem,
                                                const struct amf_likelihood_numbers *numbers)
{
    const struct amf_kernel_spec *kernel = &problem->kernel;
    bool scales = likelihood_has_scale(kernel->kind), table = kernel->task == AMF_TASK_TABLE;

    if ((numbers->state_scale && !scales) || (numbers->task_scale && (!scales || table)) ||
        (numbers->task_correlation && !table))
        return AMF_BAD_ARGUMENT;
    return AMF_OK;
}

static enum amf_status likelihood_check(const struct amf_problem *problem,
                                        const struct amf_likelihood_numbers *numbers)
{
    const struct amf_kernel_spec *kernel = &problem->kernel;
    enum amf_status status;

    if ((unsigned)kernel->kind > AMF_KERNEL_LINEAR || (unsigned)kernel->task > AMF_TASK_TABLE ||
        !problem->task_count || !problem->action_dim)
        return AMF_BAD_ARGUMENT;
    status = likelihood_check_positive(kernel->variance);
    if (!status)
        status = likelihood_check_positive(problem->noise);
    if (!status && likelihood_has_scale(kernel->kind))
        status = likelihood_check_scale(kernel->state_scale, kernel->state_scale_count,
                                        problem->state_dim);
    if (!status && likelihood_has_scale(kernel->kind) && kernel->task == AMF_TASK_VECTORS)
        status =
            likelihood_check_scale(kernel->task_scale, kernel->task_scale_count, problem->task_dim);
    if (!status)
        status = likelihood_check_numbers(problem, numbers);
    for (size_t i = 0; !status && i < problem->trajectory_count; i++)
        status = likelihood_check_trajectory(problem, &problem->trajectories[i]);
    return status;
}

/* ---- rows ---- */

/* Steps of a demonstration that are used: those the criterion would use, and under a limit no more
 * than its share. */
static size_t likelihood_steps(const struct amf_problem *problem, size_t i, size_t row_limit)
{
    size_t kept =
        amf_sample_thin_count(problem->trajectories[i].step_count, problem->settings.max_steps);

    return row_limit ? amf_min(kept, amf_ceil_div(row_limit, LIKELIHOOD_DEMONSTRATIONS)) : kept;
}

static size_t likelihood_count_rows(const struct amf_problem *problem)
{
    size_t rows = 0;

    for (size_t i = 0; i < problem->trajectory_count; i++)
        rows += problem->trajectories[i].conditioned ? likelihood_steps(problem, i, 0) : 0;
    return rows;
}

/* Which of the conditioned trajectories are used: ret_used, trajectory_count flags. */
static enum amf_status likelihood_choose(struct amf_likelihood *likelihood,
                                         const struct amf_problem *problem, size_t row_limit,
                                         unsigned char *ret_used)
{
    size_t count = problem->trajectory_count, members = 0;
    AMF_FREE_CLEANUP size_t *who = amf_new_array(count, sizeof(size_t));
    AMF_FREE_CLEANUP size_t *task = amf_new_array(count, sizeof(size_t));
    AMF_FREE_CLEANUP size_t *steps = amf_new_array(count, sizeof(size_t));
    AMF_FREE_CLEANUP unsigned char *chosen = amf_new_array(count, 1);
    enum amf_status status;

    if (!who || !task || !steps || !chosen)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (!problem->trajectories[i].conditioned)
            continue;
        who[members] = i;
        task[members] = problem->trajectories[i].task;
        steps[members++] = likelihood_steps(problem, i, row_limit);
    }
    status = amf_sample_stratified(task, steps, members, problem->task_count, row_limit, chosen);
    for (size_t m = 0; !status && m < members; m++) {
        ret_used[who[m]] = chosen[m];
        likelihood->rows += chosen[m] ? steps[m] : 0;
    }
    return status;
}

static void likelihood_copy_steps(struct amf_likelihood *likelihood,
                                  const struct amf_problem *problem, size_t i, size_t kept,
                                  size_t first)
{
    const struct amf_trajectory *trajectory = &problem->trajectories[i];
    size_t state_dim = problem->state_dim, action_dim = problem->action_dim;

    for (size_t t = 0; t < kept; t++) {
        size_t step = amf_sample_thin_index(trajectory->step_count, kept, t), row = first + t;

        if (state_dim)
            memcpy(amf_matrix_row(&likelihood->states, row), trajectory->states + step * state_dim,
                   state_dim * sizeof(double));
        memcpy(amf_matrix_row(&likelihood->actions, row), trajectory->actions + step * action_dim,
               action_dim * sizeof(double));
        likelihood->task[row] = trajectory->task;
    }
}

static enum amf_status likelihood_take_rows(struct amf_likelihood *likelihood,
                                            const struct amf_problem *problem, size_t row_limit)
{
    AMF_FREE_CLEANUP unsigned char *used = amf_new_array(problem->trajectory_count, 1);
    enum amf_status status;
    size_t row = 0;

    if (!used)
        return AMF_NO_MEMORY;
    likelihood->rows_total = likelihood_count_rows(problem);
    if (likelihood->rows_total <= row_limit)
        row_limit = 0;
    status = likelihood_choose(likelihood, problem, row_limit, used);
    if (!status)
        status = amf_matrix_init(&likelihood->states, likelihood->rows, problem->state_dim);
    if (!status)
        status = amf_matrix_init(&likelihood->actions, likelihood->rows, problem->action_dim);
    if (status)
        return status;
    likelihood->task = amf_new_array(likelihood->rows, sizeof(size_t));
    if (!likelihood->task)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < problem->trajectory_count; i++)
        if (used[i]) {
            likelihood_copy_steps(likelihood, problem, i, likelihood_steps(problem, i, row_limit),
                                  row);
            row += likelihood_steps(problem, i, row_limit);
        }
    return AMF_OK;
}

/* ---- tasks ---- */

/* The one number off the diagonal of a table of ones, or AMF_BAD_ARGUMENT. */
static enum amf_status likelihood_take_correlation(struct amf_likelihood *likelihood)
{
    size_t count = likelihood->tasks.rows;
    double correlation = count > 1 ? likelihood->tasks.data[1] : 0;

    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++)
            if (amf_matrix_row(&likelihood->tasks, a)[b] != (a == b ? 1 : correlation))
                return AMF_BAD_ARGUMENT;
    if (correlation < 0 || correlation > 1)
        return AMF_BAD_ARGUMENT;
    likelihood->correlation = correlation;
    return AMF_OK;
}

static enum amf_status likelihood_copy(const double *from, size_t rows, size_t cols,
                                       struct amf_matrix *ret_copy)
{
    enum amf_status status;

    if (!from && rows && cols)
        return AMF_BAD_ARGUMENT;
    status = amf_matrix_init(ret_copy, rows, cols);
    if (status || !rows || !cols)
        return status;
    memcpy(ret_copy->data, from, rows * cols * sizeof(double));
    return amf_all_finite(ret_copy->data, rows * cols) ? AMF_OK : AMF_NOT_FINITE;
}

static enum amf_status likelihood_take_tasks(struct amf_likelihood *likelihood,
                                             const struct amf_problem *problem,
                                             const struct amf_likelihood_numbers *numbers)
{
    size_t count = problem->task_count;
    enum amf_status status;

    if (!likelihood->table)
        return likelihood_copy(problem->task_vectors, count, problem->task_dim,
                               &likelihood->vectors);
    if (!problem->kernel.task_table)
        return AMF_BAD_ARGUMENT;
    status = amf_task_table_check(count, problem->kernel.task_table);
    if (status)
        return status;
    status = likelihood_copy(problem->kernel.task_table, count, count, &likelihood->tasks);
    if (!status && numbers->task_correlation)
        status = likelihood_take_correlation(likelihood);
    return status;
}

/* ---- parameters ---- */

static void likelihood_add_part(struct amf_likelihood *likelihood, bool wanted, size_t count,
                                struct likelihood_part *ret_part)
{
    *ret_part = (struct likelihood_part){likelihood->size, wanted ? count : 0};
    likelihood->size += ret_part->count;
}

static double *likelihood_copy_scale(const double *scale, size_t count)
{
    double *copy = amf_new_array(count, sizeof(double));

    if (copy && count)
        memcpy(copy, scale, count * sizeof(double));
    return copy;
}

static enum amf_status likelihood_take_numbers(struct amf_likelihood *likelihood,
                                               const struct amf_problem *problem,
                                               const struct amf_likelihood_numbers *numbers)
{
    const struct amf_kernel_spec *kernel = &problem->kernel;
    bool scales = likelihood_has_scale(kernel->kind);

    likelihood->variance = kernel->variance;
    likelihood->noise = problem->noise;
    likelihood->state_scale_count = scales ? kernel->state_scale_count : 0;
    likelihood->task_scale_count = scales && !likelihood->table ? kernel->task_scale_count : 0;
    likelihood->state_scale =
        likelihood_copy_scale(kernel->state_scale, likelihood->state_scale_count);
    likelihood->task_scale =
        likelihood_copy_scale(kernel->task_scale, likelihood->task_scale_count);
    likelihood_add_part(likelihood, numbers->variance, 1, &likelihood->of_variance);
    likelihood_add_part(likelihood, numbers->noise, 1, &likelihood->of_noise);
    likelihood_add_part(likelihood, numbers->state_scale, likelihood->state_scale_count,
                        &likelihood->of_state);
    likelihood_add_part(likelihood, numbers->task_scale, likelihood->task_scale_count,
                        &likelihood->of_task);
    likelihood_add_part(likelihood, numbers->task_correlation, 1, &likelihood->of_correlation);
    return likelihood->state_scale && likelihood->task_scale ? AMF_OK : AMF_NO_MEMORY;
}

enum amf_status amf_likelihood_new(const struct amf_problem *problem,
                                   const struct amf_likelihood_numbers *numbers, size_t row_limit,
                                   struct amf_pool *pool, struct amf_likelihood **ret_likelihood)
{
    AMF_LIKELIHOOD_CLEANUP struct amf_likelihood *likelihood = NULL;
    enum amf_status status = likelihood_check(problem, numbers);

    if (status)
        return status;
    likelihood = calloc(1, sizeof(*likelihood));
    if (!likelihood)
        return AMF_NO_MEMORY;
    likelihood->pool = pool;
    likelihood->cancel = problem->cancel;
    likelihood->kind = problem->kernel.kind;
    likelihood->table = problem->kernel.task == AMF_TASK_TABLE;
    status = likelihood_take_tasks(likelihood, problem, numbers);
    if (!status)
        status = likelihood_take_rows(likelihood, problem, row_limit);
    if (!status)
        status = likelihood_take_numbers(likelihood, problem, numbers);
    if (status)
        return status;
    *ret_likelihood = likelihood;
    likelihood = NULL;
    return AMF_OK;
}

void amf_likelihood_free(struct amf_likelihood *likelihood)
{
    if (!likelihood)
        return;
    amf_matrix_deinit(&likelihood->states);
    amf_matrix_deinit(&likelihood->actions);
    amf_matrix_deinit(&likelihood->vectors);
    amf_matrix_deinit(&likelihood->tasks);
    free(likelihood->task);
    free(likelihood->state_scale);
    free(likelihood->task_scale);
    free(likelihood);
}

size_t amf_likelihood_rows(const struct amf_likelihood *likelihood)
{
    return likelihood->rows;
}

size_t amf_likelihood_rows_total(const struct amf_likelihood *likelihood)
{
    return likelihood->rows_total;
}

size_t amf_likelihood_size(const struct amf_likelihood *likelihood)
{
    return likelihood->size;
}

static void likelihood_start_scales(const struct likelihood_part *part, const double *scale,
                                    double *ret_parameters)
{
    for (size_t d = 0; d < part->count; d++)
        ret_parameters[part->first + d] = log(scale[d]);
}

void amf_likelihood_start(const struct amf_likelihood *likelihood, double *ret_parameters)
{
    likelihood_start_scales(&likelihood->of_variance, &likelihood->variance, ret_parameters);
    likelihood_start_scales(&likelihood->of_noise, &likelihood->noise, ret_parameters);
    likelihood_start_scales(&likelihood->of_state, likelihood->state_scale, ret_parameters);
    likelihood_start_scales(&likelihood->of_task, likelihood->task_scale, ret_parameters);
    if (likelihood->of_correlation.count)
        ret_parameters[likelihood->of_correlation.first] = likelihood->correlation;
}
