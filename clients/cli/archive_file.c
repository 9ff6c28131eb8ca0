/* One pass over the file checks it, and finds in its log which demonstrations were taken back. */
#include "archive_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proto/archive.h>
#include <proto/log_events.h>

#include "demo_file.h"

#define PIECE_BYTES 65536

struct scan {
    struct archive_file *archive;
    char *line; /* of events.jsonl, as far as it has been read */
    size_t line_bytes, line_room;
    char (*retracted)[PROTO_ARCHIVE_NAME_BYTES];
    size_t retracted_count, retracted_room;
};

void archive_file_deinit(struct archive_file *archive)
{
    if (archive->fd >= 0)
        close(archive->fd);
    free(archive->demos);
    proto_arena_deinit(&archive->arena);
    *archive = (struct archive_file)ARCHIVE_FILE_NULL;
}

/* The items with room for one more of `size` bytes, perhaps elsewhere. NULL: out of memory, and
 * they are where they were. */
static void *reserve(void *items, size_t count, size_t size, size_t *room)
{
    size_t wanted = *room ? 2 * *room : 64;
    void *longer;

    if (count < *room)
        return items;
    longer = reallocarray(items, wanted, size);
    if (longer)
        *room = wanted;
    return longer;
}

static enum proto_code no_memory(struct proto_error *ret_error)
{
    return proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, "", "out of memory");
}

static bool is_retracted(const struct scan *scan, const char *name)
{
    for (size_t i = 0; i < scan->retracted_count; i++)
        if (strcmp(scan->retracted[i], name) == 0)
            return true;
    return false;
}

static enum proto_code on_begin(void *arg, const struct proto_archive_entry *entry,
                                struct proto_error *ret_error)
{
    struct scan *scan = arg;
    struct archive_file *archive = scan->archive;
    struct archive_demo demo = {.at = entry->at, .bytes = entry->bytes}, *demos;

    if (!strchr(entry->name, '/') || is_retracted(scan, entry->name))
        return PROTO_CODE_OK;
    demo.name = proto_arena_strdup(&archive->arena, entry->name);
    demos =
        demo.name ? reserve(archive->demos, archive->count, sizeof(*demos), &archive->room) : NULL;
    if (!demos)
        return no_memory(ret_error);
    archive->demos = demos;
    archive->demos[archive->count++] = demo;
    return PROTO_CODE_OK;
}

static enum proto_code take_line(struct scan *scan, struct proto_error *ret_error)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_event_removed removed = {.key = NULL};
    struct proto_archive_event event;
    void *retracted;

    scan->line[scan->line_bytes - 1] = '\0';
    if (proto_archive_event_parse(scan->line, scan->line_bytes - 1, &event) < 0)
        return proto_error_set(ret_error, PROTO_CODE_MALFORMED_ARCHIVE, "events.jsonl",
                               "A line is no event as amfd writes it.");
    scan->line_bytes = 0;
    if (strcmp(event.type, "demonstration_retracted") != 0)
        return PROTO_CODE_OK;
    retracted = reserve(scan->retracted, scan->retracted_count, sizeof(*scan->retracted),
                        &scan->retracted_room);
    if (!retracted)
        return no_memory(ret_error);
    scan->retracted = retracted;
    if (proto_decode(&proto_event_removed_shape, event.body, strlen(event.body), true, &arena,
                     &removed, ret_error) != PROTO_CODE_OK ||
        proto_archive_blob_name(removed.key, scan->retracted[scan->retracted_count++]) < 0)
        return proto_error_set(ret_error, PROTO_CODE_MALFORMED_ARCHIVE, "events.jsonl",
                               "A retraction names no demonstration.");
    return PROTO_CODE_OK;
}

/* Cuts the log into lines. */
static enum proto_code on_bytes(void *arg, const struct proto_archive_entry *entry,
                                const unsigned char *bytes, size_t length,
                                struct proto_error *ret_error)
{
    struct scan *scan = arg;
    enum proto_code code = PROTO_CODE_OK;

