/* One demonstration added to a table: corrections of rank h of all that is kept.
 *
 * Cost with R block rows, T test pairs, p features: 2 p^2 h for P, 2 T p h for Z, then in one pass
 * over the blocks 2 R p h for G (twice that with E) and 2 R T h for C, and the sums. Features of
 * blocks are made again, a batch at a time, unless they were cut.
 */
#include <math.h>
#include <string.h>

#include "blas.h"
#include "internal.h"
#include "ridge_table_private.h"

struct table_added {
    struct amf_ridge_table *table;
    const struct amf_block *demonstration;
    size_t h;
    struct amf_matrix rows;  /* F_n: h x p */
    struct amf_matrix step;  /* V', then Y' below it: h or 2 h x p */
    struct amf_matrix lost;  /* V: p x h */
    struct amf_matrix drawn; /* Z': T x h */
    struct amf_matrix shift; /* Z: h x T */
    struct amf_matrix room;  /* workers x (a batch's rows x the rows of step) */
};

static void table_added_deinit(struct table_added *added)
{
    amf_matrix_deinit(&added->rows);
    amf_matrix_deinit(&added->step);
    amf_matrix_deinit(&added->lost);
    amf_matrix_deinit(&added->drawn);
    amf_matrix_deinit(&added->shift);
    amf_matrix_deinit(&added->room);
}

static enum amf_status added_init(struct table_added *added, size_t workers)
{
    const struct amf_ridge_table *table = added->table;
    size_t p = table->features.dim, h = added->h, rows = h * (table->moments ? 2 : 1), room;
    size_t batch = amf_min(table->group_rows, TABLE_BATCH_ROWS + table->block_rows);
    enum amf_status status = amf_matrix_init(&added->rows, h, p);

    if (__builtin_mul_overflow(batch, rows, &room))
        return AMF_TOO_LARGE;
    if (!status)
        status = amf_matrix_init(&added->step, rows, p);
    if (!status)
        status = amf_matrix_init(&added->lost, p, h);
    if (!status)
        status = amf_matrix_init(&added->drawn, table->test_count, h);
    if (!status)
        status = amf_matrix_init(&added->shift, h, table->test_count);
    return status ? status : amf_matrix_init(&added->room, workers, (room + 7) / 8 * 8);
}

/* ---- V, Y, P and Z ---- */

static enum amf_status added_fill(void *arg, size_t task, size_t worker)
{
    const struct table_added *added = arg;
    const struct amf_features *features = &added->table->features;
    enum amf_status status =
        features->fill(features->arg, added->demonstration, 1, added->rows.data, features->dim);

    (void)task;
    (void)worker;
    if (!status && !amf_all_finite(added->rows.data, added->h * features->dim))
        return AMF_NOT_FINITE;
    return status;
}

static void added_transpose(const struct amf_matrix *from, double *to)
{
    for (size_t r = 0; r < from->rows; r++)
        for (size_t c = 0; c < from->cols; c++)
            to[c * from->rows + r] = amf_matrix_row(from, r)[c];
}

/* lost holds P F_n'; becomes V, whose transpose is the first half of step. */
static enum amf_status added_solve(void *arg, size_t task, size_t worker)
{
    const struct table_added *added = arg;
    size_t h = added->h, p = added->table->features.dim;
    double noise = added->table->noise;
    AMF_MATRIX_CLEANUP struct amf_matrix factor = AMF_MATRIX_NULL;
    enum amf_status status = amf_matrix_init(&factor, h, h);

    (void)task;
    (void)worker;
    if (!status)
        status = amf_blas_subtract_product(h, h, p, added->rows.data, p, added->lost.data, h,
                                           factor.data, h);
    for (size_t i = 0; !status && i < h * h; i++)
        factor.data[i] = -factor.data[i];
    for (size_t i = 0; !status && i < h; i++)
        factor.data[i * h + i] += noise * noise;
    if (!status)
        status = amf_blas_cholesky(h, factor.data, h);
    if (!status)
        status =
            amf_blas_solve(AMF_BLAS_RIGHT_TRANSPOSED, p, h, factor.data, h, added->lost.data, h);
    if (!status)
        added_transpose(&added->lost, added->step.data);
    return status;
}

/* Y' = V' W P - (V' W V)' V' / 2, given V' W in `pulled` and V' W P in place. */
static enum amf_status added_halve(const struct table_added *added, const double *pulled)
{
    size_t h = added->h, p = added->table->features.dim;
    AMF_MATRIX_CLEANUP struct amf_matrix half = AMF_MATRIX_NULL;
    enum amf_status status = amf_matrix_init(&half, h, h);

    if (!status)
        status = amf_blas_outer(h, h, p, 0.5, pulled, p, added->step.data, p, half.data, h);
    if (!status)
        status = amf_blas_subtract_product(h, p, h, half.data, h, added->step.data, p,
                                           added->step.data + h * p, p);
    return status;
}

static enum amf_status added_moment(void *arg, size_t task, size_t worker)
{
    const struct table_added *added = arg;
    const struct amf_ridge_table *table = added->table;
    size_t h = added->h, p = table->features.dim;
    AMF_MATRIX_CLEANUP struct amf_matrix pulled = AMF_MATRIX_NULL;
    enum amf_status status = amf_matrix_init(&pulled, h, p);

    (void)task;
    (void)worker;
    if (!status)
        status =
            amf_blas_outer(h, p, p, 1, added->step.data, p, table->weight.data, p, pulled.data, p);
    if (!status)
        status = amf_blas_outer(h, p, p, 1, pulled.data, p, table->precision.data, p,
                                added->step.data + h * p, p);
    return status ? status : added_halve(added, pulled.data);
}

