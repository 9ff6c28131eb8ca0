/* What a scorer takes from an engine: its blocks' own covariances, those of block rows with test
 * pairs, and those of the rows that pending work would condition on, all copied, so that the
 * engine may go on.
 *
 * Pending work on a task is the block of largest weight for it. With P its rows and L L' =
 * k_D(P, P) + sigma^2 I, everything is corrected by U = L^-1 k_D(P, .), as by rows of the factor.
 */
#include <math.h>
#include <string.h>

#include "blas.h"
#include "internal.h"
#include "scorer_private.h"

#define KEPT_COLS 512           /* columns of U that one task solves for */
#define KEPT_JITTER_FIRST 1e-10 /* the ladder of chol.c */
#define KEPT_JITTER_STEPS 7

void amf_scorer_kept_deinit(struct scorer_kept *kept)
{
    free(kept->gram);
    free(kept->gram_first);
    free(kept->rows);
    amf_matrix_deinit(&kept->pending);
}

/* ---- which pairs ---- */

struct kept_pairs { /* each (member, task) once */
    struct engine_pair *items;
    unsigned char *listed; /* n x task_count */
    size_t count;
};

static void kept_pairs_deinit(struct kept_pairs *pairs)
{
    free(pairs->items);
    free(pairs->listed);
}
#define KEPT_PAIRS_CLEANUP __attribute__((cleanup(kept_pairs_deinit)))

static void kept_list(const struct amf_scorer *scorer, struct kept_pairs *pairs, size_t member,
                      size_t task)
{
    unsigned char *listed = &pairs->listed[member * scorer->task_count + task];

    if (!*listed)
        pairs->items[pairs->count++] = (struct engine_pair){member, task};
    *listed = 1;
}

static enum amf_status kept_pairs_init(struct kept_pairs *pairs, const struct amf_scorer *scorer)
{
    size_t count = scorer->n * scorer->task_count;

    pairs->items = amf_new_array(count, sizeof(*pairs->items));
    pairs->listed = amf_new_array(count, 1);
    if (!pairs->items || !pairs->listed)
        return AMF_NO_MEMORY;
    for (size_t c = 0; c < scorer->task_count; c++)
        if (scorer->summary[c].sum > 0)
            kept_list(scorer, pairs, scorer->summary[c].largest, c);
    return AMF_OK;
}

/* All that weigh something: they hardly change from ranking to ranking. */
static void kept_list_weighty(const struct amf_scorer *scorer, const struct amf_problem *problem,
                              struct kept_pairs *pairs)
{
    for (size_t i = 0; i < scorer->n; i++) {
        for (size_t k = 0; k < problem->candidate_count; k++)
            if (amf_scorer_above_floor(scorer, i, problem->candidates[k]))
                kept_list(scorer, pairs, i, problem->candidates[k]);
        for (size_t e = 0; e < problem->target_count; e++)
            if (amf_scorer_above_floor(scorer, i, problem->targets[e]))
                kept_list(scorer, pairs, i, problem->targets[e]);
    }
}

/* Only what this ranking looks at. */
static void kept_list_sampled(const struct amf_scorer *scorer, struct kept_pairs *pairs)
{
    for (size_t b = 0; b < scorer->block_count; b++)
        kept_list(scorer, pairs, scorer->blocks[b].member, scorer->blocks[b].at.task);
    for (size_t x = 0; x < scorer->test_count; x++)
        kept_list(scorer, pairs, scorer->test_source[x], scorer->targets[scorer->test_target[x]]);
}

static enum amf_status kept_cover(struct amf_scorer *scorer, const struct amf_problem *problem,
                                  bool all, bool *ret_fits)
{
    KEPT_PAIRS_CLEANUP struct kept_pairs pairs = {0};
    enum amf_status status = kept_pairs_init(&pairs, scorer);

    if (status)
        return status;
    if (all)
        kept_list_weighty(scorer, problem, &pairs);
    else
        kept_list_sampled(scorer, &pairs);
    return amf_engine_cover(scorer->engine, pairs.items, pairs.count, scorer->pool, scorer->cancel,
                            ret_fits);
}

/* ---- copying ---- */

struct kept_job {
    struct amf_scorer *scorer;
    size_t *columns;       /* in the engine, of: pending rows, block rows, test pairs */
    size_t pending, total; /* rows; columns */
};

static void kept_put_columns(const struct amf_scorer *scorer, size_t member, size_t task,
                             size_t **at)
{
    size_t first = amf_engine_column(scorer->engine, member, task);

    for (size_t t = 0; t < scorer->members[member].row_count; t++)
        *(*at)++ = first + t;
}

