/* The posterior as a growing Cholesky factor and the whitened actions z = L^-1 Y.
 *
 * Everything is a forward substitution: with V = L^-1 k(X, x), the variance is k(x, x) - |V|^2 and
 * the mean V'z. Rows of V depend only on the rows of L above them, so what was whitened under a
 * parent stays valid under its extensions, which only add rows: that is what makes pending work
 * cheap. A difference of nearly equal numbers can fall below zero by rounding; it is then 0.
 */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include <amf/chol.h>
#include <amf/matrix.h>
#include <amf/posterior.h>

#include "blas.h"
#include "blocks.h"
#include "internal.h"

#define POSTERIOR_COLS 128 /* pairs whitened by one task */

struct amf_posterior {
    atomic_size_t references;
    struct amf_kernel *kernel;
    struct amf_chol *chol;
    double noise;
    size_t row_count, block_count;
    struct amf_block *blocks;
    size_t action_dim;        /* 0: no actions were given */
    struct amf_matrix target; /* rows with actions x action_dim: z */
};

struct amf_posterior *amf_posterior_ref(struct amf_posterior *posterior)
{
    atomic_fetch_add(&posterior->references, 1);
    return posterior;
}

void amf_posterior_unref(struct amf_posterior *posterior)
{
    if (!posterior || atomic_fetch_sub(&posterior->references, 1) != 1)
        return;
    amf_kernel_unref(posterior->kernel);
    amf_chol_unref(posterior->chol);
    amf_matrix_deinit(&posterior->target);
    free(posterior->blocks);
    free(posterior);
}

size_t amf_posterior_rows(const struct amf_posterior *posterior)
{
    return posterior->row_count;
}

double amf_posterior_jitter(const struct amf_posterior *posterior)
{
    return amf_chol_jitter(posterior->chol);
}

/* Rows of k(X, X) + sigma^2 I, for the factorisation. */
static enum amf_status posterior_fill(void *arg, size_t first, size_t count, double *ret_rows,
                                      size_t stride)
{
    const struct amf_posterior *self = arg;
    AMF_FREE_CLEANUP struct amf_block *left = NULL, *right = NULL;
    size_t lefts, rights;
    enum amf_status status;

    left = amf_new_array(self->block_count, sizeof(*left));
    right = amf_new_array(self->block_count, sizeof(*right));
    if (!left || !right)
        return AMF_NO_MEMORY;
    lefts = amf_blocks_slice(self->blocks, self->block_count, first, count, left);
    rights = amf_blocks_slice(self->blocks, self->block_count, 0, first + count, right);
    status = amf_kernel_cross(self->kernel, left, lefts, right, rights, ret_rows, stride);
    for (size_t i = 0; !status && i < count; i++)
        ret_rows[i * stride + first + i] += self->noise * self->noise;
    return status;
}

struct posterior_target {
    const struct amf_posterior *posterior;
    struct amf_matrix *target;
    size_t from;
};

static enum amf_status posterior_whiten_target(void *arg, size_t task, size_t worker)
{
    const struct posterior_target *job = arg;
    size_t dim = job->target->cols;

    (void)task;
    (void)worker;
    return amf_chol_forward(job->posterior->chol, job->from, job->target->data, dim, dim,
                            job->target->data + job->from * dim, dim);
}

/* z of the child: the parent's, then the new actions whitened. */
static enum amf_status posterior_add_actions(struct amf_posterior *child,
                                             const struct amf_matrix *before, const double *actions,
                                             size_t rows, struct amf_pool *pool,
                                             const atomic_bool *cancel)
{
    struct posterior_target job = {child, &child->target, before->rows};
    size_t dim = child->action_dim;
    enum amf_status status = amf_matrix_init(&child->target, before->rows + rows, dim);

    if (status)
        return status;
    if (before->rows)
        memcpy(child->target.data, before->data, before->rows * dim * sizeof(double));
    if (rows)
        memcpy(child->target.data + before->rows * dim, actions, rows * dim * sizeof(double));
    return amf_pool_run(pool, rows ? 1 : 0, posterior_whiten_target, &job, cancel);
}

