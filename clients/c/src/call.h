/* A request as data: what every endpoint function fills in, and the one function that does it. */
#ifndef AMF_CLIENT_CALL_H
#define AMF_CLIENT_CALL_H

#include <amf_client/client.h>

struct call {
    const char *method;
    const char *path; /* each {} is replaced by the next segment, percent-encoded */
    const char *segments[3];
    const struct amf_client_page *page; /* query; may be NULL */
    int64_t after;                      /* query, when > 0 */
    double wait_s;                      /* likewise */
    /* body: a struct by its shape, or bytes of a type, or none */
    const struct proto_shape *request;
    const void *object;
    const struct proto_strings *fields; /* of request; NULL: all a client may write */
    const unsigned char *bytes;
    size_t length;
    const char *content_type;
    int file; /* or a file of file_bytes, when they are not 0 */
    uint64_t file_bytes;
    amf_client_piece_fn piece; /* of the file, or of the answer; NULL: nobody wants to know */
    void *piece_arg;
    double silence_s; /* how long the server may be silent beyond the usual */
    /* answer */
    const char *accept; /* NULL: JSON */
    const struct proto_shape *response;
    void *ret;       /* NULL: the bytes are enough */
    bool public;     /* send no token */
    const char *key; /* POST: Idempotency-Key, NULL: random */
};

enum amf_client_status client_call(struct amf_client *client, const struct call *call,
                                   struct amf_client_result *result);

/* Path and query of a call behind `base`, in the arena. AMF_CLIENT_BAD_ARGUMENT: a segment that
 * cannot be one. */
enum amf_client_status client_url(const char *base, const struct call *call,
                                  struct proto_arena *arena, char **ret_url);

#endif
