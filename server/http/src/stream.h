/* An answer whose bytes are made while it is sent. */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include <stdatomic.h>
#include <stdint.h>

#include <microhttpd.h>

#include <api/api.h>

struct http_connection;
struct http_stream;

/* What a source's read answers at its end, where source.bytes is MHD_SIZE_UNKNOWN. */
#define HTTP_STREAM_END 1

#define HTTP_HEARTBEAT ":\n\n" /* of server-sent events: a comment */
unsigned http_retry_ms(void);  /* when a client whose stream has ended should come back */

/* Takes over *source, whatever the outcome, and empties it. *count is how many there are. NULL: out
 * of memory, or no source. */
struct http_stream *http_stream_new(struct api_stream *source, struct http_connection *connection,
                                    atomic_size_t *count);
uint64_t http_stream_bytes(const struct http_stream *stream);
/* Takes over the stream. NULL: out of memory. */
struct MHD_Response *http_stream_response(struct http_stream *stream);
void http_stream_free(struct http_stream *stream); /* NULL is fine */

#endif