static enum amf_status added_lose(void *arg, size_t task, size_t worker)
{
    const struct table_added *added = arg;
    size_t p = added->table->features.dim, h = added->h, first = task * TABLE_TILE;

    (void)worker;
    return amf_blas_subtract_outer(amf_min(TABLE_TILE, p - first), p, h,
                                   amf_matrix_row(&added->lost, first), h, added->lost.data, h,
                                   amf_matrix_row(&added->table->precision, first), p);
}

static void added_shrink(const struct table_added *added)
{
    struct amf_ridge_table *table = added->table;

    for (size_t x = 0; x < table->test_count; x++) {
        const double *drawn = amf_matrix_row(&added->drawn, x);

        for (size_t k = 0; k < added->h; k++)
            table->before[x] -= drawn[k] * drawn[k];
    }
    added_transpose(&added->drawn, added->shift.data);
    amf_table_floor(table);
}

static enum amf_status added_prepare(struct table_added *added, struct amf_pool *pool,
                                     const atomic_bool *cancel)
{
    struct amf_ridge_table *table = added->table;
    size_t p = table->features.dim, h = added->h;
    enum amf_status status = amf_pool_run(pool, 1, added_fill, added, cancel);

    if (!status)
        status = amf_ridge_outer(pool, cancel, p, h, p, table->precision.data, added->rows.data,
                                 added->lost.data);
    if (!status)
        status = amf_pool_run(pool, 1, added_solve, added, cancel);
    if (!status && table->moments)
        status = amf_pool_run(pool, 1, added_moment, added, cancel);
    if (!status)
        status = amf_pool_run(pool, amf_ceil_div(p, TABLE_TILE), added_lose, added, cancel);
    if (!status)
        status = amf_ridge_outer(pool, cancel, table->test_count, h, p, table->tests.data,
                                 added->step.data, added->drawn.data);
    if (!status)
        added_shrink(added);
    return status;
}

/* ---- blocks ---- */

struct added_batch { /* consecutive blocks of a group */
    struct table_group *group;
    size_t first_block, block_count, first_row, row_count;
    const double *step; /* [G E]: row_count x the rows of step */
};

static enum amf_status added_correct_block(const struct table_added *added,
                                           const struct added_batch *batch, size_t index)
{
    const struct table_block *block = &added->table->blocks[index];
    size_t rows = block->rows, h = added->h, width = added->step.rows;
    const double *g = batch->step + (block->first - batch->first_row) * width, *e = g + h;
    double *gram = batch->group->gram + block->gram;
    enum amf_status status = amf_blas_subtract_outer(rows, rows, h, g, width, g, width, gram, rows);

    if (status || !added->table->moments)
        return status;
    gram = batch->group->moment + block->gram;
    status = amf_blas_subtract_outer(rows, rows, h, g, width, e, width, gram, rows);
    if (!status)
        status = amf_blas_subtract_outer(rows, rows, h, e, width, g, width, gram, rows);
    return status;
}

static enum amf_status added_batch(const struct table_added *added, struct added_batch *batch,
                                   size_t worker)
{
    struct amf_ridge_table *table = added->table;
    struct table_group *group = batch->group;
    struct table_worker rooms;
    size_t p = table->features.dim, width = added->step.rows, tests = table->test_count;
    double *step = amf_matrix_row(&added->room, worker);
    const double *rows = NULL;
    enum amf_status status = AMF_OK;

    amf_table_worker(table, worker, &rooms);
    rows =
        group->features.data ? amf_matrix_row(&group->features, batch->first_row) : rooms.features;
    if (!group->features.data)
        status = table->features.fill(table->features.arg, table->input.blocks + batch->first_block,
                                      batch->block_count, rooms.features, p);
    if (!status)
        status = amf_blas_outer(batch->row_count, width, p, 1, rows, p, added->step.data, p, step,
                                width);
    batch->step = step;
    if (!status && !table->moments)
        status = amf_blas_subtract_product(
            batch->row_count, tests, added->h, step, width, added->shift.data, tests,
            amf_matrix_row(&group->cross, batch->first_row), group->cross.cols);
    for (size_t b = 0; !status && b < batch->block_count; b++) {
        status = added_correct_block(added, batch, batch->first_block + b);
        if (!status)
            status = amf_table_sum_kept(table, group, batch->first_block + b, &rooms);
    }
    return status;
}

static enum amf_status added_group(void *arg, size_t task, size_t worker)
{
    const struct table_added *added = arg;
    struct table_group *group = &added->table->groups[task];
    size_t end = group->first_block + group->block_count;
    struct added_batch batch = {.group = group, .first_block = group->first_block};
    enum amf_status status = AMF_OK;

    while (!status && batch.first_block < end) {
        batch.first_row += batch.row_count;
        batch.block_count = batch.row_count = 0;
        while (batch.first_block + batch.block_count < end && batch.row_count < TABLE_BATCH_ROWS)
            batch.row_count += added->table->blocks[batch.first_block + batch.block_count++].rows;
        status = added_batch(added, &batch, worker);
        batch.first_block += batch.block_count;
    }
    return status;
}

enum amf_status amf_ridge_table_add(struct amf_ridge_table *table,
                                    const struct amf_block *demonstration, struct amf_pool *pool,
                                    const atomic_bool *cancel)
{
    __attribute__((cleanup(table_added_deinit))) struct table_added added = {
        .table = table, .demonstration = demonstration, .h = demonstration->row_count};
    enum amf_status status;

    if (!table->input.keep)
        return AMF_BAD_ARGUMENT;
    status = added_init(&added, amf_pool_size(pool));
    if (!status)
        status = added_prepare(&added, pool, cancel);
    if (status)
        return status;
    amf_table_start_sums(table);
    status = amf_pool_run(pool, table->group_count, added_group, &added, cancel);
    return status ? status : amf_table_finish(table);
}
