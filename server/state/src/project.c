/* Commands: what may be asked of a project, checked before anything is logged. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <state/clock.h>
#include <state/lease.h>

#include "project_internal.h"

const struct view *project_view(const struct project *project)
{
    return &project->draft;
}

const char *project_log_name(const struct project *project)
{
    return project->log_name;
}

void project_id_format(char prefix, int64_t seq, char ret_id[ID_BYTES])
{
    snprintf(ret_id, ID_BYTES, "%c%010" PRId64, prefix, seq);
}

/* What a project's kernel needs of a task. */
static int check_task_in_kernel(const struct proto_kernel *kernel, const struct proto_task *task,
                                size_t vector_dim, struct proto_error *ret_error)
{
    if (kernel->task == PROTO_TASK_GRAPH && !proto_strings_have(&kernel->graph->nodes, task->key))
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/key",
                                    "Task %s is not a node of the project's kernel.graph.",
                                    task->key);
    if (kernel->task != PROTO_TASK_VECTOR)
        return 0;
    if (task->vector.count == 0)
        return (int)proto_error_set(
            ret_error, PROTO_CODE_MISSING_FIELD, "/vector",
            "Task %s needs a vector: the project's kernel.task is \"vector\".", task->key);
    if (vector_dim && task->vector.count != vector_dim)
        return (int)proto_error_set(
            ret_error, PROTO_CODE_WRONG_DIMENSION, "/vector",
            "The vector of task %s has %zu numbers, the other tasks' have %zu.", task->key,
            task->vector.count, vector_dim);
    if (kernel->task_scale.kind == PROTO_SCALE_VALUES && kernel->task_scale.values.count > 1 &&
        kernel->task_scale.values.count != task->vector.count)
        return (int)proto_error_set(
            ret_error, PROTO_CODE_WRONG_DIMENSION, "/vector",
            "The vector of task %s has %zu numbers, the project's kernel.task_scale has %zu.",
            task->key, task->vector.count, kernel->task_scale.values.count);
    return 0;
}

static bool dimension_changed(int64_t held, int64_t wanted)
{
    return held != PROTO_INT_NULL && held != wanted;
}

/* What frozen scales were computed with cannot change under them. */
static int check_frozen(const struct view *draft, const struct proto_project *settings,
                        struct proto_error *ret_error)
{
    const struct proto_project *held = &draft->settings->project;

    if (!draft->scales)
        return 0;
    if (settings->standardize != held->standardize)
        return (int)proto_error_set(ret_error, PROTO_CODE_SETTINGS_FROZEN, "/standardize",
                                    "The scales are frozen; standardize cannot change any more.");
    if (settings->kernel.task == PROTO_TASK_VECTOR && held->kernel.task != PROTO_TASK_VECTOR &&
        settings->kernel.task_scale.kind != PROTO_SCALE_VALUES)
        return (int)proto_error_set(
            ret_error, PROTO_CODE_SETTINGS_FROZEN, "/kernel/task_scale",
            "The scales were frozen without task vectors; give kernel.task_scale as numbers.");
    return 0;
}

/* Whatever completes the count (a demonstration, a smaller fit_after, one task less) freezes the
 * scales, in its own transaction. */
static int freeze_when_due(struct project *project, struct store_tx *tx)
{
    struct view *draft = &project->draft;
    struct scales *scales;
    int status;

    if (draft->scales || draft->held < project_fit_after(draft))
        return 0;
    scales = project_fit(draft);
    if (!scales)
        return STORE_NO_MEMORY;
    scales->frozen.fit_due = project_wants_fit(draft); /* fitter.c does it, and logs it */
    status = project_log(project, tx, &event_scales_frozen, &scales->frozen, NULL, 0, NULL);
    cell_unref(scales);
    return status;
}

/* The tasks that are there under other settings: it is the settings' field that is at fault. */
static int check_kernel_of_tasks(const struct view *draft, const struct proto_kernel *kernel,
                                 struct proto_error *ret_error)
{
    const char *at = kernel->task == PROTO_TASK_GRAPH ? "/kernel/graph/nodes" : "/kernel/task";
    size_t vector_dim = 0;
    int refused = 0;

    for (size_t i = 0; i < draft->tasks.count && !refused; i++) {
        const struct proto_task *task = &view_task(draft, i)->task;

        refused = check_task_in_kernel(kernel, task, vector_dim, ret_error);
        if (refused == PROTO_CODE_WRONG_DIMENSION &&
            (!vector_dim || vector_dim == task->vector.count))
            at = "/kernel/task_scale";
        vector_dim = task->vector.count;
    }
    if (refused)
        snprintf(ret_error->at, sizeof ret_error->at, "%s", at);
    return refused;
}

