/* HTTP through libcurl.
 *
 * One easy handle per client, reset before each exchange, so that the connection is kept between
 * calls and no option of one exchange leaks into the next. curl_easy_init() does the library's
 * global set-up itself, guarded by a lock since libcurl 7.84.
 *
 * There is no limit on the whole exchange, because a large upload over a slow line is no fault;
 * what is limited is silence: fewer than one byte a second for SILENCE_S.
 */
#define _GNU_SOURCE /* asprintf */
#include "transport.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include <proto/digest.h>

#define CONNECT_TIMEOUT_MS 5000L
#define SILENCE_S 60.0 /* a commit on a busy disk takes seconds, not minutes */

struct transport {
    CURL *curl;
};

struct answer {
    CURL *curl;
    const struct transport_request *request;
    char *bytes;
    size_t length, capacity;
    uint64_t sent, given; /* of the file; to `piece` */
    bool too_large, stopped;
};

struct transport *transport_new(void)
{
    struct transport *transport = calloc(1, sizeof(*transport));

    if (!transport)
        return NULL;
    transport->curl = curl_easy_init();
    if (!transport->curl) {
        free(transport);
        return NULL;
    }
    return transport;
}

void transport_free(struct transport *transport)
{
    if (!transport)
        return;
    curl_easy_cleanup(transport->curl);
    free(transport);
}

/* Room for `more` bytes and the NUL behind them, growing by halves again. */
static bool answer_reserve(struct answer *answer, size_t more)
{
    size_t wanted = answer->length + more + 1;
    size_t capacity = answer->capacity + answer->capacity / 2 + 1024;
    char *bytes;

    if (wanted <= answer->capacity)
        return true;
    if (capacity < wanted)
        capacity = wanted;
    bytes = realloc(answer->bytes, capacity);
    if (!bytes)
        return false;
    answer->bytes = bytes;
    answer->capacity = capacity;
    return true;
}

static bool is_given(const struct answer *answer)
{
    long status = 0;

    curl_easy_getinfo(answer->curl, CURLINFO_RESPONSE_CODE, &status);
    return answer->request->piece && !answer->request->file_bytes && status >= 200 && status < 300;
}

static size_t give(struct answer *answer, const char *bytes, size_t length)
{
    const struct transport_request *request = answer->request;
    curl_off_t total = 0;

    curl_easy_getinfo(answer->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &total);
    answer->given += length;
    answer->stopped = request->piece(request->piece_arg, bytes, length, answer->given,
                                     total > 0 ? (uint64_t)total : 0) != 0;
    return answer->stopped ? 0 : length;
}

/* Of the file that is the body. */
static size_t on_read(char *buffer, size_t size, size_t count, void *arg)
{
    struct answer *answer = arg;
    const struct transport_request *request = answer->request;
    uint64_t left = request->file_bytes - answer->sent;
    size_t room = size * count < left ? size * count : (size_t)left;
    ssize_t got = room ? pread(request->file, buffer, room, (off_t)answer->sent) : 0;

    answer->stopped = got < 0 || (got == 0 && left > 0);
    if (got > 0)
        answer->sent += (uint64_t)got;
    if (!answer->stopped && got > 0 && request->piece)
        answer->stopped = request->piece(request->piece_arg, buffer, (size_t)got, answer->sent,
                                         request->file_bytes) != 0;
    return answer->stopped ? CURL_READFUNC_ABORT : (size_t)got;
}

/* curl starts the body anew when a kept connection turns out to be closed. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct answer *answer = arg;

    if (origin != SEEK_SET || offset < 0)
        return CURL_SEEKFUNC_FAIL;
    answer->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct answer *answer = arg;
    size_t length = size * count; /* curl: size is 1, count is at most CURL_MAX_WRITE_SIZE */

    if (is_given(answer))
        return give(answer, bytes, length);
    if (length > TRANSPORT_ANSWER_MAX_BYTES - answer->length) {
        answer->too_large = true;
        return 0;
    }
    if (!answer_reserve(answer, length))
        return 0;
    memcpy(answer->bytes + answer->length, bytes, length);
    answer->length += length;
    return length;
}

static bool add_header(struct curl_slist **headers, const char *name, const char *value)
{
    struct curl_slist *longer;
    char *line = NULL;

    if (asprintf(&line, "%s: %s", name, value) < 0)
        return false;
    longer = curl_slist_append(*headers, line);
    free(line);
    if (!longer)
        return false;
    *headers = longer;
    return true;
}

static bool add_headers(const struct transport_request *request, struct curl_slist **headers)
{
    char *bearer = NULL;
    bool ok = add_header(headers, "Accept", request->accept ? request->accept : "*/*");

    if (request->token) {
        if (asprintf(&bearer, "Bearer %s", request->token) < 0)
            return false;
        ok = ok && add_header(headers, "Authorization", bearer);
        free(bearer);
    }
    if (request->content_type)
        ok = ok && add_header(headers, "Content-Type", request->content_type);
    if (request->idempotency_key && *request->idempotency_key)
        ok = ok && add_header(headers, "Idempotency-Key", request->idempotency_key);
    return ok;
}

