/* The gain of demonstrating a candidate task, from numbers already at hand.
 *
 *   G(c') = d_a / n^2  sum_j w_j(c')  sum_x omega_x g(x; B_{j,c'})
 *
 * over test pairs x = (s_{i,t}, c) of weight omega_x = mu_c w_i(c). For a block B with posterior
 * covariance S = k_D(B, B) + sigma^2 I = L L' and cross-covariances C = k_D(B, x), the reduction
 * v0 - v1 is |L^-1 C|^2: H^2 operations a test pair. Pure functions: no allocation, no threads.
 */
#ifndef AMF_CRITERION_H
#define AMF_CRITERION_H

#include <stddef.h>

#include <amf/measure.h>

struct amf_criterion_pairs { /* test pairs, count of each */
    size_t count;
    const double *before; /* v0; 0 carries no information */
    const double *weight; /* omega_x >= 0 */
    const size_t *target; /* which evaluation task's sum it belongs to */
    const size_t *source; /* whose states: compared with `without` */
};

/* Adds omega_x g(x; B) of every pair to ret_sums[target], consecutive pairs of one target together.
 * reduction: v0 - v1 of each. without: leave out pairs of this source (exclude_self), SIZE_MAX:
 * none. gain: count doubles of workspace. */
void amf_criterion_add(const struct amf_measure *measure, const struct amf_criterion_pairs *pairs,
                       const double *reduction, size_t without, double *gain, double *ret_sums);

/* The same from the block's covariances. factor: L, rows x rows lower triangle (row-major). cross:
 * C, rows x count, stride doubles a row; overwritten by L^-1 C. work: 2 x count doubles. */
void amf_criterion_block(const struct amf_measure *measure, const double *factor, size_t rows,
                         double *cross, size_t stride, const struct amf_criterion_pairs *pairs,
                         size_t without, double *work, double *ret_sums);

/* sum_j weights[j] block_sums[j * stride], in index order. */
double amf_criterion_sum(const double *weights, const double *block_sums, size_t block_count,
                         size_t stride);
/* d_a / n^2 of it; 0 where n is. */
double amf_criterion_gain(double sum, size_t n, size_t action_dim);

#endif
