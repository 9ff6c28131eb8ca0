/* A table's life, and its first pass.
 *
 * Cost from nothing with R block rows, T test pairs and p features: R p^2 to whiten and 2 R p T for
 * C, or 2 R p^2 for one product with R = L^-T Q, L^-1 W L^-T = Q D Q', which gives S and Q of every
 * block as Gram matrices; then H^2 for each block and pair, or H^3 for each block. A group of
 * blocks is a task of the pool: its features are made, used and forgotten. Kept are S and C (R T
 * doubles) or Q, and under a cut the rotated rows of features.
 */
#include <math.h>
#include <string.h>

#include "blas.h"
#include "internal.h"
#include "ridge_table_private.h"

static void table_group_deinit(struct table_group *group)
{
    amf_matrix_deinit(&group->features);
    amf_matrix_deinit(&group->cross);
    free(group->gram);
    free(group->moment);
}

void amf_ridge_table_free(struct amf_ridge_table *table)
{
    if (!table)
        return;
    for (size_t g = 0; g < table->group_count; g++)
        table_group_deinit(&table->groups[g]);
    amf_measure_free(table->measure);
    free(table->blocks);
    free(table->groups);
    free(table->sums);
    free(table->bounds);
    free(table->largest_share);
    amf_matrix_deinit(&table->tests);
    amf_matrix_deinit(&table->whitened);
    amf_matrix_deinit(&table->root);
    amf_matrix_deinit(&table->precision);
    amf_matrix_deinit(&table->weight);
    free(table->root_values);
    free(table->prior);
    free(table->before);
    free(table->begun);
    amf_matrix_deinit(&table->workspace);
    free(table);
}

const double *amf_ridge_table_sums(const struct amf_ridge_table *table)
{
    return table->sums;
}

const double *amf_ridge_table_bounds(const struct amf_ridge_table *table)
{
    return table->bounds;
}

size_t amf_ridge_table_rows(const struct amf_ridge_table *table)
{
    size_t rows = 0;

    for (size_t g = 0; g < table->group_count; g++)
        rows += table->groups[g].row_count;
    return rows;
}

size_t amf_ridge_table_bytes(const struct amf_ridge_table *table)
{
    size_t p = table->features.dim, doubles = table->workspace.rows * table->workspace.cols;

    for (size_t g = 0; g < table->group_count; g++) {
        const struct table_group *group = &table->groups[g];

        doubles += group->features.rows * p + group->cross.rows * group->cross.cols;
        for (size_t b = 0; b < group->block_count; b++) {
            size_t rows = table->blocks[group->first_block + b].rows;

            doubles += rows * rows * (1 + (group->moment != NULL));
        }
    }
    doubles += (table->tests.rows + table->precision.rows + table->weight.rows) * p;
    return sizeof(*table) + doubles * sizeof(double);
}

/* ---- groups and room ---- */

static enum amf_status table_group_blocks(struct amf_ridge_table *table)
{
    size_t count = table->input.block_count;

    table->blocks = amf_new_array(count, sizeof(*table->blocks));
    table->groups = amf_new_array(count, sizeof(*table->groups));
    if (!table->blocks || !table->groups)
        return AMF_NO_MEMORY;
    for (size_t b = 0, grams = 0; b < count; b++) {
        size_t rows = table->input.blocks[b].row_count, square;
        struct table_group *group = table->groups + table->group_count - 1;

        if (__builtin_mul_overflow(rows, rows, &square))
            return AMF_TOO_LARGE;
        if (!table->group_count || group->row_count + rows > TABLE_GROUP_ROWS) {
            group = table->groups + table->group_count++;
            group->first_block = b;
            grams = 0;
        }
        table->blocks[b] = (struct table_block){
            .at = table->input.blocks[b], .rows = rows, .first = group->row_count, .gram = grams};
        group->block_count++;
        group->full_rows = group->row_count += rows;
        grams += square;
        table->group_grams = grams > table->group_grams ? grams : table->group_grams;
        table->block_rows = rows > table->block_rows ? rows : table->block_rows;
        if (group->row_count > table->group_rows)
            table->group_rows = group->row_count;
    }
    return AMF_OK;
}

