/* State of one request, and the decisions that need only its headers.
 *
 * They come before the body, so that 64 MiB are not read for a client without a token, and in this
 * order: guard, route, token, query, form of the answer, key, body's type and length.
 */
#include "request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include <proto/hex.h>

#include "query.h"

static void make_id(char ret_id[HTTP_REQUEST_ID_BYTES])
{
    unsigned char bytes[(HTTP_REQUEST_ID_BYTES - 1) / 2] = {0};

    /* Asked for 16 bytes, getrandom neither blocks after boot nor is interrupted. */
    if (getrandom(bytes, sizeof(bytes), 0) < 0)
        memset(bytes, 0, sizeof(bytes));
    proto_hex_write(bytes, sizeof(bytes), ret_id);
}

struct http_request *http_request_new(struct http_server *server,
                                      struct http_connection *connection, const char *uri)
{
    struct http_request *request = calloc(1, sizeof(*request));

    if (!request)
        return NULL;
    request->server = server;
    request->connection = connection;
    request->arena.limit_bytes = HTTP_ARENA_MAX_BYTES;
    request->started_us = http_monotonic_us();
    atomic_fetch_add(&server->metrics.requests, 1);
    make_id(request->id);
    /* One byte more than allowed, so that too long stays too long. */
    request->uri = proto_arena_strndup(&request->arena, uri, strnlen(uri, HTTP_URI_MAX_BYTES + 1));
    if (!request->uri) {
        http_request_free(request);
        return NULL;
    }
    return request;
}

bool http_request_reserve(struct http_request *request, size_t bytes)
{
    return http_budget_hold(&request->server->budget, &request->holding, request->ctx.principal.id,
                            bytes);
}

void http_request_release_body(struct http_request *request)
{
    free(request->body);
    request->body = NULL;
    http_upload_deinit(&request->upload);
    http_spool_close(&request->spool);
    http_budget_release(&request->server->budget, &request->holding);
    request->body_capacity = request->body_bytes = 0;
}

void http_request_free(struct http_request *request)
{
    if (!request)
        return;
    atomic_fetch_sub(&request->server->metrics.requests, 1);
    http_request_release_body(request);
    http_reply_deinit(&request->reply);
    proto_arena_deinit(&request->arena);
    free(request);
}

void http_request_refuse(struct http_request *request)
{
    http_reply_problem(&request->reply, &request->ctx.error, request->id);
    if (request->ctx.error.code == PROTO_CODE_METHOD_NOT_ALLOWED)
        request->reply.allow = request->match.allow;
    request->reply.retry_after_s = request->retry_after_s;
    if (request->reply.status == MHD_HTTP_UNAUTHORIZED ||
        request->reply.status == MHD_HTTP_FORBIDDEN)
        http_auth_challenge(request->ctx.error.code, request->bearer, request->match.route,
                            request->reply.challenge);
}

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                 size_t name_length, const char *value, size_t value_length)
{
    struct http_request *request = arg;

    (void)kind;
    http_headers_add(&request->headers, name, name_length, value ? value : "",
                     value ? value_length : 0);
    return MHD_YES;
}

/* Cuts the address where the query begins. */
static void split_uri(struct http_request *request)
{
    char *mark = strchr(request->uri, '?');

    request->path = request->uri;
    if (mark) {
        *mark = '\0';
        request->query_text = mark + 1;
    }
}

static enum proto_code check_query(struct http_request *request)
{
    struct http_query query;
    enum proto_code code = http_query_parse(request->query_text, request->match.route->query,
                                            &request->arena, &query, &request->ctx.error);

    if (code != PROTO_CODE_OK)
        return code;
    request->ctx.wait_s = query.wait_s;
    request->ctx.limit = query.limit;
    request->ctx.after = query.after;
    request->ctx.cursor = query.cursor;
    return PROTO_CODE_OK;
}

/* A follower goes on where it stopped: what the header says is newer than what its address says. */
static enum proto_code check_follower(struct http_request *request)
{
    const char *last = request->headers.last_event_id;

    request->ctx.follows = request->match.route->follows && request->form == HTTP_FORM_OTHER &&
                           strcmp(request->method, "HEAD") != 0;
    if (!request->ctx.follows || !last || http_query_parse_seq(last, &request->ctx.after))
        return PROTO_CODE_OK;
    return proto_error_set(&request->ctx.error, PROTO_CODE_INVALID_QUERY, "Last-Event-ID",
                           "Last-Event-ID must be the id of an event: a number from 0.");
}

/* A wrong token counts against its address, and from some number on is answered 429. */
static enum proto_code count_failure(struct http_request *request,
                                     struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    unsigned wait_s =
        info && info->client_addr
            ? http_failures_add(&request->server->failures, info->client_addr, http_monotonic_ms())
            : 0;

    if (wait_s == 0)
        return request->ctx.error.code;
    request->retry_after_s = wait_s;
    return proto_error_set(&request->ctx.error, PROTO_CODE_TOO_MANY_FAILURES, "",
                           "More than %d wrong tokens came from this address within a minute; a "
                           "good one is taken at once.",
                           HTTP_FAILURES_MAX);
}

