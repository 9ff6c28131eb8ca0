/* safetensors, the header: bytes to a checked list of tensors, without a copy of their bytes.
 *
 * Nothing from the file is used in arithmetic before its range is known, and nothing is allocated
 * in proportion to a number in the file, only to bytes that are there. The layout rule (tensors
 * sorted by their beginnings touch each other, from the first byte to the last) makes every byte
 * belong to one tensor exactly: no overlap, no hole, no tail in which another file could hide.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proto/safetensors.h>

#include "bytes.h"
#include "json.h"

#define LENGTH_BYTES PROTO_TENSORS_LENGTH_BYTES
#define NAME_MAX_BYTES 128
#define MAX_DIMENSION ((json_int_t)1 << 48)

struct reader {
    size_t data_bytes; /* behind the head; SIZE_MAX: not known */
    struct proto_arena *arena;
    struct proto_error *error;
};

static const struct {
    const char *name;
    enum proto_dtype dtype;
    size_t bytes;
} dtypes[] = {
    {"F64", PROTO_F64, 8},          {"F32", PROTO_F32, 4},         {"F16", PROTO_F16, 2},
    {"BF16", PROTO_DTYPE_OTHER, 2}, {"I64", PROTO_DTYPE_OTHER, 8}, {"I32", PROTO_DTYPE_OTHER, 4},
    {"I16", PROTO_DTYPE_OTHER, 2},  {"I8", PROTO_DTYPE_OTHER, 1},  {"U64", PROTO_DTYPE_OTHER, 8},
    {"U32", PROTO_DTYPE_OTHER, 4},  {"U16", PROTO_DTYPE_OTHER, 2}, {"U8", PROTO_DTYPE_OTHER, 1},
    {"BOOL", PROTO_DTYPE_OTHER, 1},
};

__attribute__((format(printf, 3, 4))) static enum proto_code
refuse(const struct reader *reader, const char *at, const char *format, ...)
{
    char detail[512];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    return proto_error_set(reader->error, PROTO_CODE_MALFORMED_TENSORS, at, "%s", detail);
}

/* "tensor NAME"; names were checked to be short before. */
struct place {
    char text[NAME_MAX_BYTES + 16];
};

static struct place tensor_place(const char *name)
{
    struct place place = {"tensor "};
    strncat(place.text, name, NAME_MAX_BYTES);
    return place;
}

static bool name_valid(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-";
    size_t length = strlen(name);
    return length > 0 && length <= NAME_MAX_BYTES && strspn(name, allowed) == length &&
           !strstr(name, "..");
}

static enum proto_code read_dtype(const struct reader *reader, const json_t *value,
                                  struct proto_tensor *tensor, size_t *ret_element_bytes)
{
    const char *name = json_string_value(value);
    for (size_t i = 0; name && i < sizeof(dtypes) / sizeof(dtypes[0]); i++) {
        if (strcmp(dtypes[i].name, name) != 0)
            continue;
        tensor->dtype = dtypes[i].dtype;
        tensor->dtype_name = dtypes[i].name;
        *ret_element_bytes = dtypes[i].bytes;
        return PROTO_CODE_OK;
    }
    return refuse(reader, tensor_place(tensor->name).text,
                  "dtype is %.32s; expected F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, "
                  "U8 or BOOL",
                  name ? name : "not a string");
}

static enum proto_code read_shape(const struct reader *reader, const json_t *value,
                                  struct proto_tensor *tensor)
{
    tensor->rank = json_array_size(value);
    tensor->element_count = 1;
    if (!json_is_array(value) || tensor->rank > PROTO_TENSOR_MAX_RANK)
        return refuse(reader, tensor_place(tensor->name).text,
                      "shape is not usable; expected a list of at most %d dimensions",
                      PROTO_TENSOR_MAX_RANK);
    for (size_t i = 0; i < tensor->rank; i++) {
        const json_t *item = json_array_get(value, i);
        json_int_t dimension = json_integer_value(item);
        if (!json_is_integer(item) || dimension < 0 || dimension > MAX_DIMENSION)
            return refuse(reader, tensor_place(tensor->name).text,
                          "dimension %zu is not usable; expected an integer from 0 to 2^48", i);
        tensor->shape[i] = (size_t)dimension;
        if (__builtin_mul_overflow(tensor->element_count, tensor->shape[i], &tensor->element_count))
            return refuse(reader, tensor_place(tensor->name).text,
                          "the shape has more elements than can be counted");
    }
    return PROTO_CODE_OK;
}