/* Each room begins on a cache line: some BLAS kernels round by how far an operand is from one. */
static enum amf_status table_make_rooms(struct amf_ridge_table *table, size_t workers)
{
    size_t p = table->features.dim, rows = table->group_rows, total = 0;
    size_t sizes[7] = {0, 0, 0, 0, 0, 0, 2 * TABLE_TILE + table->block_rows};
    bool overflow = __builtin_mul_overflow(rows, p, &sizes[0]) ||
                    __builtin_mul_overflow(rows, TABLE_COLS, &sizes[2]) ||
                    __builtin_mul_overflow(table->block_rows, TABLE_TILE, &sizes[3]) ||
                    __builtin_mul_overflow(2 * table->block_rows, table->block_rows, &sizes[5]) ||
                    __builtin_add_overflow(sizes[5], table->group_grams, &sizes[4]);

    sizes[1] = sizes[0];
    sizes[2] = table->input.keep || table->moments ? 0 : sizes[2];
    for (size_t r = 0; r < 7; r++) {
        table->room[r] = total;
        overflow |= __builtin_add_overflow(total, (sizes[r] + 7) / 8 * 8, &total);
    }
    return overflow ? AMF_TOO_LARGE : amf_matrix_init(&table->workspace, workers, total);
}

void amf_table_worker(const struct amf_ridge_table *table, size_t worker,
                      struct table_worker *ret_worker)
{
    double *base = amf_matrix_row(&table->workspace, worker);
    const size_t *room = table->room;

    *ret_worker =
        (struct table_worker){base + room[0], base + room[1], base + room[2], base + room[3],
                              base + room[4], base + room[5], base + room[6]};
}

/* ---- what the first pass needs ---- */

struct table_start {
    struct amf_ridge_table *table;
    const struct amf_ridge *ridge;
    struct amf_matrix inverse; /* L^-T */
    struct amf_matrix axes;    /* Q', one a row */
};

static void table_start_deinit(struct table_start *start)
{
    amf_matrix_deinit(&start->inverse);
    amf_matrix_deinit(&start->axes);
}

static enum amf_status table_fill_tests(void *arg, size_t task, size_t worker)
{
    const struct table_start *start = arg;
    const struct amf_ridge_table *table = start->table;
    size_t row = 0;

    (void)worker;
    for (size_t b = 0; b < task; b++)
        row += table->input.tests[b].row_count;
    return table->features.fill(table->features.arg, &table->input.tests[task], 1,
                                amf_matrix_row(&table->tests, row), table->features.dim);
}

void amf_table_floor(struct amf_ridge_table *table)
{
    for (size_t x = 0; x < table->test_count; x++)
        if (!(table->before[x] > AMF_MEASURE_FLOOR * table->prior[x]))
            table->before[x] = 0;
}

static enum amf_status table_start_tests(struct table_start *start, struct amf_pool *pool,
                                         const atomic_bool *cancel)
{
    struct amf_ridge_table *table = start->table;
    const struct amf_ridge_table_input *input = &table->input;
    size_t p = table->features.dim;
    enum amf_status status = amf_matrix_init(&table->whitened, table->test_count, p);

    if (!status)
        status = amf_matrix_init(&table->tests, table->test_count, p);
    if (!status)
        status = amf_pool_run(pool, input->test_block_count, table_fill_tests, start, cancel);
    if (!status)
        status = amf_ridge_predict(start->ridge, input->tests, input->test_block_count, pool,
                                   cancel, NULL, table->before, table->whitened.data);
    if (status)
        return status;
    for (size_t x = 0; x < table->test_count; x++)
        for (size_t d = 0; d < p; d++)
            table->prior[x] += pow(amf_matrix_row(&table->tests, x)[d], 2);
    amf_table_floor(table);
    memcpy(table->begun, table->before, table->test_count * sizeof(double));
    return AMF_OK;
}

/* Some rows of L^-T. */
static enum amf_status table_invert_piece(void *arg, size_t task, size_t worker)
{
    const struct table_start *start = arg;
    size_t p = start->inverse.cols, first = task * TABLE_TILE;
    size_t count = amf_min(TABLE_TILE, p - first);
    double *rows = amf_matrix_row(&start->inverse, first);

