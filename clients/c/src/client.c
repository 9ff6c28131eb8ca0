/* From a call to its result: encode, exchange with retries, decode.
 *
 * Every endpoint goes through client_call(), so retries, keys, limits and the reading of problems
 * are decided once. What is repeated, and why that is safe, stands in client.h.
 */
#include "call.h"
#include "transport.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include <amf_client/shape.h>
#include <proto/hex.h>

#define RETRIES 3
#define FIRST_PAUSE_S 0.1
#define MAX_PAUSE_S 5.0 /* of a server's Retry-After, too: a person is waiting */

struct amf_client {
    char *url, *token, *ca_file;
    struct transport *transport;
    unsigned retries;
    double first_pause_s;
};

/* Printable ASCII without spaces: nothing else can be part of a header line or an address as it is.
 */
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

static bool is_usable_url(const char *url)
{
    const char *host = url;

    if (strncmp(url, "http://", 7) == 0)
        host += 7;
    else if (strncmp(url, "https://", 8) == 0)
        host += 8;
    return host != url && *host && *host != '/' && is_plain(url) && !strpbrk(url, "?#\"\\<>");
}

enum amf_client_status amf_client_new(const char *url, const char *token,
                                      struct amf_client **ret_client)
{
    struct amf_client *client;

    if (!is_usable_url(url) || (token && (!*token || !is_plain(token))))
        return AMF_CLIENT_BAD_ARGUMENT;
    client = calloc(1, sizeof(*client));
    if (!client)
        return AMF_CLIENT_NO_MEMORY;
    client->retries = RETRIES;
    client->first_pause_s = FIRST_PAUSE_S;
    client->url = strdup(url);
    client->token = token ? strdup(token) : NULL;
    client->transport = transport_new();
    if (!client->url || (token && !client->token) || !client->transport) {
        amf_client_free(client);
        return AMF_CLIENT_NO_MEMORY;
    }
    for (size_t end = strlen(client->url); client->url[end - 1] == '/'; end--)
        client->url[end - 1] = '\0';
    *ret_client = client;
    return AMF_CLIENT_OK;
}

void amf_client_free(struct amf_client *client)
{
    if (!client)
        return;
    transport_free(client->transport);
    free(client->url);
    free(client->token);
    free(client->ca_file);
    free(client);
}

enum amf_client_status amf_client_set_ca_file(struct amf_client *client, const char *path)
{
    char *copy = path ? strdup(path) : NULL;

    if (path && !copy)
        return AMF_CLIENT_NO_MEMORY;
    free(client->ca_file);
    client->ca_file = copy;
    return AMF_CLIENT_OK;
}

void amf_client_set_retries(struct amf_client *client, unsigned retries, double first_pause_s)
{
    client->retries = retries;
    client->first_pause_s = first_pause_s;
}

void amf_client_result_deinit(struct amf_client_result *result)
{
    free(result->body);
    proto_arena_deinit(&result->arena);
    *result = (struct amf_client_result)AMF_CLIENT_RESULT_NULL;
}

__attribute__((format(printf, 3, 4))) static enum amf_client_status
fail(struct amf_client_result *result, enum amf_client_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(result->error, sizeof(result->error), format, args);
    va_end(args);
    return status;
}

static enum amf_client_status no_memory(struct amf_client_result *result)
{
    return fail(result, AMF_CLIENT_NO_MEMORY, "out of memory");
}

static enum amf_client_status choose_key(const char *key, struct amf_client_result *result)
{
    unsigned char random[16];

    if (key) {
        if (!*key || strlen(key) >= sizeof(result->key) || !is_plain(key))
            return fail(result, AMF_CLIENT_BAD_ARGUMENT,
                        "an Idempotency-Key has 1 to %zu printable characters without spaces",
                        sizeof(result->key) - 1);
        memcpy(result->key, key, strlen(key) + 1);
        return AMF_CLIENT_OK;
    }
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return fail(result, AMF_CLIENT_NO_MEMORY, "no random bytes for an Idempotency-Key");
    proto_hex_write(random, sizeof(random), result->key);
    return AMF_CLIENT_OK;
}

