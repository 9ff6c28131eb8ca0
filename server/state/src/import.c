/* Into the log, in three passes over the file: the archive is whole (proto/archive.h), its events
 * make a project, and then, on the writer thread, its rows. The project that the second pass has
 * folded becomes the working project of the third, so the writer computes nothing.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proto/archive.h>
#include <state/transfer.h>

#include "import.h"
#include "registry.h"

#define PIECE_BYTES 65536

struct blob {
    char id[ID_BYTES];
    uint64_t at;
    size_t bytes;
};

struct state_import {
    char id[PROTO_KEY_MAX_BYTES + 1];
    int fd;
    struct proto_archive_reader *reader; /* owns the head */
    struct proto_archive_entry events;
    struct blob *blobs; /* in the order of the archive */
    size_t blob_count, blob_room;
    size_t line_bytes; /* of the line that is being scanned */
    struct project project;
};

static int no_memory(struct proto_error *ret_error)
{
    return (int)proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, "",
                                "The server is out of memory; try again later.");
}

static int unreadable(struct proto_error *ret_error)
{
    return (int)proto_error_set(ret_error, PROTO_CODE_INTERNAL, "",
                                "The archive cannot be read back from the spool.");
}

void state_import_free(struct state_import *import)
{
    if (!import)
        return;
    view_unref(import->project.frozen);
    view_deinit(&import->project.draft);
    hashes_free(import->project.hashes);
    proto_archive_reader_free(import->reader);
    free(import->blobs);
    free(import);
}

/* ---- the archive is whole ---- */

static enum proto_code on_begin(void *arg, const struct proto_archive_entry *entry,
                                struct proto_error *ret_error)
{
    struct state_import *import = arg;
    struct blob blob = {.at = entry->at, .bytes = (size_t)entry->bytes};

    if (!strcmp(entry->name, "events.jsonl"))
        import->events = *entry;
    else if (import->line_bytes > 0)
        return proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, "events.jsonl",
                               "Its last line does not end.");
    if (proto_archive_blob_id(entry->name, blob.id))
        return PROTO_CODE_OK;
    if (entry->bytes > STORE_BLOB_MAX_BYTES)
        return proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, entry->name,
                               "It has %llu bytes; an entry has at most %d.",
                               (unsigned long long)entry->bytes, STORE_BLOB_MAX_BYTES);
    if (import->blob_count == import->blob_room) {
        size_t room = import->blob_room ? 2 * import->blob_room : 64;
        struct blob *blobs = reallocarray(import->blobs, room, sizeof *blobs);

        if (!blobs)
            return (enum proto_code)no_memory(ret_error);
        import->blobs = blobs;
        import->blob_room = room;
    }
    import->blobs[import->blob_count++] = blob;
    return PROTO_CODE_OK;
}

/* Lines are read whole later: none may be of any length, nor go on into the next entry. */
static enum proto_code on_bytes(void *arg, const struct proto_archive_entry *entry,
                                const unsigned char *bytes, size_t length,
                                struct proto_error *ret_error)
{
    struct state_import *import = arg;

    if (import->events.at != entry->at)
        return PROTO_CODE_OK;
    for (const unsigned char *end; length > 0; bytes += end - bytes) {
        const unsigned char *newline = memchr(bytes, '\n', length);

        end = newline ? newline + 1 : bytes + length;
        import->line_bytes += (size_t)(end - bytes);
        if (import->line_bytes > PROTO_ARCHIVE_LINE_MAX_BYTES)
            return proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, entry->name,
                                   "A line has more than %zu bytes.", PROTO_ARCHIVE_LINE_MAX_BYTES);
        if (newline)
            import->line_bytes = 0;
        length -= (size_t)(end - bytes);
    }
    return PROTO_CODE_OK;
}

static int read_archive(struct state_import *import, struct proto_error *ret_error)
{
    const struct proto_archive_sink sink = {on_begin, on_bytes, import};
    unsigned char *piece = malloc(PIECE_BYTES);
    enum proto_code code = PROTO_CODE_OK;
    ssize_t got = 0;
    off_t at = 0;

    import->reader = proto_archive_reader_new(&sink);
    if (!piece || !import->reader) {
        free(piece);
        return no_memory(ret_error);
    }
    while (!code && (got = pread(import->fd, piece, PIECE_BYTES, at)) > 0) {
        code = proto_archive_read(import->reader, piece, (size_t)got, ret_error);
        at += got;
    }
    free(piece);
    if (!code && got < 0)
        return unreadable(ret_error);
    return (int)(code ? code : proto_archive_read_end(import->reader, ret_error));
}

/* ---- its events, one after the other ---- */

static int read_at(int fd, void *buffer, size_t length, uint64_t at)
{
    unsigned char *bytes = buffer;

    while (length > 0) {
        ssize_t got = pread(fd, bytes, length, (off_t)at);

        if (got <= 0)
            return -1;
        bytes += got;
        at += (uint64_t)got;
        length -= (size_t)got;
    }
    return 0;
}

