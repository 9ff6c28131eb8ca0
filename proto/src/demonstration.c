/* A demonstration as safetensors, and back.
 *
 * The metadata's strings become a JSON object that goes through the same table as a JSON body, so a
 * rule about a field is written once; only the words for where it stands differ ("metadata success"
 * for "/success").
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <proto/safetensors.h>
#include <proto/wire.h>

#include "demonstration.h"
#include "field.h"
#include "json.h"
#include "tensor_matrix.h"
#include "text.h"

#define MAX_ENTRIES 16      /* metadata entries of a demonstration: one a field */
#define NUMBER_MAX_BYTES 64 /* of a number in metadata */

static const struct proto_shape *const about_shape = &proto_demonstration_summary_shape;

static const struct proto_field *writable_field(const char *name)
{
    const struct proto_field *field = proto_shape_find(about_shape, name);
    return field && !(field->flags & PROTO_READ_ONLY) ? field : NULL;
}

/* Errors of the table and of checks say "/success" or "/states"; in a file that is `where` success.
 */
static enum proto_code rename_place(const char *where, enum proto_code code,
                                    struct proto_error *ret_error)
{
    char at[sizeof(ret_error->at)];
    if (code == PROTO_CODE_OK || ret_error->at[0] != '/')
        return code;
    snprintf(at, sizeof(at), "%s %.*s", where, (int)sizeof(at) - 16, ret_error->at + 1);
    return proto_error_set(ret_error, code, at, "%s", ret_error->detail);
}

/* The string as what its field wants to see; where it cannot be, as a string, which the table then
 * refuses. NULL: out of memory. */
static json_t *typed_value(const struct proto_field *field, const char *text)
{
    if (field->type == PROTO_BOOL && strcmp(text, "true") == 0)
        return json_true();
    if (field->type == PROTO_BOOL && strcmp(text, "false") == 0)
        return json_false();
    if (field->type == PROTO_REAL && strlen(text) <= NUMBER_MAX_BYTES) {
        json_t *number = NULL;
        if (proto_json_parse(text, strlen(text), NUMBER_MAX_BYTES, JSON_DECODE_ANY, &number,
                             &(json_error_t){0}) < 0)
            return NULL;
        if (json_is_number(number))
            return number;
        json_decref(number);
    }
    return json_string(text);
}

static enum proto_code refuse_no_memory(struct proto_error *ret_error)
{
    return proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, "header", "no memory for the metadata");
}

/* Puts one entry where it belongs: among the known fields, or into `rest`. */
static enum proto_code sort_entry(const struct proto_metadata_entry *entry, json_t *about,
                                  json_t *rest, struct proto_error *ret_error)
{
    const struct proto_field *field = writable_field(entry->key);
    json_t *value = NULL;
    if (!field)
        return json_object_set_new(rest, entry->key, json_string(entry->value)) < 0
                   ? refuse_no_memory(ret_error)
                   : PROTO_CODE_OK;
    if (field->type != PROTO_JSON) {
        value = typed_value(field, entry->value);
    } else {
        enum proto_code code =
            proto_json_load(entry->value, strlen(entry->value), PROTO_JSON_MAX_VALUES,
                            PROTO_CODE_INVALID_FIELD, "metadata metadata", &value, ret_error);
        if (code != PROTO_CODE_OK)
            return code;
    }
    return json_object_set_new(about, entry->key, value) < 0 ? refuse_no_memory(ret_error)
                                                             : PROTO_CODE_OK;
}

/* What no field is called goes into the demonstration's own metadata. */
static enum proto_code merge_rest(json_t *about, json_t *rest, struct proto_error *ret_error)
{
    if (json_object_size(rest) == 0)
        return PROTO_CODE_OK;
    json_t *metadata = json_object_get(about, "metadata");
    if (!metadata && json_object_set(about, "metadata", rest) < 0)
        return refuse_no_memory(ret_error);
    if (!metadata)
        return PROTO_CODE_OK;
    const char *key;
    json_t *value;
    json_object_foreach(rest, key, value)
    {
        if (json_object_get(metadata, key)) {
            char at[sizeof(ret_error->at)];
            snprintf(at, sizeof(at), "metadata %.128s", key);
            return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, at,
                                   "it stands in the file's metadata and in the metadata object");
        }
        if (json_object_set(metadata, key, value) < 0)
            return refuse_no_memory(ret_error);
    }
    return PROTO_CODE_OK;
}

