/* Between the draft and the store: events to rows, rows to events. */
#include <stdlib.h>
#include <string.h>

#include "project_internal.h"

/* Rollouts are posted all the time, and most projects do not rank by them. */
static bool ranks_by_rollouts(const struct proto_project *settings)
{
    return settings->criterion.occupancy == PROTO_OCCUPANCY_ROLLOUTS ||
           settings->criterion.target == PROTO_TARGET_FAILURE ||
           settings->selection.rule == PROTO_RULE_LOWEST_SUCCESS;
}

static const char *revision_brought(const struct event_kind *kind, const void *body)
{
    if (kind == &event_features_put)
        return ((const struct proto_event_features *)body)->revision;
    return kind == &event_policy_put ? ((const struct proto_revision *)body)->revision : NULL;
}

/* What comes for a revision that does not serve is seen once that is activated. */
static bool is_ranked(const struct view *draft, const struct event_kind *kind, const void *body)
{
    const char *revision = revision_brought(kind, body);
    size_t place = revision ? view_find_policy(draft, revision) + 1 : 0;

    return !revision || draft->serving[SERVING_SELECTION] == place ||
           draft->serving[SERVING_LIKELIHOOD] == place;
}

static bool is_evidence(const struct view *draft, const struct event_kind *kind, const void *body)
{
    const struct proto_demonstration *added = kind == &event_demonstration_added ? body : NULL;

    if (added && added->role == PROTO_ROLE_ROLLOUT)
        return ranks_by_rollouts(&draft->settings->project);
    return !kind->of_leases;
}

static int project_apply(struct project *project, const struct event_kind *kind,
                         const struct event_head *head, const void *body)
{
    struct view *draft = &project->draft;

    draft->seq = head->seq;
    project->dirty = true;
    int status = kind->apply(project, head, body);
    if (status || !is_ranked(draft, kind, body))
        return status;
    draft->ranked_seq = head->seq;
    if (is_evidence(draft, kind, body))
        draft->evidence_seq = head->seq;
    return 0;
}

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
    project->tx = tx;
    status = project_apply(project, kind, &head, body);
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

const struct event_kind *event_kind_find(const char *type)
{
    for (const struct event_kind *const *kind = event_kinds; *kind; kind++)
        if (!strcmp((*kind)->type, type))
            return *kind;
    return NULL;
}

int project_status_of_stored(enum proto_code code)
{
    if (code == PROTO_CODE_OK)
        return 0;
    return code == PROTO_CODE_NO_MEMORY ? STORE_NO_MEMORY : STORE_CORRUPT;
}

/* Bytes of our own log were read in full before they got there. */
static enum proto_code read_numbers(const struct store_event *stored, bool own,
                                    struct proto_arena *arena,
                                    struct proto_demonstration *demonstration,
                                    struct proto_error *ret_error)
{
    struct proto_demonstration whole;
    enum proto_code code;

    if (own)
        return proto_demonstration_numbers(stored->blob, stored->blob_bytes, arena, demonstration,
                                           ret_error);
    code = proto_demonstration_from_tensors(stored->blob, stored->blob_bytes, arena, &whole,
                                            ret_error);
    if (!code) {
        demonstration->states = whole.states;
        demonstration->actions = whole.actions;
    }
    return code;
}

static enum proto_code read_features(const struct store_event *stored, struct proto_arena *arena,
                                     struct proto_event_features *body,
                                     struct proto_error *ret_error)
{
    struct proto_feature_file *file = proto_arena_alloc(arena, 1, sizeof *file);

    body->file = file;
    body->encoded = stored->blob;
    body->encoded_bytes = stored->blob_bytes;
    return file ? proto_features_read(stored->blob, stored->blob_bytes, arena, file, ret_error)
                : PROTO_CODE_NO_MEMORY;
}

/* The body says what it is; the file is where the numbers are. */
static enum proto_code read_policy(const struct store_event *stored, struct proto_arena *arena,
                                   struct proto_revision *body, struct proto_error *ret_error)
{
    struct proto_revision whole = *body;
    enum proto_code code =
        proto_revision_from_tensors(stored->blob, stored->blob_bytes, arena, &whole, ret_error);

    body->summary = whole.summary;
    body->summary_dim = whole.summary_dim;
    body->network = whole.network;
    body->encoded = stored->blob;
    body->encoded_bytes = stored->blob_bytes;
    return code;
}

static enum proto_code read_blob(const struct store_event *stored, bool own,
                                 struct proto_arena *arena, struct event *event,
                                 struct proto_error *ret_error)
{
    switch (event->kind->blob) {
    case EVENT_BLOB_DEMONSTRATION:
        return read_numbers(stored, own, arena, &event->body.demonstration, ret_error);
    case EVENT_BLOB_FEATURES:
        return read_features(stored, arena, &event->body.features, ret_error);
    case EVENT_BLOB_POLICY:
        return read_policy(stored, arena, &event->body.revision, ret_error);
    case EVENT_BLOB_NONE:
        break;
    }
    return PROTO_CODE_OK;
}