static void kept_put_all_columns(const struct kept_job *job)
{
    const struct amf_scorer *scorer = job->scorer;
    size_t *at = job->columns, x = 0;

    for (size_t c = 0; c < scorer->task_count; c++)
        if (scorer->kept.rows[c].count)
            kept_put_columns(scorer, scorer->summary[c].largest, c, &at);
    for (size_t b = 0; b < scorer->block_count; b++)
        kept_put_columns(scorer, scorer->blocks[b].member, scorer->blocks[b].at.task, &at);
    for (size_t b = 0; b < scorer->test_block_count; b++)
        for (size_t k = 0; k < scorer->tests[b].row_count; k++, x++) {
            size_t member = scorer->test_source[x];

            *at++ = amf_engine_column(scorer->engine, member, scorer->tests[b].task) +
                    scorer->tests[b].first_row + k - scorer->members[member].first_row;
        }
}

/* Rows `row`, ... with columns `first`, ... of the list. Down the rows first: half of the
 * covariances stand transposed, and neighbours in the list are mostly neighbours in the engine. */
static void kept_copy(const struct kept_job *job, size_t row, size_t row_count, size_t first,
                      size_t count, double *ret_rows, size_t stride)
{
    const struct amf_engine *engine = job->scorer->engine;

    for (size_t k = 0; k < count; k++)
        for (size_t r = 0; r < row_count; r++)
            ret_rows[r * stride + k] =
                amf_engine_covariance(engine, job->columns[row + r], job->columns[first + k]);
}

/* One block's covariances with itself and with the test pairs. */
static enum amf_status kept_copy_block(void *arg, size_t task, size_t worker)
{
    const struct kept_job *job = arg;
    struct amf_scorer *scorer = job->scorer;
    size_t rows = scorer->blocks[task].at.row_count;
    size_t first = job->pending + scorer->block_first[task];

    (void)worker;
    kept_copy(job, first, rows, first, rows, scorer->kept.gram + scorer->kept.gram_first[task],
              rows);
    kept_copy(job, first, rows, job->total - scorer->test_count, scorer->test_count,
              amf_matrix_row(&scorer->cross, scorer->block_first[task]), scorer->test_count);
    return AMF_OK;
}

/* The rows that pending work on one task would condition on. */
static enum amf_status kept_copy_pending(void *arg, size_t task, size_t worker)
{
    const struct kept_job *job = arg;
    const struct scorer_kept *kept = &job->scorer->kept;

    (void)worker;
    kept_copy(job, kept->rows[task].first, kept->rows[task].count, 0, job->total,
              amf_matrix_row(&kept->pending, kept->rows[task].first), job->total);
    return AMF_OK;
}

static enum amf_status kept_alloc(struct amf_scorer *scorer, struct kept_job *job)
{
    struct scorer_kept *kept = &scorer->kept;
    size_t grams = 0;
    enum amf_status status;

    kept->rows = amf_new_array(scorer->task_count, sizeof(*kept->rows));
    kept->gram_first = amf_new_array(scorer->block_count, sizeof(size_t));
    scorer->block_first = amf_new_array(scorer->block_count, sizeof(size_t));
    if (!kept->rows || !kept->gram_first || !scorer->block_first)
        return AMF_NO_MEMORY;
    for (size_t c = 0; c < scorer->task_count; c++)
        if (scorer->summary[c].sum > 0) {
            kept->rows[c] = (struct scorer_kept_rows){
                job->pending, scorer->members[scorer->summary[c].largest].row_count};
            job->pending += kept->rows[c].count;
        }
    for (size_t b = 0, row = 0; b < scorer->block_count; b++) {
        size_t rows = scorer->blocks[b].at.row_count;

        scorer->block_first[b] = row;
        kept->gram_first[b] = grams;
        row += rows;
        grams += rows * rows;
    }
    job->total = job->pending + scorer->block_rows + scorer->test_count;
    job->columns = amf_new_array(job->total, sizeof(size_t));
    kept->gram = amf_new_array(grams, sizeof(double));
    if (!job->columns || !kept->gram)
        return AMF_NO_MEMORY;
    status = amf_matrix_init(&kept->pending, job->pending, job->total);
    if (!status)
        status = amf_matrix_init(&scorer->cross, scorer->block_rows, scorer->test_count);
    return status;
}

static void kept_job_deinit(struct kept_job *job)
{
    free(job->columns);
}
#define KEPT_JOB_CLEANUP __attribute__((cleanup(kept_job_deinit)))

enum amf_status amf_scorer_keep(struct amf_scorer *scorer, const struct amf_problem *problem)
{
    KEPT_JOB_CLEANUP struct kept_job job = {.scorer = scorer};
    bool fits = false;
    enum amf_status status = kept_cover(scorer, problem, true, &fits);

