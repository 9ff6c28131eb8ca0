/* Exported projects: the reader, and lines of the log.
 *
 * Properties: how the bytes are cut into pieces changes nothing; what was read is written again as
 * the same bytes; so is a line.
 */
#include <string.h>

#include <proto/archive.h>

#include "fuzz.h"

/* Writes what is read, entry by entry. */
struct copy {
    struct proto_archive_writer *writer;
    bool open, sums;
};

static void end_entry(struct copy *copy)
{
    if (copy->open && !copy->sums)
        REQUIRE(proto_archive_end(copy->writer) == 0);
    copy->open = false;
}

static enum proto_code on_begin(void *arg, const struct proto_archive_entry *entry,
                                struct proto_error *ret_error)
{
    struct copy *copy = arg;

    (void)ret_error;
    end_entry(copy);
    copy->open = true;
    copy->sums = strcmp(entry->name, "SHA256SUMS") == 0;
    if (!copy->sums)
        REQUIRE(proto_archive_begin(copy->writer, entry->name, entry->bytes) == 0);
    return PROTO_CODE_OK;
}

static enum proto_code on_bytes(void *arg, const struct proto_archive_entry *entry,
                                const unsigned char *bytes, size_t length,
                                struct proto_error *ret_error)
{
    struct copy *copy = arg;

    (void)entry;
    (void)ret_error;
    if (!copy->sums)
        REQUIRE(proto_archive_put(copy->writer, bytes, length) == 0);
    return PROTO_CODE_OK;
}

/* Reads in pieces of 1, 2, ... `widest` bytes. */
static enum proto_code read_in_pieces(const uint8_t *data, size_t size, size_t widest,
                                      struct copy *copy)
{
    const struct proto_archive_sink sink = {on_begin, on_bytes, copy}, nothing = {0};
    struct proto_archive_reader *reader = proto_archive_reader_new(copy ? &sink : &nothing);
    struct proto_error error = {0};
    enum proto_code code = PROTO_CODE_OK;
    REQUIRE(reader);
    for (size_t at = 0, width = 1; at < size && code == PROTO_CODE_OK; width = width % widest + 1) {
        size_t length = width < size - at ? width : size - at;
        code = proto_archive_read(reader, data + at, length, &error);
        at += length;
    }
    if (code == PROTO_CODE_OK)
        code = proto_archive_read_end(reader, &error);
    REQUIRE(code == PROTO_CODE_OK || (error.code == code && error.detail[0]));
    REQUIRE(code != PROTO_CODE_OK || proto_archive_head(reader));
    proto_archive_reader_free(reader);
    return code;
}

static void check_archive(const uint8_t *data, size_t size)
{
    struct copy copy = {proto_archive_writer_new(), false, false};
    unsigned char *again = malloc(size + 1);
    enum proto_code code;
    REQUIRE(copy.writer && again);
    code = read_in_pieces(data, size, 4096, &copy);
    REQUIRE(read_in_pieces(data, size, 7, NULL) == code);
    if (code == PROTO_CODE_OK) {
        end_entry(&copy);
        REQUIRE(proto_archive_finish(copy.writer) == 0);
        REQUIRE(proto_archive_waiting(copy.writer) == size);
        REQUIRE(proto_archive_take(copy.writer, again, size + 1) == size);
        REQUIRE(memcmp(again, data, size) == 0);
    }
    proto_archive_writer_free(copy.writer);
    free(again);
}

static void check_line(const uint8_t *data, size_t size)
{
    struct proto_archive_writer *writer = proto_archive_writer_new();
    struct proto_archive_event event;
    char *line = calloc(1, size + 1);
    unsigned char *again = malloc(2 * PROTO_ARCHIVE_BLOCK_BYTES + size);
    REQUIRE(line && writer && again);
    memcpy(line, data, size);
    if (proto_archive_event_parse(line, size, &event) == 0) {
        size_t bytes = proto_archive_event_bytes(&event);
        REQUIRE(bytes == (strchr(event.body, '\n') ? 0 : size + 1));
        REQUIRE(proto_archive_begin(writer, "line", size + 1) == 0);
        REQUIRE(proto_archive_put_event(writer, &event) == 0);
        REQUIRE(proto_archive_take(writer, again, PROTO_ARCHIVE_BLOCK_BYTES) ==
                PROTO_ARCHIVE_BLOCK_BYTES);
        REQUIRE(proto_archive_take(writer, again, size + 1) == size + 1);
        REQUIRE(memcmp(again, data, size) == 0 && again[size] == '\n');
    }
    proto_archive_writer_free(writer);
    free(line);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_archive(data, size);
    check_line(data, size);
    return 0;
}
