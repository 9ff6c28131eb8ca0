/* Uploads, piece by piece; upload.h says what for. */
#include "upload.h"

#include <string.h>

#include <proto/intake.h>
#include <proto/safetensors.h>
#include <proto/tensor_file.h>
#include <store/store.h>

#include "request.h"

enum proto_code http_upload_begin(struct http_request *request)
{
    const struct http_headers *headers = &request->headers;
    size_t length = headers->content_length ? http_headers_body_bytes(headers) : SIZE_MAX;

    if (request->match.route->body == API_BODY_DEMONSTRATION)
        request->upload.intake = proto_intake_new(length, STORE_BLOB_MAX_BYTES, &request->arena);
    else
        request->upload.file = proto_tensor_file_new(length, STORE_BLOB_MAX_BYTES, &request->arena);
    if (http_upload_begun(&request->upload))
        return PROTO_CODE_OK;
    return proto_error_set(&request->ctx.error, PROTO_CODE_NO_MEMORY, "",
                           "There was no memory for this request; nothing was stored.");
}

void http_upload_deinit(struct http_upload *upload)
{
    proto_intake_free(upload->intake);
    proto_tensor_file_free(upload->file);
    upload->intake = NULL;
    upload->file = NULL;
}

/* A body of no particular type has to begin like a file of tensors. */
static enum proto_code check_start(struct http_request *request)
{
    const struct http_upload *upload = &request->upload;

    if (request->media != HTTP_MEDIA_OCTETS ||
        proto_tensors_sniff(upload->start, upload->start_bytes))
        return PROTO_CODE_OK;
    return proto_error_set(&request->ctx.error, PROTO_CODE_UNSUPPORTED_MEDIA_TYPE, "",
                           "The body does not begin like a safetensors file.");
}

static enum proto_code add_to_start(struct http_request *request, const char *bytes, size_t length)
{
    struct http_upload *upload = &request->upload;
    size_t room = sizeof(upload->start) - upload->start_bytes;
    size_t used = length < room ? length : room;

    if (room == 0)
        return PROTO_CODE_OK;
    memcpy(upload->start + upload->start_bytes, bytes, used);
    upload->start_bytes += used;
    return used == room ? check_start(request) : PROTO_CODE_OK;
}

/* Once, as soon as the head is in. */
static enum proto_code check_head(struct http_request *request)
{
    struct http_upload *upload = &request->upload;
    const struct api_route *route = request->match.route;
    const struct proto_demonstration *head =
        upload->intake ? proto_intake_head(upload->intake) : NULL;
    const struct proto_tensors *tensors =
        upload->file ? proto_tensor_file_head(upload->file) : NULL;

    if (upload->head_checked || (!head && !tensors))
        return PROTO_CODE_OK;
    upload->head_checked = true;
    if (head && route->check_head)
        return route->check_head(&request->ctx, head);
    return tensors && route->check_file ? route->check_file(&request->ctx, tensors) : PROTO_CODE_OK;
}

static enum proto_code add(struct http_request *request, const unsigned char *bytes, size_t length)
{
    const struct http_upload *upload = &request->upload;

    return upload->intake ? proto_intake_add(upload->intake, bytes, length, &request->ctx.error)
                          : proto_tensor_file_add(upload->file, bytes, length, &request->ctx.error);
}

static size_t held_bytes(const struct http_upload *upload)
{
    return upload->intake ? proto_intake_bytes(upload->intake)
                          : proto_tensor_file_bytes(upload->file);
}

static enum proto_code decode(struct http_request *request, const char *bytes, size_t length)
{
    enum proto_code code = add_to_start(request, bytes, length);

    if (code == PROTO_CODE_OK)
        code = add(request, (const unsigned char *)bytes, length);
    return code == PROTO_CODE_OK ? check_head(request) : code;
}

enum proto_code http_upload_add(struct http_request *request, const char *bytes, size_t length)
{
    struct http_upload *upload = &request->upload;

    if (upload->refused != PROTO_CODE_OK)
        return PROTO_CODE_OK;
    enum proto_code code = decode(request, bytes, length);
    if (code == PROTO_CODE_OK && !http_request_reserve(request, held_bytes(upload)))
        return proto_error_set(&request->ctx.error, PROTO_CODE_OVERLOADED, "",
                               "Too many uploads at once; try again shortly.");
    if (code == PROTO_CODE_OK || !request->key.text ||
        http_key_is_new(request->server->config.store, &request->key))
        return code;
    upload->refused = code;
    return PROTO_CODE_OK;
}

enum proto_code http_upload_end(struct http_request *request,
                                struct proto_demonstration *ret_demonstration)
{
    const struct http_upload *upload = &request->upload;

    if (upload->refused != PROTO_CODE_OK)
        return upload->refused;
    enum proto_code code = check_start(request);
    return code == PROTO_CODE_OK
               ? proto_intake_finish(upload->intake, ret_demonstration, &request->ctx.error)
               : code;
}

enum proto_code http_upload_end_file(struct http_request *request)
{
    const struct http_upload *upload = &request->upload;
    struct api_file *file = &request->ctx.file;

    if (upload->refused != PROTO_CODE_OK)
        return upload->refused;
    enum proto_code code = check_start(request);
    return code == PROTO_CODE_OK ? proto_tensor_file_finish(upload->file, &file->bytes,
                                                            &file->length, &request->ctx.error)
                                 : code;
}
