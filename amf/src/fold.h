/* Matrix products whose bits do not depend on how the work was cut.
 *
 * Every element is one chain of multiply-adds in the order of k, starting from what stands in c:
 *
 *   c[i][j] = c[i][j] + a(i, 0) b[0][j] + a(i, 1) b[1][j] + ...
 *
 * so a product over k rows followed by one over the next k' rows gives the bits of the one over
 * k + k' rows, and neither tiles nor threads nor neighbours matter. A BLAS promises none of that.
 * This is what makes an incremental ranking equal to one from scratch, bit for bit.
 */
#ifndef AMF_FOLD_H
#define AMF_FOLD_H

#include <stddef.h>

#define FOLD_WIDTH 8 /* columns are worked on eight at a time */

struct amf_fold { /* the left operand: element (i, k) is at data[i * row + k * column] */
    const double *data;
    size_t row, column;
};

static inline size_t fold_round_up(size_t n)
{
    return (n + FOLD_WIDTH - 1) / FOLD_WIDTH * FOLD_WIDTH;
}

/* c (m x n) += a (m x k) b (k x n); n is a multiple of FOLD_WIDTH, c overlaps neither operand. */
void amf_fold_add(size_t m, size_t n, size_t k, struct amf_fold a, const double *b, size_t ldb,
                  double *c, size_t ldc);
/* c -= a b */
void amf_fold_subtract(size_t m, size_t n, size_t k, struct amf_fold a, const double *b, size_t ldb,
                       double *c, size_t ldc);
/* c := L^-1 c for a lower triangle L (m x m, ldf doubles a row) and m x n numbers, and the sum of
 * squares down each column. Any n. Rows in order, each a chain as above. */
void amf_fold_solve(size_t m, size_t n, const double *factor, size_t ldf, double *c, size_t ldc,
                    double *ret_squares);

#endif
