/* The engine's parts: the inverse factor (engine_factor.c), means and variances of all pairs
 * (engine_pairs.c), covariances of those that weigh something (engine_pool.c).
 *
 * With W = L^-1 for L L' = k(D, D) + sigma^2 I, the whitened k(D, x) is u = W k(D, x), so
 *
 *   var(x) = k(x, x) - |u|^2      mean(x) = u' z, z = W Y      k_D(x, y) = k(x, y) - u_x' u_y
 *
 * Row h of W needs the rows of D up to h alone. Appended rows of D append rows to W, numbers to u
 * and terms to the three sums, and nothing that was there changes. A panel is a few consecutive
 * rows.
 */
#ifndef AMF_ENGINE_PRIVATE_H
#define AMF_ENGINE_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <amf/engine.h>
#include <amf/pool.h>

#include "fold.h"
#include "kernel_private.h"

#define ENGINE_PANEL_ROWS 32 /* at most; a panel never holds rows of two demonstrations */
#define ENGINE_TILE 64
#define ENGINE_NONE SIZE_MAX

struct engine_panel {
    size_t first, rows, width;   /* width: rows rounded up to FOLD_WIDTH */
    size_t blocks;               /* conditioned blocks that begin before its end */
    struct amf_matrix inverse;   /* W' : (first + rows) x width */
    struct amf_matrix target;    /* z: rows x action_width */
    struct amf_matrix task_sums; /* of W' over each task's rows: task_count x width */
};

/* One demonstration of the occupancy set; numbers stand task by task. */
struct engine_member {
    size_t first_row, row_count; /* in the kernel's step table */
    size_t done;                 /* panels in variance and mean */
    double *variance;            /* task_count x row_count; rounding can leave it below 0 */
    double *mean;                /* task_count x row_count x action_width */
    size_t *slot;                /* per task, in the pool; ENGINE_NONE */
};

struct engine_slot { /* the pairs of one member under one task */
    size_t member, task;
    size_t column, row_count;
    size_t done;  /* panels whose rows of `whitened` are there */
    size_t known; /* rows of `prior` that are there */
    bool wanted;
};

/* Covariances between columns: tiles (i, j) with i <= j, column by column of tiles, so that more
 * columns go to the end. Scorers hold on to them; numbers that a scorer may read never change. */
struct engine_tiles {
    atomic_size_t references;
    size_t bytes;
    double *data; /* ENGINE_TILE^2 each */
};

/* Columns are pairs, and stand in tiles of ENGINE_TILE, each in one piece of memory, so that a
 * product over thousands of rows does not touch a page a row. Columns that no slot has hold numbers
 * without meaning. */
struct engine_pool {
    struct engine_slot *slots; /* by column */
    size_t slot_count, slot_room;
    size_t used, tile_room; /* columns; tiles there is room for */
    size_t row_room;
    double *whitened; /* tile by tile: row_room x ENGINE_TILE */
    double *prior;    /* likewise: k(D, x); only for kernels that do not separate */
    void *whitened_storage, *prior_storage;
    struct engine_tiles *tiles;
    size_t settled_columns, settled_rows; /* covariances hold these rows' terms */
};

struct amf_engine {
    struct amf_kernel *kernel; /* NULL: empty */
    double noise, jitter;
    size_t action_dim, action_width; /* width: rounded up to FOLD_WIDTH */
    size_t row_count;                /* N, in panels */
    struct amf_block *blocks;        /* conditioned */
    size_t *block_first;             /* first of their rows among the N */
    size_t block_count, block_room;
    double *actions; /* of the blocks' rows, x action_width */
    size_t action_room;
    struct engine_panel *panels;
    size_t panel_count, panel_room;
    struct engine_member *members;
    size_t member_count, member_room;
    struct engine_pool pool;
    /* Tiles to write to next: memory that the system need not clear again. NULL, or free as soon as
     * nobody else refers to them. */
    struct engine_tiles *spare;
};

struct engine_input {
    struct amf_kernel *kernel;
    double noise;
    const struct amf_block *blocks; /* conditioned, in order of arrival */
    size_t block_count;
    const double *actions; /* of their rows x action_dim */
    size_t action_dim;
    const struct amf_block *members; /* occupancy set; .task: its own */
    size_t member_count;
    bool all_tasks; /* pairs of all tasks will be covered, not only those of its own */
    struct amf_pool *pool;
    const atomic_bool *cancel;
};

/* Whether the engine can do a problem: few enough rows, and with conditioned ones enough noise for
 * an inverse factor to be accurate. A function of the problem, so every route decides the same. */
