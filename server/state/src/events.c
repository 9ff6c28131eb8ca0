/* What each kind of event does to the draft: the fold that makes a project out of its log.
 *
 * Everything here is a function of the draft and the event alone; a change of max_steps also reads
 * back what is held. Commands in project.c have checked the event before it was logged, so what can
 * still fail is memory and that reading.
 */
#include <stdlib.h>
#include <string.h>

#include <state/clock.h>

#include "project_internal.h"

/* A project that was imported has the log of another, in which it goes by that one's id. */
static int apply_settings(struct project *project, const struct proto_project *settings)
{
    struct view *draft = &project->draft;
    struct settings *cell = cell_new(sizeof *cell);
    struct proto_project own = *settings;

    own.id = draft->id;
    if (!cell || proto_copy(&proto_project_shape, &own, cell_arena(cell), &cell->project)) {
        cell_unref(cell);
        return STORE_NO_MEMORY;
    }
    cell_unref(draft->settings);
    draft->settings = cell;
    return 0;
}

static int apply_project_created(struct project *project, const struct event_head *head,
                                 const void *body)
{
    struct proto_project settings = *(const struct proto_project *)body;
    char at[CLOCK_TEXT_BYTES];

    clock_format(head->at_ms, at);
    settings.created_at = at;
    return apply_settings(project, &settings);
}

static int read_blob(const struct project *project, const char *id, unsigned char **ret_bytes,
                     size_t *ret_length)
{
    if (project->read_blob)
        return project->read_blob(project->read_blob_arg, id, ret_bytes, ret_length);
    if (project->tx)
        return store_tx_read_blob(project->tx, project->log_name, id, ret_bytes, ret_length);
    return store_read_blob(project->store, project->log_name, id, ret_bytes, ret_length);
}

/* A demonstration as it is held under other settings: thinned anew from what the store has. */
static int demonstration_rethin(const struct project *project, const struct demonstration *old,
                                struct demonstration **ret_new)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_demonstration whole;
    struct proto_error error;
    struct demonstration *cell = cell_new(sizeof *cell);
    unsigned char *bytes = NULL;
    size_t length;
    int status = read_blob(project, old->meta.id, &bytes, &length);

    proto_demonstration_defaults(&whole);
    if (!status)
        status = project_status_of_stored(
            proto_demonstration_numbers(bytes, length, &arena, &whole, &error));
    if (!status && (!cell ||
                    proto_copy(&proto_demonstration_summary_shape, &old->meta, cell_arena(cell),
                               &cell->meta) ||
                    demonstration_thin(cell, &whole.states, &whole.actions,
                                       project->draft.settings->project.criterion.max_steps)))
        status = STORE_NO_MEMORY;
    free(bytes);
    if (status) {
        cell_unref(cell);
        return status < 0 ? status : STORE_CORRUPT;
    }
    *ret_new = cell;
    return 0;
}

int project_rethin(struct project *project)
{
    struct view *draft = &project->draft;
    struct roll demonstrations = ROLL_NULL;
    int status = 0;

    for (size_t i = 0; i < draft->demonstrations.count && !status; i++) {
        struct demonstration *cell = NULL;

        status = demonstration_rethin(project, view_demonstration(draft, i), &cell);
        if (!status && roll_append(&demonstrations, cell))
            status = STORE_NO_MEMORY;
        cell_unref(cell);
    }
    if (status) {
        roll_deinit(&demonstrations);
        return status;
    }
    roll_deinit(&draft->demonstrations);
    draft->demonstrations = demonstrations;
    hashes_free(project->hashes);
    project->hashes = hashes_new(&draft->demonstrations);
    return project->hashes ? 0 : STORE_NO_MEMORY;
}

