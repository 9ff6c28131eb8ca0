/* The policy's posterior over p weights instead of over N observed pairs: ridge regression.
 *
 * With k(x, x') = <psi(x), psi(x')> and Psi the N x p rows of the observed pairs,
 *
 *   A = I + sigma^-2 (S + Psi' Psi) = L L',   u(x) = L^-1 psi(x)
 *   k_D(x, x') = u(x)' u(x')                  m_D(x) = u(x)' z,  z = sigma^-2 L^-1 Psi' Y
 *
 * S = Psi_0' Psi_0 is a summary of further pairs, given by those who may not hand out the pairs
 * themselves; 0 without one. Variances are as if they had been observed too; means would need
 * Psi_0' Y_0 as well, so there are none.
 *
 * Variances are sums of squares: nothing cancels and nothing falls below zero. N p^2 operations and
 * p^2 doubles, however many pairs were observed; posterior.h, which needs N^2 of both, gives the
 * same numbers and is the better of the two where N < p.
 *
 * What is lost instead is accuracy of large variances when sigma is tiny beside the data: L has
 * the condition of A. AMF_RIDGE_MAX_TRACE bounds it.
 */
#ifndef AMF_RIDGE_H
#define AMF_RIDGE_H

#include <stdatomic.h>
#include <stddef.h>

#include <amf/feature_map.h>
#include <amf/pool.h>
#include <amf/status.h>

/* Largest trace of A - I: with it the digits lost are at most ten of sixteen. */
#define AMF_RIDGE_MAX_TRACE 1e10

struct amf_ridge; /* shared by reference; immutable */

/* What amf_ridge_new wants of a summary (p x p): finite (AMF_NOT_FINITE), symmetric and positive
 * semidefinite but for rounding (AMF_BAD_ARGUMENT). p^3 / 3 operations. */
AMF_CHECKED enum amf_status amf_ridge_check_summary(size_t dim, const double *summary,
                                                    struct amf_pool *pool,
                                                    const atomic_bool *cancel);

/* Conditions on the blocks' pairs; count may be 0. summary: p x p in units of psi, of which the
 * lower triangle is taken, or NULL; copied. actions: N x action_dim, or NULL when only variances
 * are wanted, as they must be beside a summary. noise > 0 is sigma. The features outlive the
 * object. AMF_BAD_ARGUMENT,
 * AMF_NOT_FINITE, AMF_NOT_POSDEF (beyond AMF_RIDGE_MAX_TRACE), AMF_NO_MEMORY, AMF_TOO_LARGE,
 * AMF_CANCELLED, and what the features' fill returns. */
AMF_CHECKED enum amf_status amf_ridge_new(const struct amf_features *features, double noise,
                                          const double *summary, const struct amf_block *blocks,
                                          size_t count, const double *actions, size_t action_dim,
                                          struct amf_pool *pool, const atomic_bool *cancel,
                                          struct amf_ridge **ret_ridge);

/* Adds blocks without actions (pending work), for variances alone: H p^2 + p^3 / 3. */
AMF_CHECKED enum amf_status amf_ridge_extend(const struct amf_ridge *ridge,
                                             const struct amf_block *blocks, size_t count,
                                             struct amf_pool *pool, const atomic_bool *cancel,
                                             struct amf_ridge **ret_ridge);

struct amf_ridge *amf_ridge_ref(struct amf_ridge *ridge);
void amf_ridge_unref(struct amf_ridge *ridge);

size_t amf_ridge_rows(const struct amf_ridge *ridge); /* N */

/* Mean (rows x action_dim, may be NULL) and variance (rows) at every row of the blocks, and u
 * (rows x p, may be NULL). p^2 operations a row. AMF_BAD_ARGUMENT for a mean where there were no
 * actions. */
AMF_CHECKED enum amf_status amf_ridge_predict(const struct amf_ridge *ridge,
                                              const struct amf_block *blocks, size_t count,
                                              struct amf_pool *pool, const atomic_bool *cancel,
                                              double *ret_mean, double *ret_variance,
                                              double *ret_whitened);

static inline void amf_ridge_unrefp(struct amf_ridge **ridge)
{
    amf_ridge_unref(*ridge);
}
#define AMF_RIDGE_CLEANUP __attribute__((cleanup(amf_ridge_unrefp)))

#endif