enum proto_code http_request_admit(struct http_request *request)
{
    const struct api_route *route = request->match.route;

    if (route->roles & API_PUBLIC)
        return PROTO_CODE_OK;
    return request->server->config.admit(&request->ctx, route, request->bearer);
}

static enum proto_code check_token(struct http_request *request, struct MHD_Connection *connection)
{
    if (http_query_has(request->query_text, "access_token"))
        return proto_error_set(&request->ctx.error, PROTO_CODE_INVALID_QUERY, "access_token",
                               "A token belongs in the header Authorization: Bearer TOKEN; in an "
                               "address it would end up in logs. Take it for known to others.");
    request->bearer = http_auth_bearer(request->headers.authorization);
    enum proto_code code = http_request_admit(request);
    if (code == PROTO_CODE_UNAUTHORIZED && request->bearer)
        code = count_failure(request, connection);
    return code;
}

/* The key counts wherever something is written: on a PUT it is not needed, and does no harm. */
static enum proto_code check_key(struct http_request *request)
{
    const char *text = request->headers.idempotency_key;

    if (!text)
        return PROTO_CODE_OK;
    if (!http_key_valid(text))
        return proto_error_set(&request->ctx.error, PROTO_CODE_INVALID_IDEMPOTENCY_KEY, "",
                               "Idempotency-Key must be 1 to %d characters of A-Z a-z 0-9 _ -.",
                               HTTP_KEY_MAX_BYTES);
    if (request->match.route->writes) {
        request->key.text = text;
        request->key.owner = request->ctx.principal.id;
        request->key.bearer = request->match.route->secret ? request->bearer : NULL;
        http_key_begin(&request->key, request->method, request->path);
    }
    return PROTO_CODE_OK;
}

static bool media_fits(enum api_body body, enum http_media media)
{
    switch (body) {
    case API_BODY_NONE:
        return true;
    case API_BODY_JSON:
        return media == HTTP_MEDIA_JSON;
    case API_BODY_DEMONSTRATION:
    case API_BODY_JSON_OR_FILE:
        return media == HTTP_MEDIA_JSON || media == HTTP_MEDIA_TENSORS ||
               media == HTTP_MEDIA_OCTETS;
    case API_BODY_FILE:
        return media == HTTP_MEDIA_TENSORS || media == HTTP_MEDIA_OCTETS;
    case API_BODY_ARCHIVE:
        return media == HTTP_MEDIA_OCTETS || media == HTTP_MEDIA_TAR;
    }
    return false;
}

static enum proto_code check_media(struct http_request *request)
{
    static const char *const advice[] = {
        [API_BODY_NONE] = "",
        [API_BODY_JSON] = "Send the header Content-Type: " HTTP_TYPE_JSON ".",
        [API_BODY_DEMONSTRATION] =
            "Send Content-Type: " HTTP_TYPE_JSON " or " HTTP_TYPE_TENSORS ".",
        [API_BODY_ARCHIVE] = "Send the archive with Content-Type: " HTTP_TYPE_OCTETS ".",
        [API_BODY_FILE] = "Send the file with Content-Type: " HTTP_TYPE_TENSORS ".",
        [API_BODY_JSON_OR_FILE] = "Send Content-Type: " HTTP_TYPE_JSON " or " HTTP_TYPE_TENSORS ".",
    };
    enum api_body body = request->match.route->body;
    const char *coding = request->headers.content_encoding;

    request->media = http_media_parse(request->headers.content_type);
    if (coding && strcasecmp(coding, "identity") != 0)
        return proto_error_set(&request->ctx.error, PROTO_CODE_UNSUPPORTED_MEDIA_TYPE, "",
                               "Send the body without Content-Encoding.");
    if (media_fits(body, request->media))
        return PROTO_CODE_OK;
    return proto_error_set(&request->ctx.error, PROTO_CODE_UNSUPPORTED_MEDIA_TYPE, "", "%s",
                           advice[body]);
}

static enum proto_code too_large(struct http_request *request)
{
    return proto_error_set(&request->ctx.error, PROTO_CODE_BODY_TOO_LARGE, "",
                           "The body may have %zu bytes%s.", request->body_cap,
                           request->body_cap == HTTP_JSON_MAX_BYTES
                               ? "; larger demonstrations travel as " HTTP_TYPE_TENSORS
                               : "");
}

static bool takes_tensors(enum api_body body)
{
    return body == API_BODY_DEMONSTRATION || body == API_BODY_FILE || body == API_BODY_JSON_OR_FILE;
}

static enum proto_code check_body(struct http_request *request)
{
    const struct api_route *route = request->match.route;
    const struct http_headers *headers = &request->headers;

