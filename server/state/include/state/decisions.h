/* Decisions as they were recorded, read back from the log: memory holds the assignments alone.
 *
 * A decision is the event that opened an assignment, so the two have one id and one order. */
#ifndef STATE_DECISIONS_H
#define STATE_DECISIONS_H

#include <state/view.h>

struct store;

/* The decision behind view->assignments[index]. log_name: of the view (state_view_and_log). What it
 * points to is in the arena or the view. 0 or a negative store_status. Any thread. */
__attribute__((warn_unused_result)) int decision_read(struct store *store, const char *log_name,
                                                      const struct view *view, size_t index,
                                                      struct proto_arena *arena,
                                                      struct proto_decision *ret_decision);

#endif
