/* Means and variances of every member's pairs under every task, panel after panel.
 *
 * A panel's part of u = W k(D, x) is a product of its rows of W with the covariances of x. Where a
 * kernel is v t(c, c') base(s, s') or v (base + t), the sum over D is taken of base alone, once a
 * state and not once a pair, in a share for each task c' of the conditioned rows:
 *
 *   G_c'[t][h] = sum over rows d of task c' of base(s_t, d) W[h][d],   u = v sum_c' t(c, c') G_c'
 *
 * Other kernels have no such form: their covariances k(D, x) are worked out task by task, and kept
 * for pairs that have a slot, so that new rows meet only what is new. A member is one task of the
 * pool.
 */
#include <string.h>

#include "engine_private.h"
#include "internal.h"

struct pairs_job {
    struct amf_engine *engine;
    struct amf_matrix shares;  /* workers x (task_count x (largest member x PANEL_ROWS)): G */
    struct amf_matrix parts;   /* the same size: u of all tasks */
    struct amf_matrix level;   /* the same size: what does not depend on the state (SUM) */
    struct amf_matrix prior;   /* not separate: workers x (N x largest member) */
    struct amf_matrix mixing;  /* task_count x task_count: v t(c, c') */
    struct amf_matrix scaling; /* SUM: the same, all v */
};

static void pairs_job_deinit(struct pairs_job *job)
{
    amf_matrix_deinit(&job->shares);
    amf_matrix_deinit(&job->parts);
    amf_matrix_deinit(&job->level);
    amf_matrix_deinit(&job->prior);
    amf_matrix_deinit(&job->mixing);
    amf_matrix_deinit(&job->scaling);
}

static enum amf_status pairs_job_init(struct pairs_job *job, size_t workers)
{
    const struct amf_engine *engine = job->engine;
    size_t tasks = engine->kernel->task_count, rows = 1, width = 0, shares, prior;
    bool joint = !engine_separates(engine->kernel);
    enum amf_status status;

    for (size_t i = 0; i < engine->member_count; i++)
        rows = rows > engine->members[i].row_count ? rows : engine->members[i].row_count;
    for (size_t p = 0; p < engine->panel_count; p++)
        width = width > engine->panels[p].width ? width : engine->panels[p].width;
    if (__builtin_mul_overflow(joint ? 1 : tasks, rows * width, &shares) ||
        __builtin_mul_overflow(rows, joint ? engine->row_count : 0, &prior))
        return AMF_TOO_LARGE;
    status = amf_matrix_init(&job->shares, workers, shares);
    if (!status)
        status = amf_matrix_init(&job->parts, workers, shares);
    if (!status)
        status = amf_matrix_init(&job->level, workers, shares);
    if (!status)
        status = amf_matrix_init(&job->prior, workers, prior);
    if (!status)
        status = amf_matrix_init(&job->mixing, tasks, tasks);
    if (!status)
        status = amf_matrix_init(&job->scaling, tasks, tasks);
    for (size_t k = 0; !status && !joint && k < tasks * tasks; k++) {
        job->mixing.data[k] = engine->kernel->variance * engine->kernel->tasks.data[k];
        job->scaling.data[k] = engine->kernel->variance;
    }
    return status;
}

/* One panel's numbers of a member under one task: part is row_count x width. */
static void pairs_take(struct amf_engine *engine, size_t index, size_t task, size_t p,
                       const double *part)
{
    struct engine_member *member = &engine->members[index];
    const struct engine_panel *panel = &engine->panels[p];
    size_t rows = member->row_count, width = panel->width, dim = engine->action_width;
    double *variance = member->variance + task * rows;
    struct engine_slot *slot =
        member->slot[task] == ENGINE_NONE ? NULL : &engine->pool.slots[member->slot[task]];

    if (p >= member->done) {
        for (size_t t = 0; t < rows; t++)
            for (size_t h = 0; h < panel->rows; h++)
                variance[t] -= part[t * width + h] * part[t * width + h];
        amf_fold_add(rows, dim, panel->rows, (struct amf_fold){part, width, 1}, panel->target.data,
                     dim, member->mean + task * rows * dim, dim);
    }
    if (!slot || p < slot->done)
        return;
    for (size_t h = 0; h < panel->rows; h++)
        for (size_t t = 0; t < rows; t++)
            *engine_whitened(&engine->pool, panel->first + h, slot->column + t) =
                part[t * width + h];
    slot->done = p + 1;
}

