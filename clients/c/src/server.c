/* The whole server: a copy of its database. */
#include <stdio.h>
#include <string.h>

#include <proto/digest.h>

#include "call.h"

/* The server makes the copy, and reads it once more, before it has anything to say. */
#define BACKUP_SILENCE_S 600.0

struct check {
    struct proto_digest *digest;
    amf_client_piece_fn piece;
    void *arg;
};

static int on_piece(void *arg, const void *bytes, size_t length, uint64_t done, uint64_t total)
{
    struct check *check = arg;

    proto_digest_add(check->digest, bytes, length);
    return check->piece(check->arg, bytes, length, done, total);
}

enum amf_client_status amf_client_server_backup(struct amf_client *client,
                                                amf_client_piece_fn piece, void *arg,
                                                struct amf_client_result *result)
{
    struct check check = {.digest = proto_digest_new(), .piece = piece, .arg = arg};
    const struct call call = {
        .method = "GET",
        .path = "/v1/backup",
        .accept = "application/octet-stream",
        .piece = on_piece,
        .piece_arg = &check,
        .silence_s = BACKUP_SILENCE_S,
    };
    char digest[PROTO_DIGEST_BYTES];
    enum amf_client_status status;

    if (!check.digest)
        return AMF_CLIENT_NO_MEMORY;
    status = client_call(client, &call, result);
    proto_digest_text(check.digest, digest);
    proto_digest_free(check.digest);
    if (status != AMF_CLIENT_OK || strcmp(digest, result->digest) == 0)
        return status;
    snprintf(result->error, sizeof(result->error),
             "the backup is not whole: its SHA-256 is not the one that was announced");
    return AMF_CLIENT_BAD_ANSWER;
}
