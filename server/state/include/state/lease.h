/* What makes an assignment a lease: how long it lasts, and which fence opens it.
 *
 * While the machine runs, a lease ends by the boot clock, whatever the wall clock does and however
 * often the daemon starts. Under another start of the machine (or where the boot clock went back,
 * which no machine does but a restored image may) the wall clock decides, within [0, what was left
 * when the log last saw the boot clock]; and as soon as the log can take it, an event
 * (leases_carried) ties the lease to the clock that runs now.
 *
 * Fences are sequence numbers, so none comes twice. A renewal gives a new one; the one it was
 * renewed with stays good until the new one is used, because the answer with the new one can be
 * lost. Every other number is stale.
 */
#ifndef STATE_LEASE_H
#define STATE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include <state/clock.h>
#include <state/view.h>

/* Milliseconds until it ends; 0 or less: its time is up. */
int64_t lease_left_ms(const struct view *view, const struct assignment *assignment,
                      const struct instant *now);
/* Open, and its time not up. */
bool lease_is_live(const struct view *view, const struct assignment *assignment,
                   const struct instant *now);
/* Whether it is tied to the boot clock that runs now. */
bool lease_is_tied(const struct view *view, const struct assignment *assignment,
                   const struct instant *now);
bool lease_has_fence(const struct assignment *assignment, int64_t fence);

/* Whether skips keep a task from an operator. operator_ NULL: from everybody. */
bool lease_task_is_skipped(const struct view *view, const char *task, const char *operator_);

#endif
