/* Which blocks and which test pairs are computed: floor, limits, and their order.
 *
 * Blocks stand by candidate, then demonstration; test pairs by evaluation task, demonstration,
 * step. Sums run in that order. Runs of whole demonstrations stay one block, so that kernels see
 * long rows.
 */
#include <math.h>
#include <string.h>

#include <amf/sample.h>

#include "internal.h"
#include "scorer_private.h"

#define SAMPLE_GROUP_ROWS 128 /* block rows that one task takes at a time; at least one block */

bool amf_scorer_above_floor(const struct amf_scorer *scorer, size_t i, size_t task)
{
    double weight = *scorer_weight(scorer, i, task), sum = scorer->summary[task].sum;

    return weight > 0 && weight >= scorer->settings.weight_floor * sum;
}

/* Appends the blocks of one candidate. */
static enum amf_status sample_candidate(struct amf_scorer *scorer,
                                        struct scorer_candidate *candidate)
{
    AMF_FREE_CLEANUP double *weights = amf_new_array(scorer->n, sizeof(double));
    AMF_FREE_CLEANUP unsigned char *chosen = amf_new_array(scorer->n, 1);
    size_t task = candidate->task;
    double kept_share, kept = 0;
    enum amf_status status;

    if (!weights || !chosen)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < scorer->n; i++) {
        weights[i] = amf_scorer_above_floor(scorer, i, task) ? *scorer_weight(scorer, i, task) : 0;
        scorer->block_extent.total += weights[i] > 0;
    }
    status = amf_sample_largest(weights, scorer->n, scorer->settings.blocks_per_task, chosen,
                                &kept_share);
    if (status)
        return status;
    candidate->first_block = scorer->block_count;
    for (size_t i = 0; i < scorer->n; i++)
        if (chosen[i]) {
            scorer->blocks[scorer->block_count++] = (struct scorer_block){
                scorer_member_block(scorer, i, task), i, weights[i] / kept_share};
            scorer->block_rows += scorer->members[i].row_count;
            kept += weights[i];
        }
    candidate->block_count = scorer->block_count - candidate->first_block;
    if (scorer->summary[task].sum > 0)
        candidate->skipped_share = fmax(1 - kept / scorer->summary[task].sum, 0);
    return AMF_OK;
}

static enum amf_status sample_blocks(struct amf_scorer *scorer, const struct amf_problem *problem)
{
    size_t most;
    enum amf_status status = AMF_OK;

    if (__builtin_mul_overflow(problem->candidate_count, scorer->n, &most))
        return AMF_TOO_LARGE;
    scorer->candidate_count = problem->candidate_count;
    scorer->candidates = amf_new_array(problem->candidate_count, sizeof(*scorer->candidates));
    scorer->blocks = amf_new_array(most, sizeof(*scorer->blocks));
    scorer->block_list = amf_new_array(most, sizeof(*scorer->block_list));
    if (!scorer->candidates || !scorer->blocks || !scorer->block_list)
        return AMF_NO_MEMORY;
    for (size_t k = 0; !status && k < problem->candidate_count; k++) {
        scorer->candidates[k].task = problem->candidates[k];
        status = sample_candidate(scorer, &scorer->candidates[k]);
    }
    for (size_t b = 0; b < scorer->block_count; b++)
        scorer->block_list[b] = scorer->blocks[b].at;
    scorer->block_extent.used = scorer->block_count;
    return status;
}

static enum amf_status sample_groups(struct amf_scorer *scorer)
{
    size_t row = 0;

    scorer->groups = amf_new_array(scorer->block_count, sizeof(*scorer->groups));
    if (!scorer->groups)
        return AMF_NO_MEMORY;
    for (size_t b = 0; b < scorer->block_count; b++) {
        size_t rows = scorer->blocks[b].at.row_count;
        struct scorer_group *group = scorer->groups + scorer->group_count - 1;

        if (!scorer->group_count || group->row_count + rows > SAMPLE_GROUP_ROWS) {
            group = scorer->groups + scorer->group_count++;
            *group = (struct scorer_group){b, 0, row, 0};
        }
        group->block_count++;
        group->row_count += rows;
        row += rows;
        if (group->row_count > scorer->group_rows)
            scorer->group_rows = group->row_count;
    }
    return AMF_OK;
}

/* All pairs above the floor, before a limit. */
struct sample_pairs {
    size_t count;
    size_t *row, *task, *target, *source;
    double *mass; /* mu_c w_i(c) */
    unsigned *draws;
};

static void sample_pairs_deinit(struct sample_pairs *pairs)
{
    free(pairs->row);
    free(pairs->task);
    free(pairs->target);
    free(pairs->source);
    free(pairs->mass);
    free(pairs->draws);
}

