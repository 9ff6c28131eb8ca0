/* Whole projects: archives that are too large for memory. */
#include <stdio.h>

#include <proto/archive.h>

#include "call.h"

#define ARCHIVE_TYPE "application/octet-stream"
/* A server reads an import twice, checks it, and writes it, before it has anything to say. */
#define IMPORT_BYTES_PER_S 5e6

struct check {
    struct proto_archive_reader *reader;
    amf_client_piece_fn piece;
    void *arg;
    struct proto_error error;
};

static int on_piece(void *arg, const void *bytes, size_t length, uint64_t done, uint64_t total)
{
    struct check *check = arg;

    if (proto_archive_read(check->reader, bytes, length, &check->error) != PROTO_CODE_OK)
        return -1;
    return check->piece(check->arg, bytes, length, done, total);
}

static enum amf_client_status not_whole(const struct proto_error *error,
                                        struct amf_client_result *result)
{
    snprintf(result->error, sizeof(result->error), "the export is not whole: %.60s%s%.160s",
             error->at, *error->at ? ": " : "", error->detail);
    return AMF_CLIENT_BAD_ANSWER;
}

static enum amf_client_status finish(struct check *check, struct amf_client_result *result,
                                     struct proto_export *ret_head)
{
    if (proto_archive_read_end(check->reader, &check->error) != PROTO_CODE_OK)
        return not_whole(&check->error, result);
    if (ret_head && proto_copy(&proto_export_shape, proto_archive_head(check->reader),
                               &result->arena, ret_head) < 0) {
        snprintf(result->error, sizeof(result->error), "out of memory");
        return AMF_CLIENT_NO_MEMORY;
    }
    return AMF_CLIENT_OK;
}

enum amf_client_status amf_client_project_export(struct amf_client *client, const char *project,
                                                 amf_client_piece_fn piece, void *arg,
                                                 struct amf_client_result *result,
                                                 struct proto_export *ret_head)
{
    struct check check = {.reader = proto_archive_reader_new(&(struct proto_archive_sink){0}),
                          .piece = piece,
                          .arg = arg};
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects/{}/export",
        .segments = {project},
        .accept = ARCHIVE_TYPE,
        .piece = on_piece,
        .piece_arg = &check,
    };
    enum amf_client_status status;

    if (!check.reader)
        return AMF_CLIENT_NO_MEMORY;
    status = client_call(client, &call, result);
    if (status == AMF_CLIENT_OK)
        status = finish(&check, result, ret_head);
    else if (status == AMF_CLIENT_STOPPED && check.error.code != PROTO_CODE_OK)
        status = not_whole(&check.error, result);
    proto_archive_reader_free(check.reader);
    return status;
}

enum amf_client_status amf_client_project_import(struct amf_client *client, const char *project,
                                                 int fd, uint64_t bytes, amf_client_piece_fn piece,
                                                 void *arg, const char *key,
                                                 struct amf_client_result *result,
                                                 struct proto_project *ret_project)
{
    const struct call call = {
        .method = "POST",
        .path = "/v1/projects/{}/import",
        .segments = {project},
        .file = fd,
        .file_bytes = bytes,
        .piece = piece,
        .piece_arg = arg,
        .silence_s = (double)bytes / IMPORT_BYTES_PER_S,
        .content_type = ARCHIVE_TYPE,
        .key = key,
        .response = &proto_project_shape,
        .ret = ret_project,
    };

    return client_call(client, &call, result);
}
