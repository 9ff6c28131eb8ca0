/* Kernels that are inner products of uploaded features: embedding and factored.
 *
 * The rows of one side are packed into columns, and multiplied by rows of the other as they lie.
 * The factored kernel is the elementwise product of two such products, d_a times less work than
 * forming g (x) h. Sums run in the order of the features (fold.h), so a covariance has the same
 * bits in any company, and from either side.
 */
#include <math.h>
#include <string.h>

#include "fold.h"
#include "internal.h"
#include "kernel_private.h"

#define FEATURES_WIDTH 256 /* columns of a pack made for one call */
#define FEATURES_LANES 8

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
    double lanes[FEATURES_LANES] = {0}, sum = 0;
    size_t d = 0;

    for (; d + FEATURES_LANES <= dim; d += FEATURES_LANES)
        for (size_t l = 0; l < FEATURES_LANES; l++)
            lanes[l] += row[d + l] * row[d + l];
    for (; d < dim; d++)
        sum += row[d] * row[d];
    for (size_t l = 0; l < FEATURES_LANES; l++)
        sum += lanes[l];
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

/* ---- products ---- */

bool amf_kernel_pack_size(const struct amf_kernel *kernel, size_t width, size_t *ret_size)
{
    size_t columns, left;

    *ret_size = 0;
    if (kernel->form != KERNEL_FEATURES)
        return true;
    return !__builtin_add_overflow(kernel->feature_dim + 2 * KERNEL_PACK_ROWS, kernel->gradient_dim,
                                   &columns) &&
           !__builtin_mul_overflow(columns, width, &columns) &&
           !__builtin_mul_overflow(kernel->feature_dim + kernel->gradient_dim, KERNEL_PACK_ROWS,
                                   &left) &&
           !__builtin_add_overflow(columns, left, ret_size);
}

struct kernel_pack amf_kernel_pack_at(const struct amf_kernel *kernel, size_t width,
                                      double *storage)
{
    struct kernel_pack pack = {.width = width, .features = storage};

    pack.gradients = pack.features + kernel->feature_dim * width;
    pack.products[0] = pack.gradients + kernel->gradient_dim * width;
    pack.products[1] = pack.products[0] + KERNEL_PACK_ROWS * width;
    pack.left = pack.products[1] + KERNEL_PACK_ROWS * width;
    return pack;
}

void amf_kernel_pack_clear(const struct amf_kernel *kernel, const struct kernel_pack *pack)
{
    memset(pack->features, 0,
           (kernel->feature_dim + kernel->gradient_dim) * pack->width * sizeof(double));
}

void amf_kernel_pack_put(const struct amf_kernel *kernel, const struct kernel_pack *pack,
                         const struct amf_block *block, size_t column)
{
    for (size_t i = 0; i < block->row_count; i++) {
        size_t row = block->first_row + i;
        const double *from =
            features_row(kernel, kernel->features, kernel->feature_dim, row, block->task);

        for (size_t d = 0; d < kernel->feature_dim; d++)
            pack->features[d * pack->width + column + i] = from[d];
        if (!kernel->gradients)
            continue;
        from = features_row(kernel, kernel->gradients, kernel->gradient_dim, row, block->task);
        for (size_t d = 0; d < kernel->gradient_dim; d++)
            pack->gradients[d * pack->width + column + i] = from[d];
    }
}

static bool features_stand_together(const struct amf_kernel *kernel, const struct amf_block *block)
{
    const struct amf_row_source *from = kernel->sources + block->first_row;

    for (size_t i = 1; i < block->row_count; i++)
        if (from[i].source != from[0].source || from[i].step != from[0].step + i)
            return false;
    return true;
}

/* A block's rows of one table: where they lie, else gathered. */
static const double *features_left(const struct amf_kernel *kernel, const double **table,
                                   size_t dim, const struct amf_block *block, double *ret_left)
{
    if (features_stand_together(kernel, block))
        return features_row(kernel, table, dim, block->first_row, block->task);
    for (size_t i = 0; i < block->row_count; i++)
        memcpy(ret_left + i * dim,
               features_row(kernel, table, dim, block->first_row + i, block->task),
               dim * sizeof(double));
    return ret_left;
}

static void features_multiply(const struct amf_kernel *kernel, const struct kernel_pack *pack,
                              const double **table, size_t dim, const double *columns,
                              const struct amf_block *left, size_t width, double *ret_product)
{
    const double *rows = features_left(kernel, table, dim, left, pack->left);

    for (size_t i = 0; i < left->row_count; i++)
        memset(ret_product + i * pack->width, 0, width * sizeof(double));
    amf_fold_add(left->row_count, width, dim, (struct amf_fold){rows, dim, 1}, columns, pack->width,
                 ret_product, pack->width);
}

/* At most KERNEL_PACK_ROWS rows. */
static void features_cross(const struct amf_kernel *kernel, const struct kernel_pack *pack,
                           const struct amf_block *left, size_t count, double *ret_cross,
                           size_t stride)
{
    size_t width = fold_round_up(count);
    const double *h = pack->products[0], *g = pack->products[1];

    features_multiply(kernel, pack, kernel->features, kernel->feature_dim, pack->features, left,
                      width, pack->products[0]);
    if (kernel->gradients)
        features_multiply(kernel, pack, kernel->gradients, kernel->gradient_dim, pack->gradients,
                          left, width, pack->products[1]);
    for (size_t i = 0; i < left->row_count; i++, h += pack->width, g += pack->width)
        for (size_t j = 0; j < count; j++)
            ret_cross[i * stride + j] =
                kernel->gradients ? kernel->variance * h[j] * g[j] : kernel->variance * h[j];
}

