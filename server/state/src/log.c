/* Between the draft and the store: events to rows, rows to events. */
#include <stdlib.h>
#include <string.h>

#include "project_internal.h"

int project_log(struct project *project, struct store_tx *tx, const struct event_kind *kind,
                const void *body, const void *blob, size_t blob_bytes, const char *blob_id)
{
    const struct event_head head = {project->draft.seq + 1, project->now_ms};
    char *text = NULL;
    size_t length;
    int status;

    if (proto_encode(kind->shape, body, &text, &length))
        return STORE_NO_MEMORY;
    status = store_tx_append(tx, &(struct store_event){.project = project->log_name,
                                                       .seq = head.seq,
                                                       .at_ms = head.at_ms,
                                                       .type = kind->type,
                                                       .body = text,
                                                       .blob = blob,
                                                       .blob_bytes = blob_bytes,
                                                       .blob_id = blob_id});
    free(text);
    if (status)
        return status;
    project->dirty = true;
    project->draft.seq = head.seq;
    project->tx = tx;
    status = kind->apply(project, &head, body);
    project->tx = NULL;
    return status ? status : project_freeze(project);
}

int project_freeze(struct project *project)
{
    view_unref(project->frozen);
    project->frozen = NULL;
    if (project->draft.deleted)
        return 0;
    project->frozen = view_freeze(&project->draft);
    return project->frozen ? 0 : STORE_NO_MEMORY;
}

static const struct event_kind *event_kind_find(const char *type)
{
    for (const struct event_kind *const *kind = event_kinds; *kind; kind++)
        if (!strcmp((*kind)->type, type))
            return *kind;
    return NULL;
}

/* Large enough for any event's body. */
union event_body {
    struct proto_project project;
    struct proto_task task;
    struct proto_demonstration demonstration;
    struct proto_scales scales;
    struct proto_event_removed removed;
    struct proto_event_assignment_end end;
    struct proto_event_opened opened;
};

int project_status_of_stored(enum proto_code code)
{
    if (code == PROTO_CODE_OK)
        return 0;
    return code == PROTO_CODE_NO_MEMORY ? STORE_NO_MEMORY : STORE_CORRUPT;
}

static int event_decode(const struct event_kind *kind, const struct store_event *event,
                        struct proto_arena *arena, union event_body *ret_body)
{
    struct proto_error error;
    struct proto_demonstration whole;
    enum proto_code code;

    if (kind->shape->set_defaults)
        kind->shape->set_defaults(ret_body);
    code =
        proto_decode(kind->shape, event->body, strlen(event->body), true, arena, ret_body, &error);
    if (code || !kind->has_blob)
        return project_status_of_stored(code);
    if (!event->blob)
        return STORE_CORRUPT;
    proto_demonstration_defaults(&whole);
    code = proto_demonstration_from_tensors(event->blob, event->blob_bytes, arena, &whole, &error);
    if (code)
        return project_status_of_stored(code);
    ret_body->demonstration.states = whole.states;
    ret_body->demonstration.actions = whole.actions;
    return 0;
}

int project_replay(struct project *project, const struct store_event *event)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    const struct event_head head = {event->seq, event->at_ms};
    const struct event_kind *kind = event_kind_find(event->type);
    union event_body body = {0};
    int status;

    if (!kind || event->seq != project->draft.seq + 1)
        return STORE_CORRUPT;
    status = event_decode(kind, event, &arena, &body);
    if (status)
        return status;
    project->draft.seq = head.seq;
    project->dirty = true;
    return kind->apply(project, &head, &body);
}
