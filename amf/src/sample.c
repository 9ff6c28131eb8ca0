/* Deterministic and seeded choices of a part of a large problem. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <amf/rng.h>
#include <amf/sample.h>

#include "internal.h"

#define SAMPLE_STREAM                                                                              \
    0x73616d706c65 /* "sample": apart from every other use of the project's seed */

uint64_t amf_sample_seed(uint64_t project_seed, size_t held)
{
    struct amf_rng rng;
    size_t power = 0;

    while (held >> power > 1)
        power++;
    amf_rng_init(&rng, project_seed, SAMPLE_STREAM + (held ? power + 1 : 0));
    return amf_rng_next(&rng);
}

size_t amf_sample_thin_count(size_t step_count, size_t max_steps)
{
    return max_steps ? amf_min(step_count, max_steps) : step_count;
}

size_t amf_sample_thin_index(size_t step_count, size_t kept, size_t i)
{
    if (kept == step_count)
        return i;
    if (kept < 2)
        return 0;
    return (size_t)floor((double)i * (double)(step_count - 1) / (double)(kept - 1) + 0.5);
}

/* The newest unvisited item of a task before *cursor, or false. */
static bool sample_newest(const size_t *task, const size_t *sizes, size_t wanted, size_t *cursor)
{
    while (*cursor) {
        --*cursor;
        if (task[*cursor] == wanted && (!sizes || sizes[*cursor]))
            return true;
    }
    return false;
}

enum amf_status amf_sample_stratified(const size_t *task, const size_t *sizes, size_t item_count,
                                      size_t task_count, size_t limit, unsigned char *ret_chosen)
{
    AMF_FREE_CLEANUP size_t *cursor = amf_new_array(task_count, sizeof(*cursor));
    size_t left = limit;
    bool more = true;

    if (!cursor)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < item_count; i++)
        if (task[i] >= task_count)
            return AMF_BAD_ARGUMENT;
    for (size_t i = 0; i < item_count; i++)
        ret_chosen[i] = !limit && (!sizes || sizes[i]);
    for (size_t c = 0; c < task_count; c++)
        cursor[c] = item_count;
    while (left && more) {
        more = false;
        for (size_t c = 0; c < task_count; c++) {
            size_t size;

            if (!sample_newest(task, sizes, c, &cursor[c]))
                continue;
            more = true;
            size = sizes ? sizes[cursor[c]] : 1;
            if (size > left)
                continue;
            ret_chosen[cursor[c]] = 1;
            left -= size;
        }
    }
    return AMF_OK;
}

/* What an item adds to a set. */
static size_t sample_size(const struct amf_sample_set *set, size_t item)
{
    return set->limit && set->sizes[item] > set->limit ? 0 : set->sizes[item];
}

static bool sample_fills(const struct amf_sample_set *set, size_t item)
{
    size_t half = set->limit / 2;

    return set->limit && sample_size(set, item) > half - amf_min(set->newer, half);
}

size_t amf_sample_epoch(struct amf_sample_set *sets, size_t set_count, size_t item_count)
{
    size_t epoch = 0;

    for (size_t s = 0; s < set_count; s++)
        sets[s].newer = 0;
    for (size_t i = 0; i < item_count; i++) {
        bool next = false;

        for (size_t s = 0; s < set_count; s++)
            next = next || sample_fills(&sets[s], i);
        epoch = next ? i : epoch;
        for (size_t s = 0; s < set_count; s++)
            sets[s].newer = (next ? 0 : sets[s].newer) + sample_size(&sets[s], i);
    }
    return epoch;
}

static bool sample_fits(const struct amf_sample_set *set, size_t item_count)
{
    size_t left = set->limit;

    for (size_t i = 0; set->limit && i < item_count; i++) {
        if (set->sizes[i] > left)
            return false;
        left -= set->sizes[i];
    }
    return true;
}

enum amf_status amf_sample_sticky(const struct amf_sample_set *set, const size_t *task,
                                  size_t item_count, size_t task_count, size_t epoch,
                                  unsigned char *ret_chosen)
{
    size_t room = set->limit - (set->newer > set->limit / 2 ? set->newer : set->limit / 2);
    enum amf_status status;

    if (sample_fits(set, item_count))
        return amf_sample_stratified(task, set->sizes, item_count, task_count, 0, ret_chosen);
    status = amf_sample_stratified(task, set->sizes, epoch, task_count, room, ret_chosen);
    if (status)
        return status;
    if (!room)
        memset(ret_chosen, 0, epoch);
    for (size_t i = epoch; i < item_count; i++)
        ret_chosen[i] = sample_size(set, i) > 0;
    return AMF_OK;
}

struct sample_item {
    double weight;
    size_t index;
};

static int sample_compare(const void *left, const void *right)
{
    const struct sample_item *a = left, *b = right;

    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

enum amf_status amf_sample_largest(const double *weights, size_t count, size_t limit,
                                   unsigned char *ret_chosen, double *ret_kept_share)
{
    AMF_FREE_CLEANUP struct sample_item *items = amf_new_array(count, sizeof(*items));
    double kept = 0, sum = 0;

    if (!items)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        items[i] = (struct sample_item){weights[i], i};
    qsort(items, count, sizeof(*items), sample_compare);
    memset(ret_chosen, 0, count);
    for (size_t i = 0; i < count; i++) {
        bool chosen = items[i].weight > 0 && (!limit || i < limit);

        ret_chosen[items[i].index] = chosen;
        kept += chosen ? items[i].weight : 0;
        sum += items[i].weight;
    }
    *ret_kept_share = sum > 0 ? kept / sum : 0;
    return AMF_OK;
}

void amf_sample_systematic(const double *mass, size_t count, size_t limit, uint64_t seed,
                           unsigned *ret_draws)
{
    struct amf_rng rng;
    double total = 0, passed = 0, step, next;
    size_t drawn = 0, last = 0;

    memset(ret_draws, 0, count * sizeof(*ret_draws));
    for (size_t i = 0; i < count; i++)
        total += mass[i];
    if (!(total > 0) || !limit)
        return;
    amf_rng_init(&rng, seed, 0);
    step = total / (double)limit;
    next = amf_rng_uniform(&rng) * step;
    for (size_t i = 0; i < count; i++) {
        passed += mass[i];
        last = mass[i] > 0 ? i : last;
        for (; drawn < limit && next < passed; drawn++, next += step)
            ret_draws[i]++;
    }
    /* Rounding may leave the last point a hair beyond the end. */
    ret_draws[last] += (unsigned)(limit - drawn);
}