static int apply_project_updated(struct project *project, const struct event_head *head,
                                 const void *body)
{
    const struct proto_project *settings = body;
    bool rethin =
        settings->criterion.max_steps != project->draft.settings->project.criterion.max_steps;
    int status = apply_settings(project, settings);

    (void)head;
    if (status || !rethin)
        return status;
    if (!project->tx) { /* the log is being folded, and only its reader may read now */
        project->rethin_due = true;
        return 0;
    }
    return project_rethin(project);
}

static int apply_project_deleted(struct project *project, const struct event_head *head,
                                 const void *body)
{
    (void)head;
    (void)body;
    project->draft.deleted = true;
    return 0;
}

static int counts_insert(struct view *draft, size_t index)
{
    size_t count = draft->tasks.count; /* before the insertion */
    struct task_counts *counts = realloc(draft->counts, (count + 1) * sizeof *counts);

    if (!counts)
        return -1;
    memmove(counts + index + 1, counts + index, (count - index) * sizeof *counts);
    counts[index] = (struct task_counts){0};
    draft->counts = counts;
    return 0;
}

static size_t task_place(const struct view *draft, const char *key)
{
    size_t place = 0;

    while (place < draft->tasks.count && strcmp(view_task(draft, place)->task.key, key) < 0)
        place++;
    return place;
}

static int apply_task_put(struct project *project, const struct event_head *head, const void *body)
{
    const struct proto_task *task = body;
    struct view *draft = &project->draft;
    struct task *cell = cell_new(sizeof *cell);
    size_t index = view_find_task(draft, task->key);
    int failed;

    (void)head;
    if (!cell || proto_copy(&proto_task_shape, task, cell_arena(cell), &cell->task)) {
        cell_unref(cell);
        return STORE_NO_MEMORY;
    }
    if (index != SIZE_MAX) {
        failed = roll_replace(&draft->tasks, index, cell);
    } else {
        index = task_place(draft, task->key);
        failed = counts_insert(draft, index) || roll_insert(&draft->tasks, index, cell);
    }
    cell_unref(cell);
    return failed ? STORE_NO_MEMORY : 0;
}

static int apply_task_deleted(struct project *project, const struct event_head *head,
                              const void *body)
{
    const struct proto_event_removed *removed = body;
    struct view *draft = &project->draft;
    size_t index = view_find_task(draft, removed->key);

    (void)head;
    if (index == SIZE_MAX)
        return STORE_CORRUPT;
    if (roll_remove(&draft->tasks, index))
        return STORE_NO_MEMORY;
    memmove(draft->counts + index, draft->counts + index + 1,
            (draft->tasks.count - index) * sizeof *draft->counts);
    return 0;
}

/* Adds (by 1) or takes away (by -1) a demonstration in all that is counted. */
static void count_demonstration(struct view *draft, const struct proto_demonstration *meta, int by)
{
    size_t index = view_find_task(draft, meta->task);
    struct task_counts *counts = &draft->counts[index];

    if (meta->role == PROTO_ROLE_ROLLOUT) {
        counts->rollouts += by;
        counts->rollouts_succeeded += meta->success ? by : 0;
        return;
    }
    draft->held += meta->success ? by : 0;
    if (meta->role == PROTO_ROLE_PRETRAINING) {
        counts->pretraining += meta->success ? by : 0;
        return;
    }
    if (meta->success) {
        counts->demonstrations += by;
        draft->demonstrated += by;
    } else {
        counts->failed += by;
    }
}

/* The first demonstration tells a project its dimensions. */
static int apply_dimensions(struct project *project,
                            const struct proto_demonstration *demonstration)
{
    struct proto_project settings = project->draft.settings->project;

    if (settings.state_dim != PROTO_INT_NULL && settings.action_dim != PROTO_INT_NULL)
        return 0;
    settings.state_dim = (int64_t)demonstration->states.cols;
    settings.action_dim = (int64_t)demonstration->actions.cols;
    return apply_settings(project, &settings);
}