bool amf_engine_takes(const struct amf_kernel *kernel, double noise, bool conditioned);

/* k is a product or a sum of a state's and a task's part. */
static inline bool engine_separates(const struct amf_kernel *kernel)
{
    return kernel->form == KERNEL_PRODUCT || kernel->form == KERNEL_SUM;
}

/* Makes the engine hold the input: by appending where the input is what it holds and more, else
 * from nothing. Empty after a failure. */
AMF_CHECKED enum amf_status amf_engine_update(struct amf_engine *engine,
                                              const struct engine_input *input);
void amf_engine_clear(struct amf_engine *engine);
/* The same without spare tiles. */
void amf_engine_forget(struct amf_engine *engine);
/* Of a member's pairs under one task, 0 where it is not covered. mean: action_width doubles a row.
 */
const double *amf_engine_variance(const struct amf_engine *engine, size_t member, size_t task);
const double *amf_engine_mean(const struct amf_engine *engine, size_t member, size_t task);

struct engine_pair {
    size_t member, task;
};

/* Works out the covariances between all of these pairs' rows. *ret_fits false: they would take too
 * much memory, nothing was done. */
AMF_CHECKED enum amf_status amf_engine_cover(struct amf_engine *engine,
                                             const struct engine_pair *pairs, size_t count,
                                             struct amf_pool *pool, const atomic_bool *cancel,
                                             bool *ret_fits);
/* Column of a covered pair's first row. */
size_t amf_engine_column(const struct amf_engine *engine, size_t member, size_t task);
static inline size_t engine_column_at(const struct engine_pool *pool, size_t row, size_t column)
{
    return (column / ENGINE_TILE * pool->row_room + row) * ENGINE_TILE + column % ENGINE_TILE;
}

static inline double *engine_whitened(const struct engine_pool *pool, size_t row, size_t column)
{
    return pool->whitened + engine_column_at(pool, row, column);
}

static inline double *engine_prior(const struct engine_pool *pool, size_t row, size_t column)
{
    return pool->prior + engine_column_at(pool, row, column);
}

/* low <= high, or both in one tile. */
static inline double *engine_covariance(const struct engine_tiles *tiles, size_t low, size_t high)
{
    size_t i = low / ENGINE_TILE, j = high / ENGINE_TILE, tile = j * (j + 1) / 2 + i;

    return tiles->data + (tile * ENGINE_TILE + low % ENGINE_TILE) * ENGINE_TILE +
           high % ENGINE_TILE;
}

static inline double engine_covariance_of(const struct engine_tiles *tiles, size_t column,
                                          size_t other)
{
    return column < other ? *engine_covariance(tiles, column, other)
                          : *engine_covariance(tiles, other, column);
}

/* The covered covariances, which stay what they are until the last reference goes, on any thread.
 */
struct engine_tiles *amf_engine_tiles_ref(const struct amf_engine *engine);
void amf_engine_tiles_unref(struct engine_tiles *tiles);

/* engine_factor.c */
AMF_CHECKED enum amf_status amf_engine_factor(struct amf_engine *engine, struct amf_pool *pool,
                                              const atomic_bool *cancel);
void amf_engine_panel_deinit(struct engine_panel *panel);
/* engine_pairs.c: all members through all panels they have not seen. */
AMF_CHECKED enum amf_status amf_engine_pairs(struct amf_engine *engine, struct amf_pool *pool,
                                             const atomic_bool *cancel);
/* engine_pool.c */
void amf_engine_pool_deinit(struct engine_pool *pool);
/* Whether so many columns, with so many conditioned rows, take no more memory than they may. */
bool amf_engine_pool_fits(size_t columns, size_t rows);
/* A slot for a member under a task that will weigh something, where there is room. */
AMF_CHECKED enum amf_status amf_engine_pool_expect(struct amf_engine *engine, size_t member,
                                                   size_t task);
AMF_CHECKED enum amf_status amf_engine_pool_make_room(struct amf_engine *engine);

/* engine_settle.c: every slot's covariances with every other made those of the whole factor. */
AMF_CHECKED enum amf_status amf_engine_settle(struct amf_engine *engine, struct amf_pool *workers,
                                              const atomic_bool *cancel);
/* For so many columns of tiles: the spare ones where they serve. NULL: no memory. */
struct engine_tiles *amf_engine_tiles_new(struct amf_engine *engine, size_t tile_columns);

/* Makes room for count items of size bytes in *items, at least doubling. */
AMF_CHECKED enum amf_status amf_engine_reserve(void *items, size_t *room, size_t count,
                                               size_t size);

#endif
