/* A posterior over weights: A in pieces, its Cholesky factor, and solves by rows.
 *
 * Rows of features are made RIDGE_CHUNK at a time, by tasks of RIDGE_PIECE, and added to A by tasks
 * of RIDGE_PANEL of its rows: fixed pieces in a fixed order, so any number of workers gives the
 * same bits.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "blas.h"
#include "blocks.h"
#include "internal.h"
#include "ridge_private.h"

#define RIDGE_CHUNK 2048
#define RIDGE_PIECE 128
#define RIDGE_SOLVED 256 /* rows of a solve: each packs the factor anew */
#define RIDGE_PANEL 256

struct amf_ridge *amf_ridge_ref(struct amf_ridge *ridge)
{
    atomic_fetch_add(&ridge->references, 1);
    return ridge;
}

void amf_ridge_unref(struct amf_ridge *ridge)
{
    if (!ridge || atomic_fetch_sub(&ridge->references, 1) != 1)
        return;
    amf_matrix_deinit(&ridge->precision);
    amf_matrix_deinit(&ridge->factor);
    amf_matrix_deinit(&ridge->target);
    free(ridge);
}

size_t amf_ridge_rows(const struct amf_ridge *ridge)
{
    return ridge->row_count;
}

/* ---- products over the pool ---- */

struct ridge_product {
    size_t m, n, k, piece;
    const double *a, *b;
    double *c;
};

static enum amf_status ridge_outer_piece(void *arg, size_t task, size_t worker)
{
    const struct ridge_product *job = arg;
    size_t first = task * job->piece, count = amf_min(job->piece, job->m - first);

    (void)worker;
    return amf_blas_outer(count, job->n, job->k, 1, job->a + first * job->k, job->k, job->b, job->k,
                          job->c + first * job->n, job->n);
}

enum amf_status amf_ridge_outer(struct amf_pool *pool, const atomic_bool *cancel, size_t m,
                                size_t n, size_t k, const double *a, const double *b, double *c)
{
    struct ridge_product job = {m, n, k, RIDGE_PIECE, a, b, c};

    return amf_pool_run(pool, amf_ceil_div(m, job.piece), ridge_outer_piece, &job, cancel);
}

static enum amf_status ridge_inner_piece(void *arg, size_t task, size_t worker)
{
    const struct ridge_product *job = arg;
    size_t first = task * job->piece, count = amf_min(job->piece, job->m - first);

    (void)worker;
    return amf_blas_add_inner(count, first + count, job->k, job->a + first, job->m, job->b, job->m,
                              job->c + first * job->m, job->m);
}

enum amf_status amf_ridge_add_inner(struct amf_pool *pool, const atomic_bool *cancel, size_t m,
                                    size_t k, const double *a, const double *b, double *c)
{
    struct ridge_product job = {m, m, k, RIDGE_PANEL, a, b, c};

    return amf_pool_run(pool, amf_ceil_div(m, job.piece), ridge_inner_piece, &job, cancel);
}

void amf_ridge_mirror(struct amf_matrix *square)
{
    for (size_t i = 0; i < square->rows; i++)
        for (size_t j = i + 1; j < square->cols; j++)
            amf_matrix_row(square, i)[j] = amf_matrix_row(square, j)[i];
}

/* ---- conditioning ---- */

struct ridge_update {
    struct amf_ridge *ridge;
    const struct amf_block *blocks;
    size_t block_count, row_count;
    const double *actions; /* row_count x action_dim, or NULL */
    size_t action_dim;
    size_t first, count;         /* the chunk at hand */
    struct amf_matrix rows;      /* RIDGE_CHUNK x p, over sigma */
    struct amf_block *slices;    /* workers x block_count */
    struct amf_matrix projected; /* sigma^-1 Y' Psi / sigma: action_dim x p */
};

static void ridge_update_deinit(struct ridge_update *update)
{
    amf_matrix_deinit(&update->rows);
    amf_matrix_deinit(&update->projected);
    free(update->slices);
}
#define RIDGE_UPDATE_CLEANUP __attribute__((cleanup(ridge_update_deinit)))

