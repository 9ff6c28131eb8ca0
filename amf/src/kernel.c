/* Kernels on states and tasks, and the dispatch to those on features (kernel_features.c).
 *
 * Every kernel on states is a function of two numbers, one of the two rows, base(s, s'), and one of
 * the two tasks, t(c, c'):
 *
 *   PRODUCT  v base t            rbf; anything under a task table
 *   SUM      v (base + t)        linear on task vectors
 *   JOINT    v f(base + t)       matern on task vectors: base and t are squared distances
 *
 * so the tasks' part is a small table made once, and so is base for all pairs of rows, as long as
 * it has at most KERNEL_TABLE_ROWS rows (128 MiB); beyond that it is worked out where it is needed.
 * A kernel on more rows of the same problem takes the table over and adds to it.
 * Distances are sums of squared differences, not |s|^2 + |s'|^2 - 2 s.s', whose digits cancel for
 * near rows.
 */
#include <math.h>
#include <string.h>

#include "internal.h"
#include "kernel_private.h"

#define KERNEL_TABLE_ROWS 4096
#define KERNEL_TILE 64

static double kernel_matern32(double squared)
{
    double x = sqrt(3 * squared);

    return x < 745 ? (1 + x) * exp(-x) : 0;
}

static double kernel_matern52(double squared)
{
    double x = sqrt(5 * squared);

    return x < 745 ? (1 + x + x * x / 3) * exp(-x) : 0;
}

/* Of a squared scaled distance; the linear kernel has none. */
static double kernel_shape(enum amf_kernel_kind kind, double squared)
{
    switch (kind) {
    case AMF_KERNEL_MATERN32:
        return kernel_matern32(squared);
    case AMF_KERNEL_MATERN52:
        return kernel_matern52(squared);
    default:
        return exp(-squared / 2);
    }
}

static double kernel_dot(const double *a, const double *b, size_t dim)
{
    double sum = 0;

    for (size_t d = 0; d < dim; d++)
        sum += a[d] * b[d];
    return sum;
}

static double kernel_squared_distance(const double *a, const double *b, size_t dim)
{
    double sum = 0;

    for (size_t d = 0; d < dim; d++)
        sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum;
}

static double kernel_base(const struct amf_kernel *kernel, size_t row, size_t other)
{
    const double *a = amf_matrix_row(&kernel->states, row);
    const double *b = amf_matrix_row(&kernel->states, other);

    if (kernel->kind == AMF_KERNEL_LINEAR)
        return 1 + kernel_dot(a, b, kernel->states.cols);
    if (kernel->form == KERNEL_JOINT)
        return kernel_squared_distance(a, b, kernel->states.cols);
    return kernel_shape(kernel->kind, kernel_squared_distance(a, b, kernel->states.cols));
}

/* base of one row with count consecutive others: from the table, or worked out into scratch. */
static const double *kernel_base_row(const struct amf_kernel *kernel, size_t row, size_t first,
                                     size_t count, double *scratch)
{
    if (kernel->table)
        return kernel_table_row(kernel, row) + first;
    for (size_t i = 0; i < count; i++)
        scratch[i] = kernel_base(kernel, row, first + i);
    return scratch;
}

static void kernel_combine(const struct amf_kernel *kernel, const double *base, double task,
                           size_t count, double *ret_row)
{
    double variance = kernel->variance;

    switch (kernel->form) {
    case KERNEL_PRODUCT:
        for (size_t i = 0; i < count; i++)
            ret_row[i] = variance * task * base[i];
        break;
    case KERNEL_SUM:
        for (size_t i = 0; i < count; i++)
            ret_row[i] = variance * (task + base[i]);
        break;
    case KERNEL_JOINT:
        for (size_t i = 0; i < count; i++)
            ret_row[i] = variance * kernel_shape(kernel->kind, base[i] + task);
        break;
    case KERNEL_FEATURES:
        break;
    }
}

/* One row of the left list against the whole right list; base is worked out straight into the
 * result. */
static void kernel_cross_row(const struct amf_kernel *kernel, size_t row, size_t task,
                             const struct amf_block *right, size_t right_count, double *ret_row)
{
    for (size_t b = 0; b < right_count; b++) {
        const double *base =
            kernel_base_row(kernel, row, right[b].first_row, right[b].row_count, ret_row);

        kernel_combine(kernel, base, amf_matrix_row(&kernel->tasks, task)[right[b].task],
                       right[b].row_count, ret_row);
        ret_row += right[b].row_count;
    }
}

