/* Sums of every block over the test pairs: where the time of a ranking goes.
 *
 * With V = L^-1 k(X, .) under the held demonstrations and U the further rows that pending work adds
 * to it, for block rows B and test pairs x
 *
 *   C = k(B, x) - V_B' V_x - U_B' U_x        S = k(B, B) + sigma^2 I - V_B' V_B - U_B' U_B
 *
 * and a block's reductions are the column sums of squares of chol(S)^-1 C. One task of the pool
 * takes a group of blocks through a slab of test pairs, GAIN_COLS at a time, so C is never larger
 * than a cache; the N x test matrix V_x is made a slab at a time when it would not fit GAIN_KEEP.
 * V_B, V_x and k - V'V are kept between calls while they are small: then a call with more pending
 * work costs only the rows U. Where the scorer holds k - V'V of an engine, scorer_kept_gain.c does
 * all this.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "blas.h"
#include "blocks.h"
#include "internal.h"
#include "scorer_private.h"

#define GAIN_COLS 256
#define GAIN_KEEP ((size_t)32 << 20)      /* doubles, each of V_B and V_x: 256 MiB */
#define GAIN_KEEP_CROSS ((size_t)4 << 20) /* doubles: 32 MiB; above, recomputing is as fast */
#define GAIN_SLAB ((size_t)16 << 20)      /* doubles of V_x in one slab when it is not kept */
#define GAIN_JITTER_FIRST 1e-10           /* the ladder of chol.c, for one block */
#define GAIN_JITTER_STEPS 7
#define GAIN_ALIGN 8 /* doubles: a cache line */

struct gain_slab { /* test pairs [first, first + count) */
    size_t first, count;
    struct amf_block *tests;
    size_t test_blocks;
    const double *whitened; /* N x count */
    size_t stride;
    const double *pending; /* U: P x count */
    size_t pending_stride;
    double *before;                     /* v0, 0 below the floor */
    struct amf_matrix own, own_pending; /* what was worked out for the slab */
};

struct gain_job {
    const struct amf_scorer *scorer;
    const struct amf_posterior *posterior; /* with pending work */
    size_t base_rows, pending_rows;
    const struct gain_slab *slab;
    struct amf_matrix block_whitened; /* a worker a row: N x group_rows, unless kept */
    struct amf_matrix block_pending;  /* P x group_rows */
    struct amf_matrix cross;          /* group_rows x GAIN_COLS */
    struct amf_matrix gram;           /* group_rows^2: one block's S, then its factor */
    struct amf_matrix trial;          /* the same: S with jitter */
    struct amf_matrix work;           /* 2 x GAIN_COLS */
    struct amf_block *slices;         /* test_blocks */
    double *jitter;                   /* a worker each */
    double *sums;                     /* block_count x target_count */
};

static void gain_slab_deinit(struct gain_slab *slab)
{
    free(slab->tests);
    free(slab->before);
    amf_matrix_deinit(&slab->own);
    amf_matrix_deinit(&slab->own_pending);
}
#define GAIN_SLAB_CLEANUP __attribute__((cleanup(gain_slab_deinit)))

static void gain_job_deinit(struct gain_job *job)
{
    amf_matrix_deinit(&job->block_whitened);
    amf_matrix_deinit(&job->block_pending);
    amf_matrix_deinit(&job->cross);
    amf_matrix_deinit(&job->gram);
    amf_matrix_deinit(&job->trial);
    amf_matrix_deinit(&job->work);
    free(job->slices);
    free(job->jitter);
}
#define GAIN_JOB_CLEANUP __attribute__((cleanup(gain_job_deinit)))

/* Some BLAS kernels (Prescott's) round by how far an operand is from a cache line, and which worker
 * takes a task must not show. */
enum amf_status amf_scorer_workspace(struct amf_matrix *matrix, size_t workers, size_t size)
{
    if (__builtin_add_overflow(size, GAIN_ALIGN - 1, &size))
        return AMF_TOO_LARGE;
    return amf_matrix_init(matrix, workers, size - size % GAIN_ALIGN);
}

static enum amf_status gain_job_init(struct gain_job *job)
{
    const struct amf_scorer *scorer = job->scorer;
    size_t workers = amf_pool_size(scorer->pool), rows = scorer->group_rows;
    size_t whitened, pending, cross, square, slices;
    enum amf_status status;