int project_check_update(const struct view *draft, const struct proto_project *settings,
                         struct proto_error *ret_error)
{
    const struct proto_project *held = &draft->settings->project;
    int refused = 0;

    if ((draft->demonstrations.count > 0 || draft->scales || project_has_network(draft)) &&
        (dimension_changed(held->state_dim, settings->state_dim) ||
         dimension_changed(held->action_dim, settings->action_dim)))
        refused = (int)proto_error_set(
            ret_error, PROTO_CODE_SETTINGS_FROZEN,
            settings->state_dim != held->state_dim ? "/state_dim" : "/action_dim",
            "Demonstrations or networks of %" PRId64 " states and %" PRId64
            " actions were posted: dimensions cannot change any more.",
            held->state_dim, held->action_dim);
    if (!refused)
        refused = check_frozen(draft, settings, ret_error);
    return refused ? refused : check_kernel_of_tasks(draft, &settings->kernel, ret_error);
}

int project_update(struct project *project, struct store_tx *tx,
                   const struct proto_project *settings, struct proto_error *ret_error)
{
    int status = project_check_update(&project->draft, settings, ret_error);

    if (status)
        return status;
    status = project_log(project, tx, &event_project_updated, settings, NULL, 0, NULL);
    return status ? status : freeze_when_due(project, tx);
}

int project_refit(struct project *project, struct store_tx *tx, const struct view *base,
                  const struct scales *scales, struct proto_error *ret_error)
{
    const struct view *draft = &project->draft;

    if (draft->settings != base->settings ||
        !roll_same(&draft->demonstrations, &base->demonstrations) ||
        !roll_same(&draft->tasks, &base->tasks))
        return (int)proto_error_set(ret_error, PROTO_CODE_CHANGED_MEANWHILE, "",
                                    "Demonstrations, tasks or settings of %s changed while the "
                                    "numbers were worked out; send it again.",
                                    draft->id);
    return project_log(project, tx, &event_scales_frozen, &scales->frozen, NULL, 0, NULL);
}

int project_delete(struct project *project, struct store_tx *tx)
{
    const struct proto_event_removed removed = {.key = project->draft.id, .reason = NULL};

    return project_log(project, tx, &event_project_deleted, &removed, NULL, 0, NULL);
}

/* Dimension of the task vectors there are, without the task of that key; 0: none. */
static size_t project_vector_dim(const struct view *draft, const char *key)
{
    for (size_t i = 0; i < draft->tasks.count; i++)
        if (strcmp(view_task(draft, i)->task.key, key) != 0)
            return view_task(draft, i)->task.vector.count;
    return 0;
}

int project_check_task(const struct view *draft, const struct proto_task *task,
                       struct proto_error *ret_error)
{
    int refused = check_task_in_kernel(&draft->settings->project.kernel, task,
                                       project_vector_dim(draft, task->key), ret_error);

    return refused ? refused : project_check_task_in_networks(draft, task, ret_error);
}

int project_put_task(struct project *project, struct store_tx *tx, const struct proto_task *task,
                     bool *ret_created, struct proto_error *ret_error)
{
    bool created = view_find_task(&project->draft, task->key) == SIZE_MAX;
    int status = project_check_task(&project->draft, task, ret_error);

    if (status)
        return status;
    status = project_log(project, tx, &event_task_put, task, NULL, 0, NULL);
    if (!status)
        *ret_created = created;
    return status;
}

int project_check_task_removal(const struct view *draft, const char *key,
                               struct proto_error *ret_error)
{
    const struct task_counts *counts;
    size_t index = view_find_task(draft, key);
    int64_t held = 0;

    if (index == SIZE_MAX)
        return (int)proto_error_set(ret_error, PROTO_CODE_TASK_NOT_FOUND, "",
                                    "Project %s has no task %s.", draft->id, key);
    counts = &draft->counts[index];
    for (size_t i = 0; i < draft->demonstrations.count; i++)
        held += !strcmp(view_demonstration(draft, i)->meta.task, key);
    if (held > 0 || counts->pending > 0)
        return (int)proto_error_set(ret_error, PROTO_CODE_TASK_IN_USE, "",
                                    "Task %s has %" PRId64 " demonstrations and %" PRId64
                                    " open assignments; set its role or weight instead.",
                                    key, held, counts->pending);
    return 0;
}