static enum amf_status ridge_fill_piece(void *arg, size_t task, size_t worker)
{
    const struct ridge_update *update = arg;
    const struct amf_features *features = &update->ridge->features;
    struct amf_block *slice = update->slices + worker * update->block_count;
    size_t first = task * RIDGE_PIECE, count = amf_min(RIDGE_PIECE, update->count - first);
    double *rows = amf_matrix_row(&update->rows, first);
    size_t slices =
        amf_blocks_slice(update->blocks, update->block_count, update->first + first, count, slice);
    enum amf_status status = features->fill(features->arg, slice, slices, rows, features->dim);

    if (!status && !amf_all_finite(rows, count * features->dim))
        return AMF_NOT_FINITE;
    for (size_t i = 0; i < count * features->dim; i++)
        rows[i] /= update->ridge->noise;
    return status;
}

/* Y' Psi / sigma of the chunk; few columns, so one task. */
static enum amf_status ridge_project(void *arg, size_t task, size_t worker)
{
    const struct ridge_update *update = arg;
    size_t dim = update->action_dim, p = update->rows.cols;

    (void)task;
    (void)worker;
    return amf_blas_add_inner(dim, p, update->count, update->actions + update->first * dim, dim,
                              update->rows.data, p, update->projected.data, p);
}

static enum amf_status ridge_add_chunk(struct ridge_update *update, struct amf_pool *pool,
                                       const atomic_bool *cancel)
{
    size_t p = update->ridge->features.dim;
    enum amf_status status = amf_pool_run(pool, amf_ceil_div(update->count, RIDGE_PIECE),
                                          ridge_fill_piece, update, cancel);

    if (!status)
        status = amf_ridge_add_inner(pool, cancel, p, update->count, update->rows.data,
                                     update->rows.data, update->ridge->precision.data);
    if (!status && update->actions)
        status = amf_pool_run(pool, 1, ridge_project, update, cancel);
    return status;
}

/* L of A, and z = L^-1 sigma^-2 Psi' Y by the row. */
static enum amf_status ridge_factor(void *arg, size_t task, size_t worker)
{
    const struct ridge_update *update = arg;
    struct amf_ridge *ridge = update->ridge;
    size_t p = ridge->features.dim;
    double trace = 0;
    enum amf_status status;

    (void)task;
    (void)worker;
    for (size_t i = 0; i < p; i++)
        trace += amf_matrix_row(&ridge->precision, i)[i] - 1;
    if (!isfinite(trace))
        return AMF_NOT_FINITE;
    if (trace > AMF_RIDGE_MAX_TRACE)
        return AMF_NOT_POSDEF;
    memcpy(ridge->factor.data, ridge->precision.data, p * p * sizeof(double));
    status = amf_blas_cholesky(p, ridge->factor.data, p);
    if (status || !update->actions)
        return status;
    for (size_t i = 0; i < update->action_dim * p; i++)
        ridge->target.data[i] = update->projected.data[i] / ridge->noise;
    return amf_ridge_whiten(ridge, update->action_dim, ridge->target.data);
}

static enum amf_status ridge_condition(struct ridge_update *update, struct amf_pool *pool,
                                       const atomic_bool *cancel)
{
    size_t slices, p = update->ridge->features.dim;
    enum amf_status status;

    update->row_count = amf_blocks_rows(update->blocks, update->block_count);
    update->ridge->row_count += update->row_count;
    if (__builtin_mul_overflow(amf_pool_size(pool), update->block_count, &slices))
        return AMF_TOO_LARGE;
    update->slices = amf_new_array(slices, sizeof(*update->slices));
    if (!update->slices)
        return AMF_NO_MEMORY;
    status = amf_matrix_init(&update->rows, amf_min(RIDGE_CHUNK, update->row_count), p);
    if (!status && update->actions)
        status = amf_matrix_init(&update->projected, update->action_dim, p);
    for (; !status && update->first < update->row_count; update->first += update->count) {
        update->count = amf_min(RIDGE_CHUNK, update->row_count - update->first);
        status = ridge_add_chunk(update, pool, cancel);
    }
    return status ? status : amf_pool_run(pool, 1, ridge_factor, update, cancel);
}