static enum amf_status sample_pairs_init(struct sample_pairs *pairs,
                                         const struct amf_scorer *scorer)
{
    size_t most = 0;

    for (size_t i = 0; i < scorer->n; i++)
        most += scorer->members[i].row_count;
    if (__builtin_mul_overflow(most, scorer->target_count, &most))
        return AMF_TOO_LARGE;
    pairs->row = amf_new_array(most, sizeof(size_t));
    pairs->task = amf_new_array(most, sizeof(size_t));
    pairs->target = amf_new_array(most, sizeof(size_t));
    pairs->source = amf_new_array(most, sizeof(size_t));
    pairs->mass = amf_new_array(most, sizeof(double));
    pairs->draws = amf_new_array(most, sizeof(unsigned));
    return pairs->row && pairs->task && pairs->target && pairs->source && pairs->mass &&
                   pairs->draws
               ? AMF_OK
               : AMF_NO_MEMORY;
}

static void sample_list_pairs(struct sample_pairs *pairs, const struct amf_scorer *scorer)
{
    for (size_t e = 0; e < scorer->target_count; e++)
        for (size_t i = 0; i < scorer->n; i++) {
            size_t task = scorer->targets[e];
            double mass = scorer->target_weights[e] * *scorer_weight(scorer, i, task);

            if (!amf_scorer_above_floor(scorer, i, task) || !(mass > 0))
                continue;
            for (size_t t = 0; t < scorer->members[i].row_count; t++) {
                size_t at = pairs->count++;

                pairs->row[at] = scorer->members[i].first_row + t;
                pairs->task[at] = task;
                pairs->target[at] = e;
                pairs->source[at] = i;
                pairs->mass[at] = mass;
                pairs->draws[at] = 1;
            }
        }
}

/* Consecutive rows under one task become one block of the list. */
static void sample_append_test(struct amf_scorer *scorer, size_t row, size_t task)
{
    struct amf_block *last = scorer->tests + scorer->test_block_count - 1;

    if (scorer->test_block_count && last->task == task && last->first_row + last->row_count == row)
        last->row_count++;
    else
        scorer->tests[scorer->test_block_count++] = (struct amf_block){row, 1, task};
}

static enum amf_status sample_take_tests(struct amf_scorer *scorer,
                                         const struct sample_pairs *pairs, double draw_weight)
{
    scorer->tests = amf_new_array(pairs->count, sizeof(*scorer->tests));
    scorer->test_weight = amf_new_array(pairs->count, sizeof(double));
    scorer->test_target = amf_new_array(pairs->count, sizeof(size_t));
    scorer->test_source = amf_new_array(pairs->count, sizeof(size_t));
    if (!scorer->tests || !scorer->test_weight || !scorer->test_target || !scorer->test_source)
        return AMF_NO_MEMORY;
    for (size_t k = 0; k < pairs->count; k++) {
        size_t at = scorer->test_count;

        if (!pairs->draws[k])
            continue;
        sample_append_test(scorer, pairs->row[k], pairs->task[k]);
        scorer->test_weight[at] = draw_weight > 0 ? pairs->draws[k] * draw_weight : pairs->mass[k];
        scorer->test_target[at] = pairs->target[k];
        scorer->test_source[at] = pairs->source[k];
        scorer->test_count++;
    }
    scorer->test_extent = (struct amf_extent){scorer->test_count, pairs->count};
    return AMF_OK;
}

static enum amf_status sample_tests(struct amf_scorer *scorer, const struct amf_problem *problem)
{
    __attribute__((cleanup(sample_pairs_deinit))) struct sample_pairs pairs = {0};
    size_t limit = scorer->settings.test_pair_limit;
    double total = 0;
    enum amf_status status = sample_pairs_init(&pairs, scorer);

    if (status)
        return status;
    sample_list_pairs(&pairs, scorer);
    if (!limit || pairs.count <= limit)
        return sample_take_tests(scorer, &pairs, 0);
    for (size_t k = 0; k < pairs.count; k++)
        total += pairs.mass[k];
    amf_sample_systematic(pairs.mass, pairs.count, limit,
                          amf_sample_seed(scorer->settings.seed, problem->trajectory_count),
                          pairs.draws);
    return sample_take_tests(scorer, &pairs, total / (double)limit);
}

static enum amf_status sample_targets(struct amf_scorer *scorer, const struct amf_problem *problem)
{
    double sum = 0;

    scorer->target_count = problem->target_count;
    scorer->targets = amf_new_array(problem->target_count, sizeof(size_t));
    scorer->target_weights = amf_new_array(problem->target_count, sizeof(double));
    if (!scorer->targets || !scorer->target_weights)
        return AMF_NO_MEMORY;
    for (size_t e = 0; e < problem->target_count; e++)
        sum += problem->target_weights[e];
    for (size_t e = 0; e < problem->target_count; e++) {
        scorer->targets[e] = problem->targets[e];
        scorer->target_weights[e] = problem->target_weights[e] / sum;
    }
    return AMF_OK;
}

enum amf_status amf_scorer_sample(struct amf_scorer *scorer, const struct amf_problem *problem)
{
    enum amf_status status = sample_targets(scorer, problem);

    if (!status)
        status = sample_blocks(scorer, problem);
    if (!status)
        status = sample_groups(scorer);
    if (!status)
        status = sample_tests(scorer, problem);
    return status;
}