    if (strcmp(entry->name, "events.jsonl") != 0)
        return PROTO_CODE_OK;
    for (size_t i = 0; i < length && code == PROTO_CODE_OK; i++) {
        if (scan->line_bytes == PROTO_ARCHIVE_LINE_MAX_BYTES)
            return proto_error_set(ret_error, PROTO_CODE_MALFORMED_ARCHIVE, entry->name,
                                   "A line is too long.");
        char *line = reserve(scan->line, scan->line_bytes, 1, &scan->line_room);
        if (!line)
            return no_memory(ret_error);
        scan->line = line;
        scan->line[scan->line_bytes++] = (char)bytes[i];
        if (bytes[i] == '\n')
            code = take_line(scan, ret_error);
    }
    return code;
}

static enum proto_code read_all(int fd, struct proto_archive_reader *reader,
                                struct proto_error *ret_error)
{
    unsigned char piece[PIECE_BYTES];
    enum proto_code code = PROTO_CODE_OK;
    ssize_t got = 1;

    while (code == PROTO_CODE_OK && (got = read(fd, piece, sizeof(piece))) > 0)
        code = proto_archive_read(reader, piece, (size_t)got, ret_error);
    if (code == PROTO_CODE_OK && got < 0)
        return proto_error_set(ret_error, PROTO_CODE_INTERNAL, "", "%s", strerror(errno));
    return code == PROTO_CODE_OK ? proto_archive_read_end(reader, ret_error) : code;
}

int archive_file_open(const char *path, struct archive_file *archive, char ret_error[512])
{
    struct scan scan = {.archive = archive};
    const struct proto_archive_sink sink = {on_begin, on_bytes, &scan};
    struct proto_archive_reader *reader = proto_archive_reader_new(&sink);
    struct proto_error error = {.code = PROTO_CODE_OK};
    enum proto_code code = PROTO_CODE_INTERNAL;

    /* O_NONBLOCK: a pipe of that name must not hold us up; regular files do not care. */
    archive->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (archive->fd < 0)
        proto_error_set(&error, code, "", "%s", strerror(errno));
    else
        code = reader ? read_all(archive->fd, reader, &error) : no_memory(&error);
    proto_archive_reader_free(reader);
    free(scan.line);
    free(scan.retracted);
    if (code == PROTO_CODE_OK)
        return 0;
    snprintf(ret_error, 512, "%s%s%s", error.at, *error.at ? ": " : "", error.detail);
    return -1;
}

int archive_file_demo(const struct archive_file *archive, size_t index, struct demo_file *file,
                      char ret_error[512])
{
    const struct archive_demo *demo = &archive->demos[index];
    struct proto_error error;
    size_t got = 0;

    if (demo->bytes > DEMO_FILE_MAX_BYTES) {
        snprintf(ret_error, 512, "%s: it has %llu bytes; at most %zu are read", demo->name,
                 (unsigned long long)demo->bytes, DEMO_FILE_MAX_BYTES);
        return -1;
    }
    file->bytes = malloc((size_t)demo->bytes + 1);
    if (!file->bytes) {
        snprintf(ret_error, 512, "%s: out of memory", demo->name);
        return -1;
    }
    file->length = (size_t)demo->bytes;
    file->tensors = true;
    while (got < file->length) {
        ssize_t more =
            pread(archive->fd, file->bytes + got, file->length - got, (off_t)(demo->at + got));

        if (more <= 0) {
            snprintf(ret_error, 512, "%s: %s", demo->name,
                     more < 0 ? strerror(errno) : "the file has shrunk");
            return -1;
        }
        got += (size_t)more;
    }
    proto_demonstration_defaults(&file->demonstration);
    if (proto_demonstration_from_tensors(file->bytes, file->length, &file->arena,
                                         &file->demonstration, &error) == PROTO_CODE_OK)
        return 0;
    snprintf(ret_error, 512, "%s: %s", demo->name, error.detail);
    return -1;
}
