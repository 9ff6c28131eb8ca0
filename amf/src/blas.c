/* The only file that sees cblas and LAPACK.
 *
 * LAPACK's Cholesky takes a matrix with NaN for a success, so finiteness is checked before and the
 * diagonal after. Debian's OpenBLAS comes without lapacke.h; the one Fortran routine is declared
 * here. A row-major lower triangle is a column-major upper one, hence the "U".
 */
#include <limits.h>
#include <math.h>
#include <stdbool.h>

#include <cblas.h>

#include <amf/matrix.h>

#include "blas.h"
#include "internal.h"

void dpotrf_(const char *uplo, const blasint *n, double *a, const blasint *lda, blasint *info);

void dsyevd_(const char *job, const char *uplo, const blasint *n, double *a, const blasint *lda,
             double *values, double *work, const blasint *work_size, blasint *integers,
             const blasint *integer_size, blasint *info);

_Static_assert(sizeof(blasint) == sizeof(int), "sizes are narrowed to int");

static bool blas_fits(size_t a, size_t b, size_t c)
{
    return a <= INT_MAX && b <= INT_MAX && c <= INT_MAX;
}

static enum amf_status blas_gemm(CBLAS_TRANSPOSE trans_a, CBLAS_TRANSPOSE trans_b, size_t m,
                                 size_t n, size_t k, double alpha, const double *a, size_t lda,
                                 const double *b, size_t ldb, double beta, double *c, size_t ldc)
{
    if (!blas_fits(m, n, k) || !blas_fits(lda, ldb, ldc))
        return AMF_TOO_LARGE;
    if (m && n && k)
        cblas_dgemm(CblasRowMajor, trans_a, trans_b, (blasint)m, (blasint)n, (blasint)k, alpha, a,
                    (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
    return AMF_OK;
}

enum amf_status amf_blas_subtract_product(size_t m, size_t n, size_t k, const double *a, size_t lda,
                                          const double *b, size_t ldb, double *c, size_t ldc)
{
    return blas_gemm(CblasNoTrans, CblasNoTrans, m, n, k, -1, a, lda, b, ldb, 1, c, ldc);
}

enum amf_status amf_blas_subtract_inner(size_t m, size_t n, size_t k, const double *a, size_t lda,
                                        const double *b, size_t ldb, double *c, size_t ldc)
{
    return blas_gemm(CblasTrans, CblasNoTrans, m, n, k, -1, a, lda, b, ldb, 1, c, ldc);
}

enum amf_status amf_blas_add_inner(size_t m, size_t n, size_t k, const double *a, size_t lda,
                                   const double *b, size_t ldb, double *c, size_t ldc)
{
    return blas_gemm(CblasTrans, CblasNoTrans, m, n, k, 1, a, lda, b, ldb, 1, c, ldc);
}

enum amf_status amf_blas_subtract_outer(size_t m, size_t n, size_t k, const double *a, size_t lda,
                                        const double *b, size_t ldb, double *c, size_t ldc)
{
    return blas_gemm(CblasNoTrans, CblasTrans, m, n, k, -1, a, lda, b, ldb, 1, c, ldc);
}

enum amf_status amf_blas_outer(size_t m, size_t n, size_t k, double alpha, const double *a,
                               size_t lda, const double *b, size_t ldb, double *c, size_t ldc)
{
    return blas_gemm(CblasNoTrans, CblasTrans, m, n, k, alpha, a, lda, b, ldb, 0, c, ldc);
}

enum amf_status amf_blas_gram(size_t m, size_t k, const double *a, size_t lda, double *c,
                              size_t ldc)
{
    if (!blas_fits(m, k, 0) || !blas_fits(lda, ldc, 0))
        return AMF_TOO_LARGE;
    if (m && k)
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, (blasint)m, (blasint)k, 1, a,
                    (blasint)lda, 0, c, (blasint)ldc);
    for (size_t i = 0; i < m; i++)
        for (size_t j = i + 1; j < m; j++)
            c[i * ldc + j] = c[j * ldc + i];
    return AMF_OK;
}

enum amf_status amf_blas_solve(enum amf_blas_side side, size_t m, size_t n, const double *factor,
                               size_t ldf, double *b, size_t ldb)
{
    bool left = side == AMF_BLAS_LEFT;

    if (!blas_fits(m, n, 0) || !blas_fits(ldf, ldb, 0))
        return AMF_TOO_LARGE;
    if (m && n)
        cblas_dtrsm(CblasRowMajor, left ? CblasLeft : CblasRight, CblasLower,
                    left ? CblasNoTrans : CblasTrans, CblasNonUnit, (blasint)m, (blasint)n, 1,
                    factor, (blasint)ldf, b, (blasint)ldb);
    return AMF_OK;
}

static bool blas_triangle_finite(size_t n, const double *a, size_t lda)
{
    for (size_t i = 0; i < n; i++)
        if (!amf_all_finite(a + i * lda, i + 1))
            return false;
    return true;
}

enum amf_status amf_blas_cholesky(size_t n, double *a, size_t lda)
{
    blasint size, stride, info = 0;

    if (!blas_fits(n, lda, 0))
        return AMF_TOO_LARGE;
    if (!n)
        return AMF_OK;
    if (!blas_triangle_finite(n, a, lda))
        return AMF_NOT_FINITE;
    size = (blasint)n;
    stride = (blasint)lda;
    dpotrf_("U", &size, a, &stride, &info);
    if (info < 0)
        return AMF_BAD_ARGUMENT;
    if (info > 0)
        return AMF_NOT_POSDEF;
    for (size_t i = 0; i < n; i++)
        if (!(isfinite(a[i * lda + i]) && a[i * lda + i] > 0))
            return AMF_NOT_POSDEF;
    return AMF_OK;
}

enum amf_status amf_blas_eigen(size_t n, double *a, size_t lda, double *ret_values)
{
    blasint size = (blasint)n, stride = (blasint)lda, room, integer_room, ask = -1, info = 0;
    AMF_FREE_CLEANUP double *work = NULL;
    AMF_FREE_CLEANUP blasint *integers = NULL;
    double best_room = 0;

    if (!blas_fits(n, lda, 0))
        return AMF_TOO_LARGE;
    if (!n)
        return AMF_OK;
    if (!blas_triangle_finite(n, a, lda))
        return AMF_NOT_FINITE;
    dsyevd_("V", "U", &size, a, &stride, ret_values, &best_room, &ask, &integer_room, &ask, &info);
    if (info)
        return AMF_BAD_ARGUMENT;
    room = (blasint)best_room;
    work = amf_new_array((size_t)room, sizeof(double));
    integers = amf_new_array((size_t)integer_room, sizeof(blasint));
    if (!work || !integers)
        return AMF_NO_MEMORY;
    dsyevd_("V", "U", &size, a, &stride, ret_values, work, &room, integers, &integer_room, &info);
    return info ? AMF_NOT_POSDEF : AMF_OK;
}

void amf_blas_single_threaded(void)
{
    openblas_set_num_threads(1);
}

const char *amf_blas_core(void)
{
    return openblas_get_corename();
}
