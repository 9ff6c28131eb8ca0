/* Header rules of the first callback; guard.h says what they are for.
 *
 * A folded header is glued to its *name* by libmicrohttpd 0.9.75 ("Content-Length:\r\n 31" arrives
 * as "Content-Length31"), hence the rule that no name may begin with one of ours and go on.
 */
#include "guard.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct known_header {
    const char *name;
    size_t offset;
};

#define KNOWN(name, member)                                                                        \
    {                                                                                              \
        name, offsetof(struct http_headers, member)                                                \
    }
static const struct known_header known_headers[] = {
    KNOWN("Host", host),
    KNOWN("Content-Length", content_length),
    KNOWN("Transfer-Encoding", transfer_encoding),
    KNOWN("Authorization", authorization),
    KNOWN("Content-Type", content_type),
    KNOWN("Content-Encoding", content_encoding),
    KNOWN("Expect", expect),
    KNOWN("Idempotency-Key", idempotency_key),
    KNOWN("Last-Event-ID", last_event_id),
};
#undef KNOWN

/* Methods of RFC 9110, PATCH and QUERY. A known one that no route has gets 405, any other 501. */
static const char *const known_methods[] = {"GET",    "HEAD",    "POST",    "PUT",   "PATCH",
                                            "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY"};

static void note_fault(struct http_headers *headers, enum proto_code code, const char *fault)
{
    if (headers->code != PROTO_CODE_OK)
        return;
    headers->code = code;
    headers->fault = fault;
}

static bool is_token(const char *text, size_t length)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return length > 0 && strlen(text) == length && strspn(text, allowed) == length;
}

