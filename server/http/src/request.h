/* One request from its first byte to its last: what was learnt about it, its body, its answer. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <microhttpd.h>

#include "accept.h"
#include "auth.h"
#include "guard.h"
#include "idempotency.h"
#include "media.h"
#include "reply.h"
#include "route.h"
#include "server.h"
#include "spool.h"
#include "upload.h"

struct http_request {
    struct http_server *server;
    struct http_connection *connection;
    struct proto_arena arena;
    int64_t started_us; /* monotonic */
    char id[HTTP_REQUEST_ID_BYTES];

    /* as received */
    char *uri;          /* with query; cut one byte beyond the cap */
    const char *method; /* NULL until the headers are in */
    const char *path, *query_text;
    struct http_headers headers;

    /* as understood, before the body */
    bool begun;
    struct http_match match;
    enum http_form form;
    enum http_media media;
    struct http_key key; /* key.text NULL: none */
    const char *bearer;  /* the token that was sent; NULL: none */
    unsigned retry_after_s;
    struct api_ctx ctx;
    bool waits; /* after dispatch: it has not been answered, or not for the last time */

    unsigned char *body; /* NULL for an upload, which is decoded as it comes */
    size_t body_bytes, body_capacity, body_cap;
    struct http_upload upload;
    struct http_holding holding; /* of server->budget */
    size_t drained_bytes;
    struct http_spool spool; /* takes the body where it is an archive */

    struct http_reply reply;
    int sent_status; /* 0: nothing sent */
    bool sent_early; /* while the body was still coming; the connection ends with it */
    size_t sent_bytes;
};

/* NULL: out of memory. */
struct http_request *http_request_new(struct http_server *server,
                                      struct http_connection *connection, const char *uri);
void http_request_free(struct http_request *request);

/* Headers are in: everything that can be decided without the body. A refusal is left in the reply.
 * True: answer in this callback, without reading on, which ends the connection. */
bool http_request_begin(struct http_request *request, struct MHD_Connection *connection,
                        const char *method, const char *version);

/* False: cut the connection without an answer. */
bool http_request_add_body(struct http_request *request, const char *bytes, size_t length);

/* Counts what the body takes, out of what all bodies together may take. False: too much. */
bool http_request_reserve(struct http_request *request, size_t bytes);
/* The body is not needed any more: its memory, its room and its file are free for others. */
void http_request_release_body(struct http_request *request);

/* Whether the token that was sent opens the route, by what is known of it now. */
__attribute__((warn_unused_result)) enum proto_code
http_request_admit(struct http_request *request);

/* Turns ctx.error into the reply. */
void http_request_refuse(struct http_request *request);

#endif
