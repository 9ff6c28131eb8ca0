/* The writer keeps what nobody has taken yet, so memory is the largest piece that is put in. */
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "archive_event.h"

struct proto_archive_writer {
    struct proto_text waiting, sums;
    size_t taken; /* of waiting */
    struct sha256_ctx hash;
    struct proto_archive_entry entry;
    uint64_t put; /* of the entry's bytes */
};

struct proto_archive_writer *proto_archive_writer_new(void)
{
    return calloc(1, sizeof(struct proto_archive_writer));
}

void proto_archive_writer_free(struct proto_archive_writer *writer)
{
    if (!writer)
        return;
    proto_text_deinit(&writer->waiting);
    proto_text_deinit(&writer->sums);
    free(writer);
}

static int wait_with(struct proto_archive_writer *writer, const void *bytes, size_t length)
{
    proto_text_put(&writer->waiting, bytes, length);
    return writer->waiting.failed ? -1 : 0;
}

int proto_archive_begin(struct proto_archive_writer *writer, const char *name, uint64_t bytes)
{
    unsigned char block[PROTO_ARCHIVE_BLOCK_BYTES];

    if (archive_header_make(name, bytes, block) < 0)
        return -1;
    memcpy(writer->entry.name, name, strlen(name) + 1);
    writer->entry.bytes = bytes;
    writer->put = 0;
    sha256_init(&writer->hash);
    return wait_with(writer, block, sizeof(block));
}

int proto_archive_put(struct proto_archive_writer *writer, const void *bytes, size_t length)
{
    if (length > writer->entry.bytes - writer->put)
        return -1;
    writer->put += length;
    sha256_update(&writer->hash, length, bytes);
    return wait_with(writer, bytes, length);
}

int proto_archive_put_event(struct proto_archive_writer *writer,
                            const struct proto_archive_event *event)
{
    char front[ARCHIVE_EVENT_FRONT_BYTES];
    int length = archive_event_front(event, front);

    if (length < 0 || proto_archive_put(writer, front, (size_t)length) < 0 ||
        proto_archive_put(writer, event->body, strlen(event->body)) < 0)
        return -1;
    return proto_archive_put(writer, "}\n", 2);
}

/* length: at most a block. */
static int put_zeros(struct proto_archive_writer *writer, size_t length)
{
    static const unsigned char zeros[PROTO_ARCHIVE_BLOCK_BYTES];

    return wait_with(writer, zeros, length);
}

int proto_archive_end(struct proto_archive_writer *writer)
{
    if (writer->put != writer->entry.bytes)
        return -1;
    archive_sum_put(&writer->sums, &writer->hash, writer->entry.name);
    return writer->sums.failed ? -1 : put_zeros(writer, archive_padding(writer->entry.bytes));
}

int proto_archive_finish(struct proto_archive_writer *writer)
{
    size_t length = writer->sums.length;

    if (proto_archive_begin(writer, ARCHIVE_SUMS, length) < 0 ||
        wait_with(writer, writer->sums.data ? writer->sums.data : "", length) < 0 ||
        put_zeros(writer, archive_padding(length)) < 0 ||
        put_zeros(writer, PROTO_ARCHIVE_BLOCK_BYTES) < 0)
        return -1;
    return put_zeros(writer, PROTO_ARCHIVE_BLOCK_BYTES);
}

size_t proto_archive_waiting(const struct proto_archive_writer *writer)
{
    return writer->waiting.length - writer->taken;
}

size_t proto_archive_take(struct proto_archive_writer *writer, unsigned char *buffer, size_t room)
{
    size_t waiting = proto_archive_waiting(writer), length = waiting < room ? waiting : room;

    if (length > 0)
        memcpy(buffer, writer->waiting.data + writer->taken, length);
    writer->taken += length;
    if (writer->taken == writer->waiting.length)
        writer->taken = writer->waiting.length = 0;
    return length;
}
