/* An answer: status, type and bytes. Made by dispatch, kept for Idempotency-Key, sent once. */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include <microhttpd.h>

#include <api/api.h>

#include "auth.h"

struct http_stream;

#define HTTP_REQUEST_ID_BYTES 33 /* 128 random bits in hex, and NUL */

struct http_reply {
    int status;               /* 0: not made yet */
    const char *content_type; /* borrowed; NULL: no body */
    char *body;               /* malloc'ed */
    size_t body_bytes;
    struct http_stream *stream;           /* in place of a body; NULL: none */
    const char *allow;                    /* borrowed; of a 405 */
    char challenge[HTTP_CHALLENGE_BYTES]; /* WWW-Authenticate; "": none */
    unsigned retry_after_s;               /* 0: as the status says */
};

void http_reply_deinit(struct http_reply *reply);

/* Each replaces what the reply held. */

void http_reply_problem(struct http_reply *reply, const struct proto_error *error,
                        const char *request_id);
/* The form `other` needs route->encode_other. 0, or -1: the answer cannot be encoded. */
__attribute__((warn_unused_result)) int http_reply_success(struct http_reply *reply,
                                                           const struct api_route *route,
                                                           bool other, enum api_flavour flavour,
                                                           const void *response);
/* Takes over the stream; NULL gives -1. */
__attribute__((warn_unused_result)) int
http_reply_stream(struct http_reply *reply, const char *content_type, struct http_stream *stream);

/* Hands the body over to the library. close: the last answer of this connection. */
__attribute__((warn_unused_result)) enum MHD_Result
http_reply_send(struct http_reply *reply, struct MHD_Connection *connection, const char *request_id,
                bool close);

/* Head and body of an answer as they travel, with Connection: close. *ret_bytes is malloc'ed. 0 or
 * -1. */
__attribute__((warn_unused_result)) int http_reply_format(const struct http_reply *reply,
                                                          const char *request_id, char **ret_bytes,
                                                          size_t *ret_length);

/* The same of an answer without end: its head, how long a client should wait before it asks for it
 * anew, and the first piece, which may be missing. */
__attribute__((warn_unused_result)) int
http_reply_format_stream(const struct http_reply *reply, const char *request_id, unsigned retry_ms,
                         char **ret_bytes, size_t *ret_length);

/* Sends a refusal while the request's body is still coming, past the library, which has no way to.
 * The connection has to end with it. False: nothing was sent. */
bool http_reply_send_early(const struct http_reply *reply, struct MHD_Connection *connection,
                           const char *request_id);

#endif
