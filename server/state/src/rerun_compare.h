/* A decision against its record. */
#ifndef STATE_RERUN_COMPARE_H
#define STATE_RERUN_COMPARE_H

#include <state/rerun.h>

/* exact: made by the same BLAS kernels. Fills outcome, field and both values; texts are in the
 * arena ("?": no memory for them). */
void rerun_compare(const struct proto_event_opened *recorded,
                   const struct proto_event_opened *repeated, bool exact, struct proto_arena *arena,
                   struct rerun_decision *ret_decision);

#endif