static enum amf_status posterior_take_blocks(struct amf_posterior *child,
                                             const struct amf_posterior *parent,
                                             const struct amf_block *blocks, size_t count)
{
    size_t before = parent->block_count;

    for (size_t b = 0; b < count; b++)
        if (!amf_kernel_covers(child->kernel, &blocks[b]))
            return AMF_BAD_ARGUMENT;
    child->blocks = amf_new_array(before + count, sizeof(*blocks));
    if (!child->blocks)
        return AMF_NO_MEMORY;
    if (before)
        memcpy(child->blocks, parent->blocks, before * sizeof(*blocks));
    if (count)
        memcpy(child->blocks + before, blocks, count * sizeof(*blocks));
    child->block_count = before + count;
    child->row_count = parent->row_count + amf_blocks_rows(blocks, count);
    return AMF_OK;
}

enum amf_status amf_posterior_extend(const struct amf_posterior *posterior,
                                     const struct amf_block *blocks, size_t count,
                                     const double *actions, struct amf_pool *pool,
                                     const atomic_bool *cancel,
                                     struct amf_posterior **ret_posterior)
{
    AMF_POSTERIOR_CLEANUP struct amf_posterior *child = NULL;
    size_t rows = amf_blocks_rows(blocks, count);
    enum amf_status status;

    if (actions && (!posterior->action_dim || posterior->target.rows != posterior->row_count))
        return AMF_BAD_ARGUMENT;
    if (actions && !amf_all_finite(actions, rows * posterior->action_dim))
        return AMF_NOT_FINITE;
    child = calloc(1, sizeof(*child));
    if (!child)
        return AMF_NO_MEMORY;
    atomic_init(&child->references, 1);
    child->kernel = amf_kernel_ref(posterior->kernel);
    child->noise = posterior->noise;
    child->action_dim = posterior->action_dim;
    status = posterior_take_blocks(child, posterior, blocks, count);
    if (!status)
        status = amf_chol_extend(posterior->chol, rows, posterior_fill, child, pool, cancel,
                                 &child->chol);
    if (!status && child->action_dim)
        status = posterior_add_actions(child, &posterior->target, actions, actions ? rows : 0, pool,
                                       cancel);
    if (status)
        return status;
    *ret_posterior = child;
    child = NULL;
    return AMF_OK;
}

enum amf_status amf_posterior_new(struct amf_kernel *kernel, double noise,
                                  const struct amf_block *blocks, size_t count,
                                  const double *actions, size_t action_dim, struct amf_pool *pool,
                                  const atomic_bool *cancel, struct amf_posterior **ret_posterior)
{
    struct amf_posterior empty = {.kernel = kernel, .noise = noise};

    if (!isfinite(noise))
        return AMF_NOT_FINITE;
    if (!(noise > 0))
        return AMF_BAD_ARGUMENT;
    empty.action_dim = actions ? action_dim : 0;
    return amf_posterior_extend(&empty, blocks, count, actions, pool, cancel, ret_posterior);
}

/* ---- evaluation ---- */

enum amf_status amf_posterior_whiten_here(const struct amf_posterior *posterior, size_t from,
                                          const double *above, size_t above_stride,
                                          const struct amf_block *blocks, size_t count,
                                          double *ret_whitened, size_t stride)
{
    AMF_FREE_CLEANUP struct amf_block *rows = NULL;
    size_t row_blocks, cols = amf_blocks_rows(blocks, count);
    enum amf_status status;

    if (from == posterior->row_count)
        return AMF_OK;
    rows = amf_new_array(posterior->block_count, sizeof(*rows));
    if (!rows)
        return AMF_NO_MEMORY;
    row_blocks = amf_blocks_slice(posterior->blocks, posterior->block_count, from,
                                  posterior->row_count - from, rows);
    status =
        amf_kernel_cross(posterior->kernel, rows, row_blocks, blocks, count, ret_whitened, stride);
    if (status)
        return status;
    return amf_chol_forward(posterior->chol, from, above, above_stride, cols, ret_whitened, stride);
}

/* One list of pairs cut into pieces of POSTERIOR_COLS, one task each. */
struct posterior_job {
    const struct amf_posterior *posterior;
    const struct amf_block *blocks;
    size_t block_count, cols;
    struct amf_block *slices; /* workers x block_count */

