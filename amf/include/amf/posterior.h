/* What the policy is known to be after N state-task pairs were observed with noise sigma.
 *
 *   k_D(x, x') = k(x, x') - k(x, X) [k(X, X) + sigma^2 I]^-1 k(X, x')
 *   m_D(x)     = k(x, X) [k(X, X) + sigma^2 I]^-1 Y
 *
 * With L L' = k(X, X) + sigma^2 I and V = L^-1 k(X, x): k_D = k - V'V and m_D = V' L^-1 Y. The
 * variance does not depend on actions, so a demonstration that is on its way can be conditioned on
 * before it comes. Immutable: an extension is a new object that shares all of its parent's factor.
 */
#ifndef AMF_POSTERIOR_H
#define AMF_POSTERIOR_H

#include <stddef.h>

#include <amf/kernel.h>
#include <amf/pool.h>
#include <amf/status.h>

struct amf_posterior; /* shared by reference */

/* Conditions on the blocks' pairs, in order; count may be 0. actions: N x action_dim, or NULL when
 * only variances are wanted. noise > 0 is sigma. Keeps a reference to kernel. AMF_NOT_POSDEF,
 * AMF_BAD_ARGUMENT, AMF_NOT_FINITE, AMF_NO_MEMORY, AMF_TOO_LARGE, AMF_CANCELLED. */
AMF_CHECKED enum amf_status amf_posterior_new(struct amf_kernel *kernel, double noise,
                                              const struct amf_block *blocks, size_t count,
                                              const double *actions, size_t action_dim,
                                              struct amf_pool *pool, const atomic_bool *cancel,
                                              struct amf_posterior **ret_posterior);

/* Adds blocks. Without actions (pending work) the mean stays what it was; after that no more
 * actions can be added: AMF_BAD_ARGUMENT. */
AMF_CHECKED enum amf_status amf_posterior_extend(const struct amf_posterior *posterior,
                                                 const struct amf_block *blocks, size_t count,
                                                 const double *actions, struct amf_pool *pool,
                                                 const atomic_bool *cancel,
                                                 struct amf_posterior **ret_posterior);

struct amf_posterior *amf_posterior_ref(struct amf_posterior *posterior);
void amf_posterior_unref(struct amf_posterior *posterior);

size_t amf_posterior_rows(const struct amf_posterior *posterior); /* N */
double amf_posterior_jitter(const struct amf_posterior *posterior);

/* Mean (rows x action_dim, may be NULL) and variance (rows, >= 0) at every row of the blocks. In
 * chunks over the pool: O(N^2) operations a row. */
AMF_CHECKED enum amf_status amf_posterior_predict(const struct amf_posterior *posterior,
                                                  const struct amf_block *blocks, size_t count,
                                                  struct amf_pool *pool, const atomic_bool *cancel,
                                                  double *ret_mean, double *ret_variance);

/* Covariance between the rows of two lists of blocks: rows(left) x rows(right). */
AMF_CHECKED enum amf_status
amf_posterior_covariance(const struct amf_posterior *posterior, const struct amf_block *left,
                         size_t left_count, const struct amf_block *right, size_t right_count,
                         struct amf_pool *pool, const atomic_bool *cancel, double *ret_covariance);

/* Rows [from, N) of V = L^-1 k(X, .) at the rows of the blocks: (N - from) x rows(blocks), given
 * V's rows above `from` (from x rows(blocks), may be NULL when from is 0). from: 0 or the N of an
 * ancestor. k_D between two lists is k minus the inner product of their V. Columns are shared out
 * over the pool. */
AMF_CHECKED enum amf_status amf_posterior_whiten(const struct amf_posterior *posterior, size_t from,
                                                 const double *above, size_t above_stride,
                                                 const struct amf_block *blocks, size_t count,
                                                 struct amf_pool *pool, const atomic_bool *cancel,
                                                 double *ret_whitened, size_t stride);
/* The same by the calling thread alone: for pool tasks. */
AMF_CHECKED enum amf_status amf_posterior_whiten_here(const struct amf_posterior *posterior,
                                                      size_t from, const double *above,
                                                      size_t above_stride,
                                                      const struct amf_block *blocks, size_t count,
                                                      double *ret_whitened, size_t stride);

static inline void amf_posterior_unrefp(struct amf_posterior **posterior)
{
    amf_posterior_unref(*posterior);
}
#define AMF_POSTERIOR_CLEANUP __attribute__((cleanup(amf_posterior_unrefp)))

#endif
