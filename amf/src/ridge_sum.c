/* Sums of one block over test pairs, from its S and C or Q.
 *
 * chol(S + sigma^2 I) is inverted: with so few rows a product by the inverse takes a third of the
 * time of BLAS's triangular solve, and its condition is at most that of the square root of
 * AMF_RIDGE_MAX_TRACE.
 */
#include <math.h>
#include <string.h>

#include "blas.h"
#include "fold.h"
#include "internal.h"
#include "ridge_table_private.h"

typedef double table_vector
    __attribute__((vector_size(FOLD_WIDTH * sizeof(double)), aligned(sizeof(double))));

void amf_table_start_sums(struct amf_ridge_table *table)
{
    size_t count = table->input.block_count;

    memset(table->sums, 0, count * table->input.target_count * sizeof(double));
    memset(table->largest_share, 0, count * sizeof(double));
}

void amf_table_scale_row(double *row, const double *values, size_t count)
{
    size_t d = 0;

    for (; d + FOLD_WIDTH <= count; d += FOLD_WIDTH)
        *(table_vector *)(row + d) *= *(const table_vector *)(values + d);
    for (; d < count; d++)
        row[d] *= values[d];
}

/* factor := its inverse, rows padded with zeros above the diagonal, by way of scratch. */
static enum amf_status table_invert(size_t rows, double *factor, double *scratch)
{
    enum amf_status status;

    memset(scratch, 0, rows * rows * sizeof(double));
    for (size_t r = 0; r < rows; r++)
        scratch[r * rows + r] = 1;
    status = amf_blas_solve(AMF_BLAS_LEFT, rows, rows, factor, rows, scratch, rows);
    memcpy(factor, scratch, rows * rows * sizeof(double));
    return status;
}

/* L^-1 C of a tile, where rows of L^-1 end at the diagonal, and its column sums of squares. */
static void table_reduce(const double *inverse, size_t rows, const double *cross, size_t stride,
                         double *tile, double *ret_reduction)
{
    memset(tile, 0, rows * TABLE_TILE * sizeof(double));
    for (size_t r = 0; r < rows; r += FOLD_WIDTH) {
        size_t count = amf_min(FOLD_WIDTH, rows - r);

        amf_fold_add(count, TABLE_TILE, r + count, (struct amf_fold){inverse + r * rows, rows, 1},
                     cross, stride, tile + r * TABLE_TILE, TABLE_TILE);
    }
    for (size_t x = 0; x < TABLE_TILE; x += FOLD_WIDTH) {
        table_vector sum = {0};

        for (size_t r = 0; r < rows; r++) {
            table_vector value = *(const table_vector *)(tile + r * TABLE_TILE + x);

            sum += value * value;
        }
        *(table_vector *)(ret_reduction + x) = sum;
    }
}

static void table_add_pairs(struct amf_ridge_table *table, size_t block, size_t first, size_t count,
                            const double *reduction, double *gain)
{
    const struct amf_ridge_table_input *input = &table->input;
    const double *before = table->before + first, *weight = input->test_weight + first;
    const size_t *target = input->test_target + first;
    double *sums = table->sums + block * input->target_count, share = table->largest_share[block];

    amf_measure_gain(table->measure, before, reduction, count, gain);
    for (size_t x = 0; x < count; x++) {
        if (before[x] > 0 && reduction[x] > share * before[x])
            share = reduction[x] / before[x];
        if (!input->block_source || input->test_source[first + x] != input->block_source[block])
            sums[target[x]] += weight[x] * gain[x];
    }
    table->largest_share[block] = share;
}

void amf_table_sum_pairs(struct amf_ridge_table *table, size_t block, const double *inverse,
                         const double *cross, size_t stride, size_t first, size_t count,
                         const struct table_worker *worker)
{
    for (size_t x = 0; x < count; x += TABLE_TILE) {
        table_reduce(inverse, table->blocks[block].rows, cross + x, stride, worker->tile,
                     worker->line);
        table_add_pairs(table, block, first + x, amf_min(TABLE_TILE, count - x), worker->line,
                        worker->line + TABLE_TILE);
    }
}

enum amf_status amf_table_factor(const struct amf_ridge_table *table, const double *gram,
                                 size_t rows, double *square)
{
    enum amf_status status;

    memcpy(square, gram, rows * rows * sizeof(double));
    for (size_t r = 0; r < rows; r++)
        square[r * rows + r] += table->noise * table->noise;
    status = amf_blas_cholesky(rows, square, rows);
    return status ? status : table_invert(rows, square, square + rows * rows);
}

/* tr((S + sigma^2 I)^-1 Q), the first factor being the Gram matrix of the inverse's columns. */
static enum amf_status table_sum_moment(struct amf_ridge_table *table, size_t block,
                                        const double *gram, const double *moment, double *square)
{
    size_t rows = table->blocks[block].rows;
    double *outer = square + rows * rows, sum = 0;
    enum amf_status status = amf_table_factor(table, gram, rows, square);

    if (status)
        return status;
    memset(outer, 0, rows * rows * sizeof(double));
    status = amf_blas_add_inner(rows, rows, rows, square, rows, square, rows, outer, rows);
    for (size_t i = 0; i < rows * rows; i++)
        sum += outer[i] * moment[i];
    table->sums[block] = fmax(sum, 0);
    return status;
}

enum amf_status amf_table_sum_kept(struct amf_ridge_table *table, const struct table_group *group,
                                   size_t index, const struct table_worker *worker)
{
    const struct table_block *block = &table->blocks[index];
    const double *gram = group->gram + block->gram;
    enum amf_status status;

    if (table->moments)
        return table_sum_moment(table, index, gram, group->moment + block->gram, worker->square);
    status = amf_table_factor(table, gram, block->rows, worker->square);
    if (!status)
        amf_table_sum_pairs(table, index, worker->square,
                            amf_matrix_row(&group->cross, block->first), group->cross.cols, 0,
                            table->test_count, worker);
    return status;
}
