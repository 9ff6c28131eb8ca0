/* Processors other than x86-64: the loops as the compiler makes them. */
#include "fold_body.h"

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