static enum proto_code read_about(const struct proto_tensors *tensors, struct proto_arena *arena,
                                  struct proto_demonstration *demonstration,
                                  struct proto_error *ret_error)
{
    PROTO_JSON_CLEANUP json_t *about = json_object();
    PROTO_JSON_CLEANUP json_t *rest = json_object();
    enum proto_code code = about && rest ? PROTO_CODE_OK : refuse_no_memory(ret_error);
    for (size_t i = 0; i < tensors->metadata_count && code == PROTO_CODE_OK; i++)
        code = sort_entry(&tensors->metadata[i], about, rest, ret_error);
    if (code == PROTO_CODE_OK)
        code = merge_rest(about, rest, ret_error);
    if (code != PROTO_CODE_OK)
        return code;
    const struct proto_decoder decoder = {false, arena, ret_error};
    code = proto_decode_object(&decoder, about_shape, about, NULL, demonstration);
    return rename_place("metadata", code, ret_error);
}

enum proto_code proto_demonstration_check_range(const char *name, size_t cols, size_t first,
                                                const double *numbers, size_t count,
                                                struct proto_error *ret_error)
{
    const struct proto_field *field = proto_shape_find(&proto_demonstration_shape, name);
    for (size_t i = 0; i < count; i++) {
        if (proto_field_in_range(field, numbers[i]))
            continue;
        char at[64];
        snprintf(at, sizeof(at), "tensor %s", name);
        return proto_error_set(ret_error, PROTO_CODE_INVALID_TENSOR, at,
                               "row %zu, column %zu is %g; expected a number from %g to %g",
                               (first + i) / cols, (first + i) % cols, numbers[i], field->min,
                               field->max);
    }
    return PROTO_CODE_OK;
}

static enum proto_code read_size(const struct proto_tensors *tensors, const char *name,
                                 struct proto_matrix *ret_matrix, struct proto_error *ret_error)
{
    const struct proto_field *field = proto_shape_find(&proto_demonstration_shape, name);
    const struct proto_tensor *tensor = proto_tensors_find(tensors, name);
    char at[64];
    snprintf(at, sizeof(at), "tensor %s", name);
    if (!tensor)
        return proto_error_set(ret_error, PROTO_CODE_MISSING_FIELD, at,
                               "the file has no tensor %s; expected states and actions", name);
    enum proto_code code = proto_tensor_check_matrix(tensor, ret_error);
    if (code != PROTO_CODE_OK)
        return code;
    /* An empty tensor may claim 2^48 rows of nothing. */
    bool fits =
        tensor->shape[0] == 0 || (tensor->shape[0] <= proto_field_max_length(field) &&
                                  tensor->shape[1] > 0 && tensor->shape[1] <= PROTO_MAX_COLUMNS);
    if (!fits)
        return proto_error_set(
            ret_error, PROTO_CODE_INVALID_TENSOR, at,
            "it has %zu rows of %zu numbers; expected at most %zu rows of 1 to %d",
            tensor->shape[0], tensor->shape[1], proto_field_max_length(field), PROTO_MAX_COLUMNS);
    *ret_matrix = (struct proto_matrix){.rows = tensor->shape[0], .cols = tensor->shape[1]};
    return PROTO_CODE_OK;
}

static enum proto_code read_sizes(const struct proto_tensors *tensors,
                                  struct proto_demonstration *demonstration,
                                  struct proto_error *ret_error)
{
    enum proto_code code = read_size(tensors, "states", &demonstration->states, ret_error);
    if (code == PROTO_CODE_OK)
        code = read_size(tensors, "actions", &demonstration->actions, ret_error);
    return code;
}

static enum proto_code refuse_other_tensors(const struct proto_tensors *tensors,
                                            struct proto_error *ret_error)
{
    for (size_t i = 0; i < tensors->count; i++) {
        const char *name = tensors->items[i].name;
        if (strcmp(name, "states") == 0 || strcmp(name, "actions") == 0)
            continue;
        char at[sizeof(ret_error->at)];
        snprintf(at, sizeof(at), "tensor %s", name);
        return proto_error_set(ret_error, PROTO_CODE_INVALID_TENSOR, at,
                               "a demonstration has no such tensor; expected states and actions");
    }
    return PROTO_CODE_OK;
}

enum proto_code proto_demonstration_from_head(const struct proto_tensors *tensors,
                                              struct proto_arena *arena,
                                              struct proto_demonstration *ret_demonstration,
                                              struct proto_error *ret_error)
{
    struct proto_demonstration demonstration;
    proto_demonstration_defaults(&demonstration);
    enum proto_code code = refuse_other_tensors(tensors, ret_error);
    if (code == PROTO_CODE_OK)
        code = read_about(tensors, arena, &demonstration, ret_error);
    if (code == PROTO_CODE_OK)
        code = read_sizes(tensors, &demonstration, ret_error);
    if (code == PROTO_CODE_OK)
        code =
            rename_place("tensor", proto_demonstration_check(&demonstration, ret_error), ret_error);
    if (code == PROTO_CODE_OK)
        *ret_demonstration = demonstration;
    return code;
}

