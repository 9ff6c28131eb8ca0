/* What a lead would look at, as text or JSON. */
#ifndef SIMULATE_REPORT_H
#define SIMULATE_REPORT_H

#include "verify.h"

enum { REPORT_ROUNDS = 8 }; /* stretches of asks that gains are told of */

enum cli_exit report_text(struct fleet *fleet, struct cli *cli, const struct verdict *verdict);
enum cli_exit report_json(struct fleet *fleet, struct cli *cli, const struct verdict *verdict);

/* ---- what both tell ---- */
struct report_latency { /* milliseconds; NaN: no answer */
    size_t count;
    double median_ms, p99_ms, worst_ms;
};
/* Sorts the series. */
struct report_latency report_latency(struct series *series);
extern const char *const report_call_names[CALL_KINDS];

struct report_round {
    size_t first, last;  /* asks, counted from 1 */
    double gain;         /* mean over those the criterion scored; NaN: none */
    size_t by_criterion; /* of them */
};
struct report_round report_round(const struct ledger *ledger, size_t round);

/* Assignments of an operator, or of all (SIZE_MAX), for a task that ended in a state. -1: any. */
size_t report_count(const struct ledger *ledger, size_t operator_, size_t task, int state);

#endif
