/* Slow on purpose: every posterior variance is k - k' K^-1 k with a dense Gauss-Jordan inverse,
 * made anew for every block, and every sum is the sum in the formula.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"

static double squared(const double *a, const double *b, size_t dim, const double *scale,
                      size_t scales)
{
    double sum = 0;

    for (size_t d = 0; d < dim; d++)
        sum += pow((a[d] - b[d]) / scale[scales == 1 ? 0 : d], 2);
    return sum;
}

static double dot(const double *a, const double *b, size_t dim)
{
    double sum = 0;

    for (size_t d = 0; d < dim; d++)
        sum += a[d] * b[d];
    return sum;
}

static double shape(enum amf_kernel_kind kind, double r2)
{
    if (kind == AMF_KERNEL_MATERN32)
        return (1 + sqrt(3) * sqrt(r2)) * exp(-sqrt(3) * sqrt(r2));
    if (kind == AMF_KERNEL_MATERN52)
        return (1 + sqrt(5) * sqrt(r2) + 5 * r2 / 3) * exp(-sqrt(5) * sqrt(r2));
    return exp(-r2 / 2);
}

static const double *table_row(const double *const *table, struct reference_pair x, size_t dim)
{
    return table[x.task] + x.step * dim;
}

static double feature_kernel(const struct amf_problem *p, struct reference_pair a,
                             struct reference_pair b)
{
    const struct amf_trajectory *ta = &p->trajectories[a.trajectory];
    const struct amf_trajectory *tb = &p->trajectories[b.trajectory];
    double product = dot(table_row(ta->features, a, p->feature_dim),
                         table_row(tb->features, b, p->feature_dim), p->feature_dim);

    if (p->kernel.kind == AMF_KERNEL_FACTORED)
        product *= dot(table_row(ta->gradients, a, p->gradient_dim),
                       table_row(tb->gradients, b, p->gradient_dim), p->gradient_dim);
    return p->kernel.variance * product;
}

double reference_kernel(const struct amf_problem *p, struct reference_pair a,
                        struct reference_pair b)
{
    const struct amf_kernel_spec *k = &p->kernel;
    const double *sa = p->trajectories[a.trajectory].states + a.step * p->state_dim;
    const double *sb = p->trajectories[b.trajectory].states + b.step * p->state_dim;
    const double *ca = p->task_vectors + a.task * p->task_dim;
    const double *cb = p->task_vectors + b.task * p->task_dim;
    bool table = k->task == AMF_TASK_TABLE;
    double correlation = table ? k->task_table[a.task * p->task_count + b.task] : 1, r2;

    if (k->kind == AMF_KERNEL_EMBEDDING || k->kind == AMF_KERNEL_FACTORED)
        return feature_kernel(p, a, b);
    if (k->kind == AMF_KERNEL_LINEAR)
        return k->variance * correlation *
               (1 + dot(sa, sb, p->state_dim) + (table ? 0 : dot(ca, cb, p->task_dim)));
    r2 = squared(sa, sb, p->state_dim, k->state_scale, k->state_scale_count);
    if (!table)
        r2 += squared(ca, cb, p->task_dim, k->task_scale, k->task_scale_count);
    return k->variance * correlation * shape(k->kind, r2);
}

/* a (n x n) := its inverse; partial pivoting. */
static void invert(double *a, size_t n)
{
    double *b = calloc(n * n + 1, sizeof(double));

    for (size_t i = 0; i < n; i++)
        b[i * n + i] = 1;
    for (size_t c = 0; c < n; c++) {
        size_t pivot = c;

        for (size_t r = c + 1; r < n; r++)
            pivot = fabs(a[r * n + c]) > fabs(a[pivot * n + c]) ? r : pivot;
        for (size_t k = 0; k < n; k++) {
            double x = a[c * n + k], y = b[c * n + k];

            a[c * n + k] = a[pivot * n + k];
            b[c * n + k] = b[pivot * n + k];
            a[pivot * n + k] = x;
            b[pivot * n + k] = y;
        }
        double lead = a[c * n + c];

        for (size_t k = 0; k < n; k++) {
            a[c * n + k] /= lead;
            b[c * n + k] /= lead;
        }
        for (size_t r = 0; r < n; r++) {
            double factor = a[r * n + c];

            for (size_t k = 0; r != c && k < n; k++) {
                a[r * n + k] -= factor * a[c * n + k];
                b[r * n + k] -= factor * b[c * n + k];
            }
        }
    }
    memcpy(a, b, n * n * sizeof(double));
    free(b);
}

