/* What the events of assignments do to the draft: see events.c. Leases are measured, fences
 * compared and skips asked about in lease.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <state/clock.h>

#include "project_internal.h"

/* Takes the skips away that `over` says are over. */
static void skips_end(struct view *draft,
                      bool (*over)(const struct assignment *skipped, const void *arg),
                      const void *arg)
{
    size_t left = 0;

    for (size_t i = 0; i < draft->skip_count; i++)
        if (!over(view_assignment(draft, draft->skips[i]), arg))
            draft->skips[left++] = draft->skips[i];
    draft->skip_count = left;
}

static bool is_of_task(const struct assignment *skipped, const void *key)
{
    return !strcmp(skipped->assignment.task, key);
}

void skips_end_of_task(struct view *draft, const char *key)
{
    skips_end(draft, is_of_task, key);
}

/* What an event says of the boot clock is the newest that is known of it. */
static void see_clock(struct view *draft, const struct proto_clock *clock)
{
    if (!clock->boot_id)
        return;
    snprintf(draft->boot_id, sizeof draft->boot_id, "%s", clock->boot_id);
    draft->boot_ms = clock->boot_ms;
}

/* A lease that begins anew with this event, until expires_ms by the wall clock of the event. */
static void lease_begin(struct lease *lease, const struct event_head *head, int64_t expires_ms,
                        const struct proto_clock *clock)
{
    lease->expires_ms = expires_ms;
    lease->length_ms = expires_ms - head->at_ms;
    lease->given_boot_ms = clock->boot_ms;
    snprintf(lease->boot_id, sizeof lease->boot_id, "%s", clock->boot_id ? clock->boot_id : "");
}

/* The operator that an assignment of another task is opened for has had its one other task. */
static bool is_made_up_for(const struct assignment *skipped, const void *opened)
{
    const struct proto_assignment *other = opened, *said = &skipped->assignment;

    return skipped->lease.skip == PROTO_SKIP_ME && said->operator_ && other->operator_ &&
           !strcmp(said->operator_, other->operator_) && strcmp(said->task, other->task) != 0;
}

static int apply_assignment_opened(struct project *project, const struct event_head *head,
                                   const void *body)
{
    const struct proto_event_opened *opened = body;
    struct view *draft = &project->draft;
    size_t *open = realloc(draft->open, (draft->open_count + 1) * sizeof *open);
    size_t index = view_find_task(draft, opened->assignment.task);
    struct assignment *cell = cell_new(sizeof *cell);
    int failed;

    if (open)
        draft->open = open;
    if (index == SIZE_MAX) {
        cell_unref(cell);
        return STORE_CORRUPT;
    }
    failed = !open || !cell ||
             proto_copy(&proto_assignment_shape, &opened->assignment, cell_arena(cell),
                        &cell->assignment);
    if (!failed) {
        cell->opened_seq = head->seq;
        lease_begin(&cell->lease, head, opened->expires_ms, &opened->clock);
        failed = roll_append(&draft->assignments, cell);
    }
    cell_unref(cell);
    if (failed)
        return STORE_NO_MEMORY;
    draft->open[draft->open_count++] = draft->assignments.count - 1;
    draft->counts[index].pending++;
    skips_end(draft, is_made_up_for, &opened->assignment);
    see_clock(draft, &opened->clock);
    return 0;
}

/* Its place among the open ones; their number: it is not open. */
static size_t open_place(const struct view *draft, const char *id)
{
    size_t place = 0;

    while (place < draft->open_count &&
           strcmp(view_assignment(draft, draft->open[place])->assignment.id, id) != 0)
        place++;
    return place;
}

/* `now` may borrow from the one that it takes the place of. */
static int replace_open(struct view *draft, size_t place, const struct assignment *now)
{
    struct assignment *cell = cell_new(sizeof *cell);
    int failed = !cell;

    if (!failed) {
        *cell = *now;
        failed = proto_copy(&proto_assignment_shape, &now->assignment, cell_arena(cell),
                            &cell->assignment) ||
                 roll_replace(&draft->assignments, draft->open[place], cell);
    }
    cell_unref(cell);
    return failed ? STORE_NO_MEMORY : 0;
}

static int apply_assignment_end(struct project *project, const struct event_head *head,
                                const struct proto_event_assignment_end *end, int state)
{
    struct view *draft = &project->draft;
    size_t place = open_place(draft, end->id), task;
    struct assignment ended;

    if (place == draft->open_count)
        return STORE_CORRUPT;
    ended = *view_assignment(draft, draft->open[place]);
    task = view_find_task(draft, ended.assignment.task);
    ended.ended_seq = head->seq;
    ended.lease.skip = end->to;
    ended.assignment.state = state;
    ended.assignment.demonstration = end->demonstration;
    ended.assignment.reason = end->reason;
    if (state == PROTO_ASSIGNMENT_SKIPPED)
        ended.assignment.to = proto_skip_names[end->to];
    if (replace_open(draft, place, &ended))
        return STORE_NO_MEMORY;
    draft->counts[task].pending--;
    draft->open_count--;
    memmove(draft->open + place, draft->open + place + 1,
            (draft->open_count - place) * sizeof *draft->open);
    see_clock(draft, &end->clock);
    return 0;
}

static int apply_assignment_completed(struct project *project, const struct event_head *head,
                                      const void *body)
{
    return apply_assignment_end(project, head, body, PROTO_ASSIGNMENT_COMPLETED);
}

static int apply_assignment_expired(struct project *project, const struct event_head *head,
                                    const void *body)
{
    return apply_assignment_end(project, head, body, PROTO_ASSIGNMENT_EXPIRED);
}