    request->body_cap = HTTP_JSON_MAX_BYTES;
    if (!http_headers_have_body(headers)) {
        if (headers->content_length || route->body == API_BODY_NONE || route->body_optional)
            return PROTO_CODE_OK;
        return proto_error_set(&request->ctx.error, PROTO_CODE_LENGTH_REQUIRED, "",
                               "This request needs a body, with Content-Length or chunked.");
    }
    enum proto_code code = check_media(request);
    if (code != PROTO_CODE_OK)
        return code;
    if (takes_tensors(route->body) && request->media != HTTP_MEDIA_JSON)
        request->body_cap = HTTP_TENSORS_MAX_BYTES;
    if (route->body == API_BODY_ARCHIVE)
        request->body_cap = HTTP_ARCHIVE_MAX_BYTES;
    if (http_headers_body_bytes(headers) > request->body_cap)
        return too_large(request);
    if (route->body == API_BODY_ARCHIVE)
        return http_spool_open(&request->spool, request->server, http_headers_body_bytes(headers),
                               &request->ctx.error);
    return request->body_cap == HTTP_TENSORS_MAX_BYTES ? http_upload_begin(request) : PROTO_CODE_OK;
}

/* After the guard: what the request asks for and whether it may. */
static enum proto_code understand(struct http_request *request, struct MHD_Connection *connection)
{
    const struct http_config *config = &request->server->config;
    struct proto_error *error = &request->ctx.error;
    enum proto_code code;

    code = http_route_match(config->routes, config->route_count, request->method, request->path,
                            &request->arena, &request->match, error);
    if (code != PROTO_CODE_OK)
        return code;
    const struct api_route *route = request->match.route;
    memcpy(request->ctx.params, request->match.params, sizeof(request->ctx.params));
    code = check_token(request, connection);
    if (code == PROTO_CODE_OK)
        code = check_query(request);
    if (code == PROTO_CODE_OK && (route->response || route->other_type))
        code = http_accept_choose(request->headers.accept, route, &request->form, error);
    if (code == PROTO_CODE_OK)
        code = check_follower(request);
    if (code == PROTO_CODE_OK)
        code = check_key(request);
    return code == PROTO_CODE_OK ? check_body(request) : code;
}

bool http_request_begin(struct http_request *request, struct MHD_Connection *connection,
                        const char *method, const char *version)
{
    enum proto_code code;

    request->begun = true;
    request->method = method;
    request->ctx.state = request->server->config.state;
    request->ctx.version = request->server->config.version;
    request->ctx.look = http_server_look;
    request->ctx.door_metrics = http_metrics_write;
    request->ctx.door = request->server;
    request->ctx.arena = &request->arena;
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, on_header, request);
    code = http_guard_check(&request->headers, method, version, request->uri, &request->ctx.error);
    split_uri(request);
    if (code != PROTO_CODE_OK) {
        http_request_refuse(request);
        return true;
    }
    code = understand(request, connection);
    if (code == PROTO_CODE_OK)
        return false;
    http_request_refuse(request);
    /* Without a body there is nothing to leave unread, and the connection can go on. */
    return http_headers_have_body(&request->headers);
}

/* Room for length more bytes. */
static bool grow_body(struct http_request *request, size_t length)
{
    size_t wanted = request->body_bytes + length;
    size_t capacity = request->body_capacity ? request->body_capacity : 4096;

    while (capacity < wanted)
        capacity *= 2;
    if (capacity == request->body_capacity)
        return true;
    if (!http_request_reserve(request, capacity))
        return false;
    unsigned char *body = realloc(request->body, capacity);
    if (!body)
        return false;
    request->body = body;
    request->body_capacity = capacity;
    return true;
}

static enum proto_code collect(struct http_request *request, const char *bytes, size_t length)
{
    if (!grow_body(request, length))
        return proto_error_set(&request->ctx.error, PROTO_CODE_OVERLOADED, "",
                               "Too many uploads at once; try again shortly.");
    memcpy(request->body + request->body_bytes, bytes, length);
    return PROTO_CODE_OK;
}

static enum proto_code take(struct http_request *request, const char *bytes, size_t length)
{
    enum proto_code code;

    if (length > request->body_cap - request->body_bytes)
        return too_large(request);
    if (request->key.text)
        http_key_add(&request->key, bytes, length);
    if (request->spool.server)
        code = http_spool_add(&request->spool, bytes, length, &request->ctx.error);
    else if (http_upload_begun(&request->upload))
        code = http_upload_add(request, bytes, length);
    else
        code = collect(request, bytes, length);
    if (code == PROTO_CODE_OK)
        request->body_bytes += length;
    return code;
}

bool http_request_add_body(struct http_request *request, const char *bytes, size_t length)
{
    http_connection_progress(request->connection, length);
    if (request->reply.status == 0 && take(request, bytes, length) == PROTO_CODE_OK)
        return true;
    if (request->reply.status == 0)
        http_request_refuse(request);
    http_request_release_body(request);
    request->drained_bytes += length;
    return request->drained_bytes <= HTTP_DRAIN_MAX_BYTES;
}
