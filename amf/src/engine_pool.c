/* Covariances under the posterior between all pairs that weigh something, kept from one ranking to
 * the next: k_D(x, y) = k(x, y) - u_x' u_y, a sum over the conditioned rows that only grows.
 *
 * With them a ranking's blocks and test pairs, which change with the weights, are looked up and not
 * worked out; and pending work conditions on pairs of the same kind. A slot is one demonstration
 * under one task. Slots are added at the end; when room runs out the wanted ones are moved to new
 * storage. Only the upper triangle is kept up.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine_private.h"
#include "internal.h"

#define POOL_LIMIT ((size_t)32 << 20) /* doubles, of each of the two matrices: 256 MiB */
#define POOL_TILE 64                  /* columns and rows of covariances that one task takes */
#define POOL_ALIGN 64                 /* bytes */

static void pool_free_storage(struct engine_pool *pool)
{
    free(pool->whitened_storage);
    free(pool->covariance_storage);
}

void amf_engine_pool_deinit(struct engine_pool *pool)
{
    pool_free_storage(pool);
    free(pool->slots);
    *pool = (struct engine_pool){0};
}

/* Zeroed and aligned, and not touched: what is never used costs no memory. */
static void *pool_storage(size_t rows, size_t cols, double **ret_data)
{
    size_t bytes;
    char *storage;

    if (__builtin_mul_overflow(rows, cols, &bytes) ||
        __builtin_mul_overflow(bytes, sizeof(double), &bytes) ||
        __builtin_add_overflow(bytes, POOL_ALIGN, &bytes))
        return NULL;
    storage = calloc(1, bytes);
    if (storage)
        *ret_data = (double *)(void *)(storage + (POOL_ALIGN - (uintptr_t)storage % POOL_ALIGN));
    return storage;
}

static bool pool_fits(size_t columns, size_t rows)
{
    size_t size;

    return !__builtin_mul_overflow(columns, columns > rows ? columns : rows, &size) &&
           size <= POOL_LIMIT;
}

static size_t pool_wanted_columns(const struct engine_pool *pool)
{
    size_t columns = 0;

    for (size_t s = 0; s < pool->slot_count; s++)
        columns += pool->slots[s].wanted ? pool->slots[s].row_count : 0;
    return columns;
}

/* ---- moving to new storage ---- */

/* A slot without numbers may stand beyond the room there was. */
static void pool_move_slot(const struct engine_pool *from, struct engine_pool *to,
                           const struct engine_slot *old, const struct engine_slot *slot,
                           size_t rows)
{
    for (size_t r = 0; old->done && r < rows; r++)
        memcpy(to->whitened + r * to->stride + slot->column,
               from->whitened + r * from->stride + old->column, slot->row_count * sizeof(double));
}

/* The wanted slots of the old pool, side by side in the new one; settled ones before the others, as
 * they stood. */
static void pool_move(const struct engine_pool *from, struct engine_pool *to, size_t rows)
{
    for (size_t s = 0; s < from->slot_count; s++) {
        struct engine_slot *slot = &to->slots[to->slot_count];

        if (!from->slots[s].wanted)
            continue;
        if (from->slots[s].column < from->settled_columns)
            to->settled_columns = fold_round_up(to->used + from->slots[s].row_count);
        else
            to->used = to->used < to->settled_columns ? to->settled_columns : to->used;
        *slot = from->slots[s];
        slot->column = to->used;
        to->used += slot->row_count;
        to->slot_count++;
        pool_move_slot(from, to, &from->slots[s], slot, rows);
    }
    to->used = to->used < to->settled_columns ? to->settled_columns : to->used;
    to->settled_rows = from->settled_rows;
}

/* Covariances of the settled slots of the new pool; `old` maps its slots to the old one's. */
static void pool_move_covariances(const struct engine_pool *from, struct engine_pool *to,
                                  const size_t *old)
{
    for (size_t a = 0; a < to->slot_count && to->slots[a].column < to->settled_columns; a++)
        for (size_t b = a; b < to->slot_count && to->slots[b].column < to->settled_columns; b++)
            for (size_t r = 0; r < to->slots[a].row_count; r++)
                memcpy(to->covariance + (to->slots[a].column + r) * to->stride +
                           to->slots[b].column,
                       from->covariance + (from->slots[old[a]].column + r) * from->stride +
                           from->slots[old[b]].column,
                       to->slots[b].row_count * sizeof(double));
}

