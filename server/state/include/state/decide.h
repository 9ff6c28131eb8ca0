/* A decision: which task an asker is given, by which of a ranking's picks, and the record of it.
 *
 * A function of the project, the ranking and the asker alone. The clock, and how far the ranking's
 * picks had got, are the asker's fortune: they decide which ranking it is, and which is its last
 * pick. Both are in the record, so a replay arrives at the same bits.
 */
#ifndef STATE_DECIDE_H
#define STATE_DECIDE_H

#include <proto/log_events.h>
#include <state/choose.h>

struct decide_request {
    const struct view *view;       /* the project as it stands at the ask */
    const struct ranking *ranking; /* of this project, then or before; NULL: none yet */
    size_t last_pick;              /* that may be used; SIZE_MAX: any there is */
    const struct proto_ask *ask;
};

struct decided {
    struct chosen chosen;
    size_t pick;          /* which of the ranking's picks */
    struct score *scores; /* its scores, one per task of the view; NULL without ranking */
    size_t *order;        /* all candidates, best first */
    size_t order_count;
    int64_t *unseen; /* per task: open assignments that the scores do not know of */
    int64_t unseen_count;
};

/* What it points to is in the arena. 0, or -1: out of memory, or the settings of selection are
 * refused. */
__attribute__((warn_unused_result)) int decide(const struct decide_request *request,
                                               struct proto_arena *arena,
                                               struct decided *ret_decided);
/* Once a task was chosen: all that is recorded of it but times and the sentence. Borrows from
 * request, decided and the arena. 0, or -1: out of memory. */
__attribute__((warn_unused_result)) int decide_record(const struct decide_request *request,
                                                      const struct decided *decided,
                                                      struct proto_arena *arena,
                                                      struct proto_event_opened *ret_opened);

#endif