int project_delete_task(struct project *project, struct store_tx *tx, const char *key,
                        struct proto_error *ret_error)
{
    const struct proto_event_removed removed = {.key = key, .reason = NULL};
    int status = project_check_task_removal(&project->draft, key, ret_error);

    if (status)
        return status;
    status = project_log(project, tx, &event_task_deleted, &removed, NULL, 0, NULL);
    return status ? status : freeze_when_due(project, tx);
}

static int check_columns(const struct proto_matrix *matrix, int64_t wanted, const char *at,
                         const char *field, struct proto_error *ret_error)
{
    char pointer[96];

    if (wanted == PROTO_INT_NULL || matrix->cols == (size_t)wanted)
        return 0;
    snprintf(pointer, sizeof pointer, "%s/%s", at, field);
    return (int)proto_error_set(ret_error, PROTO_CODE_WRONG_DIMENSION, pointer,
                                "Each step has %zu numbers, this project's %s have %" PRId64 ".",
                                matrix->cols, field, wanted);
}

int project_check_demonstration(const struct view *view,
                                const struct proto_demonstration *demonstration, const char *at,
                                struct proto_error *ret_error)
{
    const struct proto_project *settings = &view->settings->project;
    const struct proto_scale *scale = &settings->kernel.state_scale;
    int64_t state_dim = settings->state_dim;
    char pointer[96];
    int refused;

    if (state_dim == PROTO_INT_NULL && scale->kind == PROTO_SCALE_VALUES && scale->values.count > 1)
        state_dim = (int64_t)scale->values.count;
    snprintf(pointer, sizeof pointer, "%s/task", at);
    if (view_find_task(view, demonstration->task) == SIZE_MAX)
        return (int)proto_error_set(ret_error, PROTO_CODE_UNKNOWN_TASK, pointer,
                                    "Project %s has no task %s; PUT it first.", view->id,
                                    demonstration->task);
    refused = check_columns(&demonstration->states, state_dim, at, "states", ret_error);
    return refused ? refused
                   : check_columns(&demonstration->actions, settings->action_dim, at, "actions",
                                   ret_error);
}

static void stored_fill(const struct demonstration *held, bool duplicate,
                        struct proto_stored *ret_stored)
{
    *ret_stored = (struct proto_stored){.id = held->meta.id,
                                        .seq = held->meta.seq,
                                        .sha256 = held->meta.sha256,
                                        .steps = held->meta.steps,
                                        .duplicate = duplicate};
}

int project_add_demonstration(struct project *project, struct store_tx *tx,
                              const struct proto_demonstration *demonstration, const char *at,
                              struct proto_stored *ret_stored, struct proto_error *ret_error)
{
    struct view *draft = &project->draft;
    struct proto_demonstration meta = *demonstration;
    const struct demonstration *held = hashes_find(project->hashes, demonstration->sha256);
    char id[ID_BYTES];
    int status;

    if (held) {
        stored_fill(held, true, ret_stored);
        return 0;
    }
    status = project_check_demonstration(draft, demonstration, at, ret_error);
    if (status)
        return status;
    project_id_format('d', draft->seq + 1, id);
    meta.id = id;
    meta.seq = draft->seq + 1;
    meta.steps = (int64_t)demonstration->states.rows;
    status = project_log(project, tx, &event_demonstration_added, &meta, demonstration->encoded,
                         demonstration->encoded_bytes, id);
    if (!status)
        status = freeze_when_due(project, tx);
    if (!status)
        stored_fill(view_find_demonstration(draft, id), false, ret_stored);
    return status;
}

int project_retract_demonstration(struct project *project, struct store_tx *tx, const char *id,
                                  const char *reason, struct proto_error *ret_error)
{
    const struct proto_event_removed removed = {.key = id, .reason = reason};

    if (!view_find_demonstration(&project->draft, id))
        return (int)proto_error_set(ret_error, PROTO_CODE_DEMONSTRATION_NOT_FOUND, "",
                                    "Project %s holds no demonstration %s.", project->draft.id, id);
    return project_log(project, tx, &event_demonstration_retracted, &removed, NULL, 0, NULL);
}

struct instant project_now(const struct project *project)
{
    return (struct instant){project->now_ms, project->boot_ms, project->boot_id};
}

static struct proto_clock clock_mark(const struct project *project)
{
    return (struct proto_clock){project->boot_id, project->boot_ms};
}

static int64_t lease_end_ms(const struct project *project, double lease_s)
{
    return project->now_ms + (int64_t)llround(lease_s * 1000);
}