    size_t from; /* whiten */
    const double *above;
    size_t above_stride;
    double *whitened;
    size_t stride;

    struct amf_matrix work; /* predict: workers x (N * POSTERIOR_COLS) */
    double *mean, *variance;
};

static enum amf_status posterior_job_init(struct posterior_job *job, struct amf_pool *pool)
{
    size_t size;

    job->cols = amf_blocks_rows(job->blocks, job->block_count);
    if (__builtin_mul_overflow(amf_pool_size(pool), job->block_count, &size))
        return AMF_TOO_LARGE;
    for (size_t b = 0; b < job->block_count; b++)
        if (!amf_kernel_covers(job->posterior->kernel, &job->blocks[b]))
            return AMF_BAD_ARGUMENT;
    job->slices = amf_new_array(size, sizeof(*job->slices));
    return job->slices ? AMF_OK : AMF_NO_MEMORY;
}

static void posterior_job_deinit(struct posterior_job *job)
{
    free(job->slices);
    amf_matrix_deinit(&job->work);
}
#define POSTERIOR_JOB_CLEANUP __attribute__((cleanup(posterior_job_deinit)))

/* The task's piece of the list; *ret_cols rows from the list's row task * POSTERIOR_COLS on. */
static struct amf_block *posterior_piece(const struct posterior_job *job, size_t task,
                                         size_t worker, size_t *ret_count, size_t *ret_cols)
{
    struct amf_block *slice = job->slices + worker * job->block_count;
    size_t first = task * POSTERIOR_COLS;

    *ret_cols = amf_min(POSTERIOR_COLS, job->cols - first);
    *ret_count = amf_blocks_slice(job->blocks, job->block_count, first, *ret_cols, slice);
    return slice;
}

static enum amf_status posterior_whiten_piece(void *arg, size_t task, size_t worker)
{
    const struct posterior_job *job = arg;
    size_t count, cols, first = task * POSTERIOR_COLS;
    struct amf_block *slice = posterior_piece(job, task, worker, &count, &cols);

    return amf_posterior_whiten_here(job->posterior, job->from,
                                     job->above ? job->above + first : NULL, job->above_stride,
                                     slice, count, job->whitened + first, job->stride);
}

enum amf_status amf_posterior_whiten(const struct amf_posterior *posterior, size_t from,
                                     const double *above, size_t above_stride,
                                     const struct amf_block *blocks, size_t count,
                                     struct amf_pool *pool, const atomic_bool *cancel,
                                     double *ret_whitened, size_t stride)
{
    POSTERIOR_JOB_CLEANUP struct posterior_job job = {.posterior = posterior,
                                                      .blocks = blocks,
                                                      .block_count = count,
                                                      .from = from,
                                                      .above = above,
                                                      .above_stride = above_stride,
                                                      .whitened = ret_whitened,
                                                      .stride = stride};
    enum amf_status status = posterior_job_init(&job, pool);

    if (status || from == posterior->row_count)
        return status;
    return amf_pool_run(pool, amf_ceil_div(job.cols, POSTERIOR_COLS), posterior_whiten_piece, &job,
                        cancel);
}

static enum amf_status posterior_mean(const struct amf_posterior *posterior, const double *whitened,
                                      size_t cols, double *ret_mean)
{
    size_t dim = posterior->action_dim;
    enum amf_status status;

    memset(ret_mean, 0, cols * dim * sizeof(double));
    status = amf_blas_subtract_inner(cols, dim, posterior->target.rows, whitened, cols,
                                     posterior->target.data, dim, ret_mean, dim);
    for (size_t i = 0; i < cols * dim; i++)
        ret_mean[i] = -ret_mean[i];
    return status;
}

static void posterior_reduce_variance(const double *whitened, size_t rows, size_t cols,
                                      double *variance)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            variance[c] -= whitened[r * cols + c] * whitened[r * cols + c];
    for (size_t c = 0; c < cols; c++)
        variance[c] = fmax(variance[c], 0);
}