static int apply_demonstration_added(struct project *project, const struct event_head *head,
                                     const void *body)
{
    const struct proto_demonstration *demonstration = body;
    struct view *draft = &project->draft;
    struct demonstration *cell = cell_new(sizeof *cell);
    char at[CLOCK_TEXT_BYTES];
    int failed;

    if (view_find_task(draft, demonstration->task) == SIZE_MAX) {
        cell_unref(cell);
        return STORE_CORRUPT;
    }
    failed = !cell || apply_dimensions(project, demonstration);
    if (!failed) {
        struct proto_demonstration meta = *demonstration;

        clock_format(head->at_ms, at);
        meta.at = at;
        meta.seq = head->seq;
        failed =
            proto_copy(&proto_demonstration_summary_shape, &meta, cell_arena(cell), &cell->meta) ||
            demonstration_thin(cell, &demonstration->states, &demonstration->actions,
                               draft->settings->project.criterion.max_steps);
    }
    if (!failed)
        failed = hashes_add(project->hashes, cell) || roll_append(&draft->demonstrations, cell);
    if (!failed)
        count_demonstration(draft, &cell->meta, 1);
    cell_unref(cell);
    return failed ? STORE_NO_MEMORY : 0;
}

static int apply_demonstration_retracted(struct project *project, const struct event_head *head,
                                         const void *body)
{
    const struct proto_event_removed *removed = body;
    struct view *draft = &project->draft;
    struct demonstration *cell = view_find_demonstration(draft, removed->key);
    size_t index = 0;

    (void)head;
    if (!cell)
        return STORE_CORRUPT;
    while (view_demonstration(draft, index) != cell)
        index++;
    hashes_remove(project->hashes, cell->meta.sha256);
    count_demonstration(draft, &cell->meta, -1);
    return roll_remove(&draft->demonstrations, index) ? STORE_NO_MEMORY : 0;
}

static int apply_scales_frozen(struct project *project, const struct event_head *head,
                               const void *body)
{
    struct proto_scales frozen = *(const struct proto_scales *)body;
    struct scales *cell = cell_new(sizeof *cell);
    char at[CLOCK_TEXT_BYTES];

    clock_format(head->at_ms, at);
    frozen.at = at;
    frozen.seq = head->seq;
    if (!cell || proto_copy(&proto_scales_shape, &frozen, cell_arena(cell), &cell->frozen)) {
        cell_unref(cell);
        return STORE_NO_MEMORY;
    }
    cell_unref(project->draft.scales);
    project->draft.scales = cell;
    return 0;
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
        cell->expires_ms = opened->expires_ms;
        failed = roll_append(&draft->assignments, cell);
    }
    cell_unref(cell);
    if (failed)
        return STORE_NO_MEMORY;
    draft->open[draft->open_count++] = draft->assignments.count - 1;
    draft->counts[index].pending++;
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
static int replace_open(struct view *draft, size_t place, const struct proto_assignment *now,
                        int64_t expires_ms)
{
    size_t index = draft->open[place];
    struct assignment *cell = cell_new(sizeof *cell);
    int failed =
        !cell || proto_copy(&proto_assignment_shape, now, cell_arena(cell), &cell->assignment);

    if (!failed) {
        cell->opened_seq = view_assignment(draft, index)->opened_seq;
        cell->expires_ms = expires_ms;
        failed = roll_replace(&draft->assignments, index, cell);
    }
    cell_unref(cell);
    return failed ? STORE_NO_MEMORY : 0;
}

static int apply_assignment_end(struct project *project,
                                const struct proto_event_assignment_end *end, int state)
{
    struct view *draft = &project->draft;
    size_t place = open_place(draft, end->id), task;
    const struct assignment *old;
    struct proto_assignment ended;

    if (place == draft->open_count)
        return STORE_CORRUPT;
    old = view_assignment(draft, draft->open[place]);
    task = view_find_task(draft, old->assignment.task);
    ended = old->assignment;
    ended.state = state;
    ended.demonstration = end->demonstration;
    if (replace_open(draft, place, &ended, old->expires_ms))
        return STORE_NO_MEMORY;
    draft->counts[task].pending--;
    draft->open_count--;
    memmove(draft->open + place, draft->open + place + 1,
            (draft->open_count - place) * sizeof *draft->open);
    return 0;
}

