/* The reader: a machine of four states, fed with pieces of any size.
 *
 *     HEADER --(a header)--> BYTES --> PADDING --> HEADER ... --(a block of zeros)--> END
 *
 * Each entry's hash makes a line; the lines are what SHA256SUMS must hold, byte for byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"

enum place { PLACE_HEAD, PLACE_EVENTS, PLACE_BLOBS, PLACE_END }; /* what comes next */
enum state { STATE_HEADER, STATE_BYTES, STATE_PADDING, STATE_END };

struct proto_archive_reader {
    struct proto_archive_sink sink;
    enum state state;
    enum place next;
    unsigned char block[PROTO_ARCHIVE_BLOCK_BYTES];
    size_t block_bytes; /* of STATE_HEADER; of the last block of zeros in STATE_END */
    struct proto_archive_entry entry;
    uint64_t at, left; /* bytes read in all; left in this state */
    struct sha256_ctx hash;
    struct proto_text head_text, sums;
    struct proto_arena arena;
    struct proto_export head;
    bool head_read;
    uint64_t blobs, blob_bytes;
    enum proto_code failed;
};

struct proto_archive_reader *proto_archive_reader_new(const struct proto_archive_sink *sink)
{
    struct proto_archive_reader *reader = calloc(1, sizeof(*reader));

    if (reader)
        reader->sink = *sink;
    return reader;
}

void proto_archive_reader_free(struct proto_archive_reader *reader)
{
    if (!reader)
        return;
    proto_text_deinit(&reader->head_text);
    proto_text_deinit(&reader->sums);
    proto_arena_deinit(&reader->arena);
    free(reader);
}

const struct proto_export *proto_archive_head(const struct proto_archive_reader *reader)
{
    return reader->head_read ? &reader->head : NULL;
}

static enum proto_code refuse(const char *at, const char *detail, struct proto_error *ret_error)
{
    return proto_error_set(ret_error, PROTO_CODE_MALFORMED_ARCHIVE, at, "%s", detail);
}

static enum proto_code no_memory(struct proto_error *ret_error)
{
    return proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, "",
                           "There was no memory to read the archive.");
}

/* Which entry may begin here, and with how many bytes. */
static enum proto_code check_place(struct proto_archive_reader *reader,
                                   struct proto_error *ret_error)
{
    const struct proto_archive_entry *entry = &reader->entry;
    bool blob = archive_is_blob(entry->name), sums = strcmp(entry->name, ARCHIVE_SUMS) == 0;

    if (reader->next == PLACE_HEAD && strcmp(entry->name, ARCHIVE_HEAD) == 0 &&
        entry->bytes <= PROTO_ARCHIVE_HEAD_MAX_BYTES) {
        reader->next = PLACE_EVENTS;
    } else if (reader->next == PLACE_EVENTS && strcmp(entry->name, ARCHIVE_EVENTS) == 0) {
        if (entry->bytes != (uint64_t)reader->head.events_bytes)
            return refuse(entry->name, "It has another size than export.json says.", ret_error);
        reader->next = PLACE_BLOBS;
    } else if (reader->next == PLACE_BLOBS && blob) {
        reader->blobs++;
        reader->blob_bytes += entry->bytes;
    } else if (reader->next == PLACE_BLOBS && sums) {
        if (reader->blobs != (uint64_t)reader->head.demonstrations ||
            reader->blob_bytes != (uint64_t)reader->head.demonstration_bytes)
            return refuse(entry->name,
                          "Before it stand other demonstrations than export.json counts.",
                          ret_error);
        if (entry->bytes != reader->sums.length)
            return refuse(entry->name, "It lists other entries than there are.", ret_error);
        reader->next = PLACE_END;
    } else {
        return refuse(entry->name, "An export has no such entry at this place.", ret_error);
    }
    return PROTO_CODE_OK;
}

static bool is_zero(const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i])
            return false;
    return true;
}