static enum proto_code read_offsets(const struct reader *reader, const json_t *value,
                                    size_t element_bytes, struct proto_tensor *tensor)
{
    struct place place = tensor_place(tensor->name);
    const json_t *first = json_array_get(value, 0), *last = json_array_get(value, 1);
    if (json_array_size(value) != 2 || !json_is_integer(first) || !json_is_integer(last))
        return refuse(reader, place.text, "data_offsets is not usable; expected two integers");
    json_int_t begin = json_integer_value(first), end = json_integer_value(last);
    if (begin < 0 || end < begin || (uint64_t)end > reader->data_bytes)
        return refuse(
            reader, place.text,
            "data_offsets are %lld and %lld; expected a range within the %zu bytes behind "
            "the header",
            (long long)begin, (long long)end, reader->data_bytes);
    size_t wanted;
    tensor->byte_count = (size_t)(end - begin);
    tensor->begin = (size_t)begin;
    if (__builtin_mul_overflow(tensor->element_count, element_bytes, &wanted) ||
        wanted != tensor->byte_count)
        return refuse(reader, place.text,
                      "data_offsets span %zu bytes; expected %zu elements of %zu bytes",
                      tensor->byte_count, tensor->element_count, element_bytes);
    return PROTO_CODE_OK;
}

static enum proto_code read_tensor(const struct reader *reader, const char *name,
                                   const json_t *value, struct proto_tensor *ret_tensor)
{
    size_t element_bytes = 0;
    const json_t *dtype = json_object_get(value, "dtype"), *shape = json_object_get(value, "shape"),
                 *offsets = json_object_get(value, "data_offsets");
    if (!name_valid(name))
        return refuse(
            reader, "header",
            "a tensor's name is not usable: \"%.64s\"; expected 1 to 128 characters of A-Z "
            "a-z 0-9 . _ / - without \"..\"",
            name);
    if (!dtype || !shape || !offsets || json_object_size(value) != 3)
        return refuse(reader, tensor_place(name).text,
                      "expected an object of dtype, shape and data_offsets, and nothing else");
    *ret_tensor = (struct proto_tensor){.name = proto_arena_strdup(reader->arena, name)};
    if (!ret_tensor->name)
        return proto_error_set(reader->error, PROTO_CODE_NO_MEMORY, "header", "no memory");
    enum proto_code code = read_dtype(reader, dtype, ret_tensor, &element_bytes);
    if (code == PROTO_CODE_OK)
        code = read_shape(reader, shape, ret_tensor);
    if (code == PROTO_CODE_OK)
        code = read_offsets(reader, offsets, element_bytes, ret_tensor);
    return code;
}

static enum proto_code read_metadata(const struct reader *reader, json_t *value,
                                     struct proto_tensors *tensors)
{
    const char *key;
    json_t *member;
    size_t bytes = 0;
    if (!json_is_object(value))
        return refuse(reader, "header", "__metadata__ is not an object of strings");
    tensors->metadata =
        proto_arena_alloc(reader->arena, json_object_size(value), sizeof(*tensors->metadata));
    if (!tensors->metadata)
        return proto_error_set(reader->error, PROTO_CODE_NO_MEMORY, "header", "no memory");
    json_object_foreach(value, key, member)
    {
        struct proto_metadata_entry *entry = &tensors->metadata[tensors->metadata_count];
        if (!json_is_string(member))
            return refuse(reader, "header",
                          "__metadata__ holds something besides strings, in %.64s", key);
        bytes += strlen(key) + json_string_length(member);
        if (bytes > PROTO_TENSORS_MAX_METADATA_BYTES)
            return refuse(reader, "header", "__metadata__ is larger than %d bytes",
                          PROTO_TENSORS_MAX_METADATA_BYTES);
        entry->key = proto_arena_strdup(reader->arena, key);
        entry->value = proto_arena_strdup(reader->arena, json_string_value(member));
        if (!entry->key || !entry->value)
            return proto_error_set(reader->error, PROTO_CODE_NO_MEMORY, "header", "no memory");
        tensors->metadata_count++;
    }
    return PROTO_CODE_OK;
}

static int compare_tensors(const void *left, const void *right)
{
    const struct proto_tensor *a = left, *b = right;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    if (a->byte_count != b->byte_count)
        return a->byte_count < b->byte_count ? -1 : 1;
    return strcmp(a->name, b->name);
}

static enum proto_code check_layout(const struct reader *reader, struct proto_tensors *tensors)
{
    size_t end = 0;
    for (size_t i = 0; i < tensors->count; i++) {
        const struct proto_tensor *tensor = &tensors->items[i];
        if (tensor->begin != end)
            return refuse(reader, tensor_place(tensor->name).text,
                          "it begins at byte %zu where the tensor before it ends at %zu",
                          tensor->begin, end);
        end = tensor->begin + tensor->byte_count;
    }
    tensors->data_bytes = end;
    if (reader->data_bytes != SIZE_MAX && end != reader->data_bytes)
        return refuse(reader, "header", "the tensors end at byte %zu of %zu; the file is longer",
                      end, reader->data_bytes);
    return PROTO_CODE_OK;
}

