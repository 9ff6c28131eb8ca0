/* Which part of a large problem is computed, chosen so that a replay chooses the same.
 *
 * Samples are sticky, so that incremental work survives most arrivals, and functions of what is
 * held and of the settings alone. Drawn ones have a seed that changes only when the number of held
 * demonstrations passes a power of two. Sets under a limit are cut once an epoch, to half of it,
 * and take every arrival in until the other half is full: not once a power of two, as what arrives
 * has to count at once, and as the room for it is soon used up.
 */
#ifndef AMF_SAMPLE_H
#define AMF_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include <amf/status.h>

/* From the project's seed and the largest power of two <= held. */
uint64_t amf_sample_seed(uint64_t project_seed, size_t held);

/* How many of step_count steps are kept under a limit (0: all), and which: evenly spaced, first and
 * last kept, floor(i (n - 1) / (m - 1) + 1/2). A limit of 1 keeps the first. */
size_t amf_sample_thin_count(size_t step_count, size_t max_steps);
size_t amf_sample_thin_index(size_t step_count, size_t kept, size_t i);

/* Chooses items whose sizes add up to at most limit (0: all): task by task in turn, newest first
 * within a task (items are oldest first); an item that does not fit is passed over, one of size 0
 * is none. task[item] < task_count. sizes NULL: 1 each. ret_chosen: item_count flags. */
AMF_CHECKED enum amf_status amf_sample_stratified(const size_t *task, const size_t *sizes,
                                                  size_t item_count, size_t task_count,
                                                  size_t limit, unsigned char *ret_chosen);

struct amf_sample_set {
    size_t *sizes; /* per item, oldest first; 0: not in the set */
    size_t limit;  /* of their sum; 0: none. An item larger than it is never chosen */
    size_t newer;  /* out: what the items of the present epoch add up to */
};

/* The first item of the present epoch, one for all sets, so that they are cut together. The first
 * epoch begins with item 0; an item that would take what a set gained in its epoch over half the
 * set's limit begins another. */
size_t amf_sample_epoch(struct amf_sample_set *sets, size_t set_count, size_t item_count);

/* After amf_sample_epoch. Chooses all where that keeps the limit; else all from item epoch on, and
 * of those before as amf_sample_stratified does: half the limit, or less where the epoch's one item
 * is larger than the other half. ret_chosen: item_count flags. */
AMF_CHECKED enum amf_status amf_sample_sticky(const struct amf_sample_set *set, const size_t *task,
                                              size_t item_count, size_t task_count, size_t epoch,
                                              unsigned char *ret_chosen);

/* The limit items of largest weight (ties: lowest index); weight 0 is never chosen. limit 0: all of
 * them. ret_chosen: count flags. Returns the chosen share of the weight, 0 when there is none. */
AMF_CHECKED enum amf_status amf_sample_largest(const double *weights, size_t count, size_t limit,
                                               unsigned char *ret_chosen, double *ret_kept_share);

/* limit draws with probability in proportion to mass >= 0, systematic: one random start, equal
 * steps through the cumulated mass. Items of one stratum stand together, so each stratum gets its
 * share rounded down or up. ret_draws[item]: how often drawn; each draw stands for sum(mass) /
 * limit. */
void amf_sample_systematic(const double *mass, size_t count, size_t limit, uint64_t seed,
                           unsigned *ret_draws);

#endif
