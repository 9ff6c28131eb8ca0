/* Refuses a problem that has no meaning, before anything is allocated for it, and names the member
 * at fault. What takes long to check, features, is left to the kernel.
 */
#include <math.h>

#include <amf/matrix.h>

#include "ridge_private.h"
#include "scorer_private.h"

static enum amf_status check_values(const double *values, size_t count)
{
    if (!values && count)
        return AMF_BAD_ARGUMENT;
    return amf_all_finite(values, count) ? AMF_OK : AMF_NOT_FINITE;
}

static enum amf_status check_product(const double *values, size_t rows, size_t cols)
{
    size_t count;

    if (__builtin_mul_overflow(rows, cols, &count))
        return AMF_TOO_LARGE;
    return check_values(values, count);
}

static enum amf_status check_positive(double value)
{
    if (!isfinite(value))
        return AMF_NOT_FINITE;
    return value > 0 ? AMF_OK : AMF_BAD_ARGUMENT;
}

static enum amf_status check_range(double value, double low, bool below_one)
{
    if (!isfinite(value))
        return AMF_NOT_FINITE;
    return value >= low && !(below_one && value >= 1) ? AMF_OK : AMF_BAD_ARGUMENT;
}

/* ---- the kernel ---- */

static enum amf_status check_scale(const double *scale, size_t count, size_t dim)
{
    enum amf_status status = AMF_OK;

    if (!scale || (count != 1 && count != dim))
        return AMF_BAD_ARGUMENT;
    for (size_t d = 0; !status && d < count; d++)
        status = check_positive(scale[d]);
    return status;
}

/* table: look at the task table as well, which costs task_count^3. */
static enum amf_status check_task_part(const struct amf_problem *problem, bool table,
                                       const char **ret_field)
{
    const struct amf_kernel_spec *kernel = &problem->kernel;
    enum amf_status status;

    if (kernel->task == AMF_TASK_TABLE) {
        *ret_field = "kernel.task_table";
        if (!kernel->task_table)
            return AMF_BAD_ARGUMENT;
        return table ? amf_task_table_check(problem->task_count, kernel->task_table) : AMF_OK;
    }
    *ret_field = "task_vectors";
    if (!problem->task_vectors)
        return AMF_BAD_ARGUMENT;
    status = check_product(problem->task_vectors, problem->task_count, problem->task_dim);
    if (status || kernel->kind == AMF_KERNEL_LINEAR)
        return status;
    *ret_field = "kernel.task_scale";
    return check_scale(kernel->task_scale, kernel->task_scale_count, problem->task_dim);
}

static enum amf_status check_kernel(const struct amf_problem *problem, bool table,
                                    const char **ret_field)
{
    const struct amf_kernel_spec *kernel = &problem->kernel;
    enum amf_status status;

    *ret_field = "kernel.kind";
    if ((unsigned)kernel->kind > AMF_KERNEL_FACTORED)
        return AMF_BAD_ARGUMENT;
    *ret_field = "kernel.variance";
    status = check_positive(kernel->variance);
    if (status || kernel->kind >= AMF_KERNEL_EMBEDDING)
        return status;
    *ret_field = "kernel.task";
    if ((unsigned)kernel->task > AMF_TASK_TABLE)
        return AMF_BAD_ARGUMENT;
    *ret_field = "kernel.state_scale";
    if (kernel->kind != AMF_KERNEL_LINEAR)
        status = check_scale(kernel->state_scale, kernel->state_scale_count, problem->state_dim);
    return status ? status : check_task_part(problem, table, ret_field);
}

/* ---- trajectories ---- */

static enum amf_status check_per_task(const double *const *tables,
                                      const struct amf_problem *problem, size_t steps, size_t dim)
{
    enum amf_status status = AMF_OK;

    for (size_t c = 0; tables && !status && c < problem->task_count; c++)
        if (tables[c])
            status = check_product(tables[c], steps, dim);
    return status;
}

static enum amf_status check_trajectory(const struct amf_problem *problem,
                                        const struct amf_trajectory *trajectory,
                                        const char **ret_field)
{
    size_t steps = trajectory->step_count;
    enum amf_status status;

    *ret_field = "trajectories.task";
    if (trajectory->task >= problem->task_count)
        return AMF_BAD_ARGUMENT;
    *ret_field = "trajectories.step_count";
    if (!steps)
        return AMF_BAD_ARGUMENT;
    *ret_field = "trajectories.states";
    status = check_product(trajectory->states, steps, problem->state_dim);
    if (status)
        return status;
    *ret_field = "trajectories.actions";
    status = check_product(trajectory->actions, steps, problem->action_dim);
    if (status)
        return status;
    *ret_field = "trajectories.policy_mean";
    status = check_per_task(trajectory->policy_mean, problem, steps, problem->action_dim);
    if (status)
        return status;
    *ret_field = "trajectories.log_likelihood";
    return check_per_task(trajectory->log_likelihood, problem, steps, 1);
}

/* ---- candidates and targets ---- */