int project_open_assignment(struct project *project, struct store_tx *tx,
                            const struct proto_event_opened *opened, double lease_s,
                            const struct assignment **ret_assignment)
{
    struct view *draft = &project->draft;
    struct proto_event_opened event = *opened;
    char id[ID_BYTES], opened_at[CLOCK_TEXT_BYTES], expires_at[CLOCK_TEXT_BYTES];
    int status;

    event.expires_ms = lease_end_ms(project, lease_s);
    event.clock = clock_mark(project);
    project_id_format('a', draft->seq + 1, id);
    clock_format(project->now_ms, opened_at);
    clock_format(event.expires_ms, expires_at);
    event.assignment.id = id;
    event.assignment.fence = draft->seq + 1;
    event.assignment.state = PROTO_ASSIGNMENT_OPEN;
    event.assignment.opened_at = opened_at;
    event.assignment.expires_at = expires_at;
    event.assignment.instruction =
        view_task(draft, view_find_task(draft, event.assignment.task))->task.instruction;
    status = project_log(project, tx, &event_assignment_opened, &event, NULL, 0, NULL);
    if (!status)
        *ret_assignment = view_assignment(draft, draft->assignments.count - 1);
    return status;
}

int project_renew_assignment(struct project *project, struct store_tx *tx, const char *id,
                             int64_t fence, double lease_s)
{
    const struct proto_event_renewed renewed = {.id = id,
                                                .fence = fence,
                                                .expires_ms = lease_end_ms(project, lease_s),
                                                .clock = clock_mark(project)};

    return project_log(project, tx, &event_assignment_renewed, &renewed, NULL, 0, NULL);
}

int project_end_assignment(struct project *project, struct store_tx *tx, int state,
                           const struct proto_event_assignment_end *end)
{
    static const struct event_kind *const kinds[] = {
        [PROTO_ASSIGNMENT_COMPLETED] = &event_assignment_completed,
        [PROTO_ASSIGNMENT_EXPIRED] = &event_assignment_expired,
        [PROTO_ASSIGNMENT_SKIPPED] = &event_assignment_skipped,
        [PROTO_ASSIGNMENT_FAILED] = &event_assignment_failed,
        [PROTO_ASSIGNMENT_RELEASED] = &event_assignment_released,
    };
    struct proto_event_assignment_end event = *end;

    event.clock = clock_mark(project);
    return project_log(project, tx, kinds[state], &event, NULL, 0, NULL);
}

int project_expire(struct project *project, struct store_tx *tx)
{
    const struct instant now = project_now(project);
    const struct view *draft = &project->draft;
    int status = 0;

    for (size_t i = 0; i < draft->open_count && !status;) {
        const struct assignment *assignment = view_assignment(draft, draft->open[i]);

        if (lease_is_live(draft, assignment, &now))
            i++;
        else
            status = project_end_assignment(
                project, tx, PROTO_ASSIGNMENT_EXPIRED,
                &(struct proto_event_assignment_end){.id = assignment->assignment.id});
    }
    return status;
}

int project_carry(struct project *project, struct store_tx *tx, const char *from,
                  const int64_t *left_ms)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    const struct view *draft = &project->draft;
    struct proto_carried_lease *leases =
        proto_arena_alloc(&arena, draft->open_count, sizeof *leases);
    const struct proto_event_carried carried = {
        from, {leases, draft->open_count}, clock_mark(project)};

    if (!leases)
        return STORE_NO_MEMORY;
    for (size_t i = 0; i < draft->open_count; i++)
        leases[i] =
            (struct proto_carried_lease){view_assignment(draft, draft->open[i])->assignment.id,
                                         project->now_ms + (left_ms[i] > 0 ? left_ms[i] : 0)};
    return project_log(project, tx, &event_leases_carried, &carried, NULL, 0, NULL);
}

bool project_is_tied(const struct view *view, const struct instant *now)
{
    for (size_t i = 0; i < view->open_count; i++)
        if (!lease_is_tied(view, view_assignment(view, view->open[i]), now))
            return false;
    return true;
}

int project_tie(struct project *project, struct store_tx *tx)
{
    const struct instant now = project_now(project);
    const struct view *draft = &project->draft;
    int64_t *left_ms;
    int status;

    if (project_is_tied(draft, &now))
        return 0;
    left_ms = calloc(draft->open_count, sizeof *left_ms);
    if (!left_ms)
        return STORE_NO_MEMORY;
    for (size_t i = 0; i < draft->open_count; i++)
        left_ms[i] = lease_left_ms(draft, view_assignment(draft, draft->open[i]), &now);
    status = project_carry(project, tx, NULL, left_ms);
    free(left_ms);
    return status;
}