static enum amf_status ridge_alloc(const struct amf_features *features, double noise,
                                   size_t action_dim, struct amf_ridge **ret_ridge)
{
    AMF_RIDGE_CLEANUP struct amf_ridge *ridge = calloc(1, sizeof(*ridge));
    size_t p = features->dim;
    enum amf_status status;

    if (!ridge)
        return AMF_NO_MEMORY;
    atomic_init(&ridge->references, 1);
    ridge->features = *features;
    ridge->noise = noise;
    status = amf_matrix_init(&ridge->precision, p, p);
    if (!status)
        status = amf_matrix_init(&ridge->factor, p, p);
    if (!status && action_dim)
        status = amf_matrix_init(&ridge->target, action_dim, p);
    if (status)
        return status;
    *ret_ridge = ridge;
    ridge = NULL;
    return AMF_OK;
}

/* A before any pair: I + sigma^-2 S. */
static enum amf_status ridge_start(struct amf_ridge *ridge, const double *summary,
                                   struct amf_pool *pool, const atomic_bool *cancel)
{
    size_t p = ridge->features.dim;
    enum amf_status status = summary ? amf_ridge_check_summary(p, summary, pool, cancel) : AMF_OK;

    for (size_t i = 0; !status && i < p; i++) {
        double *row = amf_matrix_row(&ridge->precision, i);

        row[i] = 1;
        for (size_t j = 0; summary && j <= i; j++)
            row[j] += summary[i * p + j] / ridge->noise / ridge->noise;
    }
    return status;
}

enum amf_status amf_ridge_new(const struct amf_features *features, double noise,
                              const double *summary, const struct amf_block *blocks, size_t count,
                              const double *actions, size_t action_dim, struct amf_pool *pool,
                              const atomic_bool *cancel, struct amf_ridge **ret_ridge)
{
    AMF_RIDGE_CLEANUP struct amf_ridge *ridge = NULL;
    enum amf_status status;

    if (!isfinite(noise))
        return AMF_NOT_FINITE;
    if (!(noise > 0) || !features->dim || (summary && actions))
        return AMF_BAD_ARGUMENT;
    if (actions && !amf_all_finite(actions, amf_blocks_rows(blocks, count) * action_dim))
        return AMF_NOT_FINITE;
    status = ridge_alloc(features, noise, actions ? action_dim : 0, &ridge);
    if (!status)
        status = ridge_start(ridge, summary, pool, cancel);
    if (status)
        return status;
    {
        RIDGE_UPDATE_CLEANUP struct ridge_update update = {.ridge = ridge,
                                                           .blocks = blocks,
                                                           .block_count = count,
                                                           .actions = actions,
                                                           .action_dim = ridge->target.rows};

        status = ridge_condition(&update, pool, cancel);
    }
    if (status)
        return status;
    *ret_ridge = ridge;
    ridge = NULL;
    return AMF_OK;
}

enum amf_status amf_ridge_extend(const struct amf_ridge *ridge, const struct amf_block *blocks,
                                 size_t count, struct amf_pool *pool, const atomic_bool *cancel,
                                 struct amf_ridge **ret_ridge)
{
    AMF_RIDGE_CLEANUP struct amf_ridge *child = NULL;
    size_t p = ridge->features.dim;
    enum amf_status status = ridge_alloc(&ridge->features, ridge->noise, 0, &child);

    if (status)
        return status;
    child->row_count = ridge->row_count;
    memcpy(child->precision.data, ridge->precision.data, p * p * sizeof(double));
    {
        RIDGE_UPDATE_CLEANUP struct ridge_update update = {
            .ridge = child, .blocks = blocks, .block_count = count};

        status = ridge_condition(&update, pool, cancel);
    }
    if (status)
        return status;
    *ret_ridge = child;
    child = NULL;
    return AMF_OK;
}

