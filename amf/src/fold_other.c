/* Processors other than x86-64: the loops as the compiler makes them. */
#include "fold_body.h"
#include "logs_body.h"

void amf_fold_add(size_t m, size_t n, size_t k, struct amf_fold a, const double *b, size_t ldb,
                  double *c, size_t ldc)
{
    fold_all(4, 1, false, m, n, k, a, b, ldb, c, ldc);
}

void amf_fold_subtract(size_t m, size_t n, size_t k, struct amf_fold a, const double *b, size_t ldb,
                       double *c, size_t ldc)
{
    fold_all(4, 1, true, m, n, k, a, b, ldb, c, ldc);
}

void amf_fold_solve(size_t m, size_t n, const double *factor, size_t ldf, double *c, size_t ldc,
                    double *ret_squares)
{
    fold_solve_all(4, 1, m, n, factor, ldf, c, ldc, ret_squares);
}

void amf_logs_half_ratio(const double *before, const double *reduction, size_t count,
                         double *ret_half_logs)
{
    logs_all(before, reduction, count, ret_half_logs);
}
