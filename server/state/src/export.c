/* Out of the log, in two passes: the first counts, so that sizes stand in front; the second gives
 * the bytes. Memory is one batch of the log, or one demonstration. */
#include <stdlib.h>
#include <string.h>

#include <proto/archive.h>
#include <state/lease.h>
#include <state/transfer.h>

#include "registry.h"

#define BATCH_BYTES ((size_t)256 << 10)
#define STOPPED 1 /* a batch is full */

enum stage { STAGE_EVENTS, STAGE_BLOBS, STAGE_DONE };

struct state_export {
    struct store *store;
    struct view *view;
    const char *log_name; /* the registry's */
    struct proto_archive_writer *writer;
    struct proto_export head;
    uint64_t bytes;
    enum stage stage;
    int64_t seq; /* of the last event that this stage has dealt with */
    bool failed; /* the log holds what no archive can */
};

void state_export_free(struct state_export *export)
{
    if (!export)
        return;
    view_unref(export->view);
    proto_archive_writer_free(export->writer);
    free(export);
}

static struct proto_archive_event line_of(const struct store_event *event)
{
    return (struct proto_archive_event){.seq = event->seq,
                                        .at_ms = event->at_ms,
                                        .type = event->type,
                                        .body = event->body,
                                        .blob = event->blob_id};
}

/* Adds what an entry takes, its line in SHA256SUMS aside. */
static void count_entry(struct state_export *export, const char *name, uint64_t bytes,
                        uint64_t *sums_bytes)
{
    export->bytes += proto_archive_entry_bytes(bytes);
    *sums_bytes += proto_archive_sum_bytes(name);
}

struct count {
    struct state_export *export;
    uint64_t sums_bytes;
};

static int count_event(const struct store_event *event, void *arg)
{
    struct count *count = arg;
    struct proto_export *head = &count->export->head;
    const struct proto_archive_event line = line_of(event);
    size_t bytes = proto_archive_event_bytes(&line);
    char name[PROTO_ARCHIVE_NAME_BYTES];

    if (event->seq > count->export->view->seq)
        return STOPPED;
    if (bytes == 0)
        return STORE_INVALID;
    head->events_bytes += (int64_t)bytes;
    if (!event->blob_id)
        return 0;
    if (proto_archive_blob_name(event->blob_id, name))
        return STORE_INVALID;
    head->demonstrations++;
    head->demonstration_bytes += (int64_t)event->blob_bytes;
    count_entry(count->export, name, event->blob_bytes, &count->sums_bytes);
    return 0;
}

/* What is left of each open lease. */
static int list_leases(const struct view *view, const struct instant *now,
                       struct proto_arena *arena, struct proto_list *ret_leases)
{
    struct proto_export_lease *leases =
        proto_arena_alloc(arena, view->open_count + 1, sizeof *leases);

    if (!leases)
        return -1;
    for (size_t i = 0; i < view->open_count; i++) {
        const struct assignment *assignment = view_assignment(view, view->open[i]);
        int64_t left_ms = lease_left_ms(view, assignment, now);

        leases[i] = (struct proto_export_lease){assignment->assignment.id,
                                                left_ms > 0 ? (double)left_ms / 1000 : 0};
    }
    *ret_leases = (struct proto_list){leases, view->open_count};
    return 0;
}

static int put_entry(struct proto_archive_writer *writer, const char *name, const void *bytes,
                     size_t length)
{
    if (proto_archive_begin(writer, name, length) || proto_archive_put(writer, bytes, length))
        return -1;
    return proto_archive_end(writer);
}

