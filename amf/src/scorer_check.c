/* Refuses a problem that has no meaning, before anything is allocated for it. */
#include <math.h>

#include <amf/matrix.h>

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
                                        const struct amf_trajectory *trajectory)
{
    size_t steps = trajectory->step_count;
    enum amf_status status;

    if (trajectory->task >= problem->task_count || !steps)
        return AMF_BAD_ARGUMENT;
    status = check_product(trajectory->states, steps, problem->state_dim);
    if (!status)
        status = check_product(trajectory->actions, steps, problem->action_dim);
    if (!status)
        status = check_per_task(trajectory->policy_mean, problem, steps, problem->action_dim);
    if (!status)
        status = check_per_task(trajectory->log_likelihood, problem, steps, 1);
    return status;
}

static enum amf_status check_indices(const size_t *indices, size_t count, size_t below)
{
    if (!indices && count)
        return AMF_BAD_ARGUMENT;
    for (size_t i = 0; i < count; i++)
        if (indices[i] >= below)
            return AMF_BAD_ARGUMENT;
    return AMF_OK;
}

static enum amf_status check_targets(const struct amf_problem *problem)
{
    enum amf_status status =
        check_indices(problem->targets, problem->target_count, problem->task_count);
    double sum = 0;

    if (!status)
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

static enum amf_status check_settings(const struct amf_criterion_settings *settings)
{
    const struct amf_clip *clip = &settings->clip;

    if ((unsigned)settings->measure > AMF_MEASURE_PRIOR_ENTROPY ||
        (unsigned)settings->weights > AMF_WEIGHTS_UNIFORM ||
        (unsigned)settings->conditioning > AMF_CONDITIONING_NONE ||
        (unsigned)clip->scope > AMF_CLIP_STEP)
        return AMF_BAD_ARGUMENT;
    if (!isfinite(settings->weight_floor) || !isfinite(settings->ess_target))
        return AMF_NOT_FINITE;
    if (settings->weight_floor < 0 || settings->weight_floor >= 1 || settings->ess_target < 1)
        return AMF_BAD_ARGUMENT;
    if (clip->scope == AMF_CLIP_NONE)
        return AMF_OK;
    if (!isfinite(clip->low) || !isfinite(clip->high))
        return AMF_NOT_FINITE;
    return clip->low <= clip->high ? AMF_OK : AMF_BAD_ARGUMENT;
}

enum amf_status amf_scorer_check(const struct amf_problem *problem)
{
    enum amf_status status = AMF_OK;

    if (!problem->task_count || !problem->action_dim ||
        (unsigned)problem->policy > AMF_POLICY_GIVEN)
        return AMF_BAD_ARGUMENT;
    if (!isfinite(problem->noise) || !isfinite(problem->policy_noise))
        return AMF_NOT_FINITE;
    if (!(problem->noise > 0) ||
        (problem->policy == AMF_POLICY_DETERMINISTIC && !(problem->policy_noise > 0)))
        return AMF_BAD_ARGUMENT;
    for (size_t i = 0; !status && i < problem->trajectory_count; i++)
        status = check_trajectory(problem, &problem->trajectories[i]);
    if (!status)
        status = check_indices(problem->candidates, problem->candidate_count, problem->task_count);
    if (!status)
        status = check_targets(problem);
    return status ? status : check_settings(&problem->settings);
}