static double *inverse_of(const struct amf_problem *p, const struct reference_pair *given,
                          size_t count)
{
    double *k = calloc(count * count + 1, sizeof(double));

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            k[i * count + j] =
                reference_kernel(p, given[i], given[j]) + (i == j ? p->noise * p->noise : 0);
    invert(k, count);
    return k;
}

static double covariance(const struct amf_problem *p, const struct reference_pair *given,
                         size_t count, const double *inverse, struct reference_pair a,
                         struct reference_pair b)
{
    double sum = reference_kernel(p, a, b);

    for (size_t i = 0; i < count; i++) {
        double row = 0;

        for (size_t j = 0; j < count; j++)
            row += inverse[i * count + j] * reference_kernel(p, given[j], b);
        sum -= reference_kernel(p, a, given[i]) * row;
    }
    return sum;
}

double reference_covariance(const struct amf_problem *p, const struct reference_pair *given,
                            size_t count, struct reference_pair a, struct reference_pair b)
{
    double *inverse = inverse_of(p, given, count);
    double result = covariance(p, given, count, inverse, a, b);

    free(inverse);
    return result;
}

static size_t append(const struct amf_problem *p, struct reference_pair *pairs, size_t count,
                     size_t trajectory, size_t task)
{
    for (size_t t = 0; t < p->trajectories[trajectory].step_count; t++)
        pairs[count++] = (struct reference_pair){trajectory, t, task};
    return count;
}

static double measure(const struct amf_problem *p, double before, double after)
{
    double s = p->noise * p->noise;

    switch (p->settings.measure) {
    case AMF_MEASURE_NOISY_ENTROPY:
        return log((before + s) / (after + s)) / 2;
    case AMF_MEASURE_VARIANCE:
        return before - after;
    case AMF_MEASURE_REVERSE_KL:
        return before / after - 1 - log(before / after) / 2;
    default:
        return log(before / after) / 2;
    }
}

/* sum_c mu_c sum_i w_i(c) sum_t g for one block, given inverses before and after it. */
static double block_sum(const struct amf_problem *p, const double *weights, size_t block_owner,
                        const struct reference_pair *given, size_t before, size_t after,
                        const double *inverse_before, const double *inverse_after)
{
    double sum = 0, mu = 0;

    for (size_t e = 0; e < p->target_count; e++)
        mu += p->target_weights[e];
    for (size_t e = 0; e < p->target_count; e++)
        for (size_t i = 0; i < p->trajectory_count; i++)
            for (size_t t = 0; t < p->trajectories[i].step_count; t++) {
                struct reference_pair x = {i, t, p->targets[e]};

                if (!p->trajectories[i].occupancy || (p->settings.exclude_self && i == block_owner))
                    continue;
                sum += p->target_weights[e] / mu * weights[i * p->task_count + p->targets[e]] *
                       measure(p, covariance(p, given, before, inverse_before, x, x),
                               covariance(p, given, after, inverse_after, x, x));
            }
    return sum;
}

double reference_gain(const struct amf_problem *p, const double *weights, size_t candidate,
                      const size_t (*pending)[2], size_t pending_count)
{
    size_t count = p->trajectory_count, n = 0, most = 0, before = 0;
    double gain = 0, *inverse;
    struct reference_pair *given;

    for (size_t i = 0; i < count; i++) {
        most += p->trajectories[i].step_count;
        n += p->trajectories[i].occupancy;
    }
    given = calloc(most * (2 + pending_count), sizeof(*given));
    for (size_t i = 0; p->settings.conditioning == AMF_CONDITIONING_ALL && i < count; i++)
        if (p->trajectories[i].conditioned)
            before = append(p, given, before, i, p->trajectories[i].task);
    for (size_t k = 0; k < pending_count; k++)
        before = append(p, given, before, pending[k][0], pending[k][1]);
    inverse = inverse_of(p, given, before);
    for (size_t j = 0; j < count; j++) {
        if (!p->trajectories[j].occupancy)
            continue;
        size_t after = append(p, given, before, j, candidate);
        double *more = inverse_of(p, given, after);

        gain += weights[j * p->task_count + candidate] *
                block_sum(p, weights, j, given, before, after, inverse, more);
        free(more);
    }
    free(inverse);
    free(given);
    return (double)p->action_dim / (double)(n * n) * gain;
}