static int read_blob(const struct state_import *import, const struct blob *blob,
                     unsigned char **ret_bytes, size_t *ret_length)
{
    unsigned char *bytes = malloc(blob->bytes ? blob->bytes : 1);

    if (!bytes)
        return STORE_NO_MEMORY;
    if (read_at(import->fd, bytes, blob->bytes, blob->at)) {
        free(bytes);
        return STORE_CORRUPT;
    }
    *ret_bytes = bytes;
    *ret_length = blob->bytes;
    return 0;
}

static int compare_blob(const void *id, const void *blob)
{
    return strcmp((const char *)id + 1, ((const struct blob *)blob)->id + 1);
}

/* For thinning anew. The blobs are in the order of their events, so of the numbers in their ids. */
int import_find_blob(void *arg, const char *id, unsigned char **ret_bytes, size_t *ret_length)
{
    const struct state_import *import = arg;
    const struct blob *blob =
        bsearch(id, import->blobs, import->blob_count, sizeof *import->blobs, compare_blob);

    return blob ? read_blob(import, blob, ret_bytes, ret_length) : STORE_CORRUPT;
}

static int take_line(struct state_import *import, char *line, size_t length, size_t *next_blob,
                     import_take_fn take, void *arg, struct proto_error *ret_error)
{
    struct proto_archive_event parsed;
    const struct blob *blob = NULL;
    unsigned char *bytes = NULL;
    size_t blob_bytes = 0;
    int status;

    line[length - 1] = '\0';
    if (proto_archive_event_parse(line, length - 1, &parsed))
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, "",
                                    "It is not an event as this program writes it.");
    if (parsed.blob) {
        blob = *next_blob < import->blob_count ? &import->blobs[(*next_blob)++] : NULL;
        if (!blob || strcmp(blob->id, parsed.blob) != 0)
            return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, "",
                                        "The next file of the archive is not %s.", parsed.blob);
        if (read_blob(import, blob, &bytes, &blob_bytes))
            return unreadable(ret_error);
    }
    status = take(import,
                  &(struct store_event){.seq = parsed.seq,
                                        .at_ms = parsed.at_ms,
                                        .type = parsed.type,
                                        .body = parsed.body,
                                        .blob = bytes,
                                        .blob_bytes = blob_bytes,
                                        .blob_id = parsed.blob},
                  arg, ret_error);
    free(bytes);
    return status;
}

/* Names the line in front of what is wrong in it. */
static void place_error(long long number, struct proto_error *error)
{
    char at[sizeof error->at];

    snprintf(at, sizeof at, "events.jsonl line %lld%s%.120s", number, *error->at ? " " : "",
             error->at);
    memcpy(error->at, at, sizeof at);
}

int import_each_event(struct state_import *import, import_take_fn take, void *arg,
                      struct proto_error *ret_error)
{
    int fd = dup(import->fd), status = 0;
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    uint64_t left = import->events.bytes;
    size_t room = 0, next_blob = 0;
    long long number = 0;
    char *line = NULL;

    if (!file) {
        if (fd >= 0)
            close(fd);
        return unreadable(ret_error);
    }
    if (fseeko(file, (off_t)import->events.at, SEEK_SET))
        status = unreadable(ret_error);
    while (!status && left > 0) {
        ssize_t length = getline(&line, &room, file);

        number++;
        if (length <= 0 || (uint64_t)length > left) {
            status = unreadable(ret_error);
            break;
        }
        left -= (uint64_t)length;
        status = take_line(import, line, (size_t)length, &next_blob, take, arg, ret_error);
        if (status > 0)
            place_error(number, ret_error);
    }
    if (!status && next_blob != import->blob_count)
        status = (int)proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, "events.jsonl",
                                      "No event tells of %s.", import->blobs[next_blob].id);
    free(line);
    fclose(file);
    return status;
}

/* ---- they make a project ---- */

int import_take_event(struct project *project, const struct store_event *event,
                      struct proto_error *ret_error)
{
    int status = project_take(project, event, ret_error);

    /* Whatever a command would have called it, here it is the archive that is wrong. */
    if (status > 0 && status != PROTO_CODE_NO_MEMORY && status != PROTO_CODE_NOT_SUPPORTED)
        status = PROTO_CODE_INVALID_ARCHIVE;
    return status;
}

static int fold_event(struct state_import *import, const struct store_event *event, void *arg,
                      struct proto_error *ret_error)
{
    (void)arg;
    return import_take_event(&import->project, event, ret_error);
}

/* The head's leases are the open assignments, in their order. */
static int check_head(const struct state_import *import, struct proto_error *ret_error)
{
    const struct proto_export *head = proto_archive_head(import->reader);
    const struct proto_export_lease *leases = head->leases.items;
    const struct view *draft = &import->project.draft;
    bool fits = head->seq == draft->seq && head->leases.count == draft->open_count;
    int64_t at_ms;

    for (size_t i = 0; fits && i < draft->open_count; i++)
        fits = !strcmp(view_assignment(draft, draft->open[i])->assignment.id, leases[i].id);
    if (fits && head->at && !proto_time_parse(head->at, &at_ms))
        return 0;
    return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, "export.json",
                                "Its seq, time or leases are not those of the events.");
}

