/* Sums of every block over the test pairs, from covariances that an engine worked out.
 *
 * One task of the pool takes one block through all test pairs, a tile of them at a time: looked up,
 * corrected for pending work, solved, squared. Pending work on a task is the block of largest
 * weight for it. With P the rows of all of it and L L' = k_D(P, P) + sigma^2 I, everything is
 * corrected by U = L^-1 k_D(P, .), as by rows of the factor.
 *
 * Columns stand as the engine met them, which no result may show: a reduction is worked out by
 * itself (fold.h), and the sums run in the order of the scorer's test pairs.
 */
#include <math.h>
#include <string.h>

#include "blas.h"
#include "fold.h"
#include "internal.h"
#include "scorer_private.h"

#define KEPT_SOLVE_COLS 512     /* columns of U that one task solves for */
#define KEPT_JITTER_FIRST 1e-10 /* the ladder of chol.c */
#define KEPT_JITTER_STEPS 7

struct kept_chunk { /* test pairs, in order of columns, that lie in one tile */
    size_t first, count;
    bool together; /* their columns are consecutive */
};

struct kept_job {
    const struct amf_scorer *scorer;
    size_t *pending; /* columns of P */
    size_t pending_count;
    struct amf_matrix factor; /* L: P x P */
    struct amf_matrix rows;   /* U: P x (block rows, test pairs) */
    size_t *block_first;      /* of its rows among all block rows */
    size_t *columns;          /* of test pairs, in order */
    struct kept_chunk *chunks;
    size_t chunk_count, block_rows; /* block_rows: of the largest */
    double *before;                 /* v0 of the test pairs, 0 below the floor */
    struct amf_matrix work;         /* a worker's kept_space each */
    double *jitter;                 /* likewise */
    double *sums;
};

struct kept_space {
    double *cross;             /* block_rows x ENGINE_TILE */
    double *rows;              /* P x ENGINE_TILE */
    double *gram, *factor;     /* block_rows^2 */
    double *diagonal;          /* block_rows */
    double *squares;           /* ENGINE_TILE */
    double *reduction, *gains; /* test_count */
};

static void kept_job_deinit(struct kept_job *job)
{
    free(job->pending);
    amf_matrix_deinit(&job->factor);
    amf_matrix_deinit(&job->rows);
    free(job->block_first);
    free(job->columns);
    free(job->chunks);
    free(job->before);
    amf_matrix_deinit(&job->work);
    free(job->jitter);
}

/* Sizes of a kept_space's parts, each whole cache lines. */
static size_t kept_space_sizes(const struct kept_job *job, size_t ret_sizes[static 8])
{
    size_t rows = job->block_rows, tests = job->scorer->test_count, sum = 0;
    const size_t sizes[8] = {rows * ENGINE_TILE,
                             job->pending_count * ENGINE_TILE,
                             rows * rows,
                             rows * rows,
                             rows,
                             ENGINE_TILE,
                             tests,
                             tests};

    for (size_t k = 0; k < 8; k++) {
        ret_sizes[k] = fold_round_up(sizes[k]);
        sum += ret_sizes[k];
    }
    return sum;
}

static struct kept_space kept_space_of(const struct kept_job *job, size_t worker)
{
    double *at = amf_matrix_row(&job->work, worker), *parts[8];
    size_t sizes[8];

    (void)kept_space_sizes(job, sizes);
    for (size_t k = 0; k < 8; at += sizes[k++])
        parts[k] = at;
    return (struct kept_space){parts[0], parts[1], parts[2], parts[3],
                               parts[4], parts[5], parts[6], parts[7]};
}

/* ---- pending work ---- */

static enum amf_status kept_list_pending(struct kept_job *job, const size_t *pending,
                                         size_t pending_count)
{
    const struct amf_scorer *scorer = job->scorer;
    size_t count = 0;

    for (size_t p = 0; p < pending_count; p++)
        if (scorer->summary[pending[p]].sum > 0 &&
            __builtin_add_overflow(
                count, scorer->members[scorer->summary[pending[p]].largest].row_count, &count))
            return AMF_TOO_LARGE;
    job->pending = amf_new_array(count, sizeof(size_t));
    if (!job->pending)
        return AMF_NO_MEMORY;
    for (size_t p = 0; p < pending_count; p++) {
        const struct amf_occupancy_summary *summary = &scorer->summary[pending[p]];

        for (size_t r = 0; summary->sum > 0 && r < scorer->members[summary->largest].row_count; r++)
            job->pending[job->pending_count++] = scorer->kept.task_column[pending[p]] + r;
    }
    return AMF_OK;
}