    if (__builtin_mul_overflow(scorer->block_whitened.data ? 0 : job->base_rows, rows, &whitened) ||
        __builtin_mul_overflow(job->pending_rows, rows, &pending) ||
        __builtin_mul_overflow(rows, GAIN_COLS, &cross) ||
        __builtin_mul_overflow(rows, rows, &square) ||
        __builtin_mul_overflow(workers, scorer->test_block_count, &slices))
        return AMF_TOO_LARGE;
    status = amf_scorer_workspace(&job->block_whitened, workers, whitened);
    if (!status)
        status = amf_scorer_workspace(&job->block_pending, workers, pending);
    if (!status)
        status = amf_scorer_workspace(&job->cross, workers, cross);
    if (!status)
        status = amf_scorer_workspace(&job->gram, workers, square);
    if (!status)
        status = amf_scorer_workspace(&job->trial, workers, square);
    if (!status)
        status = amf_scorer_workspace(&job->work, workers, 2 * GAIN_COLS + rows);
    if (status)
        return status;
    job->slices = amf_new_array(slices, sizeof(*job->slices));
    job->jitter = amf_new_array(workers, sizeof(double));
    return job->slices && job->jitter ? AMF_OK : AMF_NO_MEMORY;
}

/* ---- test pairs ---- */

/* k(x, x) - |V|^2 */
static void gain_base_variance(const struct gain_slab *slab, size_t base_rows, const double *prior,
                               double *ret_variance)
{
    memcpy(ret_variance, prior, slab->count * sizeof(double));
    for (size_t r = 0; r < base_rows; r++)
        for (size_t x = 0; x < slab->count; x++) {
            double v = slab->whitened[r * slab->stride + x];

            ret_variance[x] -= v * v;
        }
}

/* v0 = k(x, x) - |V|^2 - |U|^2, and 0 where that is rounding error. */
static void gain_before(const struct gain_job *job, const struct gain_slab *slab, double *prior)
{
    amf_kernel_diagonal(job->scorer->kernel, slab->tests, slab->test_blocks, prior);
    gain_base_variance(slab, job->base_rows, prior, slab->before);
    for (size_t r = 0; r < job->pending_rows; r++)
        for (size_t x = 0; x < slab->count; x++) {
            double u = slab->pending[r * slab->pending_stride + x];

            slab->before[x] -= u * u;
        }
    for (size_t x = 0; x < slab->count; x++)
        if (!(slab->before[x] > AMF_MEASURE_FLOOR * prior[x]))
            slab->before[x] = 0;
}

static enum amf_status gain_slab_whiten(struct gain_slab *slab, const struct gain_job *job)
{
    const struct amf_scorer *scorer = job->scorer;
    enum amf_status status = AMF_OK;

    if (scorer->test_whitened.data) {
        slab->whitened = scorer->test_whitened.data + slab->first;
        slab->stride = scorer->test_count;
    } else {
        slab->stride = slab->count;
        status = amf_matrix_init(&slab->own, job->base_rows, slab->count);
        if (!status)
            status =
                amf_posterior_whiten(scorer->posterior, 0, NULL, 0, slab->tests, slab->test_blocks,
                                     scorer->pool, scorer->cancel, slab->own.data, slab->stride);
        slab->whitened = slab->own.data;
    }
    if (!status)
        status = amf_matrix_init(&slab->own_pending, job->pending_rows, slab->count);
    if (!status && job->pending_rows)
        status = amf_posterior_whiten(job->posterior, job->base_rows, slab->whitened, slab->stride,
                                      slab->tests, slab->test_blocks, scorer->pool, scorer->cancel,
                                      slab->own_pending.data, slab->count);
    slab->pending = slab->own_pending.data;
    slab->pending_stride = slab->count;
    return status;
}

static enum amf_status gain_slab_init(struct gain_slab *slab, const struct gain_job *job)
{
    const struct amf_scorer *scorer = job->scorer;
    AMF_FREE_CLEANUP double *prior = amf_new_array(slab->count, sizeof(double));
    enum amf_status status;

