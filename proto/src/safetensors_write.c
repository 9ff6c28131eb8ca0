/* safetensors, written: the header's text first, to know where the numbers begin, then the numbers.
 */
#include <stdlib.h>
#include <string.h>

#include <proto/safetensors.h>

#include "bytes.h"
#include "text.h"

#define LENGTH_BYTES 8

static void put_metadata(struct proto_text *text, const struct proto_metadata_entry *metadata,
                         size_t count)
{
    proto_text_puts(text, "\"__metadata__\":{");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            proto_text_puts(text, ",");
        proto_text_string(text, metadata[i].key);
        proto_text_puts(text, ":");
        proto_text_string(text, metadata[i].value);
    }
    proto_text_puts(text, "}");
}

static void put_tensor(struct proto_text *text, const struct proto_named_matrix *matrix,
                       size_t begin, size_t end)
{
    proto_text_string(text, matrix->name);
    proto_text_puts(text, ":{\"dtype\":\"F64\",\"shape\":[");
    proto_text_int(text, (int64_t)matrix->matrix.rows);
    proto_text_puts(text, ",");
    proto_text_int(text, (int64_t)matrix->matrix.cols);
    proto_text_puts(text, "],\"data_offsets\":[");
    proto_text_int(text, (int64_t)begin);
    proto_text_puts(text, ",");
    proto_text_int(text, (int64_t)end);
    proto_text_puts(text, "]}");
}

/* Bytes of a matrix on top of those before it; false when they cannot be counted. */
static bool add_bytes(const struct proto_matrix *matrix, size_t *total)
{
    size_t bytes;
    return !__builtin_mul_overflow(matrix->rows, matrix->cols, &bytes) &&
           !__builtin_mul_overflow(bytes, sizeof(double), &bytes) &&
           !__builtin_add_overflow(*total, bytes, total);
}

static void put_header(struct proto_text *text, const struct proto_named_matrix *matrices,
                       size_t count, const struct proto_metadata_entry *metadata,
                       size_t metadata_count, size_t *ret_data_bytes)
{
    const char *separator = "{";
    *ret_data_bytes = 0;
    if (metadata_count > 0) {
        proto_text_puts(text, separator);
        put_metadata(text, metadata, metadata_count);
        separator = ",";
    }
    for (size_t i = 0; i < count; i++) {
        size_t begin = *ret_data_bytes;
        if (!add_bytes(&matrices[i].matrix, ret_data_bytes))
            text->failed = true;
        proto_text_puts(text, separator);
        put_tensor(text, &matrices[i], begin, *ret_data_bytes);
        separator = ",";
    }
    proto_text_puts(text, *separator == '{' ? "{}" : "}");
    while (!text->failed && text->length % sizeof(double) != 0)
        proto_text_puts(text, " ");
}

static unsigned char *put_matrix(unsigned char *at, const struct proto_matrix *matrix)
{
    for (size_t i = 0; i < matrix->rows * matrix->cols; i++, at += sizeof(double))
        proto_bytes_put_f64(at, matrix->data[i]);
    return at;
}

/* The file with its numbers missing; *ret_head_length is where they begin. */
static int begin_file(const struct proto_named_matrix *matrices, size_t count,
                      const struct proto_metadata_entry *metadata, size_t metadata_count,
                      unsigned char **ret_bytes, size_t *ret_head_length, size_t *ret_length)
{
    __attribute__((cleanup(proto_text_deinit))) struct proto_text header = PROTO_TEXT_NULL;
    size_t data_bytes, length;
    put_header(&header, matrices, count, metadata, metadata_count, &data_bytes);
    if (header.failed || __builtin_add_overflow(LENGTH_BYTES + header.length, data_bytes, &length))
        return -1;
    unsigned char *bytes = malloc(length);
    if (!bytes)
        return -1;
    proto_bytes_put_u64(bytes, header.length);
    memcpy(bytes + LENGTH_BYTES, header.data, header.length);
    *ret_bytes = bytes;
    *ret_head_length = LENGTH_BYTES + header.length;
    *ret_length = length;
    return 0;
}

int proto_tensors_begin(const struct proto_named_matrix *matrices, size_t count,
                        const struct proto_metadata_entry *metadata, size_t metadata_count,
                        unsigned char **ret_bytes, size_t *ret_length)
{
    size_t head_length;
    return begin_file(matrices, count, metadata, metadata_count, ret_bytes, &head_length,
                      ret_length);
}

int proto_tensors_write(const struct proto_named_matrix *matrices, size_t count,
                        const struct proto_metadata_entry *metadata, size_t metadata_count,
                        unsigned char **ret_bytes, size_t *ret_length)
{
    unsigned char *bytes;
    size_t head_length, length;
    if (begin_file(matrices, count, metadata, metadata_count, &bytes, &head_length, &length) < 0)
        return -1;
    unsigned char *at = bytes + head_length;
    for (size_t i = 0; i < count; i++)
        at = put_matrix(at, &matrices[i].matrix);
    *ret_bytes = bytes;
    *ret_length = length;
    return 0;
}
