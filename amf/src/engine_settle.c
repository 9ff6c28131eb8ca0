/* Covariances brought up to date, a tile of the upper triangle at a time: k(x, y), then minus the
 * terms u_x' u_y of the conditioned rows it lacks.
 *
 * Columns are settled (some rows' terms are there) or not (nothing is). One task takes a few
 * columns of tiles through all rows of tiles above them, SETTLE_DEPTH conditioned rows at a time:
 * its side of the products stays in the cache, and the other side is read once for all of the
 * columns. Where a scorer holds the tiles, what changes is written to new ones.
 */
#include <stdlib.h>
#include <string.h>

#include "engine_private.h"
#include "internal.h"

#define SETTLE_GROUP 4   /* columns of tiles */
#define SETTLE_DEPTH 512 /* 1 MiB of their whitened rows */

struct settle_range { /* columns, within one tile */
    size_t first, end;
    bool settled;
};

struct settle_job {
    const struct amf_engine *engine;
    struct engine_tiles *from; /* what scorers hold; NULL: tiles are changed where they are */
    size_t settled, count;     /* ranges; the settled ones first */
    bool one_pass;             /* few terms: added while a tile is in the cache */
    struct amf_matrix work;    /* workers x a pack of ENGINE_TILE columns */
};

static void settle_job_deinit(struct settle_job *job)
{
    amf_matrix_deinit(&job->work);
}

/* Old numbers that a scorer may read are not written over. */
static enum amf_status settle_own_tiles(struct settle_job *job, struct amf_engine *engine)
{
    struct engine_pool *pool = &engine->pool;
    struct engine_tiles *tiles;

    if (!pool->settled_columns || pool->settled_rows == engine->row_count ||
        atomic_load(&pool->tiles->references) == 1)
        return AMF_OK;
    tiles = amf_engine_tiles_new(engine, pool->tile_room);
    if (!tiles)
        return AMF_NO_MEMORY;
    job->from = engine->spare = pool->tiles;
    pool->tiles = tiles;
    return AMF_OK;
}

static enum amf_status settle_job_init(struct settle_job *job, struct amf_engine *engine,
                                       size_t workers)
{
    const struct engine_pool *pool = &engine->pool;
    size_t fresh = pool->settled_columns, size;
    enum amf_status status;

    job->settled = job->count = amf_ceil_div(fresh, ENGINE_TILE);
    if (pool->used > fresh)
        job->count += amf_ceil_div(pool->used, ENGINE_TILE) - fresh / ENGINE_TILE;
    job->one_pass =
        engine->row_count - (fresh == pool->used ? pool->settled_rows : 0) <= SETTLE_DEPTH;
    if (!amf_kernel_pack_size(engine->kernel, ENGINE_TILE, &size))
        return AMF_TOO_LARGE;
    status = amf_matrix_init(&job->work, workers, fold_round_up(size));
    return status ? status : settle_own_tiles(job, engine);
}

static struct settle_range settle_range(const struct settle_job *job, size_t index)
{
    size_t fresh = job->engine->pool.settled_columns;
    bool settled = index < job->settled;
    size_t first = (settled ? index : index - job->settled + fresh / ENGINE_TILE) * ENGINE_TILE;
    size_t end = amf_min(first + ENGINE_TILE, fold_round_up(job->engine->pool.used));

    if (settled)
        return (struct settle_range){first, amf_min(end, fresh), true};
    return (struct settle_range){first > fresh ? first : fresh, end, false};
}

/* ---- k(x, y) ---- */

/* The part of a slot that lies in a range; *ret_column: of its first row. False: none does. */
static bool settle_part(const struct amf_engine *engine, size_t index,
                        const struct settle_range *range, struct amf_block *ret_block,
                        size_t *ret_column)
{
    const struct engine_slot *slot = engine->pool.slots + index;
    size_t first, end;

    if (index >= engine->pool.slot_count)
        return false;
    first = slot->column > range->first ? slot->column : range->first;
    end = amf_min(slot->column + slot->row_count, range->end);
    if (first >= end)
        return false;
    *ret_block = (struct amf_block){engine->members[slot->member].first_row + first - slot->column,
                                    end - first, slot->task};
    *ret_column = first;
    return true;
}