static enum amf_status check_indices(const size_t *indices, size_t count, size_t below)
{
    if (!indices && count)
        return AMF_BAD_ARGUMENT;
    for (size_t i = 0; i < count; i++)
        if (indices[i] >= below)
            return AMF_BAD_ARGUMENT;
    return AMF_OK;
}

static enum amf_status check_targets(const struct amf_problem *problem, const char **ret_field)
{
    enum amf_status status;
    double sum = 0;

    *ret_field = "candidates";
    status = check_indices(problem->candidates, problem->candidate_count, problem->task_count);
    if (status)
        return status;
    *ret_field = "targets";
    status = check_indices(problem->targets, problem->target_count, problem->task_count);
    if (status)
        return status;
    *ret_field = "target_weights";
    status = check_values(problem->target_weights, problem->target_count);
    for (size_t e = 0; !status && e < problem->target_count; e++) {
        if (problem->target_weights[e] < 0)
            return AMF_BAD_ARGUMENT;
        sum += problem->target_weights[e];
    }
    if (status)
        return status;
    return !isfinite(sum) ? AMF_NOT_FINITE : sum > 0 ? AMF_OK : AMF_BAD_ARGUMENT;
}

/* ---- settings ---- */

static enum amf_status check_clip(const struct amf_clip *clip)
{
    if ((unsigned)clip->scope > AMF_CLIP_STEP)
        return AMF_BAD_ARGUMENT;
    if (clip->scope == AMF_CLIP_NONE)
        return AMF_OK;
    if (!isfinite(clip->low) || !isfinite(clip->high))
        return AMF_NOT_FINITE;
    return clip->low <= clip->high ? AMF_OK : AMF_BAD_ARGUMENT;
}

static enum amf_status check_settings(const struct amf_criterion_settings *settings,
                                      const char **ret_field)
{
    enum amf_status status;

    *ret_field = "settings.measure";
    if ((unsigned)settings->measure > AMF_MEASURE_PRIOR_ENTROPY)
        return AMF_BAD_ARGUMENT;
    *ret_field = "settings.weights";
    if ((unsigned)settings->weights > AMF_WEIGHTS_UNIFORM)
        return AMF_BAD_ARGUMENT;
    *ret_field = "settings.conditioning";
    if ((unsigned)settings->conditioning > AMF_CONDITIONING_NONE)
        return AMF_BAD_ARGUMENT;
    *ret_field = "settings.clip";
    status = check_clip(&settings->clip);
    if (status)
        return status;
    *ret_field = "settings.weight_floor";
    status = check_range(settings->weight_floor, 0, true);
    if (status)
        return status;
    *ret_field = "settings.ess_target";
    return check_range(settings->ess_target, 1, false);
}

static enum amf_status check_policy(const struct amf_problem *problem, const char **ret_field)
{
    *ret_field = "policy";
    if ((unsigned)problem->policy > AMF_POLICY_GIVEN)
        return AMF_BAD_ARGUMENT;
    *ret_field = "policy_noise";
    if (problem->policy == AMF_POLICY_DETERMINISTIC)
        return check_positive(problem->policy_noise);
    return isfinite(problem->policy_noise) ? AMF_OK : AMF_NOT_FINITE;
}

static enum amf_status check_summary(const struct amf_problem *problem, const char **ret_field)
{
    *ret_field = "summary";
    if (!problem->summary)
        return AMF_OK;
    if (problem->kernel.kind != AMF_KERNEL_EMBEDDING || !problem->feature_dim ||
        (problem->policy == AMF_POLICY_GP && scorer_needs_likelihood(problem->settings.weights)))
        return AMF_BAD_ARGUMENT;
    if (problem->feature_dim > AMF_SUMMARY_MOST)
        return AMF_TOO_LARGE;
    return amf_ridge_check_symmetric(problem->feature_dim, problem->summary);
}

static enum amf_status check_problem(const struct amf_problem *problem, bool table,
                                     const char **ret_field)
{
    enum amf_status status;

    *ret_field = "task_count";
    if (!problem->task_count)
        return AMF_BAD_ARGUMENT;
    *ret_field = "action_dim";
    if (!problem->action_dim)
        return AMF_BAD_ARGUMENT;
    *ret_field = "noise";
    status = check_positive(problem->noise);
    if (!status)
        status = check_policy(problem, ret_field);
    if (!status)
        status = check_kernel(problem, table, ret_field);
    for (size_t i = 0; !status && i < problem->trajectory_count; i++)
        status = check_trajectory(problem, &problem->trajectories[i], ret_field);
    if (!status)
        status = check_targets(problem, ret_field);
    if (!status)
        status = check_settings(&problem->settings, ret_field);
    return status ? status : check_summary(problem, ret_field);
}

enum amf_status amf_problem_check(const struct amf_problem *problem, const char **ret_field)
{
    const char *field = NULL;
    enum amf_status status = check_problem(problem, true, &field);

    if (status)
        *ret_field = field;
    return status;
}

enum amf_status amf_scorer_check(const struct amf_problem *problem)
{
    const char *field;

    return check_problem(problem, false, &field); /* the kernel looks at the table in any case */
}
