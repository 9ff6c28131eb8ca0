/* What a scorer takes from an engine: its covariances, by reference, and which columns of them are
 * its blocks, its test pairs and the rows that pending work would condition on. The engine may go
 * on: what a scorer holds does not change.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "scorer_private.h"

void amf_scorer_kept_deinit(struct scorer_kept *kept)
{
    amf_engine_tiles_unref(kept->tiles);
    free(kept->block_column);
    free(kept->block_order);
    free(kept->test_column);
    free(kept->test_order);
    free(kept->task_column);
}

/* ---- which pairs ---- */

struct kept_pairs { /* each (member, task) once */
    struct engine_pair *items;
    unsigned char *listed; /* n x task_count */
    size_t count;
};

static void kept_pairs_deinit(struct kept_pairs *pairs)
{
    free(pairs->items);
    free(pairs->listed);
}
#define KEPT_PAIRS_CLEANUP __attribute__((cleanup(kept_pairs_deinit)))

static void kept_list(const struct amf_scorer *scorer, struct kept_pairs *pairs, size_t member,
                      size_t task)
{
    unsigned char *listed = &pairs->listed[member * scorer->task_count + task];

    if (!*listed)
        pairs->items[pairs->count++] = (struct engine_pair){member, task};
    *listed = 1;
}

static enum amf_status kept_pairs_init(struct kept_pairs *pairs, const struct amf_scorer *scorer)
{
    size_t count = scorer->n * scorer->task_count;

    pairs->items = amf_new_array(count, sizeof(*pairs->items));
    pairs->listed = amf_new_array(count, 1);
    if (!pairs->items || !pairs->listed)
        return AMF_NO_MEMORY;
    for (size_t c = 0; c < scorer->task_count; c++)
        if (scorer->summary[c].sum > 0)
            kept_list(scorer, pairs, scorer->summary[c].largest, c);
    return AMF_OK;
}

/* All that weigh something: they hardly change from ranking to ranking. */
static void kept_list_weighty(const struct amf_scorer *scorer, const struct amf_problem *problem,
                              struct kept_pairs *pairs)
{
    for (size_t i = 0; i < scorer->n; i++) {
        for (size_t k = 0; k < problem->candidate_count; k++)
            if (amf_scorer_above_floor(scorer, i, problem->candidates[k]))
                kept_list(scorer, pairs, i, problem->candidates[k]);
        for (size_t e = 0; e < problem->target_count; e++)
            if (amf_scorer_above_floor(scorer, i, problem->targets[e]))
                kept_list(scorer, pairs, i, problem->targets[e]);
    }
}

/* Only what this ranking looks at. */
static void kept_list_sampled(const struct amf_scorer *scorer, struct kept_pairs *pairs)
{
    for (size_t b = 0; b < scorer->block_count; b++)
        kept_list(scorer, pairs, scorer->blocks[b].member, scorer->blocks[b].at.task);
    for (size_t x = 0; x < scorer->test_count; x++)
        kept_list(scorer, pairs, scorer->test_source[x], scorer->targets[scorer->test_target[x]]);
}

static enum amf_status kept_cover(struct amf_scorer *scorer, const struct amf_problem *problem,
                                  bool all, bool *ret_fits)
{
    KEPT_PAIRS_CLEANUP struct kept_pairs pairs = {0};
    enum amf_status status = kept_pairs_init(&pairs, scorer);

    if (status)
        return status;
    if (all)
        kept_list_weighty(scorer, problem, &pairs);
    else
        kept_list_sampled(scorer, &pairs);
    return amf_engine_cover(scorer->engine, pairs.items, pairs.count, scorer->pool, scorer->cancel,
                            ret_fits);
}

/* ---- which columns ---- */

struct kept_place {
    size_t column, index;
};

static int kept_compare(const void *a, const void *b)
{
    const struct kept_place *left = a, *right = b;

    if (left->column != right->column)
        return left->column < right->column ? -1 : 1;
    return (left->index > right->index) - (left->index < right->index);
}

/* ret_order: indices by column, then index. */
static enum amf_status kept_sort(const size_t *columns, size_t count, size_t *ret_order)
{
    AMF_FREE_CLEANUP struct kept_place *places = amf_new_array(count, sizeof(*places));

    if (!places)
        return AMF_NO_MEMORY;
    for (size_t k = 0; k < count; k++)
        places[k] = (struct kept_place){columns[k], k};
    qsort(places, count, sizeof(*places), kept_compare);
    for (size_t k = 0; k < count; k++)
        ret_order[k] = places[k].index;
    return AMF_OK;
}

static enum amf_status kept_alloc(const struct amf_scorer *scorer, struct scorer_kept *kept)
{
    kept->block_column = amf_new_array(scorer->block_count, sizeof(size_t));
    kept->block_order = amf_new_array(scorer->block_count, sizeof(size_t));
    kept->test_column = amf_new_array(scorer->test_count, sizeof(size_t));
    kept->test_order = amf_new_array(scorer->test_count, sizeof(size_t));
    kept->task_column = amf_new_array(scorer->task_count, sizeof(size_t));
    return kept->block_column && kept->block_order && kept->test_column && kept->test_order &&
                   kept->task_column
               ? AMF_OK
               : AMF_NO_MEMORY;
}

static void kept_find_columns(const struct amf_scorer *scorer, struct scorer_kept *kept)
{
    for (size_t c = 0; c < scorer->task_count; c++)
        if (scorer->summary[c].sum > 0)
            kept->task_column[c] = amf_engine_column(scorer->engine, scorer->summary[c].largest, c);
    for (size_t b = 0; b < scorer->block_count; b++)
        kept->block_column[b] =
            amf_engine_column(scorer->engine, scorer->blocks[b].member, scorer->blocks[b].at.task);
    for (size_t b = 0, x = 0; b < scorer->test_block_count; b++)
        for (size_t k = 0; k < scorer->tests[b].row_count; k++, x++) {
            size_t member = scorer->test_source[x];

            kept->test_column[x] =
                amf_engine_column(scorer->engine, member, scorer->tests[b].task) +
                scorer->tests[b].first_row + k - scorer->members[member].first_row;
        }
}

enum amf_status amf_scorer_keep(struct amf_scorer *scorer, const struct amf_problem *problem)
{
    struct scorer_kept *kept = &scorer->kept;
    bool fits = false;
    enum amf_status status = kept_cover(scorer, problem, true, &fits);

    if (!status && !fits)
        status = kept_cover(scorer, problem, false, &fits);
    if (status || !fits)
        return status;
    status = kept_alloc(scorer, kept);
    if (status)
        return status;
    kept->tiles = amf_engine_tiles_ref(scorer->engine);
    kept_find_columns(scorer, kept);
    status = kept_sort(kept->block_column, scorer->block_count, kept->block_order);
    if (!status)
        status = kept_sort(kept->test_column, scorer->test_count, kept->test_order);
    kept->ready = !status;
    return status;
}