    slab->tests = amf_new_array(scorer->test_block_count, sizeof(*slab->tests));
    slab->before = amf_new_array(slab->count, sizeof(double));
    if (!prior || !slab->tests || !slab->before)
        return AMF_NO_MEMORY;
    slab->test_blocks = amf_blocks_slice(scorer->tests, scorer->test_block_count, slab->first,
                                         slab->count, slab->tests);
    status = gain_slab_whiten(slab, job);
    if (!status)
        gain_before(job, slab, prior);
    return status;
}

/* ---- blocks ---- */

struct gain_rows { /* V and U of one group's rows */
    const double *whitened, *pending;
    size_t whitened_stride, pending_stride;
};

static enum amf_status gain_group_whiten(const struct gain_job *job,
                                         const struct scorer_group *group, size_t worker,
                                         struct gain_rows *ret_rows)
{
    const struct amf_scorer *scorer = job->scorer;
    const struct amf_block *blocks = scorer->block_list + group->first_block;
    double *whitened =
        job->block_whitened.data ? amf_matrix_row(&job->block_whitened, worker) : NULL;
    double *pending = job->block_pending.data ? amf_matrix_row(&job->block_pending, worker) : NULL;
    struct gain_rows rows = {whitened, pending, group->row_count, group->row_count};
    enum amf_status status = AMF_OK;

    if (scorer->block_whitened.data) {
        rows.whitened = scorer->block_whitened.data + group->first_row;
        rows.whitened_stride = scorer->block_rows;
    } else if (job->base_rows) {
        status = amf_posterior_whiten_here(scorer->posterior, 0, NULL, 0, blocks,
                                           group->block_count, whitened, group->row_count);
    }
    if (!status && job->pending_rows)
        status = amf_posterior_whiten_here(job->posterior, job->base_rows, rows.whitened,
                                           rows.whitened_stride, blocks, group->block_count,
                                           pending, group->row_count);
    *ret_rows = rows;
    return status;
}

/* k(B, B) minus what is explained, of the block whose rows start at `at` within its group. */
static enum amf_status gain_block_covariance(const struct gain_job *job,
                                             const struct gain_rows *rows, size_t index, size_t at,
                                             double *gram)
{
    const struct amf_scorer *scorer = job->scorer;
    const struct amf_block *block = &scorer->block_list[index];
    size_t h = block->row_count;
    enum amf_status status = amf_kernel_cross(scorer->kernel, block, 1, block, 1, gram, h);

    if (!status && job->base_rows)
        status = amf_blas_subtract_inner(h, h, job->base_rows, rows->whitened + at,
                                         rows->whitened_stride, rows->whitened + at,
                                         rows->whitened_stride, gram, h);
    if (!status && job->pending_rows)
        status = amf_blas_subtract_inner(h, h, job->pending_rows, rows->pending + at,
                                         rows->pending_stride, rows->pending + at,
                                         rows->pending_stride, gram, h);
    return status;
}

static double gain_prior_scale(const struct amf_scorer *scorer, const struct amf_block *block,
                               double *work)
{
    double sum = 0;

    amf_kernel_diagonal(scorer->kernel, block, 1, work);
    for (size_t r = 0; r < block->row_count; r++)
        sum += work[r];
    return sum / (double)block->row_count + scorer->noise * scorer->noise;
}

enum amf_status amf_scorer_factor_block(const struct amf_scorer *scorer,
                                        const struct amf_block *block, const double *gram,
                                        double *work, double *factor, double *jitter)
{
    size_t h = block->row_count;
    double extra = 0;
    enum amf_status status = AMF_NOT_POSDEF;

    for (int step = 0; status == AMF_NOT_POSDEF && step <= GAIN_JITTER_STEPS; step++) {
        memcpy(factor, gram, h * h * sizeof(double));
        for (size_t r = 0; r < h; r++)
            factor[r * h + r] += scorer->noise * scorer->noise + extra;
        status = amf_blas_cholesky(h, factor, h);
        if (!status)
            *jitter = fmax(*jitter, extra);
        else
            extra = step ? 10 * extra : GAIN_JITTER_FIRST * gain_prior_scale(scorer, block, work);
    }
    return status;
}

