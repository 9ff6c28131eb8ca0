/* Rows appended to the inverse factor W, a panel at a time.
 *
 * For a panel P behind the rows D, with V = W k(D, P):
 *
 *   S = k(P, P) + sigma^2 I - V'V = L L'      new rows of W: [ -L^-1 V'W   L^-1 ]
 *
 * so a panel of H rows costs 2 N^2 H operations, two passes over W, each shared out over the pool.
 * Only H x H matrices are factored, in plain C.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <amf/matrix.h>

#include "engine_private.h"
#include "internal.h"

#define FACTOR_ROWS 128           /* rows of W' made by one task */
#define FACTOR_JITTER_FIRST 1e-10 /* the ladder of chol.c, for one panel */
#define FACTOR_JITTER_STEPS 7

struct factor_job {
    const struct amf_engine *engine;
    struct engine_panel *panel;
    struct amf_matrix prior;                               /* k([D P], P): (first + rows) x width */
    struct amf_matrix whitened;                            /* V: first x width */
    struct amf_matrix product;                             /* W'V: first x width */
    double gram[ENGINE_PANEL_ROWS * ENGINE_PANEL_ROWS];    /* S, then L; stride width */
    double inverse[ENGINE_PANEL_ROWS * ENGINE_PANEL_ROWS]; /* L^-1', row-major; stride width */
};

void amf_engine_panel_deinit(struct engine_panel *panel)
{
    amf_matrix_deinit(&panel->inverse);
    amf_matrix_deinit(&panel->target);
    amf_matrix_deinit(&panel->task_sums);
}

static void factor_job_deinit(struct factor_job *job)
{
    amf_matrix_deinit(&job->prior);
    amf_matrix_deinit(&job->whitened);
    amf_matrix_deinit(&job->product);
}

static enum amf_status factor_job_init(struct factor_job *job)
{
    const struct engine_panel *panel = job->panel;
    enum amf_status status = amf_matrix_init(&job->prior, panel->first + panel->rows, panel->width);

    if (!status)
        status = amf_matrix_init(&job->whitened, panel->first, panel->width);
    if (!status)
        status = amf_matrix_init(&job->product, panel->first, panel->width);
    return status;
}

/* Rows of one block: all of them, or up to row `end` among the N. */
static size_t factor_block_rows(const struct amf_engine *engine, size_t block, size_t end)
{
    return amf_min(engine->blocks[block].row_count, end - engine->block_first[block]);
}

static enum amf_status factor_prior(struct factor_job *job)
{
    const struct amf_engine *engine = job->engine;
    const struct engine_panel *panel = job->panel;
    size_t last = panel->blocks - 1, end = panel->first + panel->rows;
    struct amf_block own = {engine->blocks[last].first_row + panel->first -
                                engine->block_first[last],
                            panel->rows, engine->blocks[last].task};
    enum amf_status status = AMF_OK;

    for (size_t b = 0; !status && b <= last; b++) {
        struct amf_block left = engine->blocks[b];

        left.row_count = factor_block_rows(engine, b, end);
        status =
            amf_kernel_cross(engine->kernel, &left, 1, &own, 1,
                             amf_matrix_row(&job->prior, engine->block_first[b]), panel->width);
    }
    return status;
}

/* V's rows of one earlier panel. */
static enum amf_status factor_whiten(void *arg, size_t task, size_t worker)
{
    const struct factor_job *job = arg;
    const struct engine_panel *at = &job->engine->panels[task];
    size_t width = job->panel->width;

    (void)worker;
    amf_fold_add(at->rows, width, at->first + at->rows,
                 (struct amf_fold){at->inverse.data, 1, at->width}, job->prior.data, width,
                 amf_matrix_row(&job->whitened, at->first), width);
    return AMF_OK;
}

/* Lower triangle := Cholesky factor. False when not positive definite. */
static bool factor_cholesky(double *a, size_t size, size_t stride)
{
    for (size_t j = 0; j < size; j++) {
        for (size_t i = j; i < size; i++) {
            for (size_t k = 0; k < j; k++)
                a[i * stride + j] -= a[i * stride + k] * a[j * stride + k];
            if (i > j)
                a[i * stride + j] /= a[j * stride + j];
            else if (a[j * stride + j] > 0 && isfinite(a[j * stride + j]))
                a[j * stride + j] = sqrt(a[j * stride + j]);
            else
                return false;
        }
    }
    return true;
}

/* ret_inverse := (L^-1)', an upper triangle. */
static void factor_invert(const double *factor, size_t size, size_t stride, double *ret_inverse)
{
    memset(ret_inverse, 0, size * stride * sizeof(double));
    for (size_t j = 0; j < size; j++)
        for (size_t i = j; i < size; i++) {
            double sum = i == j;

            for (size_t k = j; k < i; k++)
                sum -= factor[i * stride + k] * ret_inverse[j * stride + k];
            ret_inverse[j * stride + i] = sum / factor[i * stride + i];
        }
}

static void factor_gram(struct factor_job *job, double extra)
{
    const struct engine_panel *panel = job->panel;
    size_t width = panel->width;

    for (size_t i = 0; i < panel->rows; i++) {
        memcpy(job->gram + i * width, amf_matrix_row(&job->prior, panel->first + i),
               width * sizeof(double));
        job->gram[i * width + i] += job->engine->noise * job->engine->noise + extra;
    }
    amf_fold_subtract(panel->rows, width, panel->first,
                      (struct amf_fold){job->whitened.data, 1, width}, job->whitened.data, width,
                      job->gram, width);
}

