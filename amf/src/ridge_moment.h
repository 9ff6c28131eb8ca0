/* Explained variance of groups of blocks, from Gram matrices over weights alone.
 *
 * With u the whitened features of ridge.h, V_b = chol(U_b U_b' + sigma^2 I)^-1 U_b those of block b
 * and omega_x the weight of test pair x, the variance that the blocks of group g explain of target
 * e
 *
 *   sum_b w_b sum_x omega_x |V_b u_x|^2 = <G_g, D_e>
 *   G_g = sum_b w_b V_b' V_b,   D_e = sum_x omega_x u_x u_x'
 *
 * is an inner product of two symmetric p x p matrices: R + T times p^2 operations for R block rows
 * and T test pairs, where their covariances would take 2 R T p. Both matrices are made and used a
 * tile at a time, below the diagonal alone, and kept nowhere.
 */
#ifndef AMF_RIDGE_MOMENT_H
#define AMF_RIDGE_MOMENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <amf/matrix.h>
#include <amf/pool.h>
#include <amf/status.h>

struct ridge_moment_block {
    size_t first, row_count; /* its rows of u */
    double weight;           /* w_b >= 0 */
};

/* Everything is borrowed. Blocks lie group by group, test pairs target by target. */
struct ridge_moment_input {
    const double *whitened; /* u: rows x dim */
    size_t dim;
    double noise; /* sigma */
    const struct ridge_moment_block *blocks;
    const size_t *group_end; /* group_count: one past the group's last block */
    size_t block_count, group_count;
    const size_t *test_row; /* test_count: of u */
    const double *test_weight;
    const size_t *target_end; /* target_count: one past the target's last test pair */
    size_t test_count, target_count;
};

/* Whether this takes fewer operations than covariances would, and little enough memory. */
bool amf_ridge_moment_pays(size_t dim, size_t block_rows, size_t test_count, size_t group_count,
                           size_t target_count);

/* ret_sums: group_count x target_count. *ret_error: how far rounding may have moved the sum of any
 * group over all targets; more than the sum itself where blocks have next to nothing to do with
 * pairs whose variances are far above all others. Covariances keep their digits there.
 * AMF_NOT_POSDEF, AMF_NOT_FINITE, AMF_NO_MEMORY,
 * AMF_TOO_LARGE, AMF_CANCELLED. Same bits at any number of workers. */
AMF_CHECKED enum amf_status amf_ridge_moment(const struct ridge_moment_input *input,
                                             struct amf_pool *pool, const atomic_bool *cancel,
                                             double *ret_sums, double *ret_error);

#endif