/* A revision may have come as JSON; the others are nothing without their bytes. */
static bool blob_fits(enum event_blob blob, const struct store_event *stored)
{
    return stored->blob ? blob != EVENT_BLOB_NONE
                        : blob == EVENT_BLOB_NONE || blob == EVENT_BLOB_POLICY;
}

int event_read(const struct store_event *stored, bool own, struct proto_arena *arena,
               struct event *ret_event, struct proto_error *ret_error)
{
    const struct event_kind *kind = event_kind_find(stored->type);
    struct event event = {.kind = kind, .head = {stored->seq, stored->at_ms}};
    enum proto_code code;

    if (!kind || !blob_fits(kind->blob, stored))
        return STORE_CORRUPT;
    if (kind->shape->set_defaults)
        kind->shape->set_defaults(&event.body);
    code = proto_decode(kind->shape, stored->body, strlen(stored->body), true, arena, &event.body,
                        ret_error);
    if (!code && stored->blob)
        code = read_blob(stored, own, arena, &event, ret_error);
    if (code)
        return project_status_of_stored(code);
    *ret_event = event;
    return 0;
}

int event_apply(struct project *project, const struct event *event)
{
    if (event->head.seq != project->draft.seq + 1)
        return STORE_CORRUPT;
    return project_apply(project, event->kind, &event->head, &event->body);
}

/* Fields that an event leaves out are held to no range, so it is said in full and read again. */
static int event_check_ranges(const struct event_kind *kind, const void *body,
                              struct proto_error *ret_error)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct event again = {0};
    enum proto_code code;
    char *text = NULL;
    size_t length;

    int status = proto_encode(kind->shape, body, &text, &length);
    if (status < 0)
        return STORE_NO_MEMORY;
    if (status > 0)
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, "",
                                    "Something that every %s has is missing.", kind->type);
    code = proto_decode(kind->shape, text, length, true, &arena, &again.body, ret_error);
    free(text);
    return code == PROTO_CODE_NO_MEMORY ? STORE_NO_MEMORY : (int)code;
}

/* Bytes are stored under the number of their event. */
static int event_check_blob_id(const struct event_kind *kind, const struct store_event *event,
                               struct proto_error *ret_error)
{
    static const char prefixes[] = {[EVENT_BLOB_NONE] = '-',
                                    [EVENT_BLOB_DEMONSTRATION] = 'd',
                                    [EVENT_BLOB_FEATURES] = 'f',
                                    [EVENT_BLOB_POLICY] = 'p'};
    char id[ID_BYTES];

    project_id_format(prefixes[kind->blob], event->seq, id);
    if (!event->blob_id || !strcmp(event->blob_id, id))
        return 0;
    return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, "",
                                "The file %.32s does not belong to it.", event->blob_id);
}

/* An event from elsewhere is held to what a command is held to. */
static int event_check(const struct project *project, const struct event *event,
                       struct proto_error *ret_error)
{
    const struct event_kind *kind = event->kind;

    if (!project->draft.settings != (kind == &event_project_created))
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, "",
                                    "A log begins with project_created and has no other.");

    int refused = event_check_ranges(kind, &event->body, ret_error);
    if (!refused && kind->shape->check)
        refused = (int)kind->shape->check(&event->body, ret_error);
    if (refused)
        return refused;
    return kind->check(project, &event->head, &event->body, ret_error);
}

static int event_fold(struct project *project, const struct store_event *stored, bool own,
                      struct proto_error *ret_error)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct event event;
    int status;

    if (stored->seq != project->draft.seq + 1)
        return STORE_CORRUPT;
    status = event_read(stored, own, &arena, &event, ret_error);
    if (!status && !own)
        status = event_check_blob_id(event.kind, stored, ret_error);
    if (!status && !own)
        status = event_check(project, &event, ret_error);
    return status ? status : event_apply(project, &event);
}

int project_replay(struct project *project, const struct store_event *event)
{
    return event_fold(project, event, true, &(struct proto_error){PROTO_CODE_OK});
}

int project_take(struct project *project, const struct store_event *event,
                 struct proto_error *ret_error)
{
    int status;

    *ret_error = (struct proto_error){PROTO_CODE_OK};
    status = event_fold(project, event, false, ret_error);
    if (status != STORE_CORRUPT)
        return status;
    /* What cannot be decoded has said why; a kind that is not known, or a number out of turn, has
     * not. */
    if (ret_error->code == PROTO_CODE_OK && !event_kind_find(event->type))
        return (int)proto_error_set(ret_error, PROTO_CODE_NOT_SUPPORTED, "",
                                    "This version does not know events of type %.64s.",
                                    event->type);
    if (ret_error->code == PROTO_CODE_OK)
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, "",
                                    "It is out of turn, or its file is not there.");
    return ret_error->code == PROTO_CODE_NO_MEMORY ? STORE_NO_MEMORY : (int)ret_error->code;
}