/* The panel's own corner: S, L and L^-1, with as little jitter as does it. */
static enum amf_status factor_corner(struct factor_job *job, double *ret_jitter)
{
    const struct engine_panel *panel = job->panel;
    double trace = 0, extra = 0;

    for (size_t i = 0; i < panel->rows; i++)
        trace += amf_matrix_row(&job->prior, panel->first + i)[i] +
                 job->engine->noise * job->engine->noise;
    if (!isfinite(trace))
        return AMF_NOT_FINITE;
    for (int step = 0; step <= FACTOR_JITTER_STEPS; step++) {
        factor_gram(job, extra);
        if (factor_cholesky(job->gram, panel->rows, panel->width)) {
            factor_invert(job->gram, panel->rows, panel->width, job->inverse);
            *ret_jitter = extra;
            return AMF_OK;
        }
        extra = step ? 10 * extra : FACTOR_JITTER_FIRST * (trace / (double)panel->rows);
    }
    return AMF_NOT_POSDEF;
}

/* Some rows of W'V, and the panel's columns of W' made of them. */
static enum amf_status factor_rows(void *arg, size_t task, size_t worker)
{
    const struct factor_job *job = arg;
    const struct engine_panel *panel = job->panel;
    size_t first = task * FACTOR_ROWS, count = amf_min(FACTOR_ROWS, panel->first - first);
    size_t width = panel->width;
    double *product = amf_matrix_row(&job->product, first);

    (void)worker;
    for (size_t q = 0; &job->engine->panels[q] < panel; q++) {
        const struct engine_panel *at = &job->engine->panels[q];
        size_t end = at->first + at->rows;

        if (end > first)
            amf_fold_add(amf_min(count, end - first), width, at->rows,
                         (struct amf_fold){amf_matrix_row(&at->inverse, first), at->width, 1},
                         amf_matrix_row(&job->whitened, at->first), width, product, width);
    }
    amf_fold_subtract(count, width, panel->rows, (struct amf_fold){product, width, 1}, job->inverse,
                      width, amf_matrix_row(&panel->inverse, first), width);
    return AMF_OK;
}

static void factor_task_sums(const struct amf_engine *engine, struct engine_panel *panel)
{
    size_t end = panel->first + panel->rows, width = panel->width;

    for (size_t b = 0; b < panel->blocks; b++)
        for (size_t r = 0; r < factor_block_rows(engine, b, end); r++)
            for (size_t h = 0; h < width; h++)
                amf_matrix_row(&panel->task_sums, engine->blocks[b].task)[h] +=
                    amf_matrix_row(&panel->inverse, engine->block_first[b] + r)[h];
}

static enum amf_status factor_panel(struct amf_engine *engine, struct engine_panel *panel,
                                    struct amf_pool *pool, const atomic_bool *cancel)
{
    __attribute__((cleanup(factor_job_deinit))) struct factor_job job = {.engine = engine,
                                                                         .panel = panel};
    size_t end = panel->first + panel->rows, width = panel->width, dim = engine->action_width;
    double jitter = 0;
    enum amf_status status = factor_job_init(&job);

    if (!status)
        status = factor_prior(&job);
    if (!status)
        status = amf_pool_run(pool, (size_t)(panel - engine->panels), factor_whiten, &job, cancel);
    if (!status)
        status = factor_corner(&job, &jitter);
    if (!status)
        status =
            amf_pool_run(pool, amf_ceil_div(panel->first, FACTOR_ROWS), factor_rows, &job, cancel);
    if (status)
        return status;
    memcpy(amf_matrix_row(&panel->inverse, panel->first), job.inverse,
           panel->rows * width * sizeof(double));
    amf_fold_add(panel->rows, dim, end, (struct amf_fold){panel->inverse.data, 1, width},
                 engine->actions, dim, panel->target.data, dim);
    factor_task_sums(engine, panel);
    engine->jitter = fmax(engine->jitter, jitter);
    return AMF_OK;
}

static enum amf_status factor_add_panel(struct amf_engine *engine, size_t block, size_t rows,
                                        struct amf_pool *pool, const atomic_bool *cancel)
{
    struct engine_panel *panel;
    size_t end = engine->row_count + rows, width = fold_round_up(rows);
    enum amf_status status = amf_engine_reserve(&engine->panels, &engine->panel_room,
                                                engine->panel_count + 1, sizeof(*panel));

    if (status)
        return status;
    panel = &engine->panels[engine->panel_count];
    *panel = (struct engine_panel){
        .first = engine->row_count, .rows = rows, .width = width, .blocks = block + 1};
    engine->panel_count++;
    status = amf_matrix_init(&panel->inverse, end, width);
    if (!status)
        status = amf_matrix_init(&panel->target, rows, engine->action_width);
    if (!status)
        status = amf_matrix_init(&panel->task_sums, engine->kernel->task_count, width);
    if (status)
        return status;
    engine->row_count = end;
    return factor_panel(engine, panel, pool, cancel);
}

enum amf_status amf_engine_factor(struct amf_engine *engine, struct amf_pool *pool,
                                  const atomic_bool *cancel)
{
    enum amf_status status = AMF_OK;

    for (size_t b = engine->panel_count ? engine->panels[engine->panel_count - 1].blocks : 0;
         !status && b < engine->block_count; b++)
        for (size_t r = 0; !status && r < engine->blocks[b].row_count; r += ENGINE_PANEL_ROWS)
            status = factor_add_panel(engine, b,
                                      amf_min(ENGINE_PANEL_ROWS, engine->blocks[b].row_count - r),
                                      pool, cancel);
    return status;
}
