/* Panel Cholesky: left-looking over column panels, parallel over row panels.
 *
 * For row panel i and column panel k <= i, with everything left of k done:
 *
 *   A_ik -= sum_{j<k} L_ij L_kj'      one product of inner dimension k * CHOL_PANEL
 *   L_kk  = chol(A_kk)
 *   L_ik  = A_ik L_kk^-T
 *
 * Old column panels need no waiting: each new row panel runs through them by itself. Among the new
 * ones each column panel is three steps: update, factor, solve. Row panels of CHOL_PANEL rows are
 * one task, so the pieces, and the bits, are the same at any number of workers. Cost N^3 / 3, or
 * N^2 H for H new rows; memory N^2 / 2 doubles, shared between factors.
 */
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <amf/chol.h>
#include <amf/matrix.h>

#include "blas.h"
#include "internal.h"

#define CHOL_PANEL 128
#define CHOL_JITTER_FIRST 1e-10 /* times the mean of the new diagonal */
#define CHOL_JITTER_STEPS 7     /* each ten times the last, so up to 1e-4 */

struct chol_panel {
    atomic_size_t references;
    size_t first;             /* row of A */
    struct amf_matrix matrix; /* rows x (first + rows); right of the diagonal: meaningless */
};

struct amf_chol {
    atomic_size_t references;
    size_t row_count, panel_count;
    double jitter;
    struct chol_panel *panels[];
};

static void chol_panel_unref(struct chol_panel *panel)
{
    if (!panel || atomic_fetch_sub(&panel->references, 1) != 1)
        return;
    amf_matrix_deinit(&panel->matrix);
    free(panel);
}

static enum amf_status chol_panel_new(size_t first, size_t rows, struct chol_panel **ret_panel)
{
    struct chol_panel *panel = calloc(1, sizeof(*panel));
    enum amf_status status;

    if (!panel)
        return AMF_NO_MEMORY;
    atomic_init(&panel->references, 1);
    panel->first = first;
    status = amf_matrix_init(&panel->matrix, rows, first + rows);
    if (status) {
        free(panel);
        return status;
    }
    *ret_panel = panel;
    return AMF_OK;
}

struct amf_chol *amf_chol_ref(struct amf_chol *chol)
{
    atomic_fetch_add(&chol->references, 1);
    return chol;
}

void amf_chol_unref(struct amf_chol *chol)
{
    if (!chol || atomic_fetch_sub(&chol->references, 1) != 1)
        return;
    for (size_t i = 0; i < chol->panel_count; i++)
        chol_panel_unref(chol->panels[i]);
    free(chol);
}

size_t amf_chol_rows(const struct amf_chol *chol)
{
    return chol ? chol->row_count : 0;
}

double amf_chol_jitter(const struct amf_chol *chol)
{
    return chol ? chol->jitter : 0;
}

double amf_chol_log_det(const struct amf_chol *chol)
{
    double sum = 0;

    for (size_t p = 0; chol && p < chol->panel_count; p++) {
        const struct chol_panel *panel = chol->panels[p];

        for (size_t i = 0; i < panel->matrix.rows; i++)
            sum += log(amf_matrix_row(&panel->matrix, i)[panel->first + i]);
    }
    return 2 * sum;
}

/* The child with its parent's panels, and empty ones for the new rows. */
static enum amf_status chol_grow(const struct amf_chol *parent, size_t row_count,
                                 struct amf_chol **ret_chol)
{
    size_t before = parent ? parent->panel_count : 0, first = amf_chol_rows(parent);
    size_t last, panels = before + amf_ceil_div(row_count, CHOL_PANEL);
    struct amf_chol *chol;
    enum amf_status status = AMF_OK;

