/* One block's contribution, by a triangular solve and a sum of squares down its columns. */
#include <string.h>

#include <amf/criterion.h>

#include "blas.h"

enum amf_status amf_criterion_block(const struct amf_measure *measure, const double *factor,
                                    size_t rows, double *cross, size_t stride,
                                    const struct amf_criterion_pairs *pairs, size_t without,
                                    double *work, double *ret_sums)
{
    double *reduction = work, *gain = work + pairs->count;
    enum amf_status status =
        amf_blas_solve(AMF_BLAS_LEFT, rows, pairs->count, factor, rows, cross, stride);

    if (status)
        return status;
    memset(reduction, 0, pairs->count * sizeof(double));
    for (size_t r = 0; r < rows; r++)
        for (size_t x = 0; x < pairs->count; x++)
            reduction[x] += cross[r * stride + x] * cross[r * stride + x];
    amf_measure_gain(measure, pairs->before, reduction, pairs->count, gain);
    for (size_t x = 0; x < pairs->count; x++)
        if (pairs->source[x] != without)
            ret_sums[pairs->target[x]] += pairs->weight[x] * gain[x];
    return AMF_OK;
}

double amf_criterion_gain(const double *weights, const double *block_sums, size_t block_count,
                          size_t stride, size_t n, size_t action_dim)
{
    double sum = 0;

    for (size_t j = 0; j < block_count; j++)
        sum += weights[j] * block_sums[j * stride];
    return n ? (double)action_dim / ((double)n * (double)n) * sum : 0;
}
