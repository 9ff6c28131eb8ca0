/* Variance gains in the weights' form, from the moments of ridge_moment.h.
 *
 * Blocks and test pairs are mostly the same pairs, and all of them were whitened for the
 * likelihoods and entropies before; under pending work, whose posterior is another one, the rows
 * that blocks and test pairs have between them are whitened once.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "internal.h"
#include "ridge_moment.h"
#include "scorer_private.h"

#define WHITENED_MOST ((size_t)32 << 20) /* doubles kept of a scorer's pairs: 256 MiB */
#define MOMENT_TOLERANCE 1e-9

struct moment_rows { /* u of the pairs that are needed, and where they stand */
    struct amf_block *list;
    size_t count, row_count;
    size_t *own_row, *pair_row; /* n x task_count: first row of (member, task), or SIZE_MAX */
    struct amf_matrix own;      /* where the scorer does not have them */
    double *own_variance;
    const double *whitened;
    struct ridge_moment_block *blocks;
    size_t *group_end, *test_row, *target_end;
    double *test_weight, *prior; /* of the test pairs */
};

static void moment_rows_deinit(struct moment_rows *rows)
{
    free(rows->list);
    free(rows->own_row);
    amf_matrix_deinit(&rows->own);
    free(rows->own_variance);
    free(rows->blocks);
    free(rows->group_end);
    free(rows->test_row);
    free(rows->target_end);
    free(rows->test_weight);
    free(rows->prior);
}
#define MOMENT_ROWS_CLEANUP __attribute__((cleanup(moment_rows_deinit)))

bool amf_scorer_keeps_whitened(const struct amf_scorer *scorer, size_t rows, size_t dim)
{
    size_t size;

    return scorer->settings.measure == AMF_MEASURE_VARIANCE && !scorer->settings.exclude_self &&
           !__builtin_mul_overflow(rows, dim, &size) && size <= WHITENED_MOST;
}

bool amf_scorer_takes_moments(const struct amf_scorer *scorer)
{
    size_t dim = scorer->map ? amf_feature_map_get(scorer->map).dim : 0;

    return scorer->ridge && scorer->settings.measure == AMF_MEASURE_VARIANCE &&
           !scorer->settings.exclude_self &&
           amf_ridge_moment_pays(dim, scorer->block_rows, scorer->test_count,
                                 scorer->candidate_count, scorer->target_count);
}

static void moment_need(const struct amf_scorer *scorer, struct moment_rows *rows, size_t member,
                        size_t task)
{
    size_t *row = &rows->own_row[member * scorer->task_count + task];

    if (*row != SIZE_MAX)
        return;
    *row = rows->row_count;
    rows->list[rows->count++] = scorer_member_block(scorer, member, task);
    rows->row_count += scorer->members[member].row_count;
}

/* Every (member, task) that some block or test pair is of, each once. */
static enum amf_status moment_list(const struct amf_scorer *scorer, struct moment_rows *rows)
{
    size_t pairs = scorer->n * scorer->task_count;

    rows->list = amf_new_array(pairs, sizeof(*rows->list));
    rows->own_row = amf_new_array(pairs, sizeof(size_t));
    if (!rows->list || !rows->own_row)
        return AMF_NO_MEMORY;
    rows->pair_row = rows->own_row;
    for (size_t k = 0; k < pairs; k++)
        rows->own_row[k] = SIZE_MAX;
    for (size_t b = 0; b < scorer->block_count; b++)
        moment_need(scorer, rows, scorer->blocks[b].member, scorer->blocks[b].at.task);
    for (size_t x = 0; x < scorer->test_count; x++)
        moment_need(scorer, rows, scorer->test_source[x], scorer->targets[scorer->test_target[x]]);
    return AMF_OK;
}

static enum amf_status moment_whiten(const struct amf_scorer *scorer, const struct amf_ridge *ridge,
                                     struct moment_rows *rows)
{
    enum amf_status status = moment_list(scorer, rows);

    if (!status)
        status = amf_matrix_init(&rows->own, rows->row_count, amf_feature_map_get(scorer->map).dim);
    if (status)
        return status;
    rows->own_variance = amf_new_array(rows->row_count, sizeof(double));
    if (!rows->own_variance)
        return AMF_NO_MEMORY;
    rows->whitened = rows->own.data;
    return amf_ridge_predict(ridge, rows->list, rows->count, scorer->pool, scorer->cancel, NULL,
                             rows->own_variance, rows->own.data);
}

