/* Gram matrices of blocks and test pairs, tile by tile.
 *
 * Rows of all groups, sqrt(w) V, stand below each other, and likewise those of all targets, sqrt
 * (omega) u. A task of the pool makes one tile of every G and every D by a product over such rows
 * and multiplies all with all by one more; a tile off the diagonal counts twice. What each tile
 * gives is kept apart and added in order.
 *
 * The terms of <G, D> have both signs, and what is left of them can be far below their size: a sum
 * rounds by some parts in 2^52 of tr G tr D, which bounds it.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "blas.h"
#include "internal.h"
#include "ridge_moment.h"

#define MOMENT_TILE 256                /* of few matrices */
#define MOMENT_SMALL_TILE 128          /* of many */
#define MOMENT_PIECE 64                /* test pairs that one task copies */
#define MOMENT_MOST ((size_t)48 << 20) /* doubles of all rows: 384 MiB */
#define MOMENT_TILES ((size_t)8 << 20) /* doubles of each worker's tiles: 64 MiB */
#define MOMENT_SMALL 8                 /* a tile's own cost, in rows */
#define MOMENT_ROUNDING (4 * DBL_EPSILON)

struct moment_job {
    const struct ridge_moment_input *input;
    size_t *block_place;       /* block_count: where its rows begin among those of all blocks */
    struct amf_matrix blocks;  /* sqrt(w) V */
    struct amf_matrix tests;   /* sqrt(omega) u */
    size_t side;               /* of a tile */
    struct amf_matrix squares; /* workers x 2 of the largest block's rows^2 */
    struct amf_matrix tiles;   /* workers x (group_count + target_count) tiles */
    struct amf_matrix parts;   /* tiles x (group_count target_count sums, then all traces) */
    size_t largest;            /* block rows */
};

static void moment_job_deinit(struct moment_job *job)
{
    free(job->block_place);
    amf_matrix_deinit(&job->blocks);
    amf_matrix_deinit(&job->tests);
    amf_matrix_deinit(&job->squares);
    amf_matrix_deinit(&job->tiles);
    amf_matrix_deinit(&job->parts);
}

/* Every worker has a tile of each, and the number of workers must not change a bit. */
static size_t moment_side(size_t group_count, size_t target_count)
{
    double matrices = (double)group_count + (double)target_count;
    size_t side = MOMENT_TILE;

    if (matrices * MOMENT_TILE * MOMENT_TILE > (double)MOMENT_TILES)
        side = MOMENT_SMALL_TILE;
    return matrices * (double)side * (double)side <= (double)MOMENT_TILES ? side : 0;
}

bool amf_ridge_moment_pays(size_t dim, size_t block_rows, size_t test_count, size_t group_count,
                           size_t target_count)
{
    double p = (double)dim, rows = (double)block_rows, tests = (double)test_count;
    double matrices = (double)group_count + (double)target_count;
    double moments =
        p * p *
        (rows + tests + MOMENT_SMALL * matrices + (double)group_count * (double)target_count);

    return moments < 2 * rows * tests * p && (rows + tests) * p <= (double)MOMENT_MOST &&
           moment_side(group_count, target_count);
}

/* sqrt(w) chol(S + sigma^2 I)^-1 of one block, S = U U'; squares: room for two. */
static enum amf_status moment_factor(const struct ridge_moment_input *input,
                                     const struct ridge_moment_block *block, double *squares,
                                     double **ret_inverse)
{
    size_t rows = block->row_count, p = input->dim;
    const double *own = input->whitened + block->first * p;
    double *factor = squares, *inverse = squares + rows * rows;
    enum amf_status status = amf_blas_gram(rows, p, own, p, factor, rows);

    memset(inverse, 0, rows * rows * sizeof(double));
    for (size_t r = 0; r < rows; r++) {
        factor[r * rows + r] += input->noise * input->noise;
        inverse[r * rows + r] = sqrt(block->weight);
    }
    if (!status)
        status = amf_blas_cholesky(rows, factor, rows);
    if (!status)
        status = amf_blas_solve(AMF_BLAS_LEFT, rows, rows, factor, rows, inverse, rows);
    *ret_inverse = inverse;
    return status;
}