    (void)worker;
    for (size_t r = 0; r < count; r++)
        rows[r * p + first + r] = 1;
    return amf_ridge_whiten(start->ridge, count, rows);
}

static enum amf_status table_start_inverse(struct table_start *start, struct amf_pool *pool,
                                           const atomic_bool *cancel)
{
    struct amf_ridge_table *table = start->table;
    size_t p = table->features.dim;
    enum amf_status status = amf_matrix_init(&start->inverse, p, p);

    if (!status)
        status = amf_pool_run(pool, amf_ceil_div(p, TABLE_TILE), table_invert_piece, start, cancel);
    if (!status && table->input.keep)
        status = amf_matrix_init(&table->precision, p, p);
    if (!status && table->input.keep)
        status = amf_ridge_outer(pool, cancel, p, p, p, start->inverse.data, start->inverse.data,
                                 table->precision.data);
    return status;
}

/* sum_x omega_x r_x r_x' of one row a test pair. */
static enum amf_status table_weigh(const struct amf_ridge_table *table,
                                   const struct amf_matrix *rows, struct amf_pool *pool,
                                   const atomic_bool *cancel, struct amf_matrix *ret_sum)
{
    AMF_MATRIX_CLEANUP struct amf_matrix scaled = AMF_MATRIX_NULL;
    size_t p = table->features.dim;
    enum amf_status status = amf_matrix_init(&scaled, rows->rows, p);

    if (!status)
        status = amf_matrix_init(ret_sum, p, p);
    for (size_t x = 0; !status && x < rows->rows; x++)
        for (size_t d = 0; d < p; d++)
            amf_matrix_row(&scaled, x)[d] =
                table->input.test_weight[x] * amf_matrix_row(rows, x)[d];
    if (!status)
        status = amf_ridge_add_inner(pool, cancel, p, rows->rows, scaled.data, rows->data,
                                     ret_sum->data);
    if (!status)
        amf_ridge_mirror(ret_sum);
    return status;
}

static enum amf_status table_diagonalise(void *arg, size_t task, size_t worker)
{
    struct table_start *start = arg;
    struct amf_ridge_table *table = start->table;
    size_t p = table->features.dim;
    enum amf_status status = amf_blas_eigen(p, start->axes.data, p, table->root_values);

    (void)task;
    (void)worker;
    for (size_t d = 0; d < p; d++)
        table->root_values[d] = sqrt(fmax(table->root_values[d], 0));
    return status;
}

static enum amf_status table_start_moments(struct table_start *start, struct amf_pool *pool,
                                           const atomic_bool *cancel)
{
    struct amf_ridge_table *table = start->table;
    size_t p = table->features.dim;
    enum amf_status status = table_weigh(table, &table->whitened, pool, cancel, &start->axes);

    table->root_values = amf_new_array(p, sizeof(double));
    if (!table->root_values)
        return AMF_NO_MEMORY;
    if (!status)
        status = amf_pool_run(pool, 1, table_diagonalise, start, cancel);
    if (!status)
        status = amf_matrix_init(&table->root, p, p);
    if (!status)
        status = amf_ridge_outer(pool, cancel, p, p, p, start->axes.data, start->inverse.data,
                                 table->root.data);
    if (!status && table->input.keep)
        status = table_weigh(table, &table->tests, pool, cancel, &table->weight);
    return status;
}

/* ---- the first pass ---- */

static enum amf_status table_keep_group(struct amf_ridge_table *table, struct table_group *group)
{
    size_t grams = 0;

    for (size_t b = 0; b < group->block_count; b++)
        grams += table->blocks[group->first_block + b].at.row_count *
                 table->blocks[group->first_block + b].at.row_count;
    group->gram = amf_new_array(grams, sizeof(double));
    if (table->moments)
        group->moment = amf_new_array(grams, sizeof(double));
    return group->gram && (!table->moments || group->moment) ? AMF_OK : AMF_NO_MEMORY;
}

