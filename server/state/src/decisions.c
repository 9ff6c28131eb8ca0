#include <state/decisions.h>

#include <math.h>
#include <string.h>

#include "project_internal.h"

enum { FOUND = 1 };

struct reading {
    struct proto_arena *arena;
    struct proto_event_opened opened;
};

/* The one event that is asked for. */
static int read_opened(const struct store_event *event, void *arg)
{
    struct reading *reading = arg;
    struct proto_error error;
    int status;

    if (strcmp(event->type, event_assignment_opened.type) != 0)
        return STORE_CORRUPT;
    status = project_status_of_stored(proto_decode(event_assignment_opened.shape, event->body,
                                                   strlen(event->body), true, reading->arena,
                                                   &reading->opened, &error));
    return status ? status : FOUND;
}

int decision_read(struct store *store, const char *log_name, const struct view *view, size_t index,
                  struct proto_arena *arena, struct proto_decision *ret_decision)
{
    const struct assignment *held = view_assignment(view, index);
    const struct proto_assignment *assignment = &held->assignment;
    struct reading reading = {.arena = arena, .opened = {.age_s = NAN}};
    int status =
        store_read_events(store, log_name, held->opened_seq - 1, false, read_opened, &reading);

    if (status != FOUND)
        return status ? status : STORE_CORRUPT;
    *ret_decision = (struct proto_decision){
        .id = assignment->id,
        .at = assignment->opened_at,
        .task = assignment->task,
        .operator_ = assignment->operator_,
        .robot = assignment->robot,
        .state = assignment->state,
        .rule = assignment->rule,
        .gain = assignment->gain,
        .margin = assignment->margin,
        .why = assignment->why,
        .seq = reading.opened.ranking_seq,
        .age_s = reading.opened.age_s,
        .pick = reading.opened.pick,
        .basis = reading.opened.basis,
    };
    return 0;
}