static enum amf_status moment_block(void *arg, size_t task, size_t worker)
{
    const struct moment_job *job = arg;
    const struct ridge_moment_input *input = job->input;
    const struct ridge_moment_block *block = &input->blocks[task];
    size_t rows = block->row_count, p = input->dim;
    double *inverse;
    enum amf_status status =
        moment_factor(input, block, amf_matrix_row(&job->squares, worker), &inverse);

    /* the sign is lost in squares */
    return status
               ? status
               : amf_blas_subtract_product(rows, p, rows, inverse, rows,
                                           input->whitened + block->first * p, p,
                                           amf_matrix_row(&job->blocks, job->block_place[task]), p);
}

static enum amf_status moment_tests(void *arg, size_t task, size_t worker)
{
    const struct moment_job *job = arg;
    const struct ridge_moment_input *input = job->input;
    size_t first = task * MOMENT_PIECE;
    size_t end = amf_min(first + MOMENT_PIECE, input->test_count);

    (void)worker;
    for (size_t x = first; x < end; x++) {
        const double *from = input->whitened + input->test_row[x] * input->dim;
        double *to = amf_matrix_row(&job->tests, x), root = sqrt(input->test_weight[x]);

        for (size_t d = 0; d < input->dim; d++)
            to[d] = root * from[d];
    }
    return AMF_OK;
}

struct moment_tile { /* columns of u: those of its rows and its own */
    size_t row, rows, col, cols;
};

/* Tiles below the diagonal, row of tiles by row of tiles. */
static struct moment_tile moment_tile_at(size_t dim, size_t side, size_t index)
{
    size_t row = 0;

    while (index > row)
        index -= ++row;
    return (struct moment_tile){row * side, amf_min(side, dim - row * side), index * side,
                                amf_min(side, dim - index * side)};
}

/* One tile of the Gram matrix of some consecutive rows. */
static enum amf_status moment_gram(const struct amf_matrix *rows, size_t first, size_t end,
                                   const struct moment_tile *at, double *ret_tile)
{
    const double *from = amf_matrix_row(rows, first);

    memset(ret_tile, 0, at->rows * at->cols * sizeof(double));
    return amf_blas_add_inner(at->rows, at->cols, end - first, from + at->row, rows->cols,
                              from + at->col, rows->cols, ret_tile, at->cols);
}

/* What a tile on the diagonal adds to the trace of every matrix. */
static void moment_traces(const double *tiles, size_t count, size_t side, double *ret_traces)
{
    for (size_t m = 0; m < count; m++, tiles += side * side) {
        ret_traces[m] = 0;
        for (size_t d = 0; d < side; d++)
            ret_traces[m] += tiles[d * side + d];
    }
}

static enum amf_status moment_tile(void *arg, size_t task, size_t worker)
{
    const struct moment_job *job = arg;
    const struct ridge_moment_input *input = job->input;
    struct moment_tile at = moment_tile_at(input->dim, job->side, task);
    size_t size = at.rows * at.cols, first = 0;
    double *grams = amf_matrix_row(&job->tiles, worker), *tile = grams;
    double *moments = grams + input->group_count * size;
    double *part = amf_matrix_row(&job->parts, task);
    enum amf_status status = AMF_OK;

    for (size_t g = 0; !status && g < input->group_count; g++, tile += size) {
        size_t end = input->group_end[g] < input->block_count
                         ? job->block_place[input->group_end[g]]
                         : job->blocks.rows;

        status = moment_gram(&job->blocks, first, end, &at, tile);
        first = end;
    }
    first = 0;
    for (size_t e = 0; !status && e < input->target_count; e++, tile += size) {
        status = moment_gram(&job->tests, first, input->target_end[e], &at, tile);
        first = input->target_end[e];
    }
    if (!status && at.row == at.col)
        moment_traces(grams, input->group_count + input->target_count, at.rows,
                      part + input->group_count * input->target_count);
    return status ? status
                  : amf_blas_outer(input->group_count, input->target_count, size,
                                   at.row == at.col ? 1 : 2, grams, size, moments, size, part,
                                   input->target_count);
}