/* rows_b rows_b' of every block into grams, one after the other. */
static enum amf_status table_grams(const struct amf_ridge_table *table,
                                   const struct table_group *group, const double *rows,
                                   double *grams)
{
    size_t p = table->features.dim;
    enum amf_status status = AMF_OK;

    for (size_t b = 0; !status && b < group->block_count; b++) {
        const struct table_block *block = &table->blocks[group->first_block + b];
        const double *own = rows + block->first * p;

        status = amf_blas_gram(block->rows, p, own, p, grams + block->gram, block->rows);
    }
    return status;
}

static enum amf_status table_first_moments(struct amf_ridge_table *table, struct table_group *group,
                                           const struct table_worker *worker)
{
    size_t p = table->features.dim;
    double *root = worker->rotated;
    enum amf_status status = amf_blas_outer(group->row_count, p, p, 1, worker->features, p,
                                            table->root.data, p, root, p);

    if (!status)
        status = table_grams(table, group, root, group->gram);
    for (size_t r = 0; r < group->row_count; r++)
        amf_table_scale_row(root + r * p, table->root_values, p);
    if (!status)
        status = table_grams(table, group, root, group->moment);
    for (size_t b = 0; !status && b < group->block_count; b++)
        status = amf_table_sum_kept(table, group, group->first_block + b, worker);
    return status;
}

/* C of the group at some test pairs, of which nothing is kept. */
static enum amf_status table_pass_by(struct amf_ridge_table *table, const struct table_group *group,
                                     const struct table_worker *worker, size_t first, size_t count)
{
    size_t p = table->features.dim;
    enum amf_status status =
        amf_blas_outer(group->row_count, count, p, 1, worker->features, p,
                       amf_matrix_row(&table->whitened, first), p, worker->cross, TABLE_COLS);

    for (size_t b = 0; !status && b < group->block_count; b++) {
        const struct table_block *block = &table->blocks[group->first_block + b];

        amf_table_sum_pairs(table, group->first_block + b, worker->factors + block->gram,
                            worker->cross + block->first * TABLE_COLS, TABLE_COLS, first, count,
                            worker);
    }
    return status;
}

static enum amf_status table_first_pairs(struct amf_ridge_table *table, struct table_group *group,
                                         const struct table_worker *worker)
{
    size_t p = table->features.dim, tests = table->test_count;
    enum amf_status status = AMF_OK;

    if (table->input.keep) {
        status = amf_matrix_init(&group->cross, group->row_count,
                                 amf_ceil_div(tests, TABLE_TILE) * TABLE_TILE);
        if (!status)
            status = amf_blas_outer(group->row_count, tests, p, 1, worker->features, p,
                                    table->whitened.data, p, group->cross.data, group->cross.cols);
        for (size_t b = 0; !status && b < group->block_count; b++)
            status = amf_table_sum_kept(table, group, group->first_block + b, worker);
        return status;
    }
    for (size_t b = 0; !status && b < group->block_count; b++) {
        const struct table_block *block = &table->blocks[group->first_block + b];

        status = amf_table_factor(table, group->gram + block->gram, block->rows,
                                  worker->factors + block->gram);
    }
    for (size_t first = 0; !status && first < tests; first += TABLE_COLS)
        status = table_pass_by(table, group, worker, first, amf_min(TABLE_COLS, tests - first));
    return status;
}

static enum amf_status table_first_group(void *arg, size_t task, size_t worker)
{
    const struct table_start *start = arg;
    struct amf_ridge_table *table = start->table;
    struct table_group *group = &table->groups[task];
    struct table_worker rooms;
    enum amf_status status = table_keep_group(table, group);

    amf_table_worker(table, worker, &rooms);
    if (!status)
        status = table->features.fill(table->features.arg, table->input.blocks + group->first_block,
                                      group->block_count, rooms.features, table->features.dim);
    if (!status && table->moments) {
        status = table_first_moments(table, group, &rooms);
    } else if (!status) {
        status = amf_ridge_whiten(start->ridge, group->row_count, rooms.features);
        if (!status)
            status = table->input.cut > 0 ? amf_table_cut_group(table, group, &rooms)
                                          : table_grams(table, group, rooms.features, group->gram);
        if (!status)
            status = table_first_pairs(table, group, &rooms);
    }
    if (!table->input.keep) {
        free(group->gram);
        free(group->moment);
        group->gram = group->moment = NULL;
    }
    return status;
}

