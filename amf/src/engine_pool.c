/* Covariances under the posterior between all pairs that weigh something, kept from one ranking to
 * the next: k_D(x, y) = k(x, y) - u_x' u_y, a sum over the conditioned rows that only grows.
 *
 * With them a ranking's blocks and test pairs, which change with the weights, are looked up and not
 * worked out; and pending work conditions on pairs of the same kind. A slot is one demonstration
 * under one task. Slots are added at the end; when room runs out the wanted ones are moved to new
 * storage. Covariances are kept once, as the tiles of an upper triangle (engine_settle.c).
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine_private.h"
#include "internal.h"

#define POOL_LIMIT ((size_t)40 << 20) /* doubles, of each matrix: 320 MiB */
#define POOL_ALIGN 64                 /* bytes */

/* ---- tiles ---- */

/* Huge pages where the system gives them, which it does with zeros: meeting them takes a good part
 * of a ranking from nothing. */
static struct engine_tiles *pool_map_tiles(size_t bytes)
{
    struct engine_tiles *tiles = calloc(1, sizeof(*tiles));
    void *data;

    if (!tiles)
        return NULL;
    data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
        free(tiles);
        return NULL;
    }
    (void)madvise(data, bytes, MADV_HUGEPAGE);
    atomic_init(&tiles->references, 1);
    tiles->data = data;
    tiles->bytes = bytes;
    return tiles;
}

struct engine_tiles *amf_engine_tiles_new(struct amf_engine *engine, size_t tile_columns)
{
    struct engine_tiles *spare = engine->spare;
    size_t bytes;

    if (__builtin_mul_overflow(tile_columns, tile_columns + 1, &bytes) ||
        __builtin_mul_overflow(bytes / 2, ENGINE_TILE * ENGINE_TILE * sizeof(double), &bytes) ||
        !bytes)
        return NULL;
    engine->spare = NULL;
    if (spare && spare->bytes >= bytes && atomic_load(&spare->references) == 1)
        return spare;
    amf_engine_tiles_unref(spare);
    return pool_map_tiles(bytes);
}

void amf_engine_tiles_unref(struct engine_tiles *tiles)
{
    if (!tiles || atomic_fetch_sub(&tiles->references, 1) != 1)
        return;
    (void)munmap(tiles->data, tiles->bytes);
    free(tiles);
}

struct engine_tiles *amf_engine_tiles_ref(const struct amf_engine *engine)
{
    if (engine->pool.tiles)
        atomic_fetch_add(&engine->pool.tiles->references, 1);
    return engine->pool.tiles;
}

/* ---- the pool ---- */

void amf_engine_pool_deinit(struct engine_pool *pool)
{
    free(pool->whitened_storage);
    free(pool->prior_storage);
    amf_engine_tiles_unref(pool->tiles);
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

bool amf_engine_pool_fits(size_t columns, size_t rows)
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
    for (size_t t = 0; old->known && t < slot->row_count; t++)
        for (size_t r = 0; r < old->known; r++)
            *engine_prior(to, r, slot->column + t) = *engine_prior(from, r, old->column + t);
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
            *engine_covariance(to->tiles, a->column + r, b->column + t) =
                *engine_covariance(from->tiles, old_a->column + r, old_b->column + t);
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
    to.tiles = amf_engine_tiles_new(engine, to.tile_room);
    if (!engine_separates(engine->kernel))
        to.prior_storage = pool_storage(to.tile_room * ENGINE_TILE, to.row_room, &to.prior);
    if (!to.slots || !to.whitened_storage || !to.tiles ||
        (!engine_separates(engine->kernel) && !to.prior_storage)) {
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
    pool->slots[pool->slot_count++] = (struct engine_slot){
        .member = member, .task = task, .column = pool->used, .row_count = rows, .wanted = true};
    pool->used += rows;
    return AMF_OK;
}

enum amf_status amf_engine_pool_expect(struct amf_engine *engine, size_t member, size_t task)
{
    const struct engine_pool *pool = &engine->pool;

    if (!amf_engine_pool_fits(pool->used + engine->members[member].row_count, engine->row_count))
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

/* Marks what is wanted; *ret_missing: columns of pairs without a slot. False when all of them would
 * take too much memory. */
static bool pool_mark(struct amf_engine *engine, const struct engine_pair *pairs, size_t count,
                      size_t *ret_missing)
{
    struct engine_pool *pool = &engine->pool;
    size_t columns = 0, missing = 0;

    for (size_t k = 0; k < count; k++)
        columns += engine->members[pairs[k].member].row_count;
    if (!amf_engine_pool_fits(columns, engine->row_count))
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
        status = amf_engine_settle(engine, pool, cancel);
    if (status)
        amf_engine_clear(engine); /* some covariances may hold the new rows' terms, others not */
    else
        *ret_fits = true;
    return status;
}

size_t amf_engine_column(const struct amf_engine *engine, size_t member, size_t task)
{
    return engine->pool.slots[engine->members[member].slot[task]].column;
}