/* Body of the call as bytes; *ret_text is what is to be freed. */
static enum amf_client_status encode_body(const struct call *call,
                                          struct transport_request *request,
                                          struct amf_client_result *result, char **ret_text)
{
    const struct proto_shape *shape;

    if (call->file_bytes) {
        request->file = call->file;
        request->file_bytes = call->file_bytes;
        request->content_type = call->content_type;
        return AMF_CLIENT_OK;
    }
    if (call->bytes) {
        request->body = call->bytes;
        request->body_length = call->length;
        request->content_type = call->content_type;
        return AMF_CLIENT_OK;
    }
    if (!call->request)
        return AMF_CLIENT_OK;
    shape = amf_client_shape_pick(call->request, call->fields, &result->arena);
    if (!shape)
        return no_memory(result);
    if (proto_encode(shape, call->object, ret_text, &request->body_length) < 0)
        return fail(result, AMF_CLIENT_BAD_ARGUMENT,
                    "the request cannot be written as JSON: a number is not finite, or no memory");
    request->body = (const unsigned char *)*ret_text;
    request->content_type = "application/json";
    return AMF_CLIENT_OK;
}

static bool may_repeat(const char *method, enum transport_status outcome, long http_status)
{
    if (outcome == TRANSPORT_NOT_SENT)
        return true;
    if (strcmp(method, "DELETE") == 0)
        return false;
    return outcome == TRANSPORT_BROKEN || (outcome == TRANSPORT_OK && http_status == 503);
}

static void pause_for(double pause_s)
{
    struct timespec left = {.tv_sec = (time_t)pause_s,
                            .tv_nsec = (long)((pause_s - floor(pause_s)) * 1e9)};

    while (nanosleep(&left, &left) != 0)
        continue;
}

/* The exchange with its repeats; the last outcome counts. */
static enum transport_status exchange(struct amf_client *client,
                                      const struct transport_request *request,
                                      struct transport_response *response,
                                      struct amf_client_result *result)
{
    double pause_s = client->first_pause_s;
    enum transport_status outcome;

    for (unsigned left = client->retries;; left--) {
        double wanted_s;

        result->attempts++;
        outcome = transport_perform(client->transport, request, response, result->error);
        if (left == 0 ||
            !may_repeat(request->method, outcome, outcome == TRANSPORT_OK ? response->status : 0))
            return outcome;
        wanted_s = pause_s;
        if (outcome == TRANSPORT_OK) {
            wanted_s = fmax(wanted_s, response->retry_after_s);
            free(response->body);
            response->body = NULL;
        }
        pause_for(fmin(wanted_s, MAX_PAUSE_S));
        pause_s *= 2;
    }
}

/* What a proxy or another program says instead of a problem. */
static enum amf_client_status foreign_problem(struct amf_client_result *result, const char *type)
{
    char code[32];

    snprintf(code, sizeof(code), "http_%ld", result->http_status);
    result->problem = (struct proto_problem){
        .status = result->http_status,
        .code = proto_arena_strdup(&result->arena, code),
        .title = "The answer is not from amfd",
        .detail = proto_arena_printf(&result->arena,
                                     "the answer was %s with status %ld, not a problem document",
                                     *type ? type : "without a type", result->http_status),
    };
    return result->problem.code && result->problem.detail ? AMF_CLIENT_REFUSED : no_memory(result);
}

static bool has_type(const char *content_type, const char *wanted)
{
    size_t length = strlen(wanted);

    return strncasecmp(content_type, wanted, length) == 0 &&
           (content_type[length] == '\0' || content_type[length] == ';' ||
            content_type[length] == ' ');
}

static enum amf_client_status read_problem(struct amf_client_result *result, const char *type)
{
    struct proto_problem problem = {0};
    struct proto_error error;

