/* Whether a matrix can be the summary Psi_0' Psi_0 of pairs nobody here has seen.
 *
 * Symmetric and positive semidefinite up to the rounding of whoever summed it, in float32 at worst:
 * RIDGE_SUMMARY_SLACK of the largest diagonal entry. The second takes a Cholesky factorisation,
 * p^3 / 3; that A = I + sigma^-2 S has one proves nothing, as sigma may hide a negative eigenvalue.
 */
#include <math.h>
#include <string.h>

#include "blas.h"
#include "ridge_private.h"

#define RIDGE_SUMMARY_SLACK 1e-6

static double summary_largest(size_t dim, const double *summary)
{
    double largest = 0;

    for (size_t i = 0; i < dim; i++)
        largest = fmax(largest, summary[i * dim + i]);
    return largest;
}

enum amf_status amf_ridge_check_symmetric(size_t dim, const double *summary)
{
    double largest, slack;
    size_t count;

    if (__builtin_mul_overflow(dim, dim, &count))
        return AMF_TOO_LARGE;
    if (!amf_all_finite(summary, count))
        return AMF_NOT_FINITE;
    largest = summary_largest(dim, summary);
    slack = RIDGE_SUMMARY_SLACK * largest;
    for (size_t i = 0; i < dim; i++)
        for (size_t j = 0; j <= i; j++) {
            double here = summary[i * dim + j], there = summary[j * dim + i];

            if (fabs(here - there) > slack || summary[i * dim + i] < 0 ||
                fabs(here) > largest + slack)
                return AMF_BAD_ARGUMENT;
        }
    return AMF_OK;
}

struct summary_job {
    size_t dim;
    double *matrix;
};

static enum amf_status summary_factor(void *arg, size_t task, size_t worker)
{
    const struct summary_job *job = arg;

    (void)task;
    (void)worker;
    return amf_blas_cholesky(job->dim, job->matrix, job->dim);
}

enum amf_status amf_ridge_check_summary(size_t dim, const double *summary, struct amf_pool *pool,
                                        const atomic_bool *cancel)
{
    AMF_MATRIX_CLEANUP struct amf_matrix matrix = AMF_MATRIX_NULL;
    struct summary_job job = {.dim = dim};
    double largest;
    enum amf_status status = amf_ridge_check_symmetric(dim, summary);

    if (status)
        return status;
    largest = summary_largest(dim, summary);
    status = amf_matrix_init(&matrix, dim, dim);
    if (status)
        return status;
    memcpy(matrix.data, summary, dim * dim * sizeof(double));
    for (size_t i = 0; i < dim; i++)
        amf_matrix_row(&matrix, i)[i] += largest > 0 ? RIDGE_SUMMARY_SLACK * largest : 1;
    job.matrix = matrix.data;
    status = amf_pool_run(pool, 1, summary_factor, &job, cancel);
    return status == AMF_NOT_POSDEF ? AMF_BAD_ARGUMENT : status;
}