static enum proto_code take_header(struct proto_archive_reader *reader,
                                   struct proto_error *ret_error)
{
    reader->block_bytes = 0;
    if (reader->next == PLACE_END) {
        if (!is_zero(reader->block, sizeof(reader->block)))
            return refuse(ARCHIVE_SUMS, "Something stands behind the last entry.", ret_error);
        reader->state = STATE_END;
        return PROTO_CODE_OK;
    }
    if (archive_header_read(reader->block, &reader->entry) < 0)
        return refuse(reader->entry.name,
                      reader->at == sizeof(reader->block)
                          ? "It does not begin as an export of a project does."
                          : "What follows this entry is not the header of another one.",
                      ret_error);
    reader->entry.at = reader->at;
    reader->left = reader->entry.bytes;
    reader->state = STATE_BYTES;
    sha256_init(&reader->hash);
    enum proto_code code = check_place(reader, ret_error);
    if (code == PROTO_CODE_OK && reader->sink.begin)
        code = reader->sink.begin(reader->sink.arg, &reader->entry, ret_error);
    return code;
}

static enum proto_code read_head(struct proto_archive_reader *reader, struct proto_error *ret_error)
{
    enum proto_code code =
        proto_decode(&proto_export_shape, reader->head_text.data ? reader->head_text.data : "",
                     reader->head_text.length, true, &reader->arena, &reader->head, ret_error);

    if (code == PROTO_CODE_NO_MEMORY)
        return code;
    if (code != PROTO_CODE_OK || reader->head.format < 1 || reader->head.events_bytes < 0 ||
        reader->head.demonstrations < 0 || reader->head.demonstration_bytes < 0)
        return refuse(ARCHIVE_HEAD, "It does not say what an export says of itself.", ret_error);
    if (reader->head.format > PROTO_ARCHIVE_FORMAT)
        return proto_error_set(ret_error, PROTO_CODE_NOT_SUPPORTED, ARCHIVE_HEAD,
                               "The archive has format %lld, written by version %.40s; this "
                               "program reads up to format %d. Take a newer one.",
                               (long long)reader->head.format,
                               reader->head.version ? reader->head.version : "?",
                               PROTO_ARCHIVE_FORMAT);
    proto_text_deinit(&reader->head_text);
    reader->head_text = (struct proto_text)PROTO_TEXT_NULL;
    reader->head_read = true;
    return PROTO_CODE_OK;
}

static enum proto_code end_entry(struct proto_archive_reader *reader, struct proto_error *ret_error)
{
    reader->left = archive_padding(reader->entry.bytes);
    reader->state = STATE_PADDING;
    if (reader->next == PLACE_END)
        return PROTO_CODE_OK;
    archive_sum_put(&reader->sums, &reader->hash, reader->entry.name);
    if (reader->sums.failed)
        return no_memory(ret_error);
    return reader->next == PLACE_EVENTS ? read_head(reader, ret_error) : PROTO_CODE_OK;
}

/* The first of these bytes is wrong in the line of the entry it is about. */
static enum proto_code check_sums(const struct proto_archive_reader *reader,
                                  const unsigned char *bytes, size_t length,
                                  struct proto_error *ret_error)
{
    const char *sums = reader->sums.data;
    size_t at = (size_t)(reader->entry.bytes - reader->left), wrong = 0;
    char name[PROTO_ARCHIVE_NAME_BYTES];

    while (wrong < length && bytes[wrong] == (unsigned char)sums[at + wrong])
        wrong++;
    if (wrong == length)
        return PROTO_CODE_OK;
    at += wrong;
    while (at > 0 && sums[at - 1] != '\n')
        at--;
    at += proto_archive_sum_bytes("") - 1;
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(sums + at, "\n"), sums + at);
    return refuse(name, "It is not what it was: its checksum is not the one in SHA256SUMS.",
                  ret_error);
}

