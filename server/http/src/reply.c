/* Status, headers and body of an answer. The status of an error comes from the registry
 * (proto/errors.json) and from nowhere else.
 */
#include "reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <gnutls/gnutls.h>

#include <proto/wire.h>

#include "media.h"
#include "stream.h"

/* What is said when there is no memory left to say it properly. */
static const char last_words[] =
    "{\"type\":\"about:blank\",\"title\":\"The server is out of memory\","
    "\"status\":503,\"code\":\"no_memory\",\"detail\":\"Try again.\"}";

void http_reply_deinit(struct http_reply *reply)
{
    free(reply->body);
    http_stream_free(reply->stream);
    *reply = (struct http_reply){0};
}

void http_reply_problem(struct http_reply *reply, const struct proto_error *error,
                        const char *request_id)
{
    char type[80];
    struct proto_problem problem = {
        .type = type,
        .title = proto_code_title(error->code),
        .status = proto_code_status(error->code),
        .code = proto_code_name(error->code),
        .detail = error->detail,
        .at = error->at,
        .request_id = request_id,
    };

    snprintf(type, sizeof(type), "urn:amf:error:%s", problem.code);
    http_reply_deinit(reply);
    reply->content_type = HTTP_TYPE_PROBLEM;
    reply->status = (int)problem.status;
    if (proto_encode(&proto_problem_shape, &problem, &reply->body, &reply->body_bytes) == 0)
        return;
    reply->body = NULL;
    reply->status = proto_code_status(PROTO_CODE_NO_MEMORY);
}

static int status_of(enum api_flavour flavour)
{
    switch (flavour) {
    case API_CREATED:
        return MHD_HTTP_CREATED;
    case API_NO_CONTENT:
        return MHD_HTTP_NO_CONTENT;
    case API_OKAY:
    case API_NOT_YET: /* never gets here */
        break;
    }
    return MHD_HTTP_OK;
}

int http_reply_success(struct http_reply *reply, const struct api_route *route, bool other,
                       enum api_flavour flavour, const void *response)
{
    struct http_reply made = {.status = status_of(flavour)};
    int failed = 0;

    if (flavour != API_NO_CONTENT && other) {
        made.content_type = route->other_type;
        failed = route->encode_other(response, &made.body, &made.body_bytes);
    } else if (flavour != API_NO_CONTENT && route->response) {
        made.content_type = HTTP_TYPE_JSON;
        failed = proto_encode(route->response, response, &made.body, &made.body_bytes);
    }
    if (failed)
        return -1;
    http_reply_deinit(reply);
    *reply = made;
    return 0;
}

int http_reply_stream(struct http_reply *reply, const char *content_type,
                      struct http_stream *stream)
{
    if (!stream)
        return -1;
    http_reply_deinit(reply);
    *reply =
        (struct http_reply){.status = MHD_HTTP_OK, .content_type = content_type, .stream = stream};
    return 0;
}

static struct MHD_Response *body_response(struct http_reply *reply)
{
    static const char nothing[] = "";
    struct MHD_Response *response;

    if (reply->stream) {
        struct http_stream *stream = reply->stream;
        reply->stream = NULL;
        return http_stream_response(stream);
    }
    if (!reply->content_type)
        return MHD_create_response_from_buffer(0, (void *)(size_t)nothing, MHD_RESPMEM_PERSISTENT);
    if (!reply->body && reply->status >= 400)
        return MHD_create_response_from_buffer(sizeof(last_words) - 1, (void *)(size_t)last_words,
                                               MHD_RESPMEM_PERSISTENT);
    response =
        MHD_create_response_from_buffer(reply->body_bytes, reply->body, MHD_RESPMEM_MUST_FREE);
    if (response)
        reply->body = NULL;
    return response;
}

struct header {
    const char *name, *value; /* value NULL: not sent */
};

#define HEADER_COUNT 8
#define RETRY_AFTER_BYTES 16

/* Seconds; NULL: there is no point in coming back. */
static const char *retry_after_of(const struct http_reply *reply, char text[RETRY_AFTER_BYTES])
{
    if (reply->retry_after_s == 0)
        return reply->status == MHD_HTTP_SERVICE_UNAVAILABLE ? "1" : NULL;
    snprintf(text, RETRY_AFTER_BYTES, "%u", reply->retry_after_s);
    return text;
}

static void list_headers(const struct http_reply *reply, const char *request_id, bool close,
                         char wait[RETRY_AFTER_BYTES], struct header ret_headers[HEADER_COUNT])
{
    const struct header headers[HEADER_COUNT] = {
        {"Content-Type", reply->content_type},
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Request-Id", request_id},
        {"Allow", reply->allow},
        {"WWW-Authenticate", *reply->challenge ? reply->challenge : NULL},
        {"Retry-After", retry_after_of(reply, wait)},
        {"Connection", close ? "close" : NULL},
    };

    memcpy(ret_headers, headers, sizeof(headers));
}

