/* The few BLAS and LAPACK calls we use, row-major, with sizes in size_t.
 *
 * AMF_TOO_LARGE when a dimension does not fit the library's integer. Call from pool workers only.
 */
#ifndef AMF_BLAS_H
#define AMF_BLAS_H

#include <stddef.h>

#include <amf/status.h>

enum amf_blas_side { AMF_BLAS_LEFT, AMF_BLAS_RIGHT_TRANSPOSED };

/* c (m x n) -= a (m x k) b (k x n) */
AMF_CHECKED enum amf_status amf_blas_subtract_product(size_t m, size_t n, size_t k, const double *a,
                                                      size_t lda, const double *b, size_t ldb,
                                                      double *c, size_t ldc);
/* c (m x n) -= a' b, a: k x m, b: k x n */
AMF_CHECKED enum amf_status amf_blas_subtract_inner(size_t m, size_t n, size_t k, const double *a,
                                                    size_t lda, const double *b, size_t ldb,
                                                    double *c, size_t ldc);
/* c (m x n) += a' b, a: k x m, b: k x n */
AMF_CHECKED enum amf_status amf_blas_add_inner(size_t m, size_t n, size_t k, const double *a,
                                               size_t lda, const double *b, size_t ldb, double *c,
                                               size_t ldc);
/* c (m x n) -= a b', a: m x k, b: n x k */
AMF_CHECKED enum amf_status amf_blas_subtract_outer(size_t m, size_t n, size_t k, const double *a,
                                                    size_t lda, const double *b, size_t ldb,
                                                    double *c, size_t ldc);
/* c (m x n) = alpha a b', a: m x k, b: n x k */
AMF_CHECKED enum amf_status amf_blas_outer(size_t m, size_t n, size_t k, double alpha,
                                           const double *a, size_t lda, const double *b, size_t ldb,
                                           double *c, size_t ldc);
/* c (m x m) = a a', a: m x k; both triangles. */
AMF_CHECKED enum amf_status amf_blas_gram(size_t m, size_t k, const double *a, size_t lda,
                                          double *c, size_t ldc);
/* LEFT: b (m x n) := L^-1 b, L m x m. RIGHT_TRANSPOSED: b := b L^-T, L n x n. L lower, diagonal >
 * 0. */
AMF_CHECKED enum amf_status amf_blas_solve(enum amf_blas_side side, size_t m, size_t n,
                                           const double *factor, size_t ldf, double *b, size_t ldb);
/* Lower triangle of a := its Cholesky factor. AMF_NOT_POSDEF; AMF_NOT_FINITE if the triangle holds
 * NaN or infinities before or after. The strict upper triangle is not touched. */
AMF_CHECKED enum amf_status amf_blas_cholesky(size_t n, double *a, size_t lda);

/* Eigenvalues of a symmetric matrix, of which the lower triangle is read, ascending; row i of a
 * becomes the unit eigenvector of value i. AMF_NOT_FINITE; AMF_NO_MEMORY; AMF_NOT_POSDEF when it
 * does not converge. */
AMF_CHECKED enum amf_status amf_blas_eigen(size_t n, double *a, size_t lda, double *ret_values);

void amf_blas_single_threaded(void);
const char *amf_blas_core(void);

#endif
