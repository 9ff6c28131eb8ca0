/* What the writer has counted. The writer alone adds; anybody reads. */
#include "store_private.h"

#include <time.h>

const double store_commit_bounds_s[STORE_COMMIT_BOUNDS] = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};
const double store_group_bounds[STORE_GROUP_BOUNDS] = {1, 2, 4, 8, 16, 32, 64, 128, 256};

static size_t place_of(const double *bounds, size_t count, double value)
{
    size_t place = 0;

    while (place < count && value > bounds[place])
        place++;
    return place;
}

int64_t store_monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void store_count_commit(struct store_counters *counters, int64_t took_ns, unsigned group)
{
    size_t place = place_of(store_commit_bounds_s, STORE_COMMIT_BOUNDS, 1e-9 * (double)took_ns);

    atomic_fetch_add_explicit(&counters->commit_counts[place], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->commit_ns, (uint64_t)took_ns, memory_order_relaxed);
    place = place_of(store_group_bounds, STORE_GROUP_BOUNDS, group);
    atomic_fetch_add_explicit(&counters->group_counts[place], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->writes, group, memory_order_relaxed);
}

static uint64_t load(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void store_metrics_read(struct store *store, struct store_metrics *ret_metrics)
{
    const struct store_counters *counters = &store->writer.counters;

    *ret_metrics = (struct store_metrics){
        .commit_sum_s = 1e-9 * (double)load(&counters->commit_ns),
        .writes = load(&counters->writes),
        .full = load(&counters->full),
        .failed = load(&counters->failed),
    };
    for (size_t i = 0; i <= STORE_COMMIT_BOUNDS; i++)
        ret_metrics->commit_counts[i] = load(&counters->commit_counts[i]);
    for (size_t i = 0; i <= STORE_GROUP_BOUNDS; i++)
        ret_metrics->group_counts[i] = load(&counters->group_counts[i]);
}