static void pool_tell_members(struct amf_engine *engine)
{
    for (size_t i = 0; i < engine->member_count; i++)
        for (size_t c = 0; c < engine->kernel->task_count; c++)
            engine->members[i].slot[c] = ENGINE_NONE;
    for (size_t s = 0; s < engine->pool.slot_count; s++)
        engine->members[engine->pool.slots[s].member].slot[engine->pool.slots[s].task] = s;
}

/* New storage for the wanted slots and `more` columns, with a quarter of room on top. */
static enum amf_status pool_resize(struct amf_engine *engine, size_t more)
{
    struct engine_pool *from = &engine->pool, to = {0};
    size_t columns = pool_wanted_columns(from) + more, slots = 0;
    AMF_FREE_CLEANUP size_t *old = amf_new_array(from->slot_count, sizeof(size_t));

    if (!old)
        return AMF_NO_MEMORY;
    for (size_t s = 0; s < from->slot_count; s++)
        if (from->slots[s].wanted)
            old[slots++] = s;
    to.stride = fold_round_up(columns + columns / 4 + 2 * POOL_TILE);
    to.row_room = engine->row_count + engine->row_count / 4 + POOL_TILE;
    to.slot_room = from->slot_count;
    to.slots = amf_new_array(to.slot_room, sizeof(*to.slots));
    to.whitened_storage = pool_storage(to.row_room, to.stride, &to.whitened);
    to.covariance_storage = pool_storage(to.stride, to.stride, &to.covariance);
    if (!to.slots || !to.whitened_storage || !to.covariance_storage) {
        amf_engine_pool_deinit(&to);
        return AMF_NO_MEMORY;
    }
    pool_move(from, &to, amf_min(from->row_room, engine->row_count));
    pool_move_covariances(from, &to, old);
    amf_engine_pool_deinit(from);
    *from = to;
    pool_tell_members(engine);
    return AMF_OK;
}

static enum amf_status pool_add_slot(struct amf_engine *engine, size_t member, size_t task)
{
    struct engine_pool *pool = &engine->pool;
    size_t rows = engine->members[member].row_count;
    enum amf_status status = amf_engine_reserve(&pool->slots, &pool->slot_room,
                                                pool->slot_count + 1, sizeof(*pool->slots));

    if (status)
        return status;
    engine->members[member].slot[task] = pool->slot_count;
    pool->slots[pool->slot_count++] = (struct engine_slot){member, task, pool->used, rows, 0, true};
    pool->used += rows;
    return AMF_OK;
}

enum amf_status amf_engine_pool_expect(struct amf_engine *engine, size_t member, size_t task)
{
    const struct engine_pool *pool = &engine->pool;

    if (!pool_fits(pool->used + engine->members[member].row_count, engine->row_count))
        return AMF_OK;
    return pool_add_slot(engine, member, task);
}

enum amf_status amf_engine_pool_make_room(struct amf_engine *engine)
{
    const struct engine_pool *pool = &engine->pool;

    if (fold_round_up(pool->used) <= pool->stride && engine->row_count <= pool->row_room)
        return AMF_OK;
    return pool_resize(engine, 0);
}

/* ---- covering ---- */

struct pool_job {
    struct amf_engine *engine;
    size_t fresh;              /* first column that is not settled */
    size_t settled, unsettled; /* tiles across each part */
};

/* k(x, y) of one slot that is not settled with every slot before it, and itself. */
static enum amf_status pool_fill_prior(void *arg, size_t task, size_t worker)
{
    const struct pool_job *job = arg;
    struct amf_engine *engine = job->engine;
    const struct engine_pool *pool = &engine->pool;
    const struct engine_slot *slot = &pool->slots[task];
    struct amf_block right = {engine->members[slot->member].first_row, slot->row_count, slot->task};
    enum amf_status status = AMF_OK;

    (void)worker;
    for (size_t s = 0; slot->column >= job->fresh && !status && s <= task; s++) {
        const struct engine_slot *other = &pool->slots[s];
        struct amf_block left = {engine->members[other->member].first_row, other->row_count,
                                 other->task};

        status = amf_kernel_cross(engine->kernel, &left, 1, &right, 1,
                                  pool->covariance + other->column * pool->stride + slot->column,
                                  pool->stride);
    }
    return status;
}

static void pool_fold_tile(const struct engine_pool *pool, size_t row, size_t row_end,
                           size_t column, size_t column_end, size_t from, size_t to)
{
    amf_fold_subtract(
        row_end - row, fold_round_up(column_end - column), to - from,
        (struct amf_fold){pool->whitened + from * pool->stride + row, 1, pool->stride},
        pool->whitened + from * pool->stride + column, pool->stride,
        pool->covariance + row * pool->stride + column, pool->stride);
}

