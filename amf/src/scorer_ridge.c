/* Problems whose kernel has fewer features than there are conditioned pairs: all of a ranking in
 * the weights' form (ridge.h), with no limit on what is conditioned on.
 *
 * The choice is a function of the problem alone: a finite p, at most RIDGE_MOST, and below N; noise
 * that leaves enough digits; conditioning on what is held. A summary of pairs that are not there
 * fits this form alone: A = I + sigma^-2 (v S + Psi' Psi), whatever N is. A ranking is made from
 * nothing each time, N p^2 for the posterior and p^2 for every pair, so that its bits owe nothing
 * to those before it.
 */
#include <math.h>

#include <amf/ridge_table.h>

#include "internal.h"
#include "scorer_private.h"

#define RIDGE_MOST AMF_SUMMARY_MOST

/* At least p; 0: not finite, or beyond what fits. */
static size_t ridge_dim(const struct amf_problem *problem)
{
    size_t state, dim = 0;

    if (__builtin_add_overflow(problem->state_dim, 1, &state))
        return 0;
    switch (problem->kernel.kind) {
    case AMF_KERNEL_EMBEDDING:
        return problem->feature_dim;
    case AMF_KERNEL_FACTORED:
        return __builtin_mul_overflow(problem->feature_dim, problem->gradient_dim, &dim) ? 0 : dim;
    case AMF_KERNEL_LINEAR:
        if (problem->kernel.task == AMF_TASK_TABLE)
            return __builtin_mul_overflow(problem->task_count, state, &dim) ? 0 : dim;
        return __builtin_add_overflow(state, amf_min(problem->task_dim, problem->task_count), &dim)
                   ? 0
                   : dim;
    default:
        return 0;
    }
}

static double ridge_square(const double *row, size_t dim)
{
    double sum = 0;

    for (size_t d = 0; d < dim; d++)
        sum += row[d] * row[d];
    return sum;
}

/* k(x, x) / variance summed over the steps of one demonstration under its own task; infinite where
 * features are missing. */
static double ridge_trace(const struct amf_problem *problem, const struct amf_trajectory *t)
{
    bool linear = problem->kernel.kind == AMF_KERNEL_LINEAR;
    bool vectors = linear && problem->kernel.task == AMF_TASK_VECTORS;
    bool factored = problem->kernel.kind == AMF_KERNEL_FACTORED;
    size_t f = problem->feature_dim, g = problem->gradient_dim;
    double sum = 0, task = 1;

    if (vectors)
        task +=
            ridge_square(problem->task_vectors + t->task * problem->task_dim, problem->task_dim);
    if (!linear && (!t->features || !t->features[t->task] ||
                    (factored && (!t->gradients || !t->gradients[t->task]))))
        return INFINITY;
    for (size_t s = 0; s < t->step_count; s++) {
        if (linear)
            sum += task + ridge_square(t->states + s * problem->state_dim, problem->state_dim);
        else
            sum += ridge_square(t->features[t->task] + s * f, f) *
                   (factored ? ridge_square(t->gradients[t->task] + s * g, g) : 1);
    }
    return sum;
}

bool amf_scorer_takes_ridge(const struct amf_problem *problem, const size_t *kept)
{
    size_t dim = ridge_dim(problem), rows = 0;
    double trace = 0;

    if (problem->settings.conditioning != AMF_CONDITIONING_ALL || !dim || dim > RIDGE_MOST)
        return false;
    if (problem->summary)
        return true;
    for (size_t i = 0; i < problem->trajectory_count; i++)
        rows += problem->trajectories[i].conditioned ? kept[i] : 0;
    for (size_t i = 0; rows > dim && i < problem->trajectory_count; i++)
        if (problem->trajectories[i].conditioned)
            trace += ridge_trace(problem, &problem->trajectories[i]);
    return rows > dim && problem->kernel.variance * trace <=
                             AMF_RIDGE_MAX_TRACE * problem->noise * problem->noise;
}

/* Psi_0' Psi_0 = v Phi_0' Phi_0 */
static enum amf_status ridge_scale_summary(const struct amf_problem *problem,
                                           struct amf_matrix *ret_summary)
{
    size_t dim = problem->feature_dim;
    enum amf_status status = amf_matrix_init(ret_summary, dim, dim);

    for (size_t k = 0; !status && k < dim * dim; k++)
        ret_summary->data[k] = problem->kernel.variance * problem->summary[k];
    return status;
}

enum amf_status amf_scorer_make_ridge(struct amf_scorer *scorer, const struct amf_problem *problem,
                                      const struct amf_block *held, size_t count,
                                      const double *actions)
{
    AMF_MATRIX_CLEANUP struct amf_matrix summary = AMF_MATRIX_NULL;
    struct amf_features features;
    enum amf_status status = amf_feature_map_new(scorer->kernel, &scorer->map);

    if (!status && problem->summary)
        status = ridge_scale_summary(problem, &summary);
    if (status)
        return status;
    features = amf_feature_map_get(scorer->map);
    return amf_ridge_new(&features, scorer->noise, summary.data, held, count, actions,
                         scorer->action_dim, scorer->pool, scorer->cancel, &scorer->ridge);
}

enum amf_status amf_scorer_ridge_sum_blocks(const struct amf_scorer *scorer,
                                            const struct amf_ridge *pending, double *ret_sums)
{
    AMF_RIDGE_TABLE_CLEANUP struct amf_ridge_table *table = NULL;
    AMF_FREE_CLEANUP size_t *source = amf_new_array(scorer->block_count, sizeof(size_t));
    struct amf_ridge_table_input input = {.blocks = scorer->block_list,
                                          .block_count = scorer->block_count,
                                          .block_source =
                                              scorer->settings.exclude_self ? source : NULL,
                                          .tests = scorer->tests,
                                          .test_block_count = scorer->test_block_count,
                                          .test_weight = scorer->test_weight,
                                          .test_target = scorer->test_target,
                                          .test_source = scorer->test_source,
                                          .target_count = scorer->target_count,
                                          .measure = scorer->settings.measure};
    enum amf_status status;

    if (!source)
        return AMF_NO_MEMORY;
    if (!scorer->block_count || !scorer->test_count)
        return AMF_OK;
    for (size_t b = 0; b < scorer->block_count; b++)
        source[b] = scorer->blocks[b].member;
    status = amf_ridge_table_new(pending, &input, scorer->pool, scorer->cancel, &table);
    for (size_t k = 0; !status && k < scorer->block_count * scorer->target_count; k++)
        ret_sums[k] = amf_ridge_table_sums(table)[k];
    return status;
}