static void kept_fill_factor(const struct kept_job *job, double extra)
{
    double noise = job->scorer->noise;

    for (size_t i = 0; i < job->pending_count; i++) {
        double *to = amf_matrix_row(&job->factor, i);

        for (size_t j = 0; j < job->pending_count; j++)
            to[j] = engine_covariance_of(job->scorer->kept.tiles, job->pending[i], job->pending[j]);
        to[i] += noise * noise + extra;
    }
}

static enum amf_status kept_factor(void *arg, size_t task, size_t worker)
{
    struct kept_job *job = arg;
    double extra = 0, trace = 0;
    enum amf_status status = AMF_NOT_POSDEF;

    (void)task;
    kept_fill_factor(job, 0);
    for (size_t i = 0; i < job->pending_count; i++)
        trace += amf_matrix_row(&job->factor, i)[i];
    for (int step = 0; status == AMF_NOT_POSDEF && step <= KEPT_JITTER_STEPS; step++) {
        kept_fill_factor(job, extra);
        status = amf_blas_cholesky(job->pending_count, job->factor.data, job->pending_count);
        if (!status)
            job->jitter[worker] = fmax(job->jitter[worker], extra);
        extra = step ? 10 * extra : KEPT_JITTER_FIRST * (trace / (double)job->pending_count);
    }
    return status;
}

static enum amf_status kept_solve(void *arg, size_t task, size_t worker)
{
    const struct kept_job *job = arg;
    size_t first = task * KEPT_SOLVE_COLS, cols = job->rows.cols;

    (void)worker;
    return amf_blas_solve(AMF_BLAS_LEFT, job->pending_count, amf_min(KEPT_SOLVE_COLS, cols - first),
                          job->factor.data, job->pending_count, job->rows.data + first, cols);
}

/* k_D(P, .) of one pending row. */
static enum amf_status kept_look_up(void *arg, size_t task, size_t worker)
{
    const struct kept_job *job = arg;
    const struct amf_scorer *scorer = job->scorer;
    const struct scorer_kept *kept = &scorer->kept;
    double *to = amf_matrix_row(&job->rows, task);

    (void)worker;
    for (size_t b = 0; b < scorer->block_count; b++)
        for (size_t r = 0; r < scorer->blocks[b].at.row_count; r++)
            *to++ =
                engine_covariance_of(kept->tiles, job->pending[task], kept->block_column[b] + r);
    for (size_t x = 0; x < scorer->test_count; x++)
        *to++ = engine_covariance_of(kept->tiles, job->pending[task], kept->test_column[x]);
    return AMF_OK;
}

static enum amf_status kept_condition(struct kept_job *job)
{
    const struct amf_scorer *scorer = job->scorer;
    size_t cols = scorer->block_rows + scorer->test_count;
    enum amf_status status = amf_matrix_init(&job->rows, job->pending_count, cols);

    if (status || !job->pending_count)
        return status;
    status = amf_matrix_init(&job->factor, job->pending_count, job->pending_count);
    if (!status)
        status = amf_pool_run(scorer->pool, 1, kept_factor, job, scorer->cancel);
    if (!status)
        status = amf_pool_run(scorer->pool, job->pending_count, kept_look_up, job, scorer->cancel);
    if (!status)
        status = amf_pool_run(scorer->pool, amf_ceil_div(cols, KEPT_SOLVE_COLS), kept_solve, job,
                              scorer->cancel);
    return status;
}

/* ---- test pairs ---- */

/* v0 of the test pairs: the scorer's variances minus |U|^2, 0 where that is rounding error. */
static enum amf_status kept_before(struct kept_job *job)
{
    const struct amf_scorer *scorer = job->scorer;
    AMF_FREE_CLEANUP double *prior = amf_new_array(scorer->test_count, sizeof(double));