static enum amf_status moment_init(struct moment_job *job, size_t workers, size_t tiles)
{
    const struct ridge_moment_input *input = job->input;
    size_t rows = 0, room, parts;
    enum amf_status status;

    job->block_place = amf_new_array(input->block_count, sizeof(size_t));
    if (!job->block_place)
        return AMF_NO_MEMORY;
    for (size_t b = 0; b < input->block_count; b++) {
        job->block_place[b] = rows;
        rows += input->blocks[b].row_count;
        job->largest =
            input->blocks[b].row_count > job->largest ? input->blocks[b].row_count : job->largest;
    }
    if (__builtin_mul_overflow(job->largest, job->largest, &room) ||
        __builtin_mul_overflow(room, 2, &room) ||
        __builtin_mul_overflow(input->group_count, input->target_count, &parts) ||
        __builtin_add_overflow(parts, input->group_count + input->target_count, &parts))
        return AMF_TOO_LARGE;
    status = amf_matrix_init(&job->squares, workers, amf_ceil_div(room, 8) * 8);
    if (!status)
        status = amf_matrix_init(&job->blocks, rows, input->dim);
    if (!status)
        status = amf_matrix_init(&job->tests, input->test_count, input->dim);
    if (!status)
        status =
            amf_matrix_init(&job->tiles, workers,
                            (input->group_count + input->target_count) * job->side * job->side);
    return status ? status : amf_matrix_init(&job->parts, tiles, parts);
}

/* Sums and traces of all tiles, into the first tile's. */
static void moment_add_parts(struct amf_matrix *parts)
{
    for (size_t t = 1; t < parts->rows; t++)
        for (size_t k = 0; k < parts->cols; k++)
            parts->data[k] += amf_matrix_row(parts, t)[k];
}

static double moment_error(const struct ridge_moment_input *input, const double *traces)
{
    double largest = 0, targets = 0;

    for (size_t e = 0; e < input->target_count; e++)
        targets += traces[input->group_count + e];
    for (size_t g = 0; g < input->group_count; g++)
        largest = fmax(largest, traces[g]);
    return MOMENT_ROUNDING * largest * targets;
}

enum amf_status amf_ridge_moment(const struct ridge_moment_input *input, struct amf_pool *pool,
                                 const atomic_bool *cancel, double *ret_sums, double *ret_error)
{
    __attribute__((cleanup(moment_job_deinit))) struct moment_job job = {
        .input = input, .side = moment_side(input->group_count, input->target_count)};
    size_t sums = input->group_count * input->target_count, edge, tiles;
    enum amf_status status;

    if (!job.side)
        return AMF_TOO_LARGE;
    edge = amf_ceil_div(input->dim, job.side);
    tiles = edge * (edge + 1) / 2;
    status = moment_init(&job, amf_pool_size(pool), tiles);

    if (!status)
        status = amf_pool_run(pool, input->block_count, moment_block, &job, cancel);
    if (!status)
        status = amf_pool_run(pool, amf_ceil_div(input->test_count, MOMENT_PIECE), moment_tests,
                              &job, cancel);
    if (!status)
        status = amf_pool_run(pool, tiles, moment_tile, &job, cancel);
    if (status)
        return status;
    moment_add_parts(&job.parts);
    if (!amf_all_finite(job.parts.data, job.parts.cols))
        return AMF_NOT_FINITE;
    for (size_t k = 0; k < sums; k++)
        ret_sums[k] = fmax(job.parts.data[k], 0); /* rounding */
    *ret_error = moment_error(input, job.parts.data + sums);
    return AMF_OK;
}
