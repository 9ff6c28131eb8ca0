/* A body that goes to a file instead of memory. */
#ifndef HTTP_SPOOL_H
#define HTTP_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include <proto/error.h>

struct http_server;

struct http_spool {
    struct http_server *server; /* NULL: not open */
    int fd;
    uint64_t expected; /* in all; 0: not known */
    uint64_t bytes;
};

/* expected: the body's length where it was said, else 0. PROTO_CODE_OK; DISK_FULL when it would not
 * fit; OVERLOADED when there are enough of them. */
__attribute__((warn_unused_result)) enum proto_code http_spool_open(struct http_spool *spool,
                                                                    struct http_server *server,
                                                                    uint64_t expected,
                                                                    struct proto_error *ret_error);
__attribute__((warn_unused_result)) enum proto_code http_spool_add(struct http_spool *spool,
                                                                   const void *bytes, size_t length,
                                                                   struct proto_error *ret_error);
void http_spool_close(struct http_spool *spool); /* one that is not open is fine */

#endif
