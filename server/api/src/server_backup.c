/* GET /v1/backup: a copy of the whole database, as it stood when it was asked for. It is made, and
 * its digest worked out, before the first byte goes out. */
#include <stdlib.h>
#include <unistd.h>

#include <proto/digest.h>
#include <store/store.h>

#include "verbs.h"

#define PIECE_BYTES ((size_t)64 << 10)

struct sending {
    struct store_backup *backup;
    uint64_t at;
};

static int read_backup(void *arg, unsigned char *buffer, size_t room, size_t *ret_length)
{
    struct sending *sending = arg;
    ssize_t got = pread(store_backup_fd(sending->backup), buffer, room, (off_t)sending->at);

    if (got <= 0)
        return -1;
    sending->at += (uint64_t)got;
    *ret_length = (size_t)got;
    return 0;
}

static void release_backup(void *arg)
{
    struct sending *sending = arg;

    if (sending)
        store_backup_free(sending->backup);
    free(sending);
}

static enum proto_code refuse(struct api_ctx *ctx, int status)
{
    switch (status) {
    case STORE_NO_MEMORY:
        return api_no_memory(ctx);
    case STORE_BUSY:
        return proto_error_set(&ctx->error, PROTO_CODE_OVERLOADED, "",
                               "Another backup is under way; try again when it has ended.");
    case STORE_FULL:
        return proto_error_set(&ctx->error, PROTO_CODE_DISK_FULL, "",
                               "A backup needs the size of the database on the server's disk "
                               "until it has been sent; free some space.");
    case STORE_CORRUPT:
        return proto_error_set(&ctx->error, PROTO_CODE_DAMAGED, "",
                               "Something that is stored is not what was written, and no copy was "
                               "made. Stop the server; \"amf server check\" tells what it is.");
    default:
        return proto_error_set(&ctx->error, PROTO_CODE_INTERNAL, "", "The copy cannot be written.");
    }
}

static int add_all(const struct store_backup *backup, struct proto_digest *digest,
                   unsigned char *piece)
{
    uint64_t bytes = store_backup_bytes(backup);

    for (uint64_t at = 0; at < bytes;) {
        ssize_t got = pread(store_backup_fd(backup), piece, PIECE_BYTES, (off_t)at);

        if (got <= 0)
            return STORE_INVALID;
        proto_digest_add(digest, piece, (size_t)got);
        at += (uint64_t)got;
    }
    return STORE_OK;
}

static int work_out_digest(const struct store_backup *backup, char ret_text[PROTO_DIGEST_BYTES])
{
    struct proto_digest *digest = proto_digest_new();
    unsigned char *piece = malloc(PIECE_BYTES);
    int status = digest && piece ? add_all(backup, digest, piece) : STORE_NO_MEMORY;

    if (!status)
        proto_digest_text(digest, ret_text);
    free(piece);
    proto_digest_free(digest);
    return status;
}

API_VERB(api_server_backup)
{
    struct sending *sending = calloc(1, sizeof *sending);
    struct api_stream stream = {.read = read_backup, .release = release_backup, .arg = sending};
    int status = STORE_NO_MEMORY;

    (void)request;
    (void)response;
    if (sending)
        status = store_backup_new(state_store(ctx->state), &sending->backup);
    if (!status)
        status = work_out_digest(sending->backup, stream.digest);
    if (status) {
        release_backup(sending);
        return refuse(ctx, status);
    }
    stream.bytes = store_backup_bytes(sending->backup);
    ctx->stream = stream;
    return PROTO_CODE_OK;
}
