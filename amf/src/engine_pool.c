/* Covariances under the posterior between all pairs that weigh something, kept from one ranking to
 * the next: k_D(x, y) = k(x, y) - u_x' u_y, a sum over the conditioned rows that only grows.
 *
 * With them a ranking's blocks and test pairs, which change with the weights, are looked up and not
 * worked out; and pending work conditions on pairs of the same kind. A slot is one demonstration
 * under one task. Slots are added at the end; when room runs out the wanted ones are moved to new
 * storage. Covariances are kept once, as the tiles of an upper triangle.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine_private.h"
#include "internal.h"

#define POOL_LIMIT ((size_t)32 << 20) /* doubles, of each of the two matrices: 256 MiB */
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
    size_t half = columns / 2 + 1, size;

    return !__builtin_mul_overflow(columns, half > rows ? half : rows, &size) && size <= POOL_LIMIT;
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
    for (size_t t = 0; old->done && t < slot->row_count; t++)
        for (size_t r = 0; r < rows; r++)
            *engine_whitened(to, r, slot->column + t) = *engine_whitened(from, r, old->column + t);
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

static void pool_move_block(const struct engine_pool *from, struct engine_pool *to,
                            const struct engine_slot *old_a, const struct engine_slot *old_b,
                            const struct engine_slot *a, const struct engine_slot *b)
{
    for (size_t r = 0; r < a->row_count; r++)
        for (size_t t = a == b ? r : 0; t < b->row_count; t++)
            *engine_covariance(to, a->column + r, b->column + t) =
                *engine_covariance(from, old_a->column + r, old_b->column + t);
}

/* Covariances of the settled slots of the new pool; `old` maps its slots to the old one's. */
static void pool_move_covariances(const struct engine_pool *from, struct engine_pool *to,
                                  const size_t *old)
{
    for (size_t a = 0; a < to->slot_count && to->slots[a].column < to->settled_columns; a++)
        for (size_t b = a; b < to->slot_count && to->slots[b].column < to->settled_columns; b++)
            pool_move_block(from, to, &from->slots[old[a]], &from->slots[old[b]], &to->slots[a],
                            &to->slots[b]);
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
    to.tile_room = amf_ceil_div(columns + columns / 4, ENGINE_TILE) + 2;
    to.row_room = engine->row_count + engine->row_count / 4 + ENGINE_TILE;
    to.slot_room = from->slot_count;
    to.slots = amf_new_array(to.slot_room, sizeof(*to.slots));
    to.whitened_storage = pool_storage(to.tile_room * ENGINE_TILE, to.row_room, &to.whitened);
    to.covariance_storage = pool_storage(to.tile_room * (to.tile_room + 1) / 2,
                                         ENGINE_TILE * ENGINE_TILE, &to.covariance);
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

    if (pool->used <= pool->tile_room * ENGINE_TILE && engine->row_count <= pool->row_room)
        return AMF_OK;
    return pool_resize(engine, 0);
}

/* ---- covering ---- */

struct pool_job {
    struct amf_engine *engine;
    size_t fresh;              /* first column that is not settled */
    size_t settled, unsettled; /* tiles that each part is cut into; one may stand in both */
    struct amf_matrix work;    /* workers x the largest block of two slots */
};

static void pool_job_deinit(struct pool_job *job)
{
    amf_matrix_deinit(&job->work);
}

static enum amf_status pool_job_init(struct pool_job *job, size_t workers)
{
    const struct engine_pool *pool = &job->engine->pool;
    size_t rows = 0, size;

    for (size_t s = 0; s < pool->slot_count; s++)
        rows = rows > pool->slots[s].row_count ? rows : pool->slots[s].row_count;
    job->fresh = pool->settled_columns;
    job->settled = amf_ceil_div(job->fresh, ENGINE_TILE);
    if (pool->used > job->fresh)
        job->unsettled = amf_ceil_div(pool->used, ENGINE_TILE) - job->fresh / ENGINE_TILE;
    if (__builtin_mul_overflow(rows, rows, &size))
        return AMF_TOO_LARGE;
    return amf_matrix_init(&job->work, workers, size);
}

static struct amf_block pool_block(const struct amf_engine *engine, const struct engine_slot *slot)
{
    return (struct amf_block){engine->members[slot->member].first_row, slot->row_count, slot->task};
}

/* k(x, y) of one slot that is not settled with every slot before it, and itself. */
static enum amf_status pool_fill_prior(void *arg, size_t task, size_t worker)
{
    const struct pool_job *job = arg;
    const struct engine_pool *pool = &job->engine->pool;
    const struct engine_slot *slot = &pool->slots[task];
    struct amf_block right = pool_block(job->engine, slot);
    double *block = amf_matrix_row(&job->work, worker);
    enum amf_status status = AMF_OK;

    for (size_t s = 0; slot->column >= job->fresh && !status && s <= task; s++) {
        const struct engine_slot *other = &pool->slots[s];
        struct amf_block left = pool_block(job->engine, other);

        status = amf_kernel_cross(job->engine->kernel, &left, 1, &right, 1, block, right.row_count);
        for (size_t r = 0; r < left.row_count; r++)
            for (size_t t = s == task ? r : 0; t < right.row_count; t++)
                *engine_covariance(pool, other->column + r, slot->column + t) =
                    block[r * right.row_count + t];
    }
    return status;
}

struct pool_range {
    size_t first, end;
};

static struct pool_range pool_tile(const struct pool_job *job, size_t tile)
{
    size_t first =
        (tile < job->settled ? tile : tile - job->settled + job->fresh / ENGINE_TILE) * ENGINE_TILE;
    size_t end = amf_min(first + ENGINE_TILE, fold_round_up(job->engine->pool.used));

    if (tile < job->settled)
        return (struct pool_range){first, amf_min(end, job->fresh)};
    return (struct pool_range){first > job->fresh ? first : job->fresh, end};
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
        size_t from = tile < job->settled ? pool->settled_rows : 0;

        amf_fold_subtract(
            rows.end - rows.first, columns.end - columns.first, job->engine->row_count - from,
            (struct amf_fold){engine_whitened(pool, from, rows.first), 1, ENGINE_TILE},
            engine_whitened(pool, from, columns.first), ENGINE_TILE,
            engine_covariance(pool, rows.first, columns.first), ENGINE_TILE);
    }
    return AMF_OK;
}

/* Makes every slot's covariances with every other those of the whole factor. */
static enum amf_status pool_settle(struct amf_engine *engine, struct amf_pool *workers,
                                   const atomic_bool *cancel)
{
    struct engine_pool *pool = &engine->pool;
    __attribute__((cleanup(pool_job_deinit))) struct pool_job job = {.engine = engine};
    enum amf_status status = pool_job_init(&job, amf_pool_size(workers));

    if (!status)
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
    if (engine->pool.used + missing > engine->pool.tile_room * ENGINE_TILE)
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