static enum proto_code read_header(const struct reader *reader, json_t *header,
                                   struct proto_tensors *tensors)
{
    const char *name;
    json_t *value, *metadata = json_object_get(header, "__metadata__");
    size_t count = json_object_size(header) - (metadata ? 1 : 0);
    if (count > PROTO_TENSORS_MAX_COUNT)
        return refuse(reader, "header", "there are %zu tensors; at most %d are taken", count,
                      PROTO_TENSORS_MAX_COUNT);
    tensors->items = proto_arena_alloc(reader->arena, count, sizeof(*tensors->items));
    if (!tensors->items)
        return proto_error_set(reader->error, PROTO_CODE_NO_MEMORY, "header", "no memory");
    json_object_foreach(header, name, value)
    {
        enum proto_code code =
            value == metadata ? read_metadata(reader, value, tensors)
                              : read_tensor(reader, name, value, &tensors->items[tensors->count]);
        if (code != PROTO_CODE_OK)
            return code;
        tensors->count += value == metadata ? 0 : 1;
    }
    if (tensors->count > 0)
        qsort(tensors->items, tensors->count, sizeof(*tensors->items), compare_tensors);
    return check_layout(reader, tensors);
}

enum proto_code proto_tensors_head_length(const unsigned char *bytes, size_t length,
                                          size_t *ret_head_length, struct proto_error *ret_error)
{
    const struct reader reader = {.error = ret_error};
    if (length < LENGTH_BYTES)
        return refuse(&reader, "header", "the file has %zu bytes; a header needs at least 10",
                      length);
    uint64_t header_length = proto_bytes_get(bytes, LENGTH_BYTES);
    if (header_length > PROTO_TENSORS_MAX_HEADER_BYTES || header_length > length - LENGTH_BYTES)
        return refuse(
            &reader, "header",
            "the header is said to have %llu bytes; at most %d are taken, and the file has "
            "%zu after the length",
            (unsigned long long)header_length, PROTO_TENSORS_MAX_HEADER_BYTES,
            length - LENGTH_BYTES);
    if (header_length == 0)
        return refuse(&reader, "header", "the header does not begin with \"{\"");
    *ret_head_length = LENGTH_BYTES + (size_t)header_length;
    return PROTO_CODE_OK;
}

static enum proto_code check_braces(const unsigned char *text, size_t length,
                                    struct proto_error *ret_error)
{
    const struct reader reader = {.error = ret_error};
    if (text[0] != '{')
        return refuse(&reader, "header", "the header does not begin with \"{\"");
    while (text[length - 1] == ' ')
        length--;
    if (text[length - 1] != '}')
        return refuse(&reader, "header", "the header does not end with \"}\" and spaces");
    return PROTO_CODE_OK;
}

enum proto_code proto_tensors_read_head(const unsigned char *head, size_t head_length,
                                        size_t length, struct proto_arena *arena,
                                        struct proto_tensors *ret_tensors,
                                        struct proto_error *ret_error)
{
    const unsigned char *text = head + LENGTH_BYTES;
    size_t text_length = head_length - LENGTH_BYTES;
    enum proto_code code = check_braces(text, text_length, ret_error);
    if (code != PROTO_CODE_OK)
        return code;
    PROTO_JSON_CLEANUP json_t *header = NULL;
    code = proto_json_load((const char *)text, text_length, PROTO_JSON_MAX_HEAD_VALUES,
                           PROTO_CODE_MALFORMED_TENSORS, "header", &header, ret_error);
    if (code != PROTO_CODE_OK)
        return code;
    const struct reader reader = {.data_bytes =
                                      length == SIZE_MAX ? SIZE_MAX : length - head_length,
                                  .arena = arena,
                                  .error = ret_error};
    struct proto_tensors tensors = {0};
    code = read_header(&reader, header, &tensors);
    if (code == PROTO_CODE_OK)
        *ret_tensors = tensors;
    return code;
}

enum proto_code proto_tensors_read(const unsigned char *bytes, size_t length,
                                   struct proto_arena *arena, struct proto_tensors *ret_tensors,
                                   struct proto_error *ret_error)
{
    size_t head_length = 0;
    enum proto_code code = proto_tensors_head_length(bytes, length, &head_length, ret_error);
    if (code == PROTO_CODE_OK)
        code = proto_tensors_read_head(bytes, head_length, length, arena, ret_tensors, ret_error);
    if (code != PROTO_CODE_OK)
        return code;
    for (size_t i = 0; i < ret_tensors->count; i++)
        ret_tensors->items[i].bytes = bytes + head_length + ret_tensors->items[i].begin;
    return PROTO_CODE_OK;
}

const struct proto_tensor *proto_tensors_find(const struct proto_tensors *tensors, const char *name)
{
    for (size_t i = 0; i < tensors->count; i++) {
        if (strcmp(tensors->items[i].name, name) == 0)
            return &tensors->items[i];
    }
    return NULL;
}

const char *proto_tensors_metadata(const struct proto_tensors *tensors, const char *key)
{
    for (size_t i = 0; i < tensors->metadata_count; i++) {
        if (strcmp(tensors->metadata[i].key, key) == 0)
            return tensors->metadata[i].value;
    }
    return NULL;
}

bool proto_tensors_sniff(const unsigned char *bytes, size_t length)
{
    return length > LENGTH_BYTES &&
           proto_bytes_get(bytes, LENGTH_BYTES) <= PROTO_TENSORS_MAX_HEADER_BYTES &&
           bytes[LENGTH_BYTES] == '{';
}
