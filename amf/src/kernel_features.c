/* Kernels that are inner products of uploaded features: embedding and factored.
 *
 * Rows are gathered into contiguous tiles and multiplied by BLAS, FEATURES_TILE columns at a time,
 * so that the workspace of a call stays small whatever the length of the list. The factored kernel
 * is the elementwise product of two such products: d_a times less work than forming g (x) h.
 */
#include <string.h>

#include "blas.h"
#include "internal.h"
#include "kernel_private.h"

#define FEATURES_TILE 256

static const double *features_row(const struct amf_kernel *kernel, const double **table, size_t dim,
                                  size_t row, size_t task)
{
    const struct amf_row_source *from = &kernel->sources[row];

    return table[from->source * kernel->task_count + task] + from->step * dim;
}

bool amf_kernel_features_cover(const struct amf_kernel *kernel, size_t row, size_t task)
{
    size_t at = kernel->sources[row].source * kernel->task_count + task;

    return kernel->features[at] && (!kernel->gradients || kernel->gradients[at]);
}

static double features_square(const double *row, size_t dim)
{
    double sum = 0;

    for (size_t d = 0; d < dim; d++)
        sum += row[d] * row[d];
    return sum;
}

double amf_kernel_features_square(const struct amf_kernel *kernel, size_t row, size_t task)
{
    double square =
        features_square(features_row(kernel, kernel->features, kernel->feature_dim, row, task),
                        kernel->feature_dim);

    if (kernel->gradients)
        square *= features_square(
            features_row(kernel, kernel->gradients, kernel->gradient_dim, row, task),
            kernel->gradient_dim);
    return kernel->variance * square;
}

/* A place in a list of blocks, row by row. */
struct features_cursor {
    const struct amf_block *blocks;
    size_t block, row;
};

static void features_gather(const struct amf_kernel *kernel, const double **table, size_t dim,
                            struct features_cursor *cursor, size_t count, double *ret_rows)
{
    while (count) {
        const struct amf_block *block = &cursor->blocks[cursor->block];

        if (cursor->row == block->row_count) {
            cursor->block++;
            cursor->row = 0;
            continue;
        }
        memcpy(ret_rows,
               features_row(kernel, table, dim, block->first_row + cursor->row, block->task),
               dim * sizeof(double));
        ret_rows += dim;
        cursor->row++;
        count--;
    }
}

/* One inner product: which features, and room for a gathered tile of each side. */
struct features_factor {
    const double **table;
    size_t dim;
    double scale;
    struct amf_matrix left, right;
};

static void features_factor_deinit(struct features_factor *factor)
{
    amf_matrix_deinit(&factor->left);
    amf_matrix_deinit(&factor->right);
}
#define FEATURES_FACTOR_CLEANUP __attribute__((cleanup(features_factor_deinit)))

static enum amf_status features_factor_init(struct features_factor *factor,
                                            const struct amf_kernel *kernel,
                                            struct features_cursor left, size_t rows)
{
    enum amf_status status = amf_matrix_init(&factor->left, rows, factor->dim);

    if (!status)
        status = amf_matrix_init(&factor->right, FEATURES_TILE, factor->dim);
    if (!status)
        features_gather(kernel, factor->table, factor->dim, &left, rows, factor->left.data);
    return status;
}

/* rows x count tile of the inner products with the rows at *cursor, which moves on. */
static enum amf_status features_tile(struct features_factor *factor,
                                     const struct amf_kernel *kernel,
                                     struct features_cursor *cursor, size_t count, double *ret_tile,
                                     size_t stride)
{
    features_gather(kernel, factor->table, factor->dim, cursor, count, factor->right.data);
    return amf_blas_outer(factor->left.rows, count, factor->dim, factor->scale, factor->left.data,
                          factor->dim, factor->right.data, factor->dim, ret_tile, stride);
}

static enum amf_status features_cross_embedding(const struct amf_kernel *kernel,
                                                struct features_cursor left, size_t rows,
                                                struct features_cursor right, size_t cols,
                                                double *ret_cross, size_t stride)
{
    FEATURES_FACTOR_CLEANUP struct features_factor phi = {
        .table = kernel->features, .dim = kernel->feature_dim, .scale = kernel->variance};
    enum amf_status status = features_factor_init(&phi, kernel, left, rows);

    for (size_t at = 0; !status && at < cols; at += FEATURES_TILE)
        status = features_tile(&phi, kernel, &right, amf_min(FEATURES_TILE, cols - at),
                               ret_cross + at, stride);
    return status;
}

