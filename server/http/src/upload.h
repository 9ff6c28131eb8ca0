/* A file of tensors as the body of a request: a demonstration's is decoded while it comes, any
 * other is kept as it is, and its head read.
 *
 * What its head shows to be wrong is answered at once, while the client may have 64 MiB to go. With
 * an Idempotency-Key that is known the body is read to its end all the same: only the whole tells
 * whether it is the request that was answered before.
 */
#ifndef HTTP_UPLOAD_H
#define HTTP_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include <proto/error.h>

struct http_request;
struct proto_demonstration;
struct proto_intake;
struct proto_tensor_file;

#define HTTP_UPLOAD_START_BYTES 9 /* proto_tensors_sniff wants no more */

struct http_upload {
    struct proto_intake *intake;    /* of a demonstration, or NULL */
    struct proto_tensor_file *file; /* of any other tensors, or NULL */
    unsigned char start[HTTP_UPLOAD_START_BYTES];
    size_t start_bytes;
    bool head_checked;
    enum proto_code refused; /* what is wrong, where the answer has to wait for the end */
};

/* Headers are in. */
__attribute__((warn_unused_result)) enum proto_code http_upload_begin(struct http_request *request);
/* The next piece. Not OK: answer now. */
__attribute__((warn_unused_result)) enum proto_code
http_upload_add(struct http_request *request, const char *bytes, size_t length);
/* The body is whole. The demonstration, or ctx.file, borrows from the request. */
__attribute__((warn_unused_result)) enum proto_code
http_upload_end_file(struct http_request *request);
__attribute__((warn_unused_result)) enum proto_code
http_upload_end(struct http_request *request, struct proto_demonstration *ret_demonstration);
static inline bool http_upload_begun(const struct http_upload *upload)
{
    return upload->intake || upload->file;
}
void http_upload_deinit(struct http_upload *upload);

#endif