    if (!has_type(type, "application/problem+json") ||
        proto_decode(&proto_problem_shape, result->body, result->body_length, true, &result->arena,
                     &problem, &error) != PROTO_CODE_OK ||
        !problem.code)
        return foreign_problem(result, type);
    result->problem = problem;
    return AMF_CLIENT_REFUSED;
}

static enum amf_client_status read_answer(const struct call *call, const char *type,
                                          struct amf_client_result *result)
{
    const struct proto_shape *shape = call->response;
    struct proto_error error;
    void *object;

    if (call->accept && !has_type(type, call->accept))
        return fail(result, AMF_CLIENT_BAD_ANSWER, "the answer is %s, not %s",
                    *type ? type : "without a type", call->accept);
    if (!call->ret)
        return AMF_CLIENT_OK;
    object = proto_arena_alloc(&result->arena, 1, shape->size);
    if (!object)
        return no_memory(result);
    if (shape->set_defaults)
        shape->set_defaults(object);
    if (proto_decode(shape, result->body, result->body_length, true, &result->arena, object,
                     &error) != PROTO_CODE_OK)
        return fail(result, AMF_CLIENT_BAD_ANSWER, "the answer is no %s: %s%s%.150s", shape->name,
                    error.at, *error.at ? ": " : "", error.detail);
    memcpy(call->ret, object, shape->size);
    return AMF_CLIENT_OK;
}

static enum amf_client_status read_response(const struct call *call,
                                            struct transport_response *response,
                                            struct amf_client_result *result)
{
    result->error[0] = '\0';
    result->http_status = response->status;
    memcpy(result->digest, response->digest, sizeof(result->digest));
    result->body = response->body;
    result->body_length = response->body_length;
    if (response->status >= 400 && response->status < 600)
        return read_problem(result, response->content_type);
    if (response->status < 200 || response->status >= 300)
        return fail(result, AMF_CLIENT_BAD_ANSWER, "status %ld is not one amfd gives",
                    response->status);
    return read_answer(call, response->content_type, result);
}

static enum amf_client_status no_response(enum transport_status outcome,
                                          struct amf_client_result *result)
{
    switch (outcome) {
    case TRANSPORT_NO_MEMORY:
        return no_memory(result);
    case TRANSPORT_TOO_LARGE:
        return fail(result, AMF_CLIENT_BAD_ANSWER, "the answer is over %zu bytes",
                    TRANSPORT_ANSWER_MAX_BYTES);
    case TRANSPORT_STOPPED:
        return fail(result, AMF_CLIENT_STOPPED, "broken off on this side");
    default:
        return AMF_CLIENT_UNREACHABLE; /* transport has said why in result->error */
    }
}

enum amf_client_status client_call(struct amf_client *client, const struct call *call,
                                   struct amf_client_result *result)
{
    struct transport_request request = {
        .method = call->method,
        .token = call->public ? NULL : client->token,
        .accept = call->accept ? call->accept : "application/json, application/problem+json",
        .piece = call->piece,
        .piece_arg = call->piece_arg,
        .wait_s = call->wait_s + call->silence_s,
    };
    struct transport_response response = {0};
    enum amf_client_status status;
    enum transport_status outcome;
    char *url = NULL, *text = NULL;

    amf_client_result_deinit(result);
    status = client_url(client->url, call, &result->arena, &url);
    if (status != AMF_CLIENT_OK)
        return fail(result, status,
                    status == AMF_CLIENT_NO_MEMORY ? "out of memory"
                                                   : "a name or id is empty, \".\" or \"..\"");
    if (strcmp(call->method, "POST") == 0)
        status = choose_key(call->key, result);
    if (status == AMF_CLIENT_OK)
        status = encode_body(call, &request, result, &text);
    if (status != AMF_CLIENT_OK)
        return status;
    request.url = url;
    request.ca_file = client->ca_file;
    request.idempotency_key = result->key;
    outcome = exchange(client, &request, &response, result);
    free(text);
    return outcome == TRANSPORT_OK ? read_response(call, &response, result)
                                   : no_response(outcome, result);
}
