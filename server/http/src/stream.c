/* api_stream -> libmicrohttpd.
 *
 * The length is known before the first byte, so the answer has a Content-Length: a client that was
 * cut off sees it without knowing what is inside. What is given counts for the reaper piece by
 * piece, so that a client that stops reading is cut like one that stops sending.
 */
#include "stream.h"

#include <stdlib.h>
#include <sys/random.h>

#include "connections.h"
#include "limits.h"

struct http_stream {
    struct api_stream source;
    struct http_connection *connection;
    atomic_size_t *count;
};

/* Not all at once. */
unsigned http_retry_ms(void)
{
    uint16_t random = 0;

    if (getrandom(&random, sizeof(random), 0) < 0)
        random = 0;
    return HTTP_RETRY_MIN_MS + random % HTTP_RETRY_SPREAD_MS;
}

static void release(struct api_stream *source)
{
    if (source->release)
        source->release(source->arg);
    *source = (struct api_stream){0};
}

struct http_stream *http_stream_new(struct api_stream *source, struct http_connection *connection,
                                    atomic_size_t *count)
{
    struct http_stream *stream = source->read ? calloc(1, sizeof(*stream)) : NULL;

    if (!stream) {
        release(source);
        return NULL;
    }
    stream->source = *source;
    stream->connection = connection;
    stream->count = count;
    atomic_fetch_add(count, 1);
    *source = (struct api_stream){0};
    return stream;
}

uint64_t http_stream_bytes(const struct http_stream *stream)
{
    return stream->source.bytes == MHD_SIZE_UNKNOWN ? 0 : stream->source.bytes;
}

void http_stream_free(struct http_stream *stream)
{
    if (!stream)
        return;
    release(&stream->source);
    atomic_fetch_sub(stream->count, 1);
    free(stream);
}

static ssize_t on_read(void *arg, uint64_t position, char *buffer, size_t room)
{
    struct http_stream *stream = arg;
    size_t length = 0;

    (void)position;
    int status = stream->source.read(stream->source.arg, (unsigned char *)buffer, room, &length);
    if (status != 0)
        return status == HTTP_STREAM_END ? MHD_CONTENT_READER_END_OF_STREAM
                                         : MHD_CONTENT_READER_END_WITH_ERROR;
    http_connection_progress(stream->connection, length);
    return length > 0 ? (ssize_t)length : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void on_free(void *arg)
{
    http_stream_free(arg);
}

struct MHD_Response *http_stream_response(struct http_stream *stream)
{
    struct MHD_Response *response = MHD_create_response_from_callback(
        stream->source.bytes, HTTP_STREAM_PIECE_BYTES, on_read, stream, on_free);

    if (!response) {
        http_stream_free(stream);
        return NULL;
    }
    if (*stream->source.digest &&
        MHD_add_response_header(response, PROTO_DIGEST_HEADER, stream->source.digest) != MHD_YES) {
        MHD_destroy_response(response); /* which frees the stream */
        return NULL;
    }
    return response;
}
