/* Three compilations of the same loops, chosen by what the processor has. Rows and vectors of a
 * tile are what its registers hold. */
#include "fold_body.h"
#include "logs_body.h"

#define FOLD_AVX512 __attribute__((target("avx512f,fma")))
#define FOLD_AVX2 __attribute__((target("avx2,fma")))

FOLD_AVX512 static void fold_avx512(bool subtract, size_t m, size_t n, size_t k, struct amf_fold a,
                                    const double *b, size_t ldb, double *c, size_t ldc)
{
    if (subtract)
        fold_all(8, 2, true, m, n, k, a, b, ldb, c, ldc);
    else
        fold_all(8, 2, false, m, n, k, a, b, ldb, c, ldc);
}

FOLD_AVX2 static void fold_avx2(bool subtract, size_t m, size_t n, size_t k, struct amf_fold a,
                                const double *b, size_t ldb, double *c, size_t ldc)
{
    if (subtract)
        fold_all(4, 1, true, m, n, k, a, b, ldb, c, ldc);
    else
        fold_all(4, 1, false, m, n, k, a, b, ldb, c, ldc);
}

static void fold_plain(bool subtract, size_t m, size_t n, size_t k, struct amf_fold a,
                       const double *b, size_t ldb, double *c, size_t ldc)
{
    if (subtract)
        fold_all(2, 1, true, m, n, k, a, b, ldb, c, ldc);
    else
        fold_all(2, 1, false, m, n, k, a, b, ldb, c, ldc);
}

static void fold(bool subtract, size_t m, size_t n, size_t k, struct amf_fold a, const double *b,
                 size_t ldb, double *c, size_t ldc)
{
    if (__builtin_cpu_supports("avx512f"))
        fold_avx512(subtract, m, n, k, a, b, ldb, c, ldc);
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        fold_avx2(subtract, m, n, k, a, b, ldb, c, ldc);
    else
        fold_plain(subtract, m, n, k, a, b, ldb, c, ldc);
}

void amf_fold_add(size_t m, size_t n, size_t k, struct amf_fold a, const double *b, size_t ldb,
                  double *c, size_t ldc)
{
    fold(false, m, n, k, a, b, ldb, c, ldc);
}

void amf_fold_subtract(size_t m, size_t n, size_t k, struct amf_fold a, const double *b, size_t ldb,
                       double *c, size_t ldc)
{
    fold(true, m, n, k, a, b, ldb, c, ldc);
}

FOLD_AVX512 static void solve_avx512(size_t m, size_t n, const double *factor, size_t ldf,
                                     double *c, size_t ldc, double *ret_squares)
{
    fold_solve_all(8, 2, m, n, factor, ldf, c, ldc, ret_squares);
}

FOLD_AVX2 static void solve_avx2(size_t m, size_t n, const double *factor, size_t ldf, double *c,
                                 size_t ldc, double *ret_squares)
{
    fold_solve_all(4, 1, m, n, factor, ldf, c, ldc, ret_squares);
}

void amf_fold_solve(size_t m, size_t n, const double *factor, size_t ldf, double *c, size_t ldc,
                    double *ret_squares)
{
    if (__builtin_cpu_supports("avx512f"))
        solve_avx512(m, n, factor, ldf, c, ldc, ret_squares);
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        solve_avx2(m, n, factor, ldf, c, ldc, ret_squares);
    else
        fold_solve_all(2, 1, m, n, factor, ldf, c, ldc, ret_squares);
}

FOLD_AVX512 static void logs_avx512(const double *before, const double *reduction, size_t count,
                                    double *ret_half_logs)
{
    logs_all(before, reduction, count, ret_half_logs);
}

FOLD_AVX2 static void logs_avx2(const double *before, const double *reduction, size_t count,
                                double *ret_half_logs)
{
    logs_all(before, reduction, count, ret_half_logs);
}

void amf_logs_half_ratio(const double *before, const double *reduction, size_t count,
                         double *ret_half_logs)
{
    if (__builtin_cpu_supports("avx512f"))
        logs_avx512(before, reduction, count, ret_half_logs);
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        logs_avx2(before, reduction, count, ret_half_logs);
    else
        logs_all(before, reduction, count, ret_half_logs);
}