    job->before = amf_new_array(scorer->test_count, sizeof(double));
    if (!prior || !job->before)
        return AMF_NO_MEMORY;
    amf_kernel_diagonal(scorer->kernel, scorer->tests, scorer->test_block_count, prior);
    for (size_t b = 0, x = 0; b < scorer->test_block_count; b++)
        for (size_t k = 0; k < scorer->tests[b].row_count; k++, x++) {
            const struct scorer_member *member = &scorer->members[scorer->test_source[x]];
            size_t step = scorer->tests[b].first_row + k - member->first_row;
            double v0 =
                scorer
                    ->variance[scorer_pair(scorer, scorer->test_source[x], scorer->tests[b].task) +
                               step];

            for (size_t p = 0; p < job->pending_count; p++) {
                double u = amf_matrix_row(&job->rows, p)[scorer->block_rows + x];

                v0 -= u * u;
            }
            job->before[x] = v0 > AMF_MEASURE_FLOOR * prior[x] ? v0 : 0;
        }
    return AMF_OK;
}

static enum amf_status kept_cut_chunks(struct kept_job *job)
{
    size_t count = job->scorer->test_count;

    job->columns = amf_new_array(count, sizeof(size_t));
    job->chunks = amf_new_array(count, sizeof(*job->chunks));
    if (!job->columns || !job->chunks)
        return AMF_NO_MEMORY;
    for (size_t k = 0; k < count; k++)
        job->columns[k] = job->scorer->kept.test_column[job->scorer->kept.test_order[k]];
    for (size_t first = 0, end; first < count; first = end) {
        bool together = true;

        for (end = first + 1; end < count && end < first + ENGINE_TILE &&
                              job->columns[end] / ENGINE_TILE == job->columns[first] / ENGINE_TILE;
             end++)
            together = together && job->columns[end] == job->columns[end - 1] + 1;
        job->chunks[job->chunk_count++] = (struct kept_chunk){first, end - first, together};
    }
    return AMF_OK;
}

/* ---- looking up ---- */

/* Rows that lie in one tile, with the columns of a chunk: as they stand, or mirrored where the
 * chunk's tile comes first. */
static void kept_take(const struct kept_job *job, size_t row, size_t row_count,
                      const struct kept_chunk *chunk, double *ret_cross)
{
    const struct engine_tiles *tiles = job->scorer->kept.tiles;
    const size_t *columns = job->columns + chunk->first;
    size_t rows = row / ENGINE_TILE, tile = columns[0] / ENGINE_TILE;

    if (tile < rows)
        for (size_t k = 0; k < chunk->count; k++) {
            const double *from = engine_covariance(tiles, columns[k], row);

            for (size_t r = 0; r < row_count; r++)
                ret_cross[r * ENGINE_TILE + k] = from[r];
        }
    for (size_t r = 0; tile > rows && r < row_count; r++, ret_cross += ENGINE_TILE) {
        const double *from = engine_covariance(tiles, row + r, columns[0]);

        if (chunk->together)
            memcpy(ret_cross, from, chunk->count * sizeof(double));
        else
            for (size_t k = 0; k < chunk->count; k++)
                ret_cross[k] = from[columns[k] - columns[0]];
    }
    for (size_t r = 0; tile == rows && r < row_count; r++)
        for (size_t k = 0; k < chunk->count; k++)
            ret_cross[r * ENGINE_TILE + k] = engine_covariance_of(tiles, row + r, columns[k]);
}

static void kept_cross(const struct kept_job *job, size_t block, const struct kept_chunk *chunk,
                       const struct kept_space *space)
{
    const struct amf_scorer *scorer = job->scorer;
    size_t rows = scorer->blocks[block].at.row_count, column = scorer->kept.block_column[block];

    for (size_t r = 0, count; r < rows; r += count) {
        count = amf_min(rows - r, ENGINE_TILE - (column + r) % ENGINE_TILE);
        kept_take(job, column + r, count, chunk, space->cross + r * ENGINE_TILE);
    }
    if (!job->pending_count)
        return;
    for (size_t p = 0; p < job->pending_count; p++)
        for (size_t k = 0; k < chunk->count; k++)
            space->rows[p * ENGINE_TILE + k] = amf_matrix_row(
                &job->rows, p)[scorer->block_rows + scorer->kept.test_order[chunk->first + k]];
    amf_fold_subtract(
        rows, fold_round_up(chunk->count), job->pending_count,
        (struct amf_fold){job->rows.data + job->block_first[block], 1, job->rows.cols}, space->rows,
        ENGINE_TILE, space->cross, ENGINE_TILE);
}