/* C of one group and some test pairs, into the worker's tile (GAIN_COLS doubles a row). */
static enum amf_status gain_cross(const struct gain_job *job, const struct scorer_group *group,
                                  const struct gain_rows *rows, size_t first, size_t count,
                                  size_t worker, double *tile)
{
    const struct amf_scorer *scorer = job->scorer;
    const struct gain_slab *slab = job->slab;
    struct amf_block *slice = job->slices + worker * scorer->test_block_count;
    enum amf_status status = AMF_OK;

    if (scorer->cross.data) {
        for (size_t r = 0; r < group->row_count; r++)
            memcpy(tile + r * GAIN_COLS,
                   amf_matrix_row(&scorer->cross, group->first_row + r) + slab->first + first,
                   count * sizeof(double));
    } else {
        size_t slices = amf_blocks_slice(slab->tests, slab->test_blocks, first, count, slice);

        status = amf_kernel_cross(scorer->kernel, scorer->block_list + group->first_block,
                                  group->block_count, slice, slices, tile, GAIN_COLS);
        if (!status)
            status = amf_blas_subtract_inner(group->row_count, count, job->base_rows,
                                             rows->whitened, rows->whitened_stride,
                                             slab->whitened + first, slab->stride, tile, GAIN_COLS);
    }
    if (!status && job->pending_rows)
        status = amf_blas_subtract_inner(group->row_count, count, job->pending_rows, rows->pending,
                                         rows->pending_stride, slab->pending + first,
                                         slab->pending_stride, tile, GAIN_COLS);
    return status;
}

/* Factors of a group's blocks stand one after the other in gram. */
static enum amf_status gain_group_factors(const struct gain_job *job,
                                          const struct scorer_group *group,
                                          const struct gain_rows *rows, size_t worker)
{
    const struct amf_scorer *scorer = job->scorer;
    double *factor = amf_matrix_row(&job->gram, worker),
           *trial = amf_matrix_row(&job->trial, worker);
    size_t at = 0;
    enum amf_status status = AMF_OK;

    for (size_t b = 0; !status && b < group->block_count; b++) {
        const struct amf_block *block = scorer->block_list + group->first_block + b;
        size_t h = block->row_count;

        status = gain_block_covariance(job, rows, group->first_block + b, at, trial);
        if (!status)
            status =
                amf_scorer_factor_block(scorer, block, trial, amf_matrix_row(&job->work, worker),
                                        factor, &job->jitter[worker]);
        factor += h * h;
        at += h;
    }
    return status;
}

static void gain_group_chunk(const struct gain_job *job, const struct scorer_group *group,
                             size_t first, size_t count, size_t worker, double *tile)
{
    const struct amf_scorer *scorer = job->scorer;
    const struct gain_slab *slab = job->slab;
    size_t global = slab->first + first;
    struct amf_criterion_pairs pairs = {count, slab->before + first, scorer->test_weight + global,
                                        scorer->test_target + global, scorer->test_source + global};
    const double *factor = amf_matrix_row(&job->gram, worker);

    for (size_t b = 0; b < group->block_count; b++) {
        const struct scorer_block *block = &scorer->blocks[group->first_block + b];
        size_t h = block->at.row_count;

        amf_criterion_block(scorer->measure, factor, h, tile, GAIN_COLS, &pairs,
                            scorer->settings.exclude_self ? block->member : SIZE_MAX,
                            amf_matrix_row(&job->work, worker),
                            job->sums + (group->first_block + b) * scorer->target_count);
        factor += h * h;
        tile += h * GAIN_COLS;
    }
}

static enum amf_status gain_group(void *arg, size_t task, size_t worker)
{
    const struct gain_job *job = arg;
    const struct scorer_group *group = &job->scorer->groups[task];
    double *tile = amf_matrix_row(&job->cross, worker);
    struct gain_rows rows;
    enum amf_status status = gain_group_whiten(job, group, worker, &rows);

    if (!status)
        status = gain_group_factors(job, group, &rows, worker);
    for (size_t first = 0; !status && first < job->slab->count; first += GAIN_COLS) {
        size_t count = amf_min(GAIN_COLS, job->slab->count - first);

        status = gain_cross(job, group, &rows, first, count, worker, tile);
        if (!status)
            gain_group_chunk(job, group, first, count, worker, tile);
    }
    return status;
}

