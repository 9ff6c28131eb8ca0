/* Sums of one block over test pairs, from its S and C or Q. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "blas.h"
#include "internal.h"
#include "ridge_table_private.h"

void amf_table_start_sums(struct amf_ridge_table *table)
{
    size_t count = table->input.block_count;

    memset(table->sums, 0, count * table->input.target_count * sizeof(double));
    memset(table->largest_share, 0, count * sizeof(double));
}

enum amf_status amf_table_factor(const struct amf_ridge_table *table, const double *gram,
                                 size_t rows, double *ret_factor)
{
    memcpy(ret_factor, gram, rows * rows * sizeof(double));
    for (size_t r = 0; r < rows; r++)
        ret_factor[r * rows + r] += table->noise * table->noise;
    return amf_blas_cholesky(rows, ret_factor, rows);
}

static void table_square_columns(const double *cross, size_t stride, size_t rows, size_t count,
                                 double *ret_sums)
{
    memset(ret_sums, 0, count * sizeof(double));
    for (size_t r = 0; r < rows; r++)
        for (size_t x = 0; x < count; x++)
            ret_sums[x] += cross[r * stride + x] * cross[r * stride + x];
}

enum amf_status amf_table_sum_pairs(struct amf_ridge_table *table, size_t block,
                                    const double *factor, double *cross, size_t stride,
                                    size_t first, size_t count, double *line)
{
    const struct amf_ridge_table_input *input = &table->input;
    const double *before = table->before + first, *weight = input->test_weight + first;
    const size_t *target = input->test_target + first;
    double *reduction = line, *gain = line + count, share = table->largest_share[block];
    double *sums = table->sums + block * input->target_count;
    size_t rows = table->blocks[block].rows;
    enum amf_status status =
        amf_blas_solve(AMF_BLAS_LEFT, rows, count, factor, rows, cross, stride);

    if (status)
        return status;
    table_square_columns(cross, stride, rows, count, reduction);
    amf_measure_gain(table->measure, before, reduction, count, gain);
    for (size_t x = 0; x < count; x++) {
        if (before[x] > 0 && reduction[x] > share * before[x])
            share = reduction[x] / before[x];
        if (!input->block_source || input->test_source[first + x] != input->block_source[block])
            sums[target[x]] += weight[x] * gain[x];
    }
    table->largest_share[block] = share;
    return AMF_OK;
}

/* tr((S + sigma^2 I)^-1 Q) as the trace of L^-1 Q L^-T. */
static enum amf_status table_sum_moment(struct amf_ridge_table *table, size_t block,
                                        const double *gram, const double *moment, double *square)
{
    size_t rows = table->blocks[block].rows;
    double *factor = square, *solved = square + rows * rows, sum = 0;
    enum amf_status status = amf_table_factor(table, gram, rows, factor);

    if (status)
        return status;
    memcpy(solved, moment, rows * rows * sizeof(double));
    status = amf_blas_solve(AMF_BLAS_LEFT, rows, rows, factor, rows, solved, rows);
    if (!status)
        status = amf_blas_solve(AMF_BLAS_RIGHT_TRANSPOSED, rows, rows, factor, rows, solved, rows);
    for (size_t r = 0; r < rows; r++)
        sum += solved[r * rows + r];
    table->sums[block] = fmax(sum, 0);
    return status;
}

enum amf_status amf_table_sum_kept(struct amf_ridge_table *table, const struct table_group *group,
                                   size_t index, const struct table_worker *worker)
{
    const struct table_block *block = &table->blocks[index];
    const double *gram = group->gram + block->gram;
    size_t tests = table->test_count;
    enum amf_status status;

    if (table->moments)
        return table_sum_moment(table, index, gram, group->moment + block->gram, worker->square);
    status = amf_table_factor(table, gram, block->rows, worker->square);
    for (size_t first = 0; !status && first < tests; first += TABLE_TILE) {
        size_t count = amf_min(TABLE_TILE, tests - first);

        for (size_t r = 0; r < block->rows; r++)
            memcpy(worker->tile + r * TABLE_TILE,
                   amf_matrix_row(&group->cross, block->first + r) + first, count * sizeof(double));
        status = amf_table_sum_pairs(table, index, worker->square, worker->tile, TABLE_TILE, first,
                                     count, worker->line);
    }
    return status;
}
