#include "report.h"

#include <math.h>
#include <stdlib.h>

const char *const report_call_names[CALL_KINDS] = {
    [CALL_ASK] = "ask",
    [CALL_COMPLETE] = "complete",
    [CALL_UPLOAD] = "upload",
    [CALL_OTHER] = "renew, skip, fail, release",
};

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

struct report_latency report_latency(struct series *series)
{
    size_t count = series->count;

    if (count == 0)
        return (struct report_latency){0, NAN, NAN, NAN};
    qsort(series->values, count, sizeof(*series->values), by_size);
    return (struct report_latency){
        .count = count,
        .median_ms = 1e3 * series->values[count / 2],
        .p99_ms = 1e3 * series->values[(count * 99 + 99) / 100 - 1],
        .worst_ms = 1e3 * series->values[count - 1],
    };
}

struct report_round report_round(const struct ledger *ledger, size_t round)
{
    struct report_round told = {
        .first = ledger->given_count * round / REPORT_ROUNDS + 1,
        .last = ledger->given_count * (round + 1) / REPORT_ROUNDS,
        .gain = 0,
    };

    for (size_t i = told.first; i <= told.last; i++) {
        const struct given *given = &ledger->given[i - 1];

        if (given->rule != PROTO_RULE_CRITERION || isnan(given->gain))
            continue;
        told.gain += given->gain;
        told.by_criterion++;
    }
    told.gain = told.by_criterion ? told.gain / (double)told.by_criterion : NAN;
    return told;
}

size_t report_count(const struct ledger *ledger, size_t operator_, size_t task, int state)
{
    size_t count = 0;

    for (size_t i = 0; i < ledger->given_count; i++)
        count += (operator_ == SIZE_MAX || ledger->given[i].operator_ == operator_) &&
                 (task == SIZE_MAX || ledger->given[i].task == task) &&
                 (state < 0 || ledger->given[i].state == state);
    return count;
}