enum amf_status amf_kernel_cross(const struct amf_kernel *kernel, const struct amf_block *left,
                                 size_t left_count, const struct amf_block *right,
                                 size_t right_count, double *ret_cross, size_t stride)
{
    if (kernel->form == KERNEL_FEATURES)
        return amf_kernel_features_cross(kernel, left, left_count, right, right_count, ret_cross,
                                         stride);
    for (size_t a = 0; a < left_count; a++)
        for (size_t i = 0; i < left[a].row_count; i++, ret_cross += stride)
            kernel_cross_row(kernel, left[a].first_row + i, left[a].task, right, right_count,
                             ret_cross);
    return AMF_OK;
}

void amf_kernel_diagonal(const struct amf_kernel *kernel, const struct amf_block *blocks,
                         size_t count, double *ret_diagonal)
{
    for (size_t b = 0; b < count; b++)
        for (size_t i = 0; i < blocks[b].row_count; i++, ret_diagonal++) {
            size_t row = blocks[b].first_row + i, task = blocks[b].task;

            if (kernel->form == KERNEL_FEATURES)
                *ret_diagonal = amf_kernel_features_square(kernel, row, task);
            else
                kernel_combine(kernel, (double[]){kernel_base(kernel, row, row)},
                               amf_matrix_row(&kernel->tasks, task)[task], 1, ret_diagonal);
        }
}

size_t amf_blocks_rows(const struct amf_block *blocks, size_t count)
{
    size_t rows = 0;

    for (size_t b = 0; b < count; b++)
        rows += blocks[b].row_count;
    return rows;
}

bool amf_kernel_covers(const struct amf_kernel *kernel, const struct amf_block *block)
{
    if (block->task >= kernel->task_count || block->first_row > kernel->row_count ||
        block->row_count > kernel->row_count - block->first_row)
        return false;
    if (kernel->form != KERNEL_FEATURES)
        return true;
    for (size_t i = 0; i < block->row_count; i++)
        if (!amf_kernel_features_cover(kernel, block->first_row + i, block->task))
            return false;
    return true;
}

/* ---- building ---- */

static enum amf_status kernel_check_scale(const double *scale, size_t count, size_t dim)
{
    if (!scale || (count != 1 && count != dim))
        return AMF_BAD_ARGUMENT;
    if (!amf_all_finite(scale, count))
        return AMF_NOT_FINITE;
    for (size_t d = 0; d < count; d++)
        if (!(scale[d] > 0))
            return AMF_BAD_ARGUMENT;
    return AMF_OK;
}

/* rows x dim into an owned copy, every column divided by its length scale (NULL: by 1). */
static enum amf_status kernel_scaled_copy(const double *rows, size_t count, size_t dim,
                                          const double *scale, size_t scale_count,
                                          struct amf_matrix *ret_copy)
{
    enum amf_status status;

    if (scale) {
        status = kernel_check_scale(scale, scale_count, dim);
        if (status)
            return status;
    }
    status = amf_matrix_init(ret_copy, count, dim);
    if (status)
        return status;
    for (size_t i = 0; i < count * dim; i++) {
        ret_copy->data[i] = scale ? rows[i] / scale[scale_count == 1 ? 0 : i % dim] : rows[i];
        if (!isfinite(ret_copy->data[i]))
            return AMF_NOT_FINITE;
    }
    return AMF_OK;
}

static bool kernel_has_scale(enum amf_kernel_kind kind)
{
    return kind == AMF_KERNEL_RBF || kind == AMF_KERNEL_MATERN32 || kind == AMF_KERNEL_MATERN52;
}

static enum amf_status kernel_take_table(struct amf_kernel *kernel, const double *table)
{
    size_t count = kernel->task_count;
    enum amf_status status = table ? amf_task_table_check(count, table) : AMF_BAD_ARGUMENT;

    if (status)
        return status;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            kernel->tasks.data[i * count + j] = table[i > j ? i * count + j : j * count + i];
    return AMF_OK;
}

