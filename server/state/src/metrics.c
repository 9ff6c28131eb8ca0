#include <state/metrics.h>

#include "registry.h"

const double state_ranking_bounds_s[STATE_RANKING_BOUNDS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                             0.5,   1,    2.5,   5,    10,  30};

static void add(atomic_uint_fast64_t *counter, double seconds)
{
    atomic_fetch_add_explicit(counter, (uint64_t)(1e9 * seconds), memory_order_relaxed);
}

void state_count_ranking(struct state_counters *counters, const struct proto_timing *timing)
{
    size_t place = 0;

    while (place < STATE_RANKING_BOUNDS && timing->total_s > state_ranking_bounds_s[place])
        place++;
    atomic_fetch_add_explicit(&counters->rankings[place], 1, memory_order_relaxed);
    add(&counters->total_ns, timing->total_s);
    add(&counters->posterior_ns, timing->posterior_s);
    add(&counters->weights_ns, timing->weights_s);
    add(&counters->gain_ns, timing->gain_s);
}

static uint64_t load(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void state_metrics_read(struct state *state, struct state_metrics *ret_metrics)
{
    const struct state_counters *counters = &state->counters;

    *ret_metrics = (struct state_metrics){
        .rankings_failed = load(&counters->failed),
        .total_s = 1e-9 * (double)load(&counters->total_ns),
        .posterior_s = 1e-9 * (double)load(&counters->posterior_ns),
        .weights_s = 1e-9 * (double)load(&counters->weights_ns),
        .gain_s = 1e-9 * (double)load(&counters->gain_ns),
    };
    for (size_t i = 0; i <= STATE_RANKING_BOUNDS; i++)
        ret_metrics->ranking_counts[i] = load(&counters->rankings[i]);
}
