/* One block's contribution, by a triangular solve and a sum of squares down its columns. */
#include <stdint.h>

#include <amf/criterion.h>

#include "fold.h"

#define CRITERION_LANES 8

/* Products of one target's consecutive pairs, in lanes by position: no sum waits for the last. */
static double criterion_lanes(const double *weight, const double *gain, size_t count)
{
    double lanes[CRITERION_LANES] = {0}, sum = 0;
    size_t x = 0;

    for (; x + CRITERION_LANES <= count; x += CRITERION_LANES)
        for (size_t l = 0; l < CRITERION_LANES; l++)
            lanes[l] += weight[x + l] * gain[x + l];
    for (size_t l = 0; x < count; x++, l++)
        lanes[l] += weight[x] * gain[x];
    for (size_t l = 0; l < CRITERION_LANES; l++)
        sum += lanes[l];
    return sum;
}

static void criterion_leave_out(const struct amf_criterion_pairs *pairs, size_t without,
                                double *gain)
{
    for (size_t x = 0; x < pairs->count; x++)
        if (pairs->source[x] == without)
            gain[x] = 0;
}

void amf_criterion_add(const struct amf_measure *measure, const struct amf_criterion_pairs *pairs,
                       const double *reduction, size_t without, double *gain, double *ret_sums)
{
    amf_measure_gain(measure, pairs->before, reduction, pairs->count, gain);
    if (without != SIZE_MAX)
        criterion_leave_out(pairs, without, gain);
    for (size_t x = 0, end; x < pairs->count; x = end) {
        for (end = x + 1; end < pairs->count && pairs->target[end] == pairs->target[x];)
            end++;
        ret_sums[pairs->target[x]] += criterion_lanes(pairs->weight + x, gain + x, end - x);
    }
}

void amf_criterion_block(const struct amf_measure *measure, const double *factor, size_t rows,
                         double *cross, size_t stride, const struct amf_criterion_pairs *pairs,
                         size_t without, double *work, double *ret_sums)
{
    amf_fold_solve(rows, pairs->count, factor, rows, cross, stride, work);
    amf_criterion_add(measure, pairs, work, without, work + pairs->count, ret_sums);
}

double amf_criterion_sum(const double *weights, const double *block_sums, size_t block_count,
                         size_t stride)
{
    double sum = 0;

    for (size_t j = 0; j < block_count; j++)
        sum += weights[j] * block_sums[j * stride];
    return sum;
}

double amf_criterion_gain(double sum, size_t n, size_t action_dim)
{
    return n ? (double)action_dim / ((double)n * (double)n) * sum : 0;
}