    if (!status && !fits)
        status = kept_cover(scorer, problem, false, &fits);
    if (status || !fits)
        return status;
    status = kept_alloc(scorer, &job);
    if (status)
        return status;
    kept_put_all_columns(&job);
    status = amf_pool_run(scorer->pool, scorer->block_count, kept_copy_block, &job, scorer->cancel);
    if (!status)
        status =
            amf_pool_run(scorer->pool, scorer->task_count, kept_copy_pending, &job, scorer->cancel);
    if (!status)
        scorer->kept.ready = true;
    return status;
}

/* ---- pending work ---- */

struct kept_pending {
    const struct amf_scorer *scorer;
    size_t *rows; /* of kept.pending, repeats allowed */
    size_t count;
    struct amf_matrix factor; /* count x count */
    struct amf_matrix *out;   /* U: count x (block_rows + test_count) */
    double *jitter;
};

static enum amf_status kept_list_pending(struct kept_pending *work, const size_t *pending,
                                         size_t pending_count)
{
    const struct scorer_kept *kept = &work->scorer->kept;
    size_t count = 0;

    for (size_t p = 0; p < pending_count; p++)
        if (__builtin_add_overflow(count, kept->rows[pending[p]].count, &count))
            return AMF_TOO_LARGE;
    work->rows = amf_new_array(count, sizeof(size_t));
    if (!work->rows)
        return AMF_NO_MEMORY;
    for (size_t p = 0; p < pending_count; p++)
        for (size_t r = 0; r < kept->rows[pending[p]].count; r++)
            work->rows[work->count++] = kept->rows[pending[p]].first + r;
    return AMF_OK;
}

static void kept_fill_factor(const struct kept_pending *work, double extra)
{
    double noise = work->scorer->noise;

    for (size_t i = 0; i < work->count; i++) {
        const double *from = amf_matrix_row(&work->scorer->kept.pending, work->rows[i]);
        double *to = amf_matrix_row(&work->factor, i);

        for (size_t j = 0; j < work->count; j++)
            to[j] = from[work->rows[j]];
        to[i] += noise * noise + extra;
    }
}

static enum amf_status kept_factor(void *arg, size_t task, size_t worker)
{
    const struct kept_pending *work = arg;
    double extra = 0, trace = 0;
    enum amf_status status = AMF_NOT_POSDEF;

    (void)task;
    (void)worker;
    kept_fill_factor(work, 0);
    for (size_t i = 0; i < work->count; i++)
        trace += amf_matrix_row(&work->factor, i)[i];
    for (int step = 0; status == AMF_NOT_POSDEF && step <= KEPT_JITTER_STEPS; step++) {
        kept_fill_factor(work, extra);
        status = amf_blas_cholesky(work->count, work->factor.data, work->count);
        if (!status)
            *work->jitter = fmax(*work->jitter, extra);
        extra = step ? 10 * extra : KEPT_JITTER_FIRST * (trace / (double)work->count);
    }
    return status;
}

static enum amf_status kept_solve(void *arg, size_t task, size_t worker)
{
    const struct kept_pending *work = arg;
    size_t first = task * KEPT_COLS, count = amf_min(KEPT_COLS, work->out->cols - first);
    size_t before = work->scorer->kept.pending.rows;

    (void)worker;
    for (size_t i = 0; i < work->count; i++)
        memcpy(amf_matrix_row(work->out, i) + first,
               amf_matrix_row(&work->scorer->kept.pending, work->rows[i]) + before + first,
               count * sizeof(double));
    return amf_blas_solve(AMF_BLAS_LEFT, work->count, count, work->factor.data, work->count,
                          work->out->data + first, work->out->cols);
}

static void kept_pending_deinit(struct kept_pending *work)
{
    free(work->rows);
}
#define KEPT_PENDING_CLEANUP __attribute__((cleanup(kept_pending_deinit)))

enum amf_status amf_scorer_kept_pending(const struct amf_scorer *scorer, const size_t *pending,
                                        size_t pending_count, struct amf_matrix *ret_rows,
                                        double *ret_jitter)
{
    KEPT_PENDING_CLEANUP struct kept_pending work = {
        .scorer = scorer, .out = ret_rows, .jitter = ret_jitter};
    AMF_MATRIX_CLEANUP struct amf_matrix factor = AMF_MATRIX_NULL;
    size_t cols = scorer->block_rows + scorer->test_count;
    enum amf_status status = kept_list_pending(&work, pending, pending_count);

    if (!status)
        status = amf_matrix_init(ret_rows, work.count, cols);
    if (status || !work.count)
        return status;
    status = amf_matrix_init(&factor, work.count, work.count);
    work.factor = factor;
    if (!status)
        status = amf_pool_run(scorer->pool, 1, kept_factor, &work, scorer->cancel);
    if (!status)
        status = amf_pool_run(scorer->pool, amf_ceil_div(cols, KEPT_COLS), kept_solve, &work,
                              scorer->cancel);
    return status;
}