static bool add_headers(struct MHD_Response *response, const struct http_reply *reply,
                        const char *request_id, bool close)
{
    struct header headers[HEADER_COUNT];
    char wait[RETRY_AFTER_BYTES];

    list_headers(reply, request_id, close, wait, headers);
    for (size_t i = 0; i < HEADER_COUNT; i++)
        if (headers[i].value &&
            MHD_add_response_header(response, headers[i].name, headers[i].value) != MHD_YES)
            return false;
    return true;
}

enum MHD_Result http_reply_send(struct http_reply *reply, struct MHD_Connection *connection,
                                const char *request_id, bool close)
{
    struct MHD_Response *response = body_response(reply);
    enum MHD_Result result = MHD_NO;

    if (response && add_headers(response, reply, request_id, close))
        result = MHD_queue_response(connection, (unsigned)reply->status, response);
    if (response)
        MHD_destroy_response(response);
    return result;
}

static void write_head(FILE *out, const struct http_reply *reply, const char *request_id)
{
    struct header headers[HEADER_COUNT];
    char date[64], wait[RETRY_AFTER_BYTES];
    struct tm utc;
    time_t now = time(NULL);

    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &utc));
    fprintf(out, "HTTP/1.1 %d %s\r\n", reply->status,
            MHD_get_reason_phrase_for((unsigned)reply->status));
    if (reply->status < 500) /* beyond, a date is optional, and the text may be kept */
        fprintf(out, "Date: %s\r\n", date);
    list_headers(reply, request_id, true, wait, headers);
    for (size_t i = 0; i < HEADER_COUNT; i++)
        if (headers[i].value)
            fprintf(out, "%s: %s\r\n", headers[i].name, headers[i].value);
}

/* 0, or -1 and nothing to free. */
static int finish_text(FILE *out, char **bytes)
{
    bool failed = ferror(out);

    if (fclose(out) == 0 && !failed)
        return 0;
    free(*bytes);
    return -1;
}

int http_reply_format(const struct http_reply *reply, const char *request_id, char **ret_bytes,
                      size_t *ret_length)
{
    char *bytes = NULL;
    size_t length = 0;
    FILE *out = reply->body ? open_memstream(&bytes, &length) : NULL;

    if (!out)
        return -1;
    write_head(out, reply, request_id);
    fprintf(out, "Content-Length: %zu\r\n\r\n", reply->body_bytes);
    fwrite(reply->body, 1, reply->body_bytes, out);
    if (finish_text(out, &bytes) < 0)
        return -1;
    *ret_bytes = bytes;
    *ret_length = length;
    return 0;
}

/* The end of the connection is the end of the body: there is no length, and no need of chunks. */
int http_reply_format_stream(const struct http_reply *reply, const char *request_id,
                             unsigned retry_ms, char **ret_bytes, size_t *ret_length)
{
    const struct http_reply head = {.status = MHD_HTTP_OK, .content_type = HTTP_TYPE_EVENTS};
    char *bytes = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&bytes, &length);

    if (!out)
        return -1;
    write_head(out, &head, request_id);
    fprintf(out, "\r\nretry: %u\n\n", retry_ms);
    if (reply->body)
        fwrite(reply->body, 1, reply->body_bytes, out);
    if (finish_text(out, &bytes) < 0)
        return -1;
    *ret_bytes = bytes;
    *ret_length = length;
    return 0;
}

/* The socket does not block, and its buffer is empty but for rare cases: the answers to requests
 * before this one have left it. What does not fit at once is lost. */
static bool send_past_library(struct MHD_Connection *connection, const char *bytes, size_t length)
{
    const union MHD_ConnectionInfo *tls =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (tls && tls->tls_session) {
        if (gnutls_record_send(tls->tls_session, bytes, length) < 0)
            return false;
        (void)gnutls_bye(tls->tls_session, GNUTLS_SHUT_WR);
        return true;
    }
    if (!fd || send(fd->connect_fd, bytes, length, MSG_NOSIGNAL) < 0)
        return false;
    shutdown(fd->connect_fd, SHUT_WR);
    return true;
}

bool http_reply_send_early(const struct http_reply *reply, struct MHD_Connection *connection,
                           const char *request_id)
{
    char *bytes;
    size_t length;

    if (http_reply_format(reply, request_id, &bytes, &length) < 0)
        return false;
    bool sent = send_past_library(connection, bytes, length);
    free(bytes);
    return sent;
}