void amf_kernel_pack_cross(const struct amf_kernel *kernel, const struct kernel_pack *pack,
                           const struct amf_block *left, size_t count, double *ret_cross,
                           size_t stride)
{
    for (size_t i = 0; i < left->row_count; i += KERNEL_PACK_ROWS) {
        struct amf_block part = {left->first_row + i,
                                 amf_min(KERNEL_PACK_ROWS, left->row_count - i), left->task};

        features_cross(kernel, pack, &part, count, ret_cross + i * stride, stride);
    }
}

/* Up to FEATURES_WIDTH rows of the right list from *block and *row on; both move on. */
static size_t features_fill(const struct amf_kernel *kernel, const struct kernel_pack *pack,
                            const struct amf_block *right, size_t right_count, size_t *block,
                            size_t *row)
{
    size_t count = 0;

    amf_kernel_pack_clear(kernel, pack);
    while (*block < right_count && count < pack->width) {
        size_t take = amf_min(right[*block].row_count - *row, pack->width - count);
        struct amf_block part = {right[*block].first_row + *row, take, right[*block].task};

        amf_kernel_pack_put(kernel, pack, &part, count);
        count += take;
        *row += take;
        if (*row == right[*block].row_count) {
            *row = 0;
            (*block)++;
        }
    }
    return count;
}

enum amf_status amf_kernel_features_cross(const struct amf_kernel *kernel,
                                          const struct amf_block *left, size_t left_count,
                                          const struct amf_block *right, size_t right_count,
                                          double *ret_cross, size_t stride)
{
    AMF_MATRIX_CLEANUP struct amf_matrix storage = AMF_MATRIX_NULL;
    size_t cols = amf_blocks_rows(right, right_count), block = 0, row = 0, size;
    size_t width = fold_round_up(amf_min(cols, FEATURES_WIDTH));
    struct kernel_pack pack;
    enum amf_status status;

    if (!cols)
        return AMF_OK;
    if (!amf_kernel_pack_size(kernel, width, &size))
        return AMF_TOO_LARGE;
    status = amf_matrix_init(&storage, 1, size);
    if (status)
        return status;
    pack = amf_kernel_pack_at(kernel, width, storage.data);
    for (size_t at = 0; at < cols;) {
        size_t count = features_fill(kernel, &pack, right, right_count, &block, &row);
        double *out = ret_cross + at;

        for (size_t b = 0; b < left_count; out += left[b++].row_count * stride)
            amf_kernel_pack_cross(kernel, &pack, &left[b], count, out, stride);
        at += count;
    }
    return AMF_OK;
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

static void features_digest(struct kernel_digest *digest, const double *row, size_t dim)
{
    for (size_t d = 0; d < dim; d++) {
        uint64_t *lane = &digest->lanes[d % FEATURES_LANES], bits;

        memcpy(&bits, &row[d], sizeof(bits));
        *lane = (*lane ^ bits) * 0x9e3779b97f4a7c15U;
        *lane ^= *lane >> 32;
    }
}

/* Checks one table and takes it into the digests. */
static enum amf_status features_look(const struct amf_kernel *kernel, const double **table,
                                     size_t dim)
{
    for (size_t row = 0; row < kernel->row_count; row++)
        for (size_t task = 0; task < kernel->task_count; task++) {
            struct kernel_digest *digest = &kernel->digests[row];
            const double *values;

            digest->lanes[0] = digest->lanes[0] * 3 + 1;
            if (!table[kernel->sources[row].source * kernel->task_count + task])
                continue;
            values = features_row(kernel, table, dim, row, task);
            if (!amf_all_finite(values, dim))
                return AMF_NOT_FINITE;
            digest->lanes[0] ^= task + 1;
            features_digest(digest, values, dim);
        }
    return AMF_OK;
}

bool amf_kernel_features_extend(const struct amf_kernel *kernel, const struct amf_kernel *parent)
{
    return kernel->kind == parent->kind && kernel->variance == parent->variance &&
           kernel->task_count == parent->task_count && kernel->feature_dim == parent->feature_dim &&
           kernel->gradient_dim == parent->gradient_dim && kernel->row_count >= parent->row_count &&
           !memcmp(kernel->digests, parent->digests, parent->row_count * sizeof(*parent->digests));
}

enum amf_status amf_kernel_features_init(struct amf_kernel *kernel, const struct amf_points *points)
{
    bool factored = kernel->kind == AMF_KERNEL_FACTORED;
    size_t source_count = 0;
    enum amf_status status;

    if (!points->sources || !points->feature_dim || (factored && !points->gradient_dim))
        return AMF_BAD_ARGUMENT;
    kernel->feature_dim = points->feature_dim;
    kernel->gradient_dim = factored ? points->gradient_dim : 0;
    kernel->sources = amf_new_array(points->row_count, sizeof(*kernel->sources));
    kernel->digests = amf_new_array(points->row_count, sizeof(*kernel->digests));
    if (!kernel->sources || !kernel->digests)
        return AMF_NO_MEMORY;
    memcpy(kernel->sources, points->sources, points->row_count * sizeof(*kernel->sources));
    for (size_t row = 0; row < points->row_count; row++)
        if (kernel->sources[row].source >= source_count)
            source_count = kernel->sources[row].source + 1;
    status = features_copy_table(points, points->features, source_count, &kernel->features);
    if (!status)
        status = features_look(kernel, kernel->features, kernel->feature_dim);
    if (!status && factored)
        status = features_copy_table(points, points->gradients, source_count, &kernel->gradients);
    if (!status && factored)
        status = features_look(kernel, kernel->gradients, kernel->gradient_dim);
    return status;
}
