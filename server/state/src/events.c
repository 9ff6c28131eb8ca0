/* What each kind of event does to the draft: the fold that makes a project out of its log. Those of
 * assignments are in events_assignment.c.
 *
 * Everything here is a function of the draft and the event alone; a change of max_steps also reads
 * back what is held. Commands in project.c have checked the event before it was logged, so what can
 * still fail is memory and that reading.
 */
#include <stdlib.h>
#include <string.h>

#include <state/clock.h>

#include "policies.h"
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

int project_read_blob(const struct project *project, const char *id, unsigned char **ret_bytes,
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
    int status = project_read_blob(project, old->meta.id, &bytes, &length);

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
    return project->hashes ? project_rethin_features(project) : STORE_NO_MEMORY;
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
    skips_end_of_task(draft, task->key);
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
    skips_end_of_task(draft, removed->key);
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
        failed = hashes_add(project->hashes, cell) || roll_append(&draft->demonstrations, cell) ||
                 policies_add_demonstration(draft);
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
    size_t index = view_demonstration_index(draft, removed->key);

    (void)head;
    if (!cell)
        return STORE_CORRUPT;
    hashes_remove(project->hashes, cell->meta.sha256);
    count_demonstration(draft, &cell->meta, -1);
    return policies_remove_demonstration(draft, index) || roll_remove(&draft->demonstrations, index)
               ? STORE_NO_MEMORY
               : 0;
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

const struct event_kind event_project_created = {"project_created", &proto_project_shape,
                                                 EVENT_BLOB_NONE, apply_project_created,
                                                 check_project_created};
const struct event_kind event_project_updated = {"project_updated", &proto_project_shape,
                                                 EVENT_BLOB_NONE, apply_project_updated,
                                                 check_project_updated};
const struct event_kind event_project_deleted = {"project_deleted", &proto_event_removed_shape,
                                                 EVENT_BLOB_NONE, apply_project_deleted,
                                                 check_project_deleted};
const struct event_kind event_task_put = {"task_put", &proto_task_shape, EVENT_BLOB_NONE,
                                          apply_task_put, check_task_put};
const struct event_kind event_task_deleted = {"task_deleted", &proto_event_removed_shape,
                                              EVENT_BLOB_NONE, apply_task_deleted,
                                              check_task_deleted};
const struct event_kind event_demonstration_added = {
    "demonstration_added", &proto_demonstration_summary_shape, EVENT_BLOB_DEMONSTRATION,
    apply_demonstration_added, check_demonstration_added};
const struct event_kind event_demonstration_retracted = {
    "demonstration_retracted", &proto_event_removed_shape, EVENT_BLOB_NONE,
    apply_demonstration_retracted, check_demonstration_retracted};
const struct event_kind event_scales_frozen = {"scales_frozen", &proto_scales_shape,
                                               EVENT_BLOB_NONE, apply_scales_frozen,
                                               check_scales_frozen};

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
                                                &event_assignment_renewed,
                                                &event_assignment_skipped,
                                                &event_assignment_failed,
                                                &event_assignment_released,
                                                &event_leases_carried,
                                                &event_policy_put,
                                                &event_policy_activated,
                                                &event_features_put,
                                                NULL};