/* Counts everything, puts the head and the header of the log. */
static int begin_export(struct state_export *export, const struct instant *now)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct count count = {export, 0};
    struct proto_export head;
    char at[CLOCK_TEXT_BYTES], *text = NULL;
    size_t length;
    int status = store_read_events(export->store, export->log_name, 0, false, count_event, &count);

    if (status < 0)
        return status;
    clock_format(now->wall_ms, at);
    head = export->head;
    head.at = at;
    if (list_leases(export->view, now, &arena, &head.leases) ||
        proto_encode(&proto_export_shape, &head, &text, &length))
        return STORE_NO_MEMORY;
    if (length > PROTO_ARCHIVE_HEAD_MAX_BYTES) {
        free(text);
        return STORE_INVALID;
    }
    count_entry(export, "export.json", length, &count.sums_bytes);
    count_entry(export, "events.jsonl", (uint64_t) export->head.events_bytes, &count.sums_bytes);
    export->bytes +=
        proto_archive_entry_bytes(count.sums_bytes) + (uint64_t)2 * PROTO_ARCHIVE_BLOCK_BYTES;
    status = put_entry(export->writer, "export.json", text, length) ||
                     proto_archive_begin(export->writer, "events.jsonl",
                                         (uint64_t) export->head.events_bytes)
                 ? STORE_NO_MEMORY
                 : 0;
    free(text);
    return status;
}

static enum proto_code refuse(int status, const char *project_id, struct proto_error *ret_error)
{
    if (status == STORE_NO_MEMORY)
        return proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, "",
                               "The server is out of memory; try again later.");
    return proto_error_set(ret_error, PROTO_CODE_INTERNAL, "",
                           "The log of project %.64s cannot be read back.", project_id);
}

enum proto_code state_export_new(struct state *state, const char *project_id, const char *version,
                                 struct state_export **ret_export, struct proto_error *ret_error)
{
    struct state_export *export = calloc(1, sizeof *export);
    int status = STORE_NO_MEMORY;

    if (!export)
        return refuse(status, project_id, ret_error);
    export->store = state->config.store;
    export->view = state_view_and_log(state, project_id, &export->log_name);
    if (!export->view) {
        state_export_free(export);
        return state_no_project(project_id, ret_error);
    }
    export->head = (struct proto_export){.format = PROTO_ARCHIVE_FORMAT,
                                         .project = export->view->id,
                                         .seq = export->view->seq,
                                         .version = version};
    export->writer = proto_archive_writer_new();
    if (export->writer) {
        const struct instant now = state_instant(state);

        status = begin_export(export, &now);
    }
    if (status) {
        state_export_free(export);
        return refuse(status, project_id, ret_error);
    }
    *ret_export = export;
    return PROTO_CODE_OK;
}

uint64_t state_export_bytes(const struct state_export *export)
{
    return export->bytes;
}

/* A piece of the stage from one event; negative: it cannot be written. */
static int put_event(struct state_export *export, const struct store_event *event)
{
    const struct proto_archive_event line = line_of(event);
    char name[PROTO_ARCHIVE_NAME_BYTES];

    if (export->stage == STAGE_EVENTS)
        return proto_archive_put_event(export->writer, &line);
    if (!event->blob_id)
        return 0;
    return proto_archive_blob_name(event->blob_id, name) ||
                   put_entry(export->writer, name, event->blob, event->blob_bytes)
               ? -1
               : 0;
}

static int take_event(const struct store_event *event, void *arg)
{
    struct state_export *export = arg;

    if (event->seq > export->view->seq)
        return STOPPED;
    if (put_event(export, event))
        return STORE_NO_MEMORY;
    export->seq = event->seq;
    return proto_archive_waiting(export->writer) >= BATCH_BYTES ? STOPPED : 0;
}

/* Reads on where the last batch ended; at the end of a stage, begins the next one. */
static int fill(struct state_export *export)
{
    int status = 0;

    if (export->seq < export->view->seq)
        status = store_read_events(export->store, export->log_name, export->seq,
                                   export->stage == STAGE_BLOBS, take_event, export);
    if (status < 0)
        return -1;
    if (status == STOPPED && export->seq < export->view->seq)
        return 0;
    if (export->seq < export->view->seq) /* fewer events than there were */
        return -1;
    if (export->stage == STAGE_BLOBS) {
        export->stage = STAGE_DONE;
        return proto_archive_finish(export->writer);
    }
    export->stage = STAGE_BLOBS;
    export->seq = 0;
    return proto_archive_end(export->writer);
}

int state_export_read(struct state_export *export, unsigned char *buffer, size_t room,
                      size_t *ret_length)
{
    while (!proto_archive_waiting(export->writer) && export->stage != STAGE_DONE)
        if (export->failed || fill(export)) {
            export->failed = true;
            return -1;
        }
    *ret_length = proto_archive_take(export->writer, buffer, room);
    return 0;
}
