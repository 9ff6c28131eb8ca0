/* What the ranking thread has done since the start. Any thread. */
#ifndef STATE_METRICS_H
#define STATE_METRICS_H

#include <stdint.h>

#include <proto/metrics.h>

struct state;

enum { STATE_RANKING_BOUNDS = 12 };
extern const double state_ranking_bounds_s[STATE_RANKING_BOUNDS];

struct state_metrics {
    uint64_t ranking_counts[STATE_RANKING_BOUNDS + 1]; /* by total_s; the last above all bounds */
    uint64_t rankings_failed;
    double total_s, posterior_s, weights_s, gain_s; /* of all of them together */
};
void state_metrics_read(struct state *state, struct state_metrics *ret_metrics);

#endif
