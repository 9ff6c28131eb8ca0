/* One HTTP exchange. transport.c is the only file that sees curl; tests put another one in its
 * place. */
#ifndef AMF_CLIENT_TRANSPORT_H
#define AMF_CLIENT_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

struct transport;

/* Pieces of what is too large for memory, as they come or go: `done` of `total` bytes with this one
 * (total 0: not known). Nonzero ends the exchange. */
typedef int (*transport_piece_fn)(void *arg, const void *bytes, size_t length, uint64_t done,
                                  uint64_t total);

struct transport_request {
    const char *method, *url;
    const char *token;                 /* NULL: no Authorization */
    const char *ca_file;               /* whom to trust; NULL: whom the machine trusts */
    const char *content_type, *accept; /* content_type NULL: no body */
    const char *idempotency_key;       /* "" or NULL: none */
    const unsigned char *body;
    size_t body_length;
    int file; /* the body is this file, from its start, of file_bytes; when they are not 0 */
    uint64_t file_bytes;
    transport_piece_fn piece; /* of the file as it is sent; without one, of a 2xx answer, which is
                                 then not kept. NULL: nobody wants to know */
    void *piece_arg;
    double wait_s; /* how long the server may legitimately be silent, beyond the usual */
};

struct transport_response {
    long status;
    char *body; /* malloc'ed, NUL after the end */
    size_t body_length;
    char content_type[64]; /* "" when the answer named none */
    char digest[64];       /* its Repr-Digest, "" without one, or with a longer one than we know */
    double retry_after_s;  /* 0: not said */
};

enum transport_status {
    TRANSPORT_OK = 0,        /* a whole answer came, whatever its status */
    TRANSPORT_NOT_SENT = 1,  /* no connection came about */
    TRANSPORT_BROKEN = 2,    /* the connection broke: the request may have taken effect */
    TRANSPORT_TIMED_OUT = 3, /* likewise */
    TRANSPORT_CUT = 4,       /* the answer broke off after pieces of it had been given */
    TRANSPORT_STOPPED = 5,   /* `piece` wanted no more, or the file cannot be read */
    TRANSPORT_NO_MEMORY = -1,
    TRANSPORT_TOO_LARGE = -2, /* the answer is over TRANSPORT_ANSWER_MAX_BYTES */
    TRANSPORT_FAILED = -3     /* an address that cannot be used, TLS that cannot be trusted, ... */
};

/* A demonstration as JSON is the largest answer there is; this is far beyond what the server takes
 * in. */
#define TRANSPORT_ANSWER_MAX_BYTES ((size_t)1 << 30)

/* NULL: out of memory. */
struct transport *transport_new(void);
void transport_free(struct transport *transport);

/* *ret_response is filled on TRANSPORT_OK only; ret_error is a sentence otherwise. */
__attribute__((warn_unused_result)) enum transport_status
transport_perform(struct transport *transport, const struct transport_request *request,
                  struct transport_response *ret_response, char ret_error[256]);

#endif