    if (__builtin_add_overflow(first, row_count, &last) || panels > SIZE_MAX / 16)
        return AMF_TOO_LARGE;
    chol = calloc(1, sizeof(*chol) + panels * sizeof(chol->panels[0]));
    if (!chol)
        return AMF_NO_MEMORY;
    atomic_init(&chol->references, 1);
    chol->row_count = last;
    chol->panel_count = panels;
    for (size_t i = 0; i < before; i++) {
        chol->panels[i] = parent->panels[i];
        atomic_fetch_add(&chol->panels[i]->references, 1);
    }
    for (size_t i = before; !status && i < panels; i++, first += CHOL_PANEL)
        status = chol_panel_new(first, amf_min(CHOL_PANEL, last - first), &chol->panels[i]);
    if (status)
        amf_chol_unref(chol);
    else
        *ret_chol = chol;
    return status;
}

struct chol_job {
    struct amf_chol *chol;
    size_t old_panels; /* the parent's */
    amf_chol_fill *fill;
    void *arg;
    double jitter; /* added to the new diagonal */
    size_t column; /* panel being factored */
};

static double *chol_at(const struct chol_panel *panel, size_t column)
{
    return panel->matrix.data + column;
}

/* A_ik -= sum_{j<k} L_ij L_kj' for row panel i and column panel k. */
static enum amf_status chol_update(const struct chol_panel *row, const struct chol_panel *column)
{
    return amf_blas_subtract_outer(
        row->matrix.rows, column->matrix.rows, column->first, row->matrix.data, row->matrix.cols,
        column->matrix.data, column->matrix.cols, chol_at(row, column->first), row->matrix.cols);
}

static enum amf_status chol_solve(const struct chol_panel *row, const struct chol_panel *column)
{
    return amf_blas_solve(AMF_BLAS_RIGHT_TRANSPOSED, row->matrix.rows, column->matrix.rows,
                          chol_at(column, column->first), column->matrix.cols,
                          chol_at(row, column->first), row->matrix.cols);
}

/* Fills a new row panel and takes it through the parent's columns. */
static enum amf_status chol_enter_panel(void *arg, size_t task, size_t worker)
{
    const struct chol_job *job = arg;
    struct chol_panel *row = job->chol->panels[job->old_panels + task];
    enum amf_status status;

    (void)worker;
    status = job->fill(job->arg, row->first, row->matrix.rows, row->matrix.data, row->matrix.cols);
    for (size_t i = 0; !status && i < row->matrix.rows; i++) {
        double *values = amf_matrix_row(&row->matrix, i);

        values[row->first + i] += job->jitter;
        if (!amf_all_finite(values, row->first + i + 1))
            return AMF_NOT_FINITE;
    }
    for (size_t k = 0; !status && k < job->old_panels; k++) {
        status = chol_update(row, job->chol->panels[k]);
        if (!status)
            status = chol_solve(row, job->chol->panels[k]);
    }
    return status;
}

static enum amf_status chol_factor_column(void *arg, size_t task, size_t worker)
{
    const struct chol_job *job = arg;
    struct chol_panel *panel = job->chol->panels[job->column];
    enum amf_status status = chol_update(panel, panel);

    (void)task;
    (void)worker;
    if (status)
        return status;
    status =
        amf_blas_cholesky(panel->matrix.rows, chol_at(panel, panel->first), panel->matrix.cols);
    /* The input was finite: what is not finite now came of a matrix that is hardly one. */
    return status == AMF_NOT_FINITE ? AMF_NOT_POSDEF : status;
}

static enum amf_status chol_finish_column(void *arg, size_t task, size_t worker)
{
    const struct chol_job *job = arg;
    const struct chol_panel *column = job->chol->panels[job->column];
    const struct chol_panel *row = job->chol->panels[job->column + 1 + task];
    enum amf_status status = chol_update(row, column);

    (void)worker;
    return status ? status : chol_solve(row, column);
}

static enum amf_status chol_run(struct chol_job *job, struct amf_pool *pool,
                                const atomic_bool *cancel)
{
    size_t panels = job->chol->panel_count;
    enum amf_status status =
        amf_pool_run(pool, panels - job->old_panels, chol_enter_panel, job, cancel);

    for (job->column = job->old_panels; !status && job->column < panels; job->column++) {
        status = amf_pool_run(pool, 1, chol_factor_column, job, cancel);
        if (!status)
            status = amf_pool_run(pool, panels - job->column - 1, chol_finish_column, job, cancel);
    }
    return status;
}

