/* Correlation tables over tasks that have no vectors: discrete and random walk on a graph.
 *
 * The graph kernel is the inverse of I - lambda D^-1/2 A D^-1/2, whose eigenvalues lie in
 * [1 - lambda, 1 + lambda], so a plain Cholesky without pivoting is safe. Tasks are few: loops, no
 * BLAS, and therefore callable from any thread.
 */
#include <math.h>
#include <stdbool.h>

#include <amf/kernel.h>
#include <amf/matrix.h>

#include "internal.h"

#define CHECK_ROUNDING 1e-12 /* what a unit diagonal and symmetry may be off by */
#define CHECK_SLACK 1e-12    /* what an eigenvalue may be below 0, times the number of tasks */

enum amf_status amf_task_table_discrete(size_t task_count, double correlation, double *ret_table)
{
    if (!isfinite(correlation))
        return AMF_NOT_FINITE;
    if (correlation < 0 || correlation > 1)
        return AMF_BAD_ARGUMENT;
    for (size_t i = 0; i < task_count; i++)
        for (size_t j = 0; j < task_count; j++)
            ret_table[i * task_count + j] = i == j ? 1 : correlation;
    return AMF_OK;
}

static enum amf_status table_check_graph(size_t n, const double *adjacency, double lambda)
{
    if (!isfinite(lambda) || !amf_all_finite(adjacency, n * n))
        return AMF_NOT_FINITE;
    if (lambda < 0 || lambda >= 1)
        return AMF_BAD_ARGUMENT;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (adjacency[i * n + j] < 0 || adjacency[i * n + j] != adjacency[j * n + i])
                return AMF_BAD_ARGUMENT;
    return AMF_OK;
}

/* I - lambda D^-1/2 A D^-1/2. A task without edges has an empty row of A: its row is that of I. */
static bool table_fill_laplacian(size_t n, const double *adjacency, double lambda, double *degree,
                                 double *ret)
{
    for (size_t i = 0; i < n; i++) {
        degree[i] = 0;
        for (size_t j = 0; j < n; j++)
            degree[i] += adjacency[i * n + j];
        if (!isfinite(degree[i]))
            return false;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double edge = adjacency[i * n + j];

            ret[i * n + j] = (i == j ? 1 : 0) -
                             (edge > 0 ? lambda * (edge / sqrt(degree[i]) / sqrt(degree[j])) : 0);
        }
    return true;
}

static enum amf_status table_cholesky(size_t n, double *a)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i * n + j];

            for (size_t k = 0; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 0))
                return AMF_NOT_POSDEF;
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
    return AMF_OK;
}

/* Up to rounding a positive semidefinite table with n * CHECK_SLACK on its diagonal has a factor.
 */
enum amf_status amf_task_table_check(size_t task_count, const double *table)
{
    AMF_MATRIX_CLEANUP struct amf_matrix factor = AMF_MATRIX_NULL;
    size_t n = task_count;
    enum amf_status status = amf_matrix_init(&factor, n, n);

    if (status)
        return status;
    if (!amf_all_finite(table, n * n))
        return AMF_NOT_FINITE;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double wanted = i == j ? 1 : table[j * n + i];

            if (fabs(table[i * n + j] - wanted) > CHECK_ROUNDING)
                return AMF_BAD_ARGUMENT;
            amf_matrix_row(&factor, i)[j] =
                table[i * n + j] + (i == j ? (double)n * CHECK_SLACK : 0);
        }
    return table_cholesky(n, factor.data);
}

/* Column col of the inverse of L L'. */
static void table_solve_unit(size_t n, const double *factor, size_t col, double *ret)
{
    for (size_t i = 0; i < n; i++) {
        ret[i] = i == col;
        for (size_t k = 0; k < i; k++)
            ret[i] -= factor[i * n + k] * ret[k];
        ret[i] /= factor[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        ret[i] /= factor[i * n + i];
        for (size_t k = 0; k < i; k++)
            ret[k] -= factor[i * n + k] * ret[i];
    }
}

enum amf_status amf_task_table_random_walk(size_t task_count, const double *adjacency,
                                           double lambda, double *ret_table)
{
    AMF_MATRIX_CLEANUP struct amf_matrix factor = AMF_MATRIX_NULL, inverse = AMF_MATRIX_NULL;
    AMF_FREE_CLEANUP double *degree = amf_new_array(task_count, sizeof(double));
    enum amf_status status = amf_matrix_init(&factor, task_count, task_count);

    if (!status)
        status = amf_matrix_init(&inverse, task_count, task_count);
    if (status || !degree)
        return status ? status : AMF_NO_MEMORY;
    status = table_check_graph(task_count, adjacency, lambda);
    if (status)
        return status;
    if (!table_fill_laplacian(task_count, adjacency, lambda, degree, factor.data))
        return AMF_NOT_FINITE;
    status = table_cholesky(task_count, factor.data);
    if (status)
        return status;
    for (size_t col = 0; col < task_count; col++)
        table_solve_unit(task_count, factor.data, col, amf_matrix_row(&inverse, col));
    for (size_t i = 0; i < task_count; i++)
        for (size_t j = 0; j < task_count; j++)
            ret_table[i * task_count + j] =
                (amf_matrix_row(&inverse, i)[j] + amf_matrix_row(&inverse, j)[i]) / 2 /
                sqrt(amf_matrix_row(&inverse, i)[i] * amf_matrix_row(&inverse, j)[j]);
    return AMF_OK;
}