/* G of one member and panel. */
static void pairs_share(const struct amf_engine *engine, const struct engine_member *member,
                        const struct engine_panel *panel, double *shares)
{
    size_t size = member->row_count * panel->width, end = panel->first + panel->rows;
    size_t stride = engine->kernel->table->stride;

    memset(shares, 0, engine->kernel->task_count * size * sizeof(double));
    for (size_t b = 0; b < panel->blocks; b++) {
        const struct amf_block *block = &engine->blocks[b];
        const double *base = kernel_table_row(engine->kernel, member->first_row);

        amf_fold_add(member->row_count, panel->width,
                     amf_min(block->row_count, end - engine->block_first[b]),
                     (struct amf_fold){base + block->first_row, stride, 1},
                     amf_matrix_row(&panel->inverse, engine->block_first[b]), panel->width,
                     shares + block->task * size, panel->width);
    }
}

/* u of all tasks from G: one product with the tasks' part of the kernel. */
static void pairs_mix(const struct pairs_job *job, const struct engine_member *member,
                      const struct engine_panel *panel, size_t worker, double *parts)
{
    const double *shares = amf_matrix_row(&job->shares, worker), *mixed = shares;
    size_t tasks = job->engine->kernel->task_count, width = panel->width;
    size_t size = member->row_count * width;
    struct amf_fold mixing = {job->mixing.data, tasks, 1};

    memset(parts, 0, tasks * size * sizeof(double));
    if (job->engine->kernel->form == KERNEL_SUM) {
        double *level = amf_matrix_row(&job->level, worker);

        amf_fold_add(tasks, size, tasks, (struct amf_fold){job->scaling.data, tasks, 1}, shares,
                     size, parts, size);
        for (size_t c = 0; c < tasks; c++)
            for (size_t t = 0; t < member->row_count; t++)
                memcpy(level + c * size + t * width, amf_matrix_row(&panel->task_sums, c),
                       width * sizeof(double));
        mixed = level;
    }
    amf_fold_add(tasks, size, tasks, mixing, mixed, size, parts, size);
}

/* The first panel that the member or one of its slots lacks. */
static size_t pairs_begin(const struct amf_engine *engine, const struct engine_member *member)
{
    size_t from = member->done;

    for (size_t c = 0; c < engine->kernel->task_count; c++)
        if (member->slot[c] != ENGINE_NONE)
            from = amf_min(from, engine->pool.slots[member->slot[c]].done);
    return from;
}

static void pairs_separable(const struct pairs_job *job, size_t index, size_t worker)
{
    struct amf_engine *engine = job->engine;
    const struct engine_member *member = &engine->members[index];
    double *parts = amf_matrix_row(&job->parts, worker);

    for (size_t p = pairs_begin(engine, member); p < engine->panel_count; p++) {
        const struct engine_panel *panel = &engine->panels[p];

        pairs_share(engine, member, panel, amf_matrix_row(&job->shares, worker));
        pairs_mix(job, member, panel, worker, parts);
        for (size_t c = 0; c < engine->kernel->task_count; c++)
            pairs_take(engine, index, c, p, parts + c * member->row_count * panel->width);
    }
}

/* k(D, x) of a block's rows, from row `known` of D on: `rows` doubles a row. */
static enum amf_status pairs_prior(const struct amf_engine *engine, const struct amf_block *own,
                                   size_t known, double *ret_prior)
{
    size_t b = 0;
    enum amf_status status = AMF_OK;

    while (b < engine->block_count && engine->block_first[b] < known)
        b++;
    if (b < engine->block_count)
        status = amf_kernel_cross(engine->kernel, engine->blocks + b, engine->block_count - b, own,
                                  1, ret_prior, own->row_count);
    return status;
}