static int apply_assignment_completed(struct project *project, const struct event_head *head,
                                      const void *body)
{
    (void)head;
    return apply_assignment_end(project, body, PROTO_ASSIGNMENT_COMPLETED);
}

static int apply_assignment_expired(struct project *project, const struct event_head *head,
                                    const void *body)
{
    (void)head;
    return apply_assignment_end(project, body, PROTO_ASSIGNMENT_EXPIRED);
}

static int carry_lease(struct view *draft, const struct proto_carried_lease *lease)
{
    size_t place = open_place(draft, lease->id);
    char expires_at[CLOCK_TEXT_BYTES];
    struct proto_assignment carried;

    if (place == draft->open_count)
        return STORE_CORRUPT;
    carried = view_assignment(draft, draft->open[place])->assignment;
    clock_format(lease->expires_ms, expires_at);
    carried.expires_at = expires_at;
    return replace_open(draft, place, &carried, lease->expires_ms);
}

static int apply_leases_carried(struct project *project, const struct event_head *head,
                                const void *body)
{
    const struct proto_event_carried *carried = body;
    const struct proto_carried_lease *leases = carried->leases.items;
    int status = 0;

    (void)head;
    for (size_t i = 0; i < carried->leases.count && !status; i++)
        status = carry_lease(&project->draft, &leases[i]);
    return status;
}

const struct event_kind event_project_created = {"project_created", &proto_project_shape, false,
                                                 apply_project_created, check_project_created};
const struct event_kind event_project_updated = {"project_updated", &proto_project_shape, false,
                                                 apply_project_updated, check_project_updated};
const struct event_kind event_project_deleted = {"project_deleted", &proto_event_removed_shape,
                                                 false, apply_project_deleted,
                                                 check_project_deleted};
const struct event_kind event_task_put = {"task_put", &proto_task_shape, false, apply_task_put,
                                          check_task_put};
const struct event_kind event_task_deleted = {"task_deleted", &proto_event_removed_shape, false,
                                              apply_task_deleted, check_task_deleted};
const struct event_kind event_demonstration_added = {
    "demonstration_added", &proto_demonstration_summary_shape, true, apply_demonstration_added,
    check_demonstration_added};
const struct event_kind event_demonstration_retracted = {
    "demonstration_retracted", &proto_event_removed_shape, false, apply_demonstration_retracted,
    check_demonstration_retracted};
const struct event_kind event_scales_frozen = {"scales_frozen", &proto_scales_shape, false,
                                               apply_scales_frozen, check_scales_frozen};
const struct event_kind event_assignment_opened = {"assignment_opened", &proto_event_opened_shape,
                                                   false, apply_assignment_opened,
                                                   check_assignment_opened};
const struct event_kind event_assignment_completed = {
    "assignment_completed", &proto_event_assignment_end_shape, false, apply_assignment_completed,
    check_assignment_completed};
const struct event_kind event_assignment_expired = {
    "assignment_expired", &proto_event_assignment_end_shape, false, apply_assignment_expired,
    check_assignment_expired};

const struct event_kind event_leases_carried = {"leases_carried", &proto_event_carried_shape, false,
                                                apply_leases_carried, check_leases_carried};

const struct event_kind *const event_kinds[] = {&event_project_created,
                                                &event_project_updated,
                                                &event_project_deleted,
                                                &event_task_put,
                                                &event_task_deleted,
                                                &event_demonstration_added,
                                                &event_demonstration_retracted,
                                                &event_scales_frozen,
                                                &event_assignment_opened,
                                                &event_assignment_completed,
                                                &event_assignment_expired,
                                                &event_leases_carried,
                                                NULL};
