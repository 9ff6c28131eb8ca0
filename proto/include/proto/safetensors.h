/* Reader and writer of safetensors, stricter than the format where that closes a door.
 *
 * Layout: 8 bytes little-endian header length N, N bytes JSON header, then the tensors' bytes
 * without gaps. Refused: N over 1 MiB or beyond the file; a header that does not begin with "{" or
 * is followed by anything but spaces; duplicate names; tensor names other than 1 to 128 of A-Z a-z
 * 0-9 . _ / - without ".."; anything in a tensor besides dtype, shape and data_offsets; types of
 * less than a byte; dimensions over 2^48; offsets that leave holes, overlap or do not end the file
 * exactly; shape x dtype unequal to the byte range; rank over 8; more than 1,024 tensors; metadata
 * over 128 KiB or not string to string.
 */
#ifndef PROTO_SAFETENSORS_H
#define PROTO_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <proto/arena.h>
#include <proto/error.h>
#include <proto/field.h>

#define PROTO_TENSOR_MAX_RANK 8
#define PROTO_TENSORS_MAX_COUNT 1024
#define PROTO_TENSORS_MAX_HEADER_BYTES (1024 * 1024)
/* Keys and values. A demonstration's own `metadata` may be 64 KiB, and stands beside other strings.
 */
#define PROTO_TENSORS_MAX_METADATA_BYTES (128 * 1024)

enum proto_dtype { PROTO_F16, PROTO_F32, PROTO_F64, PROTO_DTYPE_OTHER };

struct proto_tensor {
    const char *name;
    enum proto_dtype dtype;
    const char *dtype_name;
    size_t rank, shape[PROTO_TENSOR_MAX_RANK];
    size_t element_count;
    size_t begin, byte_count;   /* within the bytes behind the head */
    const unsigned char *bytes; /* borrowed from the input; may be unaligned; NULL: head only */
};

struct proto_metadata_entry {
    const char *key, *value;
};

struct proto_tensors {
    struct proto_tensor *items; /* in byte order; empty ones by name */
    size_t count;
    struct proto_metadata_entry *metadata;
    size_t metadata_count;
    size_t data_bytes; /* of all tensors */
};

/* Parses without copying tensor bytes: `bytes` must outlive *ret_tensors.
 * PROTO_CODE_OK or PROTO_CODE_MALFORMED_TENSORS (error->at is "header" or "tensor NAME"). */
__attribute__((warn_unused_result)) enum proto_code
proto_tensors_read(const unsigned char *bytes, size_t length, struct proto_arena *arena,
                   struct proto_tensors *ret_tensors, struct proto_error *ret_error);

/* For a file that comes in pieces. Its head is what stands before the tensors' bytes. `length` is
 * the whole file's, or SIZE_MAX while nobody knows; then no tensor can be told to lie outside it.
 */
#define PROTO_TENSORS_LENGTH_BYTES 8
/* How many bytes the head has, as its first PROTO_TENSORS_LENGTH_BYTES say. */
__attribute__((warn_unused_result)) enum proto_code
proto_tensors_head_length(const unsigned char *bytes, size_t length, size_t *ret_head_length,
                          struct proto_error *ret_error);
__attribute__((warn_unused_result)) enum proto_code
proto_tensors_read_head(const unsigned char *head, size_t head_length, size_t length,
                        struct proto_arena *arena, struct proto_tensors *ret_tensors,
                        struct proto_error *ret_error);

const struct proto_tensor *proto_tensors_find(const struct proto_tensors *tensors,
                                              const char *name);
const char *proto_tensors_metadata(const struct proto_tensors *tensors,
                                   const char *key); /* or NULL */

/* Numbers of a tensor of F16, F32 or F64 whose bytes are there, finite or not. */
void proto_tensor_elements(const struct proto_tensor *tensor, size_t first, size_t count,
                           double *ret_numbers);

/* A rank-2 tensor of F16, F32 or F64 as float64; refuses other ranks and types, and NaN and
 * infinities by element ("tensor states", detail names row and column). */
__attribute__((warn_unused_result)) enum proto_code
proto_tensor_matrix(const struct proto_tensor *tensor, struct proto_arena *arena,
                    struct proto_matrix *ret_matrix, struct proto_error *ret_error);

/* Writes F64 matrices and metadata; equal input gives equal bytes. *ret_bytes is malloc'ed. 0 or
 * -1. */
struct proto_named_matrix {
    const char *name;
    struct proto_matrix matrix;
};
__attribute__((warn_unused_result)) int
proto_tensors_write(const struct proto_named_matrix *matrices, size_t count,
                    const struct proto_metadata_entry *metadata, size_t metadata_count,
                    unsigned char **ret_bytes, size_t *ret_length);

/* The same file with its numbers, which end it, still to be filled in; data of matrices is not
 * read.
 */
__attribute__((warn_unused_result)) int
proto_tensors_begin(const struct proto_named_matrix *matrices, size_t count,
                    const struct proto_metadata_entry *metadata, size_t metadata_count,
                    unsigned char **ret_bytes, size_t *ret_length);

/* The first bytes of a safetensors file: plausible length, then '{'. For telling uploads apart. */
bool proto_tensors_sniff(const unsigned char *bytes, size_t length);

#endif