static enum amf_status table_first_pass(struct amf_ridge_table *table,
                                        const struct amf_ridge *ridge, struct amf_pool *pool,
                                        const atomic_bool *cancel)
{
    __attribute__((cleanup(table_start_deinit))) struct table_start start = {.table = table,
                                                                             .ridge = ridge};
    enum amf_status status = table_start_tests(&start, pool, cancel);

    if (!status && (table->moments || table->input.keep))
        status = table_start_inverse(&start, pool, cancel);
    if (!status && table->moments)
        status = table_start_moments(&start, pool, cancel);
    if (!status && table->input.cut > 0)
        status = amf_table_norms(table, pool, cancel);
    if (!status)
        status = amf_pool_run(pool, table->group_count, table_first_group, &start, cancel);
    amf_matrix_deinit(&table->whitened);
    amf_matrix_deinit(&table->root);
    if (!table->input.keep)
        amf_matrix_deinit(&table->tests);
    return status;
}

/* ---- making ---- */

static bool table_takes(const struct amf_ridge_table_input *input)
{
    bool cuts = input->measure == AMF_MEASURE_ENTROPY || input->measure == AMF_MEASURE_KL ||
                input->measure == AMF_MEASURE_NOISY_ENTROPY ||
                input->measure == AMF_MEASURE_VARIANCE;

    return input->measure != AMF_MEASURE_PRIOR_ENTROPY && input->cut >= 0 && input->cut < 1 &&
           (cuts || !(input->cut > 0));
}

static enum amf_status table_init(struct amf_ridge_table *table, const struct amf_ridge *ridge,
                                  const struct amf_ridge_table_input *input, size_t workers)
{
    size_t numbers;
    enum amf_status status;

    if (!table_takes(input))
        return AMF_BAD_ARGUMENT;
    table->input = *input;
    table->features = ridge->features;
    table->noise = ridge->noise;
    table->moments = input->measure == AMF_MEASURE_VARIANCE && input->target_count == 1 &&
                     !input->block_source && !(input->cut > 0);
    table->test_count = amf_blocks_rows(input->tests, input->test_block_count);
    if (__builtin_mul_overflow(input->block_count, input->target_count, &numbers))
        return AMF_TOO_LARGE;
    table->sums = amf_new_array(numbers, sizeof(double));
    table->bounds = amf_new_array(input->block_count, sizeof(double));
    table->largest_share = amf_new_array(input->block_count, sizeof(double));
    table->prior = amf_new_array(table->test_count, sizeof(double));
    table->before = amf_new_array(table->test_count, sizeof(double));
    table->begun = amf_new_array(table->test_count, sizeof(double));
    if (!table->sums || !table->bounds || !table->largest_share || !table->prior ||
        !table->before || !table->begun)
        return AMF_NO_MEMORY;
    status = amf_measure_new(input->measure, table->noise, &table->measure);
    if (!status)
        status = table_group_blocks(table);
    return status ? status : table_make_rooms(table, workers);
}

enum amf_status amf_table_finish(struct amf_ridge_table *table)
{
    if (!amf_all_finite(table->sums, table->input.block_count * table->input.target_count))
        return AMF_NOT_FINITE;
    if (table->input.cut > 0)
        amf_table_bounds(table);
    return AMF_OK;
}

enum amf_status amf_ridge_table_new(const struct amf_ridge *ridge,
                                    const struct amf_ridge_table_input *input,
                                    struct amf_pool *pool, const atomic_bool *cancel,
                                    struct amf_ridge_table **ret_table)
{
    AMF_RIDGE_TABLE_CLEANUP struct amf_ridge_table *table = calloc(1, sizeof(*table));
    enum amf_status status;

    if (!table)
        return AMF_NO_MEMORY;
    status = table_init(table, ridge, input, amf_pool_size(pool));
    if (!status)
        status = table_first_pass(table, ridge, pool, cancel);
    if (!status)
        status = amf_table_finish(table);
    if (status)
        return status;
    *ret_table = table;
    table = NULL;
    return AMF_OK;
}
