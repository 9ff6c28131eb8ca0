/* Rows of features for kernels that have finitely many.
 *
 * The linear kernel knows its tasks by their table t(c, c') alone, so the tasks' part is a factor
 * t = B B', by Cholesky with the largest pivot first: as many columns as the table has rank. What
 * is left when no pivot is above MAP_RANK of the largest entry is rounding error.
 */
#include <math.h>
#include <string.h>

#include <amf/feature_map.h>

#include "internal.h"
#include "kernel_private.h"

#define MAP_RANK 1e-14

struct amf_feature_map {
    struct amf_kernel *kernel;
    struct amf_matrix tasks; /* B: task_count x rank; linear only */
    size_t dim;
};

void amf_feature_map_free(struct amf_feature_map *map)
{
    if (!map)
        return;
    amf_kernel_unref(map->kernel);
    amf_matrix_deinit(&map->tasks);
    free(map);
}

/* ---- rows ---- */

static void map_linear_row(const struct amf_feature_map *map, size_t row, size_t task,
                           double *ret_row)
{
    const struct amf_kernel *kernel = map->kernel;
    const double *state = amf_matrix_row(&kernel->states, row);
    const double *factor = amf_matrix_row(&map->tasks, task);
    size_t dim = kernel->states.cols, rank = map->tasks.cols;

    if (kernel->form == KERNEL_SUM) {
        ret_row[0] = 1;
        memcpy(ret_row + 1, state, dim * sizeof(double));
        memcpy(ret_row + 1 + dim, factor, rank * sizeof(double));
        return;
    }
    for (size_t b = 0; b < rank; b++, ret_row += 1 + dim) {
        ret_row[0] = factor[b];
        for (size_t d = 0; d < dim; d++)
            ret_row[1 + d] = factor[b] * state[d];
    }
}

static void map_uploaded_row(const struct amf_kernel *kernel, size_t row, size_t task,
                             double *ret_row)
{
    const struct amf_row_source *from = &kernel->sources[row];
    size_t at = from->source * kernel->task_count + task, dim = kernel->feature_dim;
    const double *h = kernel->features[at] + from->step * dim;
    const double *g = NULL;

    if (!kernel->gradients) {
        memcpy(ret_row, h, dim * sizeof(double));
        return;
    }
    g = kernel->gradients[at] + from->step * kernel->gradient_dim;
    for (size_t a = 0; a < kernel->gradient_dim; a++)
        for (size_t d = 0; d < dim; d++)
            *ret_row++ = g[a] * h[d];
}

static enum amf_status map_fill(const void *arg, const struct amf_block *blocks, size_t count,
                                double *ret_rows, size_t stride)
{
    const struct amf_feature_map *map = arg;
    double scale = sqrt(map->kernel->variance);

    for (size_t b = 0; b < count; b++) {
        if (!amf_kernel_covers(map->kernel, &blocks[b]))
            return AMF_BAD_ARGUMENT;
        for (size_t t = 0; t < blocks[b].row_count; t++, ret_rows += stride) {
            if (map->kernel->form == KERNEL_FEATURES)
                map_uploaded_row(map->kernel, blocks[b].first_row + t, blocks[b].task, ret_rows);
            else
                map_linear_row(map, blocks[b].first_row + t, blocks[b].task, ret_rows);
            for (size_t d = 0; scale != 1 && d < map->dim; d++)
                ret_rows[d] *= scale;
        }
    }
    return AMF_OK;
}

struct amf_features amf_feature_map_get(const struct amf_feature_map *map)
{
    return (struct amf_features){map->dim, map_fill, map};
}

/* ---- building ---- */

/* Column `col` of the factor from the pivot's row of what is left, which is then reduced by it. */
static void map_eliminate(struct amf_matrix *left, size_t pivot, double *column)
{
    size_t count = left->rows;
    double root = sqrt(amf_matrix_row(left, pivot)[pivot]);

    for (size_t i = 0; i < count; i++)
        column[i] = amf_matrix_row(left, i)[pivot] / root;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            amf_matrix_row(left, i)[j] -= column[i] * column[j];
}

static size_t map_pivot(const struct amf_matrix *left)
{
    size_t best = 0;

    for (size_t i = 1; i < left->rows; i++)
        if (amf_matrix_row(left, i)[i] > amf_matrix_row(left, best)[best])
            best = i;
    return best;
}

static enum amf_status map_factor_tasks(struct amf_feature_map *map)
{
    const struct amf_matrix *table = &map->kernel->tasks;
    AMF_MATRIX_CLEANUP struct amf_matrix left = AMF_MATRIX_NULL, columns = AMF_MATRIX_NULL;
    size_t count = table->rows, rank = 0, pivot;
    double largest;
    enum amf_status status = amf_matrix_init(&left, count, count);

    if (!status)
        status = amf_matrix_init(&columns, count, count);
    if (status)
        return status;
    memcpy(left.data, table->data, count * count * sizeof(double));
    pivot = map_pivot(&left);
    largest = amf_matrix_row(&left, pivot)[pivot];
    while (rank < count && amf_matrix_row(&left, pivot)[pivot] > MAP_RANK * largest) {
        map_eliminate(&left, pivot, amf_matrix_row(&columns, rank++));
        pivot = map_pivot(&left);
    }
    status = amf_matrix_init(&map->tasks, count, rank);
    for (size_t i = 0; !status && i < count; i++)
        for (size_t b = 0; b < rank; b++)
            amf_matrix_row(&map->tasks, i)[b] = amf_matrix_row(&columns, b)[i];
    return status;
}

static enum amf_status map_init(struct amf_feature_map *map)
{
    const struct amf_kernel *kernel = map->kernel;
    size_t state = 1 + kernel->states.cols;
    enum amf_status status;

    if (kernel->form == KERNEL_FEATURES) {
        map->dim = kernel->feature_dim;
        if (kernel->gradients &&
            __builtin_mul_overflow(kernel->feature_dim, kernel->gradient_dim, &map->dim))
            return AMF_TOO_LARGE;
        return AMF_OK;
    }
    if (kernel->kind != AMF_KERNEL_LINEAR)
        return AMF_BAD_ARGUMENT;
    status = map_factor_tasks(map);
    if (status)
        return status;
    if (kernel->form == KERNEL_SUM)
        map->dim = state + map->tasks.cols;
    else if (__builtin_mul_overflow(state, map->tasks.cols, &map->dim))
        return AMF_TOO_LARGE;
    return AMF_OK;
}

enum amf_status amf_feature_map_new(struct amf_kernel *kernel, struct amf_feature_map **ret_map)
{
    AMF_FEATURE_MAP_CLEANUP struct amf_feature_map *map = calloc(1, sizeof(*map));
    enum amf_status status;

    if (!map)
        return AMF_NO_MEMORY;
    map->kernel = amf_kernel_ref(kernel);
    status = map_init(map);
    if (status)
        return status;
    *ret_map = map;
    map = NULL;
    return AMF_OK;
}