static int apply_assignment_released(struct project *project, const struct event_head *head,
                                     const void *body)
{
    return apply_assignment_end(project, head, body, PROTO_ASSIGNMENT_RELEASED);
}

/* A failed demonstration handed in under an assignment is counted as the attempt that it is. */
static bool has_failed_demonstration(const struct view *draft, const struct assignment *assignment)
{
    for (size_t i = draft->demonstrations.count; i-- > 0;) {
        const struct proto_demonstration *meta = &view_demonstration(draft, i)->meta;

        if (meta->seq < assignment->opened_seq)
            return false;
        if (!meta->success && meta->role == PROTO_ROLE_DEMONSTRATION && meta->assignment &&
            !strcmp(meta->assignment, assignment->assignment.id))
            return true;
    }
    return false;
}

static int apply_assignment_failed(struct project *project, const struct event_head *head,
                                   const void *body)
{
    const struct proto_event_assignment_end *end = body;
    struct view *draft = &project->draft;
    const struct assignment *failed = view_find_assignment(draft, end->id);
    bool counted = failed && has_failed_demonstration(draft, failed);
    size_t task = failed ? view_find_task(draft, failed->assignment.task) : SIZE_MAX;
    int status = apply_assignment_end(project, head, end, PROTO_ASSIGNMENT_FAILED);

    if (!status && !counted)
        draft->counts[task].given_up++;
    return status;
}

static int apply_assignment_skipped(struct project *project, const struct event_head *head,
                                    const void *body)
{
    const struct proto_event_assignment_end *end = body;
    struct view *draft = &project->draft;
    size_t *skips = realloc(draft->skips, (draft->skip_count + 1) * sizeof *skips);
    size_t place = open_place(draft, end->id);

    if (!skips)
        return STORE_NO_MEMORY;
    draft->skips = skips;
    if (place == draft->open_count)
        return STORE_CORRUPT;
    skips[draft->skip_count++] = draft->open[place];
    return apply_assignment_end(project, head, end, PROTO_ASSIGNMENT_SKIPPED);
}

static int apply_assignment_renewed(struct project *project, const struct event_head *head,
                                    const void *body)
{
    const struct proto_event_renewed *renewed = body;
    struct view *draft = &project->draft;
    size_t place = open_place(draft, renewed->id);
    char expires_at[CLOCK_TEXT_BYTES];
    struct assignment now;

    if (place == draft->open_count)
        return STORE_CORRUPT;
    now = *view_assignment(draft, draft->open[place]);
    now.assignment.fence = head->seq;
    now.lease.fence_before = renewed->fence;
    lease_begin(&now.lease, head, renewed->expires_ms, &renewed->clock);
    clock_format(renewed->expires_ms, expires_at);
    now.assignment.expires_at = expires_at;
    if (replace_open(draft, place, &now))
        return STORE_NO_MEMORY;
    see_clock(draft, &renewed->clock);
    return 0;
}

static int carry_lease(struct view *draft, const struct event_head *head,
                       const struct proto_carried_lease *lease, const struct proto_clock *clock)
{
    size_t place = open_place(draft, lease->id);
    char expires_at[CLOCK_TEXT_BYTES];
    struct assignment carried;

    if (place == draft->open_count)
        return STORE_CORRUPT;
    carried = *view_assignment(draft, draft->open[place]);
    lease_begin(&carried.lease, head, lease->expires_ms, clock);
    clock_format(lease->expires_ms, expires_at);
    carried.assignment.expires_at = expires_at;
    return replace_open(draft, place, &carried);
}

static int apply_leases_carried(struct project *project, const struct event_head *head,
                                const void *body)
{
    const struct proto_event_carried *carried = body;
    const struct proto_carried_lease *leases = carried->leases.items;
    int status = 0;

    for (size_t i = 0; i < carried->leases.count && !status; i++)
        status = carry_lease(&project->draft, head, &leases[i], &carried->clock);
    if (!status)
        see_clock(&project->draft, &carried->clock);
    return status;
}

const struct event_kind event_assignment_opened = {
    "assignment_opened",     &proto_event_opened_shape, EVENT_BLOB_NONE,
    apply_assignment_opened, check_assignment_opened,   true};
const struct event_kind event_assignment_completed = {
    "assignment_completed",     &proto_event_assignment_end_shape, EVENT_BLOB_NONE,
    apply_assignment_completed, check_assignment_completed,        true};
const struct event_kind event_assignment_expired = {
    "assignment_expired",   &proto_event_assignment_end_shape,
    EVENT_BLOB_NONE,        apply_assignment_expired,
    check_assignment_ended, true};
const struct event_kind event_assignment_renewed = {
    "assignment_renewed",     &proto_event_renewed_shape, EVENT_BLOB_NONE,
    apply_assignment_renewed, check_assignment_renewed,   true};
const struct event_kind event_assignment_skipped = {
    "assignment_skipped",   &proto_event_assignment_skip_shape,
    EVENT_BLOB_NONE,        apply_assignment_skipped,
    check_assignment_ended, true};
const struct event_kind event_assignment_failed = {
    "assignment_failed",    &proto_event_assignment_end_shape,
    EVENT_BLOB_NONE,        apply_assignment_failed,
    check_assignment_ended, true};
const struct event_kind event_assignment_released = {
    "assignment_released",  &proto_event_assignment_end_shape,
    EVENT_BLOB_NONE,        apply_assignment_released,
    check_assignment_ended, true};
const struct event_kind event_leases_carried = {"leases_carried",     &proto_event_carried_shape,
                                                EVENT_BLOB_NONE,      apply_leases_carried,
                                                check_leases_carried, true};