static enum amf_status moment_alloc(const struct amf_scorer *scorer, struct moment_rows *rows)
{
    rows->blocks = amf_new_array(scorer->block_count, sizeof(*rows->blocks));
    rows->group_end = amf_new_array(scorer->candidate_count, sizeof(size_t));
    rows->target_end = amf_new_array(scorer->target_count, sizeof(size_t));
    rows->test_row = amf_new_array(scorer->test_count, sizeof(size_t));
    rows->test_weight = amf_new_array(scorer->test_count, sizeof(double));
    rows->prior = amf_new_array(scorer->test_count, sizeof(double));
    return rows->blocks && rows->group_end && rows->target_end && rows->test_row &&
                   rows->test_weight && rows->prior
               ? AMF_OK
               : AMF_NO_MEMORY;
}

static void moment_place_blocks(const struct amf_scorer *scorer, struct moment_rows *rows)
{
    for (size_t b = 0; b < scorer->block_count; b++) {
        const struct scorer_block *block = &scorer->blocks[b];

        rows->blocks[b] = (struct ridge_moment_block){
            rows->pair_row[block->member * scorer->task_count + block->at.task],
            block->at.row_count, block->weight};
    }
    for (size_t k = 0, end = 0; k < scorer->candidate_count; k++) {
        end += scorer->candidates[k].block_count;
        rows->group_end[k] = end;
    }
}

/* v0 of step t of a pair, under the posterior whose rows these are. */
static double moment_variance(const struct amf_scorer *scorer, const struct moment_rows *rows,
                              size_t member, size_t task, size_t t)
{
    if (rows->own_variance)
        return rows->own_variance[rows->pair_row[member * scorer->task_count + task] + t];
    return scorer->variance[scorer_pair(scorer, member, task) + t];
}

/* Pairs whose variance is rounding error weigh nothing. */
static void moment_place_tests(const struct amf_scorer *scorer, struct moment_rows *rows)
{
    size_t x = 0;

    amf_kernel_diagonal(scorer->kernel, scorer->tests, scorer->test_block_count, rows->prior);
    for (size_t b = 0; b < scorer->test_block_count; b++)
        for (size_t r = 0; r < scorer->tests[b].row_count; r++, x++) {
            size_t member = scorer->test_source[x], task = scorer->tests[b].task;
            size_t t = scorer->tests[b].first_row + r - scorer->members[member].first_row;
            double v0 = moment_variance(scorer, rows, member, task, t);

            rows->test_row[x] = rows->pair_row[member * scorer->task_count + task] + t;
            rows->test_weight[x] =
                v0 > AMF_MEASURE_FLOOR * rows->prior[x] ? scorer->test_weight[x] : 0;
        }
    x = 0;
    for (size_t e = 0; e < scorer->target_count; e++) {
        while (x < scorer->test_count && scorer->test_target[x] == e)
            x++;
        rows->target_end[e] = x;
    }
}

static enum amf_status moment_rows_init(const struct amf_scorer *scorer,
                                        const struct amf_ridge *ridge, struct moment_rows *rows)
{
    enum amf_status status = AMF_OK;

    if (ridge == scorer->ridge && scorer->whitened.data) {
        rows->whitened = scorer->whitened.data;
        rows->pair_row = scorer->whitened_row;
    } else {
        status = moment_whiten(scorer, ridge, rows);
    }
    if (!status)
        status = moment_alloc(scorer, rows);
    if (status)
        return status;
    moment_place_blocks(scorer, rows);
    moment_place_tests(scorer, rows);
    return AMF_OK;
}

/* Whether the largest gain keeps the digits in which scores agree elsewhere. */
static bool moment_is_sure(const struct amf_scorer *scorer, const double *sums, double error)
{
    double largest = 0;

    for (size_t k = 0; k < scorer->candidate_count; k++) {
        double sum = 0;

        for (size_t e = 0; e < scorer->target_count; e++)
            sum += sums[k * scorer->target_count + e];
        largest = fmax(largest, sum);
    }
    return error <= MOMENT_TOLERANCE * largest;
}

enum amf_status amf_scorer_moment_sums(const struct amf_scorer *scorer,
                                       const struct amf_ridge *ridge, double *ret_sums,
                                       bool *ret_sure)
{
    MOMENT_ROWS_CLEANUP struct moment_rows rows = {0};
    struct ridge_moment_input input;
    double error = 0;
    enum amf_status status = moment_rows_init(scorer, ridge, &rows);

    if (status)
        return status;
    input = (struct ridge_moment_input){.whitened = rows.whitened,
                                        .dim = amf_feature_map_get(scorer->map).dim,
                                        .noise = scorer->noise,
                                        .blocks = rows.blocks,
                                        .group_end = rows.group_end,
                                        .block_count = scorer->block_count,
                                        .group_count = scorer->candidate_count,
                                        .test_row = rows.test_row,
                                        .test_weight = rows.test_weight,
                                        .target_end = rows.target_end,
                                        .test_count = scorer->test_count,
                                        .target_count = scorer->target_count};
    status = amf_ridge_moment(&input, scorer->pool, scorer->cancel, ret_sums, &error);
    *ret_sure = !status && moment_is_sure(scorer, ret_sums, error);
    return status;
}
