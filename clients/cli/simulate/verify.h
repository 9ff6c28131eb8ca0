/* Everything that was acknowledged, against what the server lists. */
#ifndef SIMULATE_VERIFY_H
#define SIMULATE_VERIFY_H

#include "fleet.h"

struct task_tally {
    int64_t shown; /* acknowledged by this run, successful ones */
    /* as the server counts */
    int64_t held, pretraining, rollouts, pending;
    double success_rate; /* NaN: no attempt */
};

struct verdict {
    size_t demonstrations, assignments; /* acknowledged and looked for */
    size_t missing;                     /* of both */
    size_t unasked;                     /* held, but acknowledged to nobody */
    struct task_tally *tasks;           /* of the fleet's book; in the cli's arena */
};

/* Contradictions are noted in the ledger as broken. */
enum cli_exit verify(struct fleet *fleet, struct cli *cli, struct verdict *ret_verdict);

#endif