struct chol_diagonal {
    const struct chol_job *job;
    double sum;
};

/* A trace of the new rows, in one task: fill may only be called from the pool. */
static enum amf_status chol_sum_diagonal(void *arg, size_t task, size_t worker)
{
    struct chol_diagonal *diagonal = arg;
    const struct chol_job *job = diagonal->job;
    enum amf_status status = AMF_OK;

    (void)task;
    (void)worker;
    for (size_t p = job->old_panels; !status && p < job->chol->panel_count; p++) {
        const struct chol_panel *panel = job->chol->panels[p];

        status = job->fill(job->arg, panel->first, panel->matrix.rows, panel->matrix.data,
                           panel->matrix.cols);
        for (size_t i = 0; !status && i < panel->matrix.rows; i++)
            diagonal->sum += amf_matrix_row(&panel->matrix, i)[panel->first + i];
    }
    return status;
}

static enum amf_status chol_run_with_jitter(struct chol_job *job, struct amf_pool *pool,
                                            const atomic_bool *cancel)
{
    struct chol_diagonal diagonal = {job, 0};
    size_t rows = job->chol->row_count - job->chol->panels[job->old_panels]->first;
    enum amf_status status = amf_pool_run(pool, 1, chol_sum_diagonal, &diagonal, cancel);

    if (status)
        return status;
    job->jitter = CHOL_JITTER_FIRST * (diagonal.sum / (double)rows);
    for (int step = 0; step < CHOL_JITTER_STEPS; step++, job->jitter *= 10) {
        status = chol_run(job, pool, cancel);
        if (status != AMF_NOT_POSDEF)
            return status;
    }
    return AMF_NOT_POSDEF;
}

enum amf_status amf_chol_extend(struct amf_chol *parent, size_t row_count, amf_chol_fill *fill,
                                void *arg, struct amf_pool *pool, const atomic_bool *cancel,
                                struct amf_chol **ret_chol)
{
    AMF_CHOL_CLEANUP struct amf_chol *chol = NULL;
    struct chol_job job = {.fill = fill, .arg = arg};
    enum amf_status status = chol_grow(parent, row_count, &chol);

    if (status)
        return status;
    job.chol = chol;
    job.old_panels = parent ? parent->panel_count : 0;
    status = chol_run(&job, pool, cancel);
    if (status == AMF_NOT_POSDEF)
        status = chol_run_with_jitter(&job, pool, cancel);
    if (status)
        return status;
    chol->jitter = fmax(job.jitter, amf_chol_jitter(parent));
    *ret_chol = chol;
    chol = NULL;
    return AMF_OK;
}

/* One panel's rows of the solution: B_k - L_k,above V_above - L_k,mine V_mine, then L_kk^-1. */
static enum amf_status chol_forward_panel(const struct chol_panel *panel, size_t from,
                                          const double *above, size_t above_stride, size_t cols,
                                          double *rows, size_t stride)
{
    size_t height = panel->matrix.rows, mine = panel->first - from;
    double *out = rows + mine * stride;
    enum amf_status status =
        amf_blas_subtract_product(height, cols, from, panel->matrix.data, panel->matrix.cols, above,
                                  above_stride, out, stride);

    if (!status)
        status = amf_blas_subtract_product(height, cols, mine, chol_at(panel, from),
                                           panel->matrix.cols, rows, stride, out, stride);
    if (!status)
        status = amf_blas_solve(AMF_BLAS_LEFT, height, cols, chol_at(panel, panel->first),
                                panel->matrix.cols, out, stride);
    return status;
}

enum amf_status amf_chol_forward(const struct amf_chol *chol, size_t from, const double *above,
                                 size_t above_stride, size_t cols, double *ret_rows, size_t stride)
{
    enum amf_status status = AMF_OK;

    for (size_t k = 0; !status && chol && k < chol->panel_count; k++)
        if (chol->panels[k]->first >= from)
            status = chol_forward_panel(chol->panels[k], from, above, above_stride, cols, ret_rows,
                                        stride);
    return status;
}