/* k_D(B, B), corrected for pending work. */
static void kept_gram(const struct kept_job *job, size_t block, double *ret_gram)
{
    const struct engine_tiles *tiles = job->scorer->kept.tiles;
    size_t rows = job->scorer->blocks[block].at.row_count;
    size_t column = job->scorer->kept.block_column[block];

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < rows; j++) {
            double value = engine_covariance_of(tiles, column + i, column + j);

            for (size_t p = 0; p < job->pending_count; p++) {
                const double *u = amf_matrix_row(&job->rows, p) + job->block_first[block];

                value -= u[i] * u[j];
            }
            ret_gram[i * rows + j] = value;
        }
}

/* ---- blocks ---- */

static enum amf_status kept_block(void *arg, size_t task, size_t worker)
{
    const struct kept_job *job = arg;
    const struct amf_scorer *scorer = job->scorer;
    size_t index = scorer->kept.block_order[task];
    const struct scorer_block *block = &scorer->blocks[index];
    struct kept_space space = kept_space_of(job, worker);
    struct amf_criterion_pairs pairs = {scorer->test_count, job->before, scorer->test_weight,
                                        scorer->test_target, scorer->test_source};
    enum amf_status status;

    kept_gram(job, index, space.gram);
    status = amf_scorer_factor_block(scorer, &block->at, space.gram, space.diagonal, space.factor,
                                     &job->jitter[worker]);
    if (status)
        return status;
    for (size_t c = 0; c < job->chunk_count; c++) {
        const struct kept_chunk *chunk = &job->chunks[c];

        kept_cross(job, index, chunk, &space);
        amf_fold_solve(block->at.row_count, chunk->count, space.factor, block->at.row_count,
                       space.cross, ENGINE_TILE, space.squares);
        for (size_t k = 0; k < chunk->count; k++)
            space.reduction[scorer->kept.test_order[chunk->first + k]] = space.squares[k];
    }
    amf_criterion_add(scorer->measure, &pairs, space.reduction,
                      scorer->settings.exclude_self ? block->member : SIZE_MAX, space.gains,
                      job->sums + index * scorer->target_count);
    return AMF_OK;
}

static enum amf_status kept_job_init(struct kept_job *job)
{
    const struct amf_scorer *scorer = job->scorer;
    size_t workers = amf_pool_size(scorer->pool), row = 0, sizes[8];

    job->jitter = amf_new_array(workers, sizeof(double));
    job->block_first = amf_new_array(scorer->block_count, sizeof(size_t));
    if (!job->jitter || !job->block_first)
        return AMF_NO_MEMORY;
    for (size_t b = 0; b < scorer->block_count; b++) {
        size_t rows = scorer->blocks[b].at.row_count;

        job->block_first[b] = row;
        row += rows;
        job->block_rows = rows > job->block_rows ? rows : job->block_rows;
    }
    return amf_scorer_workspace(&job->work, workers, kept_space_sizes(job, sizes));
}

enum amf_status amf_scorer_kept_sum_blocks(const struct amf_scorer *scorer, const size_t *pending,
                                           size_t pending_count, double *ret_sums,
                                           double *ret_jitter)
{
    __attribute__((cleanup(kept_job_deinit))) struct kept_job job = {.scorer = scorer,
                                                                     .sums = ret_sums};
    enum amf_status status;

    if (!scorer->block_count || !scorer->test_count)
        return AMF_OK;
    status = kept_list_pending(&job, pending, pending_count);
    if (!status)
        status = kept_job_init(&job);
    if (!status)
        status = kept_condition(&job);
    if (!status)
        status = kept_before(&job);
    if (!status)
        status = kept_cut_chunks(&job);
    if (!status)
        status = amf_pool_run(scorer->pool, scorer->block_count, kept_block, &job, scorer->cancel);
    for (size_t w = 0; !status && w < amf_pool_size(scorer->pool); w++)
        *ret_jitter = fmax(*ret_jitter, job.jitter[w]);
    return status;
}