/* Brings a slot's prior up to all conditioned rows. */
static enum amf_status pairs_know(struct amf_engine *engine, struct engine_slot *slot,
                                  const struct amf_block *own, double *work)
{
    enum amf_status status = pairs_prior(engine, own, slot->known, work);

    for (size_t t = 0; !status && t < slot->row_count; t++) {
        double *to = engine_prior(&engine->pool, slot->known, slot->column + t);

        for (size_t r = slot->known; r < engine->row_count; r++, to += ENGINE_TILE)
            *to = work[(r - slot->known) * slot->row_count + t];
    }
    if (!status)
        slot->known = engine->row_count;
    return status;
}

/* One panel's u of a block: rows x width. slot: NULL where k(D, x) is in `work`. */
static void pairs_multiply(const struct amf_engine *engine, const struct engine_slot *slot,
                           const double *work, size_t rows, const struct engine_panel *panel,
                           double *part)
{
    size_t width = panel->width, end = panel->first + panel->rows;

    memset(part, 0, rows * width * sizeof(double));
    for (size_t t = 0, count; t < rows; t += count) {
        size_t column = slot ? slot->column + t : 0;
        struct amf_fold prior = {work + t, 1, rows};

        count = rows - t;
        if (slot) {
            count = amf_min(count, ENGINE_TILE - column % ENGINE_TILE);
            prior = (struct amf_fold){engine_prior(&engine->pool, 0, column), 1, ENGINE_TILE};
        }
        amf_fold_add(count, width, end, prior, panel->inverse.data, width, part + t * width, width);
    }
}

static enum amf_status pairs_joint(const struct pairs_job *job, size_t index, size_t task,
                                   size_t worker)
{
    struct amf_engine *engine = job->engine;
    const struct engine_member *member = &engine->members[index];
    struct engine_slot *slot =
        member->slot[task] == ENGINE_NONE ? NULL : &engine->pool.slots[member->slot[task]];
    struct amf_block own = {member->first_row, member->row_count, task};
    double *work = amf_matrix_row(&job->prior, worker);
    double *part = amf_matrix_row(&job->parts, worker);
    size_t from = slot ? amf_min(slot->done, member->done) : member->done;
    enum amf_status status;

    if (from == engine->panel_count || !amf_kernel_covers(engine->kernel, &own))
        return AMF_OK;
    status = slot ? pairs_know(engine, slot, &own, work) : pairs_prior(engine, &own, 0, work);
    for (size_t p = from; !status && p < engine->panel_count; p++) {
        pairs_multiply(engine, slot, work, member->row_count, &engine->panels[p], part);
        pairs_take(engine, index, task, p, part);
    }
    return status;
}

/* The newest first: it has all panels to go through, the others the new ones alone. */
static enum amf_status pairs_member(void *arg, size_t task, size_t worker)
{
    const struct pairs_job *job = arg;
    size_t index = job->engine->member_count - 1 - task;
    struct engine_member *member = &job->engine->members[index];
    bool joint = !engine_separates(job->engine->kernel);
    enum amf_status status = AMF_OK;

    if (pairs_begin(job->engine, member) == job->engine->panel_count)
        return AMF_OK;
    if (!joint)
        pairs_separable(job, index, worker);
    for (size_t c = 0; joint && !status && c < job->engine->kernel->task_count; c++)
        status = pairs_joint(job, index, c, worker);
    if (!status)
        member->done = job->engine->panel_count;
    return status;
}

enum amf_status amf_engine_pairs(struct amf_engine *engine, struct amf_pool *pool,
                                 const atomic_bool *cancel)
{
    __attribute__((cleanup(pairs_job_deinit))) struct pairs_job job = {.engine = engine};
    enum amf_status status = pairs_job_init(&job, amf_pool_size(pool));

    if (status)
        return status;
    return amf_pool_run(pool, engine->member_count, pairs_member, &job, cancel);
}