/* t(c, c') from task vectors: the rbf factor, a dot product or a squared distance. */
static enum amf_status kernel_fill_tasks(struct amf_kernel *kernel,
                                         const struct amf_kernel_spec *spec,
                                         const struct amf_points *points)
{
    AMF_MATRIX_CLEANUP struct amf_matrix vectors = AMF_MATRIX_NULL;
    const double *scale = kernel_has_scale(spec->kind) ? spec->task_scale : NULL;
    size_t count = kernel->task_count, dim = points->task_dim;
    enum amf_status status;

    if (!points->task_vectors || (kernel_has_scale(spec->kind) && !scale))
        return AMF_BAD_ARGUMENT;
    status = kernel_scaled_copy(points->task_vectors, count, dim, scale, spec->task_scale_count,
                                &vectors);
    if (status)
        return status;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            const double *a = amf_matrix_row(&vectors, i), *b = amf_matrix_row(&vectors, j);
            double squared = kernel_squared_distance(a, b, dim);

            amf_matrix_row(&kernel->tasks, i)[j] =
                kernel->form == KERNEL_SUM     ? kernel_dot(a, b, dim)
                : kernel->form == KERNEL_JOINT ? squared
                                               : kernel_shape(spec->kind, squared);
        }
    return AMF_OK;
}

static enum kernel_form kernel_form_of(const struct amf_kernel_spec *spec)
{
    if (spec->kind == AMF_KERNEL_EMBEDDING || spec->kind == AMF_KERNEL_FACTORED)
        return KERNEL_FEATURES;
    if (spec->task == AMF_TASK_TABLE || spec->kind == AMF_KERNEL_RBF)
        return KERNEL_PRODUCT;
    return spec->kind == AMF_KERNEL_LINEAR ? KERNEL_SUM : KERNEL_JOINT;
}

/* ---- the table of base(s, s') ---- */

static void kernel_table_unref(struct kernel_table *table)
{
    if (!table || atomic_fetch_sub(&table->references, 1) != 1)
        return;
    free(table->data);
    free(table);
}

static enum amf_status kernel_table_new(size_t rows, struct kernel_table **ret_table)
{
    struct kernel_table *table = calloc(1, sizeof(*table));

    if (!table)
        return AMF_NO_MEMORY;
    atomic_init(&table->references, 1);
    table->stride = amf_min(rows + rows / 4 + KERNEL_TILE, KERNEL_TABLE_ROWS);
    table->data = amf_new_array(table->stride * table->stride, sizeof(double));
    if (!table->data) {
        free(table);
        return AMF_NO_MEMORY;
    }
    *ret_table = table;
    return AMF_OK;
}

/* The parent's table if its room is free and enough, else a copy of its rows with new room. */
static enum amf_status kernel_table_grow(const struct amf_kernel *parent, size_t known, size_t rows,
                                         struct kernel_table **ret_table)
{
    size_t filled = known;
    enum amf_status status;

    if (known && known == parent->row_count && rows <= parent->table->stride &&
        atomic_compare_exchange_strong(&parent->table->filled, &filled, rows)) {
        atomic_fetch_add(&parent->table->references, 1);
        *ret_table = parent->table;
        return AMF_OK;
    }
    status = kernel_table_new(rows, ret_table);
    if (status)
        return status;
    atomic_init(&(*ret_table)->filled, rows);
    for (size_t i = 0; i < known; i++)
        memcpy((*ret_table)->data + i * (*ret_table)->stride, kernel_table_row(parent, i),
               known * sizeof(double));
    return AMF_OK;
}

struct kernel_fill {
    const struct amf_kernel *kernel;
    size_t known; /* rows and columns that are there */
};

/* Rows known + [task * TILE, + TILE) of the table, lower triangle and its mirror image. */
static enum amf_status kernel_fill_table(void *arg, size_t task, size_t worker)
{
    const struct kernel_fill *fill = arg;
    const struct amf_kernel *kernel = fill->kernel;
    size_t first = fill->known + task * KERNEL_TILE;
    size_t last = amf_min(first + KERNEL_TILE, kernel->row_count), stride = kernel->table->stride;

    (void)worker;
    for (size_t i = first; i < last; i++)
        for (size_t j = 0; j <= i; j++) {
            double value = kernel_base(kernel, i, j);

            kernel->table->data[i * stride + j] = value;
            kernel->table->data[j * stride + i] = value;
        }
    return AMF_OK;
}

/* How many of the first rows have the same base in both. */
static size_t kernel_rows_known(const struct amf_kernel *parent, const struct amf_kernel *kernel)
{
    size_t rows, bytes = kernel->states.cols * sizeof(double), known = 0;

    if (!parent || !parent->table || parent->kind != kernel->kind || parent->form != kernel->form ||
        parent->states.cols != kernel->states.cols)
        return 0;
    rows = amf_min(parent->row_count, kernel->row_count);
    while (known < rows && (!bytes || !memcmp(amf_matrix_row(&parent->states, known),
                                              amf_matrix_row(&kernel->states, known), bytes)))
        known++;
    return known;
}