/* A proxy between a person and a daemon on the same machine can only be a mistake. */
static bool is_loopback(const char *url)
{
    CURLU *parts = curl_url();
    char *host = NULL;
    bool loopback = false;

    if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK)
        loopback = strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
                   strncmp(host, "127.", 4) == 0;
    curl_free(host);
    curl_url_cleanup(parts);
    return loopback;
}

static bool set_file(CURL *curl, const struct transport_request *request, struct answer *answer)
{
    return curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->file_bytes) ==
               CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_READDATA, answer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SEEKDATA, answer) == CURLE_OK;
}

static bool set_body(CURL *curl, const struct transport_request *request, struct answer *answer)
{
    bool post = strcmp(request->method, "POST") == 0;

    if (request->file_bytes)
        return set_file(curl, request, answer);
    if (!request->content_type && !post)
        return true;
    /* The size comes first: without it curl takes the body for a C string. */
    return curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length) ==
               CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                            request->body ? (const char *)request->body : "") == CURLE_OK;
}

static bool set_options(CURL *curl, const struct transport_request *request,
                        struct curl_slist *headers, struct answer *answer, char *error)
{
    double silence_s = SILENCE_S + (request->wait_s > 0 ? request->wait_s : 0);

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)silence_s);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    /* On a kept connection that the server has closed meanwhile, curl repeats a request by itself.
     * Where a repeat would do harm, the connection has to be a new one. */
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, strcmp(request->method, "DELETE") == 0 ? 1L : 0L);
    if (request->ca_file && curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file) != CURLE_OK)
        return false;
    if (is_loopback(request->url))
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_URL, request->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           set_body(curl, request, answer) &&
           curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
}

static enum transport_status translate(CURLcode code, const struct answer *answer)
{
    if (answer->stopped)
        return TRANSPORT_STOPPED;
    if (code != CURLE_OK && answer->given > 0)
        return TRANSPORT_CUT;
    switch (code) {
    case CURLE_OK:
        return TRANSPORT_OK;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return TRANSPORT_NOT_SENT;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        return TRANSPORT_BROKEN;
    case CURLE_OPERATION_TIMEDOUT:
        return TRANSPORT_TIMED_OUT;
    case CURLE_OUT_OF_MEMORY:
        return TRANSPORT_NO_MEMORY;
    case CURLE_WRITE_ERROR:
        return answer->too_large ? TRANSPORT_TOO_LARGE : TRANSPORT_NO_MEMORY;
    default:
        return TRANSPORT_FAILED;
    }
}

static void describe(CURL *curl, struct answer *answer, struct transport_response *ret_response)
{
    const char *type = NULL;
    struct curl_header *digest = NULL;
    curl_off_t retry_after_s = 0;

    *ret_response = (struct transport_response){0};
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret_response->status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after_s);
    snprintf(ret_response->content_type, sizeof(ret_response->content_type), "%s",
             type ? type : "");
    if (curl_easy_header(curl, PROTO_DIGEST_HEADER, 0, CURLH_HEADER, -1, &digest) == CURLHE_OK &&
        strlen(digest->value) < sizeof(ret_response->digest))
        memcpy(ret_response->digest, digest->value, strlen(digest->value) + 1);
    ret_response->retry_after_s = (double)retry_after_s;
    answer->bytes[answer->length] = '\0';
    ret_response->body = answer->bytes;
    ret_response->body_length = answer->length;
    answer->bytes = NULL;
}

enum transport_status transport_perform(struct transport *transport,
                                        const struct transport_request *request,
                                        struct transport_response *ret_response,
                                        char ret_error[256])
{
    struct curl_slist *headers = NULL;
    struct answer answer = {.curl = transport->curl, .request = request};
    char reason[CURL_ERROR_SIZE] = "";
    enum transport_status status = TRANSPORT_NO_MEMORY;
    CURLcode code;

    if (answer_reserve(&answer, 0) && add_headers(request, &headers) &&
        set_options(transport->curl, request, headers, &answer, reason)) {
        code = curl_easy_perform(transport->curl);
        status = translate(code, &answer);
        snprintf(ret_error, 256, "%s", *reason ? reason : curl_easy_strerror(code));
    } else {
        snprintf(ret_error, 256, "Out of memory");
    }
    if (status == TRANSPORT_OK)
        describe(transport->curl, &answer, ret_response);
    /* The handle outlives this frame; what it points to does not. */
    curl_easy_reset(transport->curl);
    curl_slist_free_all(headers);
    free(answer.bytes);
    return status;
}