static bool has_control(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static void add_accept(struct http_headers *headers, const char *value, size_t value_length)
{
    size_t used = strlen(headers->accept);

    if (used + 1 + value_length >= sizeof(headers->accept)) {
        note_fault(headers, PROTO_CODE_TOO_MANY_HEADERS, "The Accept header is too long.");
        return;
    }
    if (used > 0)
        headers->accept[used++] = ',';
    memcpy(headers->accept + used, value, value_length);
    headers->accept[used + value_length] = '\0';
}

static void add_known(struct http_headers *headers, const struct known_header *known,
                      size_t name_length, const char *value)
{
    const char **slot = (const char **)(void *)((char *)headers + known->offset);

    if (name_length != strlen(known->name))
        note_fault(headers, PROTO_CODE_MALFORMED_REQUEST,
                   "A header that decides how the request is read is folded or misspelt.");
    else if (*slot)
        note_fault(headers, PROTO_CODE_MALFORMED_REQUEST,
                   "A header that may stand once only is repeated.");
    else
        *slot = value;
}

void http_headers_add(struct http_headers *headers, const char *name, size_t name_length,
                      const char *value, size_t value_length)
{
    if (++headers->count > HTTP_HEADERS_MAX)
        note_fault(headers, PROTO_CODE_TOO_MANY_HEADERS, "The request has too many headers.");
    if (!is_token(name, name_length))
        note_fault(headers, PROTO_CODE_MALFORMED_REQUEST, "A header's name is not a token.");
    if (has_control(value, value_length))
        note_fault(headers, PROTO_CODE_MALFORMED_REQUEST,
                   "A header's value has a control character.");
    if (headers->code != PROTO_CODE_OK)
        return;
    if (strcasecmp(name, "Accept") == 0)
        add_accept(headers, value, value_length);
    for (size_t i = 0; i < sizeof(known_headers) / sizeof(*known_headers); i++)
        if (strncasecmp(name, known_headers[i].name, strlen(known_headers[i].name)) == 0)
            add_known(headers, &known_headers[i], name_length, value);
}

static bool is_known_method(const char *method)
{
    for (size_t i = 0; i < sizeof(known_methods) / sizeof(*known_methods); i++)
        if (strcmp(method, known_methods[i]) == 0)
            return true;
    return false;
}

/* RFC 3986: what an address may be written with. '#' never travels. */
static bool is_origin_form(const char *uri)
{
    static const char allowed[] = "-._~:/?@!$&'()*+,;=%[]0123456789"
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return uri[0] == '/' && uri[strspn(uri, allowed)] == '\0';
}

static bool is_host(const char *host)
{
    static const char name[] = "-._~!$&'()*+,;=%0123456789"
                               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t length = 0;

    if (host[0] == '[') {
        length = 1 + strspn(host + 1, "0123456789abcdefABCDEF:.");
        if (length < 3 || host[length] != ']')
            return false;
        length++;
    } else {
        length = strspn(host, name);
    }
    if (length == 0)
        return false;
    if (host[length] == ':')
        length += 1 + strspn(host + length + 1, "0123456789");
    return host[length] == '\0';
}

static enum proto_code check_request_line(const char *method, const char *version, const char *uri,
                                          struct proto_error *ret_error)
{
    if (strcmp(version, "HTTP/1.1") != 0)
        return proto_error_set(ret_error, PROTO_CODE_VERSION_UNSUPPORTED, "",
                               "Send the request as HTTP/1.1.");
    if (!is_known_method(method))
        return proto_error_set(ret_error, PROTO_CODE_METHOD_UNKNOWN, "",
                               "The method is none of HTTP's; methods are written in capitals.");
    if (strlen(uri) > HTTP_URI_MAX_BYTES)
        return proto_error_set(ret_error, PROTO_CODE_URI_TOO_LONG, "",
                               "The address has more than %d bytes.", HTTP_URI_MAX_BYTES);
    if (!is_origin_form(uri))
        return proto_error_set(ret_error, PROTO_CODE_MALFORMED_REQUEST, "",
                               "The address must begin with / and escape what a URI cannot hold.");
    return PROTO_CODE_OK;
}

static enum proto_code check_framing(const struct http_headers *headers,
                                     struct proto_error *ret_error)
{
    const char *length = headers->content_length, *coding = headers->transfer_encoding;

    if (length && coding)
        return proto_error_set(ret_error, PROTO_CODE_MALFORMED_REQUEST, "",
                               "Content-Length and Transfer-Encoding exclude each other.");
    if (coding && strcasecmp(coding, "chunked") != 0)
        return proto_error_set(ret_error, PROTO_CODE_MALFORMED_REQUEST, "",
                               "The only Transfer-Encoding understood here is chunked.");
    if (length && (length[0] == '\0' || length[strspn(length, "0123456789")] != '\0'))
        return proto_error_set(ret_error, PROTO_CODE_MALFORMED_REQUEST, "",
                               "Content-Length must be a number of bytes.");
    return PROTO_CODE_OK;
}

enum proto_code http_guard_check(const struct http_headers *headers, const char *method,
                                 const char *version, const char *uri,
                                 struct proto_error *ret_error)
{
    enum proto_code code = check_request_line(method, version, uri, ret_error);

    if (code != PROTO_CODE_OK)
        return code;
    if (headers->code != PROTO_CODE_OK)
        return proto_error_set(ret_error, headers->code, "", "%s", headers->fault);
    if (!headers->host || !is_host(headers->host))
        return proto_error_set(ret_error, PROTO_CODE_MALFORMED_REQUEST, "",
                               "The request needs one Host header: a name or address, and a port.");
    code = check_framing(headers, ret_error);
    if (code != PROTO_CODE_OK)
        return code;
    if (headers->expect && strcasecmp(headers->expect, "100-continue") != 0)
        return proto_error_set(ret_error, PROTO_CODE_EXPECTATION_FAILED, "",
                               "The only expectation understood here is 100-continue.");
    return PROTO_CODE_OK;
}

bool http_headers_have_body(const struct http_headers *headers)
{
    return headers->transfer_encoding || http_headers_body_bytes(headers) > 0;
}

uint64_t http_headers_body_bytes(const struct http_headers *headers)
{
    /* strtoull answers ULLONG_MAX beyond its range, which is past every cap as it should be. */
    return headers->content_length ? strtoull(headers->content_length, NULL, 10) : 0;
}
