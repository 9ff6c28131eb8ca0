/* The loops of fold.h, to be compiled once for each instruction set.
 *
 * A tile of c stays in registers for the whole of k. always_inline, so that the tile's size is a
 * constant and the instructions are those of the function it is inlined in.
 */
#ifndef AMF_FOLD_BODY_H
#define AMF_FOLD_BODY_H

#include <stdbool.h>
#include <string.h>

#include "fold.h"

#define FOLD_INLINE static inline __attribute__((always_inline))
#define FOLD_MAX_ROWS 8
#define FOLD_MAX_VECTORS 2
#define FOLD_DEPTH 128 /* rows of b at a time, so that what a tile reads stays in the cache */

/* Aligned as a double is: any column may be a tile's first. */
typedef double fold_vector
    __attribute__((vector_size(FOLD_WIDTH * sizeof(double)), aligned(sizeof(double))));

FOLD_INLINE void fold_tile(size_t rows, size_t vectors, bool subtract, size_t k, struct amf_fold a,
                           const double *b, size_t ldb, double *c, size_t ldc)
{
    fold_vector sum[FOLD_MAX_ROWS][FOLD_MAX_VECTORS];

    _Pragma("GCC unroll 8") for (size_t r = 0; r < rows; r++)
        _Pragma("GCC unroll 2") for (size_t v = 0; v < vectors; v++) sum[r][v] =
            *(const fold_vector *)(c + r * ldc + v * FOLD_WIDTH);
    for (size_t p = 0; p < k; p++)
        _Pragma("GCC unroll 8") for (size_t r = 0; r < rows; r++)
        {
            double value = a.data[r * a.row + p * a.column];

            _Pragma("GCC unroll 2") for (size_t v = 0; v < vectors; v++)
            {
                fold_vector right = *(const fold_vector *)(b + p * ldb + v * FOLD_WIDTH);

                if (subtract)
                    sum[r][v] -= value * right;
                else
                    sum[r][v] += value * right;
            }
        }
    _Pragma("GCC unroll 8") for (size_t r = 0; r < rows; r++)
            _Pragma("GCC unroll 2") for (size_t v = 0; v < vectors; v++) *
        (fold_vector *)(c + r * ldc + v * FOLD_WIDTH) = sum[r][v];
}

/* All rows of `vectors` vectors of columns. */
FOLD_INLINE void fold_stripe(size_t rows, size_t vectors, bool subtract, size_t m, size_t k,
                             struct amf_fold a, const double *b, size_t ldb, double *c, size_t ldc)
{
    size_t i = 0;

    for (; i + rows <= m; i += rows, a.data += rows * a.row)
        fold_tile(rows, vectors, subtract, k, a, b, ldb, c + i * ldc, ldc);
    for (; i + 2 <= m; i += 2, a.data += 2 * a.row)
        fold_tile(2, vectors, subtract, k, a, b, ldb, c + i * ldc, ldc);
    for (; i < m; i++, a.data += a.row)
        fold_tile(1, vectors, subtract, k, a, b, ldb, c + i * ldc, ldc);
}

FOLD_INLINE void fold_all(size_t rows, size_t vectors, bool subtract, size_t m, size_t n, size_t k,
                          struct amf_fold a, const double *b, size_t ldb, double *c, size_t ldc)
{
    size_t step = vectors * FOLD_WIDTH;

    for (size_t p = 0; p < k; p += FOLD_DEPTH) {
        size_t depth = k - p < FOLD_DEPTH ? k - p : FOLD_DEPTH, j = 0;
        struct amf_fold left = {a.data + p * a.column, a.row, a.column};

        for (; j + step <= n; j += step)
            fold_stripe(rows, vectors, subtract, m, depth, left, b + p * ldb + j, ldb, c + j, ldc);
        for (; j < n; j += FOLD_WIDTH)
            fold_stripe(rows, 1, subtract, m, depth, left, b + p * ldb + j, ldb, c + j, ldc);
    }
}

