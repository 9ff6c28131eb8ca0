/* The header rules that a request must keep before anything else looks at it.
 *
 * libmicrohttpd 0.9.75 reads some requests differently from the proxies in front of it, so that
 * bytes of one request are taken for a second one (request smuggling). What can be seen from the
 * headers is refused here, in the first callback: an answer queued there closes the connection, so
 * nothing can hide behind it. What the library hides (a NUL inside a value or a path) is pinned by
 * tests/api/http_raw.
 */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <proto/error.h>

#include "limits.h"

/* The headers this server reads. Strings are borrowed from the connection; NULL: not sent. */
struct http_headers {
    const char *host, *content_length, *transfer_encoding, *authorization;
    const char *content_type, *content_encoding, *expect, *idempotency_key, *last_event_id;
    char accept[HTTP_ACCEPT_MAX_BYTES]; /* all lines, joined by commas; "": not sent */
    size_t count;
    enum proto_code code; /* the first fault, with its sentence */
    const char *fault;
};

void http_headers_add(struct http_headers *headers, const char *name, size_t name_length,
                      const char *value, size_t value_length);

/* uri: as received, with query. Checks version, method, address, then what headers_add collected.
 */
__attribute__((warn_unused_result)) enum proto_code
http_guard_check(const struct http_headers *headers, const char *method, const char *version,
                 const char *uri, struct proto_error *ret_error);

/* Of headers that passed the guard: whether a body follows. */
bool http_headers_have_body(const struct http_headers *headers);
/* 0 when chunked or absent; UINT64_MAX when it does not fit. */
uint64_t http_headers_body_bytes(const struct http_headers *headers);

#endif