bool amf_kernel_extends(const struct amf_kernel *kernel, const struct amf_kernel *parent)
{
    size_t tasks = kernel->task_count;

    if (kernel->form != parent->form)
        return false;
    if (kernel->form == KERNEL_FEATURES)
        return amf_kernel_features_extend(kernel, parent);
    return kernel->variance == parent->variance && tasks == parent->task_count &&
           kernel_rows_known(parent, kernel) == parent->row_count &&
           !memcmp(kernel->tasks.data, parent->tasks.data, tasks * tasks * sizeof(double));
}

static enum amf_status kernel_init_states(struct amf_kernel *kernel,
                                          const struct amf_kernel_spec *spec,
                                          const struct amf_points *points,
                                          const struct amf_kernel *parent, struct amf_pool *pool,
                                          const atomic_bool *cancel)
{
    struct kernel_fill fill = {kernel, 0};
    const double *scale = kernel_has_scale(spec->kind) ? spec->state_scale : NULL;
    enum amf_status status;

    if ((!points->states && points->row_count) || (kernel_has_scale(spec->kind) && !scale))
        return AMF_BAD_ARGUMENT;
    status = amf_matrix_init(&kernel->tasks, points->task_count, points->task_count);
    if (status)
        return status;
    status = spec->task == AMF_TASK_TABLE ? kernel_take_table(kernel, spec->task_table)
                                          : kernel_fill_tasks(kernel, spec, points);
    if (status)
        return status;
    status = kernel_scaled_copy(points->states, points->row_count, points->state_dim, scale,
                                spec->state_scale_count, &kernel->states);
    if (status || kernel->row_count > KERNEL_TABLE_ROWS)
        return status;
    fill.known = kernel_rows_known(parent, kernel);
    status = kernel_table_grow(parent, fill.known, kernel->row_count, &kernel->table);
    if (status)
        return status;
    return amf_pool_run(pool, amf_ceil_div(kernel->row_count - fill.known, KERNEL_TILE),
                        kernel_fill_table, &fill, cancel);
}

static enum amf_status kernel_check_spec(const struct amf_kernel_spec *spec,
                                         const struct amf_points *points)
{
    if (!isfinite(spec->variance))
        return AMF_NOT_FINITE;
    if (!(spec->variance > 0) || !points->task_count)
        return AMF_BAD_ARGUMENT;
    if ((unsigned)spec->kind > AMF_KERNEL_FACTORED || (unsigned)spec->task > AMF_TASK_TABLE)
        return AMF_BAD_ARGUMENT;
    return AMF_OK;
}

enum amf_status amf_kernel_new(const struct amf_kernel_spec *spec, const struct amf_points *points,
                               struct amf_pool *pool, const atomic_bool *cancel,
                               struct amf_kernel **ret_kernel)
{
    return amf_kernel_renew(NULL, spec, points, pool, cancel, ret_kernel);
}

enum amf_status amf_kernel_renew(const struct amf_kernel *parent,
                                 const struct amf_kernel_spec *spec,
                                 const struct amf_points *points, struct amf_pool *pool,
                                 const atomic_bool *cancel, struct amf_kernel **ret_kernel)
{
    AMF_KERNEL_CLEANUP struct amf_kernel *kernel = NULL;
    enum amf_status status = kernel_check_spec(spec, points);

    if (status)
        return status;
    kernel = calloc(1, sizeof(*kernel));
    if (!kernel)
        return AMF_NO_MEMORY;
    atomic_init(&kernel->references, 1);
    kernel->kind = spec->kind;
    kernel->form = kernel_form_of(spec);
    kernel->variance = spec->variance;
    kernel->row_count = points->row_count;
    kernel->task_count = points->task_count;
    status = kernel->form == KERNEL_FEATURES
                 ? amf_kernel_features_init(kernel, points)
                 : kernel_init_states(kernel, spec, points, parent, pool, cancel);
    if (status)
        return status;
    *ret_kernel = kernel;
    kernel = NULL;
    return AMF_OK;
}

struct amf_kernel *amf_kernel_ref(struct amf_kernel *kernel)
{
    atomic_fetch_add(&kernel->references, 1);
    return kernel;
}

void amf_kernel_unref(struct amf_kernel *kernel)
{
    if (!kernel || atomic_fetch_sub(&kernel->references, 1) != 1)
        return;
    amf_matrix_deinit(&kernel->states);
    amf_matrix_deinit(&kernel->tasks);
    kernel_table_unref(kernel->table);
    free(kernel->sources);
    free(kernel->features);
    free(kernel->gradients);
    free(kernel->digests);
    free(kernel);
}
