/* Logs are folded one after the other, so memory is that of the largest project. */
#include <state/audit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "project_internal.h"

void audit_logs_deinit(struct audit_logs *logs)
{
    for (size_t i = 0; i < logs->count; i++) {
        free(logs->items[i].project);
        free(logs->items[i].name);
    }
    free(logs->items);
    *logs = (struct audit_logs)AUDIT_LOGS_NULL;
}

static int add_log(const struct store_log *log, void *arg)
{
    struct audit_logs *logs = arg;
    struct audit_log *items = reallocarray(logs->items, logs->count + 1, sizeof *items), *item;

    if (!items)
        return STORE_NO_MEMORY;
    logs->items = items;
    item = &items[logs->count++];
    *item = (struct audit_log){.project = strndup(log->project, strcspn(log->project, "~")),
                               .name = strdup(log->project),
                               .deleted = !strcmp(log->last_type, event_project_deleted.type),
                               .events = log->events,
                               .demonstrations = log->blobs,
                               .bytes = log->blob_bytes};
    return item->project && item->name ? 0 : STORE_NO_MEMORY;
}

int audit_logs_read(struct store *store, struct audit_logs *ret_logs)
{
    struct audit_logs logs = AUDIT_LOGS_NULL;
    int status = store_read_logs(store, add_log, &logs);

    if (status) {
        audit_logs_deinit(&logs);
        return status;
    }
    *ret_logs = logs;
    return 0;
}

struct fold {
    struct project project;
    struct proto_error error;
    char type[64]; /* of the event that does not fit */
};

static int fold_event(const struct store_event *event, void *arg)
{
    struct fold *fold = arg;
    /* No archive has this one. */
    int status = strcmp(event->type, event_project_deleted.type) != 0
                     ? project_take(&fold->project, event, &fold->error)
                     : project_replay(&fold->project, event);

    if (status)
        snprintf(fold->type, sizeof fold->type, "%s", event->type);
    return status;
}

static void tell(const struct fold *fold, store_problem_fn fn, void *arg)
{
    char text[400];

    if (!*fold->type)
        snprintf(text, sizeof text, "what follows cannot be read");
    else
        snprintf(text, sizeof text, "%s does not fit: %s", fold->type,
                 *fold->error.detail ? fold->error.detail : "it cannot be folded");
    fn(&(struct store_problem){.what = "event",
                               .project = fold->project.log_name,
                               .seq = fold->project.draft.seq + (*fold->type ? 1 : 0),
                               .text = text},
       arg);
}

static int fold_log(struct store *store, const struct audit_log *log, store_problem_fn fn,
                    void *arg)
{
    struct fold fold = {.project = {.store = store, .log_name = log->name}};
    struct project *project = &fold.project;
    int status = STORE_NO_MEMORY;

    project->draft.id = log->project;
    project->hashes = hashes_new(&project->draft.demonstrations);
    if (project->hashes)
        status = store_read_events(store, log->name, 0, true, fold_event, &fold);
    if (!status && project->rethin_due && !project->draft.deleted)
        status = project_rethin(project);
    if (status && status != STORE_NO_MEMORY)
        tell(&fold, fn, arg);
    view_deinit(&project->draft);
    hashes_free(project->hashes);
    return status == STORE_NO_MEMORY ? status : 0;
}

int audit_fold(struct store *store, const struct audit_logs *logs, store_problem_fn fn, void *arg)
{
    int status = 0;

    for (size_t i = 0; i < logs->count && !status; i++)
        status = fold_log(store, &logs->items[i], fn, arg);
    return status;
}