struct pool_range {
    size_t first, end;
};

static struct pool_range pool_tile(const struct pool_job *job, size_t tile)
{
    const struct engine_pool *pool = &job->engine->pool;
    size_t first =
        tile < job->settled ? tile * POOL_TILE : job->fresh + (tile - job->settled) * POOL_TILE;

    return (struct pool_range){
        first, amf_min(first + POOL_TILE, tile < job->settled ? job->fresh : pool->used)};
}

/* One row of tiles, from the diagonal on: settled ones by the new rows, the others by all. */
static enum amf_status pool_fold_row(void *arg, size_t task, size_t worker)
{
    const struct pool_job *job = arg;
    const struct engine_pool *pool = &job->engine->pool;
    struct pool_range rows = pool_tile(job, task);

    (void)worker;
    for (size_t tile = task; tile < job->settled + job->unsettled; tile++) {
        struct pool_range columns = pool_tile(job, tile);

        pool_fold_tile(pool, rows.first, rows.end, columns.first, columns.end,
                       tile < job->settled ? pool->settled_rows : 0, job->engine->row_count);
    }
    return AMF_OK;
}

/* Makes every slot's covariances with every other those of the whole factor. */
static enum amf_status pool_settle(struct amf_engine *engine, struct amf_pool *workers,
                                   const atomic_bool *cancel)
{
    struct engine_pool *pool = &engine->pool;
    struct pool_job job = {.engine = engine, .fresh = pool->settled_columns};
    enum amf_status status;

    job.settled = amf_ceil_div(job.fresh, POOL_TILE);
    job.unsettled = amf_ceil_div(pool->used > job.fresh ? pool->used - job.fresh : 0, POOL_TILE);
    status = amf_pool_run(workers, pool->slot_count, pool_fill_prior, &job, cancel);
    if (!status)
        status = amf_pool_run(workers, job.settled + job.unsettled, pool_fold_row, &job, cancel);
    if (status)
        return status;
    pool->used = fold_round_up(pool->used);
    pool->settled_columns = pool->used;
    pool->settled_rows = engine->row_count;
    return AMF_OK;
}

/* Marks what is wanted; *ret_missing: columns of pairs without a slot. False when all of them would
 * take too much memory. */
static bool pool_mark(struct amf_engine *engine, const struct engine_pair *pairs, size_t count,
                      size_t *ret_missing)
{
    struct engine_pool *pool = &engine->pool;
    size_t columns = 0, missing = 0;

    for (size_t k = 0; k < count; k++)
        columns += engine->members[pairs[k].member].row_count;
    if (!pool_fits(columns, engine->row_count))
        return false;
    for (size_t s = 0; s < pool->slot_count; s++)
        pool->slots[s].wanted = false;
    for (size_t k = 0; k < count; k++) {
        const struct engine_member *member = &engine->members[pairs[k].member];

        if (member->slot[pairs[k].task] == ENGINE_NONE)
            missing += member->row_count;
        else
            pool->slots[member->slot[pairs[k].task]].wanted = true;
    }
    *ret_missing = missing;
    return true;
}

enum amf_status amf_engine_cover(struct amf_engine *engine, const struct engine_pair *pairs,
                                 size_t count, struct amf_pool *pool, const atomic_bool *cancel,
                                 bool *ret_fits)
{
    size_t missing = 0;
    enum amf_status status = AMF_OK;

    if (!pool_mark(engine, pairs, count, &missing)) {
        *ret_fits = false;
        return AMF_OK;
    }
    if (fold_round_up(engine->pool.used + missing) > engine->pool.stride)
        status = pool_resize(engine, missing);
    for (size_t k = 0; !status && k < count; k++)
        if (engine->members[pairs[k].member].slot[pairs[k].task] == ENGINE_NONE)
            status = pool_add_slot(engine, pairs[k].member, pairs[k].task);
    if (!status)
        status = amf_engine_pairs(engine, pool, cancel);
    if (!status)
        status = pool_settle(engine, pool, cancel);
    if (!status)
        *ret_fits = true;
    return status;
}

size_t amf_engine_column(const struct amf_engine *engine, size_t member, size_t task)
{
    return engine->pool.slots[engine->members[member].slot[task]].column;
}

double amf_engine_covariance(const struct amf_engine *engine, size_t column, size_t other)
{
    size_t row = amf_min(column, other);

    return engine->pool.covariance[row * engine->pool.stride + (row == column ? other : column)];
}