/* ---- evaluation ---- */

enum amf_status amf_ridge_whiten(const struct amf_ridge *ridge, size_t count, double *rows)
{
    size_t p = ridge->features.dim;

    return amf_blas_solve(AMF_BLAS_RIGHT_TRANSPOSED, count, p, ridge->factor.data, p, rows, p);
}

struct ridge_predict {
    const struct amf_ridge *ridge;
    const struct amf_block *blocks;
    size_t block_count, row_count;
    struct amf_block *slices; /* workers x block_count */
    struct amf_matrix work;   /* workers x (RIDGE_SOLVED p); not needed where u is wanted */
    double *mean, *variance, *whitened;
};

static void ridge_predict_deinit(struct ridge_predict *job)
{
    free(job->slices);
    amf_matrix_deinit(&job->work);
}

static double ridge_square(const double *row, size_t count)
{
    double sums[8] = {0}, sum = 0;
    size_t d = 0;

    for (; d + 8 <= count; d += 8)
        for (size_t k = 0; k < 8; k++)
            sums[k] += row[d + k] * row[d + k];
    for (; d < count; d++)
        sum += row[d] * row[d];
    for (size_t k = 0; k < 8; k++)
        sum += sums[k];
    return sum;
}

static enum amf_status ridge_predict_piece(void *arg, size_t task, size_t worker)
{
    const struct ridge_predict *job = arg;
    const struct amf_ridge *ridge = job->ridge;
    size_t p = ridge->features.dim, first = task * RIDGE_SOLVED, dim = ridge->target.rows;
    size_t count = amf_min(RIDGE_SOLVED, job->row_count - first);
    struct amf_block *slice = job->slices + worker * job->block_count;
    size_t slices = amf_blocks_slice(job->blocks, job->block_count, first, count, slice);
    double *rows = job->whitened ? job->whitened + first * p : amf_matrix_row(&job->work, worker);
    enum amf_status status = ridge->features.fill(ridge->features.arg, slice, slices, rows, p);

    if (!status)
        status = amf_ridge_whiten(ridge, count, rows);
    for (size_t r = 0; !status && r < count; r++)
        job->variance[first + r] = ridge_square(rows + r * p, p);
    if (status || !job->mean)
        return status;
    return amf_blas_outer(count, dim, p, 1, rows, p, ridge->target.data, p, job->mean + first * dim,
                          dim);
}

enum amf_status amf_ridge_predict(const struct amf_ridge *ridge, const struct amf_block *blocks,
                                  size_t count, struct amf_pool *pool, const atomic_bool *cancel,
                                  double *ret_mean, double *ret_variance, double *ret_whitened)
{
    __attribute__((cleanup(ridge_predict_deinit))) struct ridge_predict job = {
        .ridge = ridge,
        .blocks = blocks,
        .block_count = count,
        .row_count = amf_blocks_rows(blocks, count),
        .mean = ret_mean,
        .variance = ret_variance,
        .whitened = ret_whitened};
    size_t slices, room;
    enum amf_status status = AMF_OK;

    if (ret_mean && !ridge->target.rows)
        return AMF_BAD_ARGUMENT;
    if (__builtin_mul_overflow(amf_pool_size(pool), count, &slices) ||
        __builtin_mul_overflow(ridge->features.dim, RIDGE_SOLVED, &room))
        return AMF_TOO_LARGE;
    job.slices = amf_new_array(slices, sizeof(*job.slices));
    if (!job.slices)
        return AMF_NO_MEMORY;
    if (!ret_whitened)
        status = amf_matrix_init(&job.work, amf_pool_size(pool), room);
    if (status)
        return status;
    return amf_pool_run(pool, amf_ceil_div(job.row_count, RIDGE_SOLVED), ridge_predict_piece, &job,
                        cancel);
}