static int fold(struct state_import *import, struct proto_error *ret_error)
{
    struct project *project = &import->project;
    int status;

    project->draft.id = import->id;
    project->read_blob = import_find_blob;
    project->read_blob_arg = import;
    project->hashes = hashes_new(&project->draft.demonstrations);
    if (!project->hashes)
        return no_memory(ret_error);
    status = import_each_event(import, fold_event, NULL, ret_error);
    if (!status && project->draft.seq == 0)
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, "events.jsonl",
                                    "There is no event in it.");
    if (!status)
        status = check_head(import, ret_error);
    if (!status && project->rethin_due)
        status = project_rethin(project);
    project->rethin_due = false;
    if (status >= 0)
        return status;
    return status == STORE_NO_MEMORY ? no_memory(ret_error) : unreadable(ret_error);
}

int import_open(int fd, struct state_import **ret_import, struct proto_error *ret_error)
{
    struct state_import *import = calloc(1, sizeof *import);
    int status;

    if (!import)
        return no_memory(ret_error);
    import->fd = fd;
    status = read_archive(import, ret_error);
    if (status) {
        state_import_free(import);
        return status;
    }
    *ret_import = import;
    return 0;
}

const struct proto_export *import_head(const struct state_import *import)
{
    return proto_archive_head(import->reader);
}

static int exists(const char *project_id, struct proto_error *ret_error)
{
    return (int)proto_error_set(ret_error, PROTO_CODE_PROJECT_EXISTS, "",
                                "A project %.64s exists; an import makes a new one. Choose "
                                "another id in the path.",
                                project_id);
}

enum proto_code state_import_new(struct state *state, const char *project_id, int fd,
                                 struct state_import **ret_import, struct proto_error *ret_error)
{
    struct state_import *import = NULL;
    struct view *view = state_view(state, project_id);
    int status;

    if (view) {
        view_unref(view);
        return (enum proto_code)exists(project_id, ret_error);
    }
    status = import_open(fd, &import, ret_error);
    if (!import)
        return (enum proto_code)status;
    snprintf(import->id, sizeof import->id, "%s", project_id);
    import->project.pool = state->config.pool;
    status = fold(import, ret_error);
    if (status) {
        state_import_free(import);
        return (enum proto_code)status;
    }
    *ret_import = import;
    return PROTO_CODE_OK;
}

/* ---- its rows ---- */

struct append {
    struct store_tx *tx;
    const char *log_name;
};

static int append_event(struct state_import *import, const struct store_event *event, void *arg,
                        struct proto_error *ret_error)
{
    const struct append *append = arg;
    struct store_event row = *event;

    (void)import;
    (void)ret_error;
    row.project = append->log_name;
    return store_tx_append(append->tx, &row);
}

/* What was left when the archive was made, at most what the log gave, counted from now. */
static int carry_leases(const struct state_import *import, struct project *project,
                        struct store_tx *tx)
{
    const struct proto_export *head = proto_archive_head(import->reader);
    const struct proto_export_lease *said = head->leases.items;
    const struct view *draft = &project->draft;
    int64_t *left_ms = calloc(draft->open_count, sizeof *left_ms);
    int status;

    if (!left_ms)
        return STORE_NO_MEMORY;
    for (size_t i = 0; i < draft->open_count; i++) {
        int64_t most_ms = view_assignment(draft, draft->open[i])->lease.length_ms;

        left_ms[i] = (int64_t)fmin((double)most_ms, said[i].remaining_s * 1000);
    }
    status = project_carry(project, tx, head->project, left_ms);
    free(left_ms);
    return status;
}

/* The folded project takes the place of the entry's empty one. */
static void hand_over(struct state_import *import, struct entry *entry)
{
    struct project *project = &entry->project;

    view_deinit(&project->draft);
    hashes_free(project->hashes);
    project->draft = import->project.draft;
    project->draft.id = entry->id;
    project->hashes = import->project.hashes;
    project->dirty = true;
    import->project.draft = (struct view){0};
    import->project.hashes = NULL;
}

int state_import_commit(struct state *state, struct store_tx *tx, struct state_import *import,
                        struct project **ret_project, struct proto_error *ret_error)
{
    struct entry *entry = NULL;
    int status = state_reserve(state, import->id, &entry);

    if (status == PROTO_CODE_PROJECT_EXISTS)
        return exists(import->id, ret_error);
    if (!status)
        status = import_each_event(import, append_event, &(struct append){tx, entry->log_name},
                                   ret_error);
    if (status)
        return status;
    state_begin(state, &entry->project);
    hand_over(import, entry);
    status = entry->project.draft.open_count ? carry_leases(import, &entry->project, tx)
                                             : project_freeze(&entry->project);
    if (!status)
        *ret_project = &entry->project;
    return status;
}