static enum amf_status gain_run_slab(struct gain_job *job, size_t first, size_t count)
{
    GAIN_SLAB_CLEANUP struct gain_slab slab = {.first = first, .count = count};
    enum amf_status status = gain_slab_init(&slab, job);

    if (status)
        return status;
    job->slab = &slab;
    return amf_pool_run(job->scorer->pool, job->scorer->group_count, gain_group, job,
                        job->scorer->cancel);
}

enum amf_status amf_scorer_sum_blocks(const struct amf_scorer *scorer,
                                      const struct amf_posterior *pending, double *ret_sums,
                                      double *ret_jitter)
{
    GAIN_JOB_CLEANUP struct gain_job job = {
        .scorer = scorer, .posterior = pending, .sums = ret_sums};
    size_t slab = scorer->test_count;
    enum amf_status status;

    if (!scorer->block_count || !scorer->test_count)
        return AMF_OK;
    job.base_rows = amf_posterior_rows(scorer->posterior);
    job.pending_rows = amf_posterior_rows(pending) - job.base_rows;
    if (!scorer->test_whitened.data && job.base_rows)
        slab = amf_min(slab, amf_ceil_div(GAIN_SLAB / job.base_rows + 1, GAIN_COLS) * GAIN_COLS);
    status = gain_job_init(&job);
    for (size_t first = 0; !status && first < scorer->test_count; first += slab)
        status = gain_run_slab(&job, first, amf_min(slab, scorer->test_count - first));
    for (size_t w = 0; !status && w < amf_pool_size(scorer->pool); w++)
        *ret_jitter = fmax(*ret_jitter, job.jitter[w]);
    return status;
}

/* ---- what is kept between calls ---- */

static bool gain_fits(size_t rows, size_t cols, size_t limit)
{
    size_t size;

    return !__builtin_mul_overflow(rows, cols, &size) && size <= limit;
}

static enum amf_status gain_keep_cross(void *arg, size_t task, size_t worker)
{
    struct amf_scorer *scorer = arg;
    const struct scorer_group *group = &scorer->groups[task];
    double *out = amf_matrix_row(&scorer->cross, group->first_row);
    enum amf_status status = amf_kernel_cross(
        scorer->kernel, scorer->block_list + group->first_block, group->block_count, scorer->tests,
        scorer->test_block_count, out, scorer->test_count);

    (void)worker;
    if (status)
        return status;
    return amf_blas_subtract_inner(
        group->row_count, scorer->test_count, scorer->block_whitened.rows,
        scorer->block_whitened.data + group->first_row, scorer->block_rows,
        scorer->test_whitened.data, scorer->test_count, out, scorer->test_count);
}

static enum amf_status gain_keep_whitened(struct amf_scorer *scorer, const struct amf_block *blocks,
                                          size_t count, size_t cols, struct amf_matrix *ret_matrix)
{
    size_t rows = amf_posterior_rows(scorer->posterior);
    enum amf_status status;

    if (!gain_fits(rows, cols, GAIN_KEEP))
        return AMF_OK;
    status = amf_matrix_init(ret_matrix, rows, cols);
    if (status)
        return status;
    return amf_posterior_whiten(scorer->posterior, 0, NULL, 0, blocks, count, scorer->pool,
                                scorer->cancel, ret_matrix->data, cols);
}

enum amf_status amf_scorer_keep_covariances(struct amf_scorer *scorer)
{
    enum amf_status status;

    if (!amf_posterior_rows(scorer->posterior) || !scorer->block_count || !scorer->test_count)
        return AMF_OK;
    status = gain_keep_whitened(scorer, scorer->tests, scorer->test_block_count, scorer->test_count,
                                &scorer->test_whitened);
    if (!status)
        status = gain_keep_whitened(scorer, scorer->block_list, scorer->block_count,
                                    scorer->block_rows, &scorer->block_whitened);
    if (status || !scorer->test_whitened.data || !scorer->block_whitened.data ||
        !gain_fits(scorer->block_rows, scorer->test_count, GAIN_KEEP_CROSS))
        return status;
    status = amf_matrix_init(&scorer->cross, scorer->block_rows, scorer->test_count);
    if (status)
        return status;
    return amf_pool_run(scorer->pool, scorer->group_count, gain_keep_cross, scorer, scorer->cancel);
}