static enum amf_status posterior_predict_piece(void *arg, size_t task, size_t worker)
{
    const struct posterior_job *job = arg;
    const struct amf_posterior *posterior = job->posterior;
    size_t count, cols, first = task * POSTERIOR_COLS;
    struct amf_block *slice = posterior_piece(job, task, worker, &count, &cols);
    double *whitened = amf_matrix_row(&job->work, worker);
    enum amf_status status =
        amf_posterior_whiten_here(posterior, 0, NULL, 0, slice, count, whitened, cols);

    if (status)
        return status;
    amf_kernel_diagonal(posterior->kernel, slice, count, job->variance + first);
    posterior_reduce_variance(whitened, posterior->row_count, cols, job->variance + first);
    if (!job->mean)
        return AMF_OK;
    return posterior_mean(posterior, whitened, cols, job->mean + first * posterior->action_dim);
}

enum amf_status amf_posterior_predict(const struct amf_posterior *posterior,
                                      const struct amf_block *blocks, size_t count,
                                      struct amf_pool *pool, const atomic_bool *cancel,
                                      double *ret_mean, double *ret_variance)
{
    POSTERIOR_JOB_CLEANUP struct posterior_job job = {.posterior = posterior,
                                                      .blocks = blocks,
                                                      .block_count = count,
                                                      .mean = ret_mean,
                                                      .variance = ret_variance};
    size_t size;
    enum amf_status status;

    if (ret_mean && !posterior->action_dim)
        return AMF_BAD_ARGUMENT;
    if (__builtin_mul_overflow(posterior->row_count, POSTERIOR_COLS, &size))
        return AMF_TOO_LARGE;
    status = posterior_job_init(&job, pool);
    if (!status)
        status = amf_matrix_init(&job.work, amf_pool_size(pool), size);
    if (status)
        return status;
    return amf_pool_run(pool, amf_ceil_div(job.cols, POSTERIOR_COLS), posterior_predict_piece, &job,
                        cancel);
}

struct posterior_cross {
    const struct amf_posterior *posterior;
    const struct amf_block *left, *right;
    size_t left_count, right_count;
    struct amf_matrix left_whitened, right_whitened;
    double *covariance;
};

static void posterior_cross_deinit(struct posterior_cross *cross)
{
    amf_matrix_deinit(&cross->left_whitened);
    amf_matrix_deinit(&cross->right_whitened);
}

static enum amf_status posterior_cross_product(void *arg, size_t task, size_t worker)
{
    const struct posterior_cross *cross = arg;
    size_t rows = cross->left_whitened.cols, cols = cross->right_whitened.cols;
    enum amf_status status =
        amf_kernel_cross(cross->posterior->kernel, cross->left, cross->left_count, cross->right,
                         cross->right_count, cross->covariance, cols);

    (void)task;
    (void)worker;
    if (status)
        return status;
    return amf_blas_subtract_inner(rows, cols, cross->left_whitened.rows, cross->left_whitened.data,
                                   rows, cross->right_whitened.data, cols, cross->covariance, cols);
}

enum amf_status amf_posterior_covariance(const struct amf_posterior *posterior,
                                         const struct amf_block *left, size_t left_count,
                                         const struct amf_block *right, size_t right_count,
                                         struct amf_pool *pool, const atomic_bool *cancel,
                                         double *ret_covariance)
{
    __attribute__((cleanup(posterior_cross_deinit))) struct posterior_cross cross = {
        .posterior = posterior,
        .left = left,
        .left_count = left_count,
        .right = right,
        .right_count = right_count,
        .covariance = ret_covariance};
    size_t rows = amf_blocks_rows(left, left_count), cols = amf_blocks_rows(right, right_count);
    enum amf_status status = amf_matrix_init(&cross.left_whitened, posterior->row_count, rows);

    if (!status)
        status = amf_matrix_init(&cross.right_whitened, posterior->row_count, cols);
    if (!status)
        status = amf_posterior_whiten(posterior, 0, NULL, 0, left, left_count, pool, cancel,
                                      cross.left_whitened.data, rows);
    if (!status)
        status = amf_posterior_whiten(posterior, 0, NULL, 0, right, right_count, pool, cancel,
                                      cross.right_whitened.data, cols);
    if (status)
        return status;
    return amf_pool_run(pool, 1, posterior_cross_product, &cross, cancel);
}
