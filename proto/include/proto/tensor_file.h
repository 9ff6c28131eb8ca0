/* A safetensors file that arrives in pieces and is kept as it is, byte for byte.
 *
 * Its head is read, and can be looked at, as soon as it is in; its numbers are for others to look
 * at. For what is stored in the type it came in (features, weights); a demonstration goes through
 * intake.h, which makes one form of all.
 */
#ifndef PROTO_TENSOR_FILE_H
#define PROTO_TENSOR_FILE_H

#include <proto/arena.h>
#include <proto/error.h>
#include <proto/safetensors.h>

struct proto_tensor_file;

/* length: of the file that is to come, SIZE_MAX: not known. NULL: no memory. */
struct proto_tensor_file *proto_tensor_file_new(size_t length, size_t max_bytes,
                                                struct proto_arena *arena);
void proto_tensor_file_free(struct proto_tensor_file *file); /* NULL is fine */

/* The next piece, of any size. As proto_tensors_read; body_too_large for a file of more than
 * max_bytes. After a refusal nothing may be added. */
__attribute__((warn_unused_result)) enum proto_code
proto_tensor_file_add(struct proto_tensor_file *file, const unsigned char *bytes, size_t length,
                      struct proto_error *ret_error);
/* Names, types and shapes, as soon as the head is in; NULL before. Tensors have no bytes yet. */
const struct proto_tensors *proto_tensor_file_head(const struct proto_tensor_file *file);
/* Memory in use so far. */
size_t proto_tensor_file_bytes(const struct proto_tensor_file *file);
/* After the last piece. The bytes are the file's, and live as long. */
__attribute__((warn_unused_result)) enum proto_code
proto_tensor_file_finish(const struct proto_tensor_file *file, const unsigned char **ret_bytes,
                         size_t *ret_length, struct proto_error *ret_error);

#endif