static enum amf_status features_cross_factored(const struct amf_kernel *kernel,
                                               struct features_cursor left, size_t rows,
                                               struct features_cursor right, size_t cols,
                                               double *ret_cross, size_t stride)
{
    FEATURES_FACTOR_CLEANUP struct features_factor h = {
        .table = kernel->features, .dim = kernel->feature_dim, .scale = kernel->variance};
    FEATURES_FACTOR_CLEANUP struct features_factor g = {
        .table = kernel->gradients, .dim = kernel->gradient_dim, .scale = 1};
    AMF_MATRIX_CLEANUP struct amf_matrix product = AMF_MATRIX_NULL;
    struct features_cursor again = right;
    enum amf_status status = amf_matrix_init(&product, rows, FEATURES_TILE);

    if (!status)
        status = features_factor_init(&h, kernel, left, rows);
    if (!status)
        status = features_factor_init(&g, kernel, left, rows);
    for (size_t at = 0; !status && at < cols; at += FEATURES_TILE) {
        size_t count = amf_min(FEATURES_TILE, cols - at);

        status = features_tile(&h, kernel, &right, count, ret_cross + at, stride);
        if (!status)
            status = features_tile(&g, kernel, &again, count, product.data, FEATURES_TILE);
        for (size_t i = 0; !status && i < rows; i++)
            for (size_t j = 0; j < count; j++)
                ret_cross[i * stride + at + j] *= amf_matrix_row(&product, i)[j];
    }
    return status;
}

enum amf_status amf_kernel_features_cross(const struct amf_kernel *kernel,
                                          const struct amf_block *left, size_t left_count,
                                          const struct amf_block *right, size_t right_count,
                                          double *ret_cross, size_t stride)
{
    size_t rows = amf_blocks_rows(left, left_count), cols = amf_blocks_rows(right, right_count);
    struct features_cursor from = {.blocks = left}, to = {.blocks = right};

    if (!rows || !cols)
        return AMF_OK;
    if (kernel->gradients)
        return features_cross_factored(kernel, from, rows, to, cols, ret_cross, stride);
    return features_cross_embedding(kernel, from, rows, to, cols, ret_cross, stride);
}

/* ---- building ---- */

static enum amf_status features_copy_table(const struct amf_points *points,
                                           const double *const *table, size_t source_count,
                                           const double ***ret_copy)
{
    size_t count;

    if (!table)
        return AMF_BAD_ARGUMENT;
    if (__builtin_mul_overflow(source_count, points->task_count, &count))
        return AMF_TOO_LARGE;
    *ret_copy = amf_new_array(count, sizeof(**ret_copy));
    if (!*ret_copy)
        return AMF_NO_MEMORY;
    memcpy(*ret_copy, table, count * sizeof(*table));
    return AMF_OK;
}

static enum amf_status features_check_finite(const struct amf_kernel *kernel, const double **table,
                                             size_t dim)
{
    for (size_t row = 0; row < kernel->row_count; row++)
        for (size_t task = 0; task < kernel->task_count; task++)
            if (table[kernel->sources[row].source * kernel->task_count + task] &&
                !amf_all_finite(features_row(kernel, table, dim, row, task), dim))
                return AMF_NOT_FINITE;
    return AMF_OK;
}

enum amf_status amf_kernel_features_init(struct amf_kernel *kernel, const struct amf_points *points)
{
    bool factored = kernel->kind == AMF_KERNEL_FACTORED;
    size_t source_count = 0;
    enum amf_status status;

    if (!points->sources || !points->feature_dim || (factored && !points->gradient_dim))
        return AMF_BAD_ARGUMENT;
    kernel->feature_dim = points->feature_dim;
    kernel->gradient_dim = points->gradient_dim;
    kernel->sources = amf_new_array(points->row_count, sizeof(*kernel->sources));
    if (!kernel->sources)
        return AMF_NO_MEMORY;
    memcpy(kernel->sources, points->sources, points->row_count * sizeof(*kernel->sources));
    for (size_t row = 0; row < points->row_count; row++)
        if (kernel->sources[row].source >= source_count)
            source_count = kernel->sources[row].source + 1;
    status = features_copy_table(points, points->features, source_count, &kernel->features);
    if (!status)
        status = features_check_finite(kernel, kernel->features, kernel->feature_dim);
    if (!status && factored)
        status = features_copy_table(points, points->gradients, source_count, &kernel->gradients);
    if (!status && factored)
        status = features_check_finite(kernel, kernel->gradients, kernel->gradient_dim);
    return status;
}
