/* A decision against its record. */
#ifndef STATE_REPLAY_COMPARE_H
#define STATE_REPLAY_COMPARE_H

#include <state/replay.h>

/* exact: made by the same BLAS kernels. Fills outcome, field and both values; texts are in the
 * arena ("?": no memory for them). */
void replay_compare(const struct proto_event_opened *recorded,
                    const struct proto_event_opened *repeated, bool exact,
                    struct proto_arena *arena, struct replay_decision *ret_decision);

#endif