static enum proto_code read_matrix(const struct proto_tensors *tensors, const char *name,
                                   struct proto_arena *arena, struct proto_matrix *matrix,
                                   struct proto_error *ret_error)
{
    enum proto_code code =
        proto_tensor_matrix(proto_tensors_find(tensors, name), arena, matrix, ret_error);
    return code == PROTO_CODE_OK
               ? proto_demonstration_check_range(name, matrix->cols, 0, matrix->data,
                                                 matrix->rows * matrix->cols, ret_error)
               : code;
}

static enum proto_code read_matrices(const struct proto_tensors *tensors, struct proto_arena *arena,
                                     struct proto_demonstration *demonstration,
                                     struct proto_error *ret_error)
{
    enum proto_code code = read_matrix(tensors, "states", arena, &demonstration->states, ret_error);
    if (code == PROTO_CODE_OK)
        code = read_matrix(tensors, "actions", arena, &demonstration->actions, ret_error);
    return code;
}

enum proto_code proto_demonstration_from_tensors(const unsigned char *bytes, size_t length,
                                                 struct proto_arena *arena,
                                                 struct proto_demonstration *ret_demonstration,
                                                 struct proto_error *ret_error)
{
    struct proto_tensors tensors;
    struct proto_demonstration demonstration;
    enum proto_code code = proto_tensors_read(bytes, length, arena, &tensors, ret_error);
    if (code == PROTO_CODE_OK)
        code = proto_demonstration_from_head(&tensors, arena, &demonstration, ret_error);
    if (code == PROTO_CODE_OK)
        code = read_matrices(&tensors, arena, &demonstration, ret_error);
    if (code == PROTO_CODE_OK)
        *ret_demonstration = demonstration;
    return code;
}

enum proto_code proto_demonstration_numbers(const unsigned char *bytes, size_t length,
                                            struct proto_arena *arena,
                                            struct proto_demonstration *demonstration,
                                            struct proto_error *ret_error)
{
    struct proto_tensors tensors;
    struct proto_demonstration read = *demonstration;
    enum proto_code code = proto_tensors_read(bytes, length, arena, &tensors, ret_error);
    if (code == PROTO_CODE_OK)
        code = read_sizes(&tensors, &read, ret_error);
    if (code == PROTO_CODE_OK)
        code = read_matrices(&tensors, arena, &read, ret_error);
    if (code == PROTO_CODE_OK)
        *demonstration = read;
    return code;
}

/* A member as a metadata string; NULL when it says nothing. number: room for a number's text. */
static const char *metadata_text(const struct proto_field *field, const void *member, char *number)
{
    switch (field->type) {
    case PROTO_STRING:
    case PROTO_JSON:
        return *(const char *const *)member;
    case PROTO_BOOL:
        return *(const bool *)member ? "true" : "false";
    case PROTO_ENUM:
        return field->names[*(const int *)member];
    case PROTO_REAL:
        if (!isfinite(*(const double *)member))
            return NULL;
        proto_real_format(number, *(const double *)member);
        return number;
    default:
        return NULL;
    }
}

/* As a file, by what writes one: all of it, or its head with room for the rest. */
static int to_file(const struct proto_demonstration *demonstration,
                   __typeof__(proto_tensors_write) *write, unsigned char **ret_bytes,
                   size_t *ret_length)
{
    struct proto_metadata_entry entries[MAX_ENTRIES];
    char numbers[MAX_ENTRIES][PROTO_REAL_BYTES];
    size_t count = 0;
    if (about_shape->field_count > MAX_ENTRIES)
        return -1;
    for (size_t i = 0; i < about_shape->field_count; i++) {
        const struct proto_field *field = &about_shape->fields[i];
        const char *member = (const char *)demonstration + field->offset;
        const char *text = metadata_text(field, member, numbers[count]);
        if (text && !(field->flags & PROTO_READ_ONLY))
            entries[count++] = (struct proto_metadata_entry){field->name, text};
    }
    const struct proto_named_matrix matrices[] = {{"states", demonstration->states},
                                                  {"actions", demonstration->actions}};
    return write(matrices, 2, entries, count, ret_bytes, ret_length);
}

int proto_demonstration_to_tensors(const struct proto_demonstration *demonstration,
                                   unsigned char **ret_bytes, size_t *ret_length)
{
    return to_file(demonstration, proto_tensors_write, ret_bytes, ret_length);
}

int proto_demonstration_begin_tensors(const struct proto_demonstration *demonstration,
                                      unsigned char **ret_bytes, size_t *ret_length)
{
    return to_file(demonstration, proto_tensors_begin, ret_bytes, ret_length);
}