/* The first slot that ends behind a column. */
static size_t settle_slot(const struct engine_pool *pool, size_t column)
{
    size_t low = 0, high = pool->slot_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (pool->slots[middle].column + pool->slots[middle].row_count > column)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static struct kernel_pack settle_pack(const struct settle_job *job, size_t worker,
                                      const struct settle_range *columns)
{
    const struct amf_kernel *kernel = job->engine->kernel;
    struct kernel_pack pack =
        amf_kernel_pack_at(kernel, ENGINE_TILE, amf_matrix_row(&job->work, worker));
    struct amf_block block;
    size_t column;

    if (kernel->form != KERNEL_FEATURES || columns->settled)
        return pack;
    amf_kernel_pack_clear(kernel, &pack);
    for (size_t s = settle_slot(&job->engine->pool, columns->first);
         settle_part(job->engine, s, columns, &block, &column); s++)
        amf_kernel_pack_put(kernel, &pack, &block, column - columns->first);
    return pack;
}

/* One slot's rows against all slots of the columns. */
static enum amf_status settle_prior_rows(const struct settle_job *job,
                                         const struct kernel_pack *pack,
                                         const struct amf_block *left, size_t row,
                                         const struct settle_range *columns)
{
    const struct amf_engine *engine = job->engine;
    struct amf_block right;
    size_t column;
    enum amf_status status = AMF_OK;

    if (engine->kernel->form == KERNEL_FEATURES) {
        amf_kernel_pack_cross(engine->kernel, pack, left, columns->end - columns->first,
                              engine_covariance(engine->pool.tiles, row, columns->first),
                              ENGINE_TILE);
        return AMF_OK;
    }
    for (size_t s = settle_slot(&engine->pool, columns->first);
         !status && settle_part(engine, s, columns, &right, &column); s++)
        status = amf_kernel_cross(engine->kernel, left, 1, &right, 1,
                                  engine_covariance(engine->pool.tiles, row, column), ENGINE_TILE);
    return status;
}

static enum amf_status settle_prior(const struct settle_job *job, const struct kernel_pack *pack,
                                    const struct settle_range *rows,
                                    const struct settle_range *columns)
{
    struct amf_block left;
    size_t row;
    enum amf_status status = AMF_OK;

    for (size_t s = settle_slot(&job->engine->pool, rows->first);
         !status && settle_part(job->engine, s, rows, &left, &row); s++)
        status = settle_prior_rows(job, pack, &left, row, columns);
    return status;
}

/* ---- all ---- */

static void settle_copy(const struct settle_job *job, const struct settle_range *rows,
                        const struct settle_range *columns)
{
    for (size_t row = rows->first; row < rows->end; row++)
        memcpy(engine_covariance(job->engine->pool.tiles, row, columns->first),
               engine_covariance(job->from, row, columns->first),
               (columns->end - columns->first) * sizeof(double));
}

/* Terms of the conditioned rows [from, end). */
static void settle_fold(const struct settle_job *job, const struct settle_range *rows,
                        const struct settle_range *columns, size_t from, size_t end)
{
    const struct engine_pool *pool = &job->engine->pool;

    if (columns->settled && from < pool->settled_rows)
        from = pool->settled_rows;
    if (from < end)
        amf_fold_subtract(
            rows->end - rows->first, columns->end - columns->first, end - from,
            (struct amf_fold){engine_whitened(pool, from, rows->first), 1, ENGINE_TILE},
            engine_whitened(pool, from, columns->first), ENGINE_TILE,
            engine_covariance(pool->tiles, rows->first, columns->first), ENGINE_TILE);
}

/* What one column of tiles starts from, and all of its terms where they are few. */
static enum amf_status settle_column(const struct settle_job *job, size_t index, size_t worker)
{
    struct settle_range columns = settle_range(job, index);
    struct kernel_pack pack = settle_pack(job, worker, &columns);
    enum amf_status status = AMF_OK;

    for (size_t i = 0; !status && i <= index; i++) {
        struct settle_range rows = settle_range(job, i);

        if (!columns.settled)
            status = settle_prior(job, &pack, &rows, &columns);
        else if (job->from)
            settle_copy(job, &rows, &columns);
        if (job->one_pass)
            settle_fold(job, &rows, &columns, 0, job->engine->row_count);
    }
    return status;
}

/* The longest columns first, so that no worker is left with them. */
static enum amf_status settle_group(void *arg, size_t task, size_t worker)
{
    const struct settle_job *job = arg;
    size_t end = job->count - task * SETTLE_GROUP, total = job->engine->row_count;
    size_t first = end > SETTLE_GROUP ? end - SETTLE_GROUP : 0;
    bool idle = job->engine->pool.settled_rows == total;
    enum amf_status status = AMF_OK;

    for (size_t index = first; !status && index < end; index++)
        if (!idle || index >= job->settled)
            status = settle_column(job, index, worker);
    for (size_t from = 0; !status && !job->one_pass && from < total; from += SETTLE_DEPTH)
        for (size_t i = 0; i < end; i++)
            for (size_t index = first > i ? first : i; index < end; index++) {
                struct settle_range rows = settle_range(job, i);
                struct settle_range columns = settle_range(job, index);

                settle_fold(job, &rows, &columns, from, amf_min(from + SETTLE_DEPTH, total));
            }
    return status;
}

enum amf_status amf_engine_settle(struct amf_engine *engine, struct amf_pool *workers,
                                  const atomic_bool *cancel)
{
    struct engine_pool *pool = &engine->pool;
    __attribute__((cleanup(settle_job_deinit))) struct settle_job job = {.engine = engine};
    enum amf_status status = settle_job_init(&job, engine, amf_pool_size(workers));

    if (!status)
        status = amf_pool_run(workers, amf_ceil_div(job.count, SETTLE_GROUP), settle_group, &job,
                              cancel);
    if (status)
        return status;
    pool->used = fold_round_up(pool->used);
    pool->settled_columns = pool->used;
    pool->settled_rows = engine->row_count;
    return AMF_OK;
}