/* Up to eight columns from or to memory; fewer only where `lanes` says so. */
FOLD_INLINE fold_vector fold_load(const double *from, size_t lanes)
{
    fold_vector value = {0};

    if (lanes == FOLD_WIDTH)
        return *(const fold_vector *)from;
    memcpy(&value, from, lanes * sizeof(double));
    return value;
}

FOLD_INLINE void fold_store(double *to, fold_vector value, size_t lanes)
{
    if (lanes == FOLD_WIDTH)
        *(fold_vector *)to = value;
    else
        memcpy(to, &value, lanes * sizeof(double));
}

/* Rows [first, first + rows) of the solution: what is above comes from memory, their own triangle
 * is solved in registers. */
FOLD_INLINE void fold_solve_rows(size_t rows, size_t vectors, size_t lanes, size_t first,
                                 const double *factor, size_t ldf, double *c, size_t ldc,
                                 fold_vector *squares)
{
    fold_vector x[FOLD_MAX_ROWS][FOLD_MAX_VECTORS];
    const double *left = factor + first * ldf;

    _Pragma("GCC unroll 8") for (size_t r = 0; r < rows; r++)
        _Pragma("GCC unroll 2") for (size_t v = 0; v < vectors; v++) x[r][v] =
            fold_load(c + (first + r) * ldc + v * FOLD_WIDTH, lanes);
    for (size_t p = 0; p < first; p++)
        _Pragma("GCC unroll 8") for (size_t r = 0; r < rows; r++)
            _Pragma("GCC unroll 2") for (size_t v = 0; v < vectors; v++) x[r][v] -=
            left[r * ldf + p] * fold_load(c + p * ldc + v * FOLD_WIDTH, lanes);
    _Pragma("GCC unroll 8") for (size_t r = 0; r < rows; r++)
    {
        double inverse = 1 / left[r * ldf + first + r];

        _Pragma("GCC unroll 8") for (size_t q = 0; q < r; q++)
            _Pragma("GCC unroll 2") for (size_t v = 0; v < vectors; v++) x[r][v] -=
            left[r * ldf + first + q] * x[q][v];
        _Pragma("GCC unroll 2") for (size_t v = 0; v < vectors; v++)
        {
            x[r][v] *= inverse;
            squares[v] += x[r][v] * x[r][v];
            fold_store(c + (first + r) * ldc + v * FOLD_WIDTH, x[r][v], lanes);
        }
    }
}

FOLD_INLINE void fold_solve_stripe(size_t rows, size_t vectors, size_t lanes, size_t m,
                                   const double *factor, size_t ldf, double *c, size_t ldc,
                                   double *ret_squares)
{
    fold_vector squares[FOLD_MAX_VECTORS] = {{0}};
    size_t i = 0;

    for (; i + rows <= m; i += rows)
        fold_solve_rows(rows, vectors, lanes, i, factor, ldf, c, ldc, squares);
    for (; i + 2 <= m; i += 2)
        fold_solve_rows(2, vectors, lanes, i, factor, ldf, c, ldc, squares);
    for (; i < m; i++)
        fold_solve_rows(1, vectors, lanes, i, factor, ldf, c, ldc, squares);
    for (size_t v = 0; v < vectors; v++)
        fold_store(ret_squares + v * FOLD_WIDTH, squares[v], lanes);
}

FOLD_INLINE void fold_solve_all(size_t rows, size_t vectors, size_t m, size_t n,
                                const double *factor, size_t ldf, double *c, size_t ldc,
                                double *ret_squares)
{
    size_t step = vectors * FOLD_WIDTH, j = 0;

    for (; j + step <= n; j += step)
        fold_solve_stripe(rows, vectors, FOLD_WIDTH, m, factor, ldf, c + j, ldc, ret_squares + j);
    for (; j + FOLD_WIDTH <= n; j += FOLD_WIDTH)
        fold_solve_stripe(rows, 1, FOLD_WIDTH, m, factor, ldf, c + j, ldc, ret_squares + j);
    if (j < n)
        fold_solve_stripe(rows, 1, n - j, m, factor, ldf, c + j, ldc, ret_squares + j);
}

#endif