static enum proto_code take_bytes(struct proto_archive_reader *reader, const unsigned char *bytes,
                                  size_t length, struct proto_error *ret_error)
{
    enum proto_code code = PROTO_CODE_OK;

    if (reader->next == PLACE_END) {
        code = check_sums(reader, bytes, length, ret_error);
    } else {
        sha256_update(&reader->hash, length, bytes);
        if (reader->next == PLACE_EVENTS)
            proto_text_put(&reader->head_text, (const char *)bytes, length);
        if (reader->head_text.failed)
            return no_memory(ret_error);
    }
    if (code == PROTO_CODE_OK && reader->sink.bytes)
        code = reader->sink.bytes(reader->sink.arg, &reader->entry, bytes, length, ret_error);
    reader->left -= length;
    return code;
}

/* Fills the block from the piece; true: it is full. */
static bool fill_block(struct proto_archive_reader *reader, const unsigned char *bytes,
                       size_t length, size_t *ret_used)
{
    size_t room = sizeof(reader->block) - reader->block_bytes;
    size_t used = length < room ? length : room;

    memcpy(reader->block + reader->block_bytes, bytes, used);
    reader->block_bytes += used;
    reader->at += used;
    *ret_used = used;
    return reader->block_bytes == sizeof(reader->block);
}

static enum proto_code step(struct proto_archive_reader *reader, const unsigned char *bytes,
                            size_t length, size_t *ret_used, struct proto_error *ret_error)
{
    size_t used = length < reader->left ? length : (size_t)reader->left;

    switch (reader->state) {
    case STATE_HEADER:
        return fill_block(reader, bytes, length, ret_used) ? take_header(reader, ret_error)
                                                           : PROTO_CODE_OK;
    case STATE_END:
        if (fill_block(reader, bytes, length, ret_used) && *ret_used == 0)
            return refuse(ARCHIVE_SUMS, "Something stands behind the end of the archive.",
                          ret_error);
        return is_zero(bytes, *ret_used)
                   ? PROTO_CODE_OK
                   : refuse(ARCHIVE_SUMS, "Something stands behind the last entry.", ret_error);
    case STATE_BYTES:
        *ret_used = used;
        reader->at += used;
        return take_bytes(reader, bytes, used, ret_error);
    case STATE_PADDING:
        *ret_used = used;
        reader->at += used;
        reader->left -= used;
        return is_zero(bytes, used)
                   ? PROTO_CODE_OK
                   : refuse(reader->entry.name, "Something stands behind its bytes.", ret_error);
    }
    return PROTO_CODE_INTERNAL;
}

/* An entry, or its padding, may be of no bytes at all. */
static enum proto_code settle(struct proto_archive_reader *reader, struct proto_error *ret_error)
{
    enum proto_code code = PROTO_CODE_OK;

    if (reader->state == STATE_BYTES && reader->left == 0)
        code = end_entry(reader, ret_error);
    if (code == PROTO_CODE_OK && reader->state == STATE_PADDING && reader->left == 0)
        reader->state = STATE_HEADER;
    return code;
}

enum proto_code proto_archive_read(struct proto_archive_reader *reader, const unsigned char *bytes,
                                   size_t length, struct proto_error *ret_error)
{
    enum proto_code code = reader->failed;

    if (code != PROTO_CODE_OK)
        return proto_error_set(ret_error, code, "", "The archive was refused before.");
    while (length > 0 && code == PROTO_CODE_OK) {
        size_t used = 0;

        code = step(reader, bytes, length, &used, ret_error);
        if (code == PROTO_CODE_OK)
            code = settle(reader, ret_error);
        bytes += used;
        length -= used;
    }
    return reader->failed = code;
}

enum proto_code proto_archive_read_end(struct proto_archive_reader *reader,
                                       struct proto_error *ret_error)
{
    if (reader->failed != PROTO_CODE_OK)
        return proto_error_set(ret_error, reader->failed, "", "The archive was refused before.");
    if (reader->state == STATE_END && reader->block_bytes == sizeof(reader->block))
        return PROTO_CODE_OK;
    return reader->failed =
               refuse(reader->entry.name, "The archive is torn: it ends in the middle.", ret_error);
}
