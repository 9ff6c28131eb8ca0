/* JSON tree -> struct, one small function a field type.
 *
 * An object is read in two passes: the text's members against the table (anything unknown is
 * refused before a value is looked at), then the table's fields against the text, in wire order, so
 * that of several mistakes the same one is named every time.
 */
#include <math.h>
#include <string.h>

#include "field.h"
#include "json.h"
#include "text.h"

#define METADATA_MAX_DEPTH                                                                         \
    16 /* leaves room under PROTO_JSON_MAX_DEPTH for what answers wrap around it */

typedef enum proto_code (*decode_fn)(const struct proto_decoder *decoder,
                                     const struct proto_field *field, json_t *value,
                                     const struct proto_path *path, void *member);

size_t proto_field_max_length(const struct proto_field *field)
{
    if (field->flags & PROTO_KEY && field->type == PROTO_STRING)
        return PROTO_KEY_MAX_BYTES;
    return field->max_length ? field->max_length : PROTO_TEXT_MAX_BYTES;
}

bool proto_key_valid(const char *text)
{
    static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = strlen(text);
    if (length == 0 || length > PROTO_KEY_MAX_BYTES || !strchr(alnum, text[0]))
        return false;
    for (size_t i = 1; i < length; i++) {
        if (!strchr(alnum, text[i]) && !strchr("._-", text[i]))
            return false;
    }
    return true;
}

bool proto_field_in_range(const struct proto_field *field, double number)
{
    if (!isfinite(number))
        return false;
    if (!(field->min < field->max))
        return true;
    if (field->flags & PROTO_BELOW_MAX && number >= field->max)
        return false;
    return number >= field->min && number <= field->max;
}

static bool string_allowed(const struct proto_field *field, const json_t *value, size_t max_length)
{
    const char *text = json_string_value(value);
    if (!text || json_string_length(value) > max_length)
        return false;
    if (field->flags & PROTO_KEY)
        return proto_key_valid(text);
    return text[0] || !(field->flags & PROTO_NOT_EMPTY);
}

static enum proto_code decode_string(const struct proto_decoder *decoder,
                                     const struct proto_field *field, json_t *value,
                                     const struct proto_path *path, void *member)
{
    if (!string_allowed(field, value, proto_field_max_length(field)))
        return proto_refuse_value(decoder, field, value, path);
    char *copy = proto_arena_strdup(decoder->arena, json_string_value(value));
    if (!copy)
        return proto_refuse_memory(decoder, path);
    *(const char **)member = copy;
    return PROTO_CODE_OK;
}

static enum proto_code decode_bool(const struct proto_decoder *decoder,
                                   const struct proto_field *field, json_t *value,
                                   const struct proto_path *path, void *member)
{
    if (!json_is_boolean(value))
        return proto_refuse_value(decoder, field, value, path);
    *(bool *)member = json_is_true(value);
    return PROTO_CODE_OK;
}

static enum proto_code decode_int(const struct proto_decoder *decoder,
                                  const struct proto_field *field, json_t *value,
                                  const struct proto_path *path, void *member)
{
    if (field->flags & PROTO_AUTO && json_is_string(value) &&
        strcmp(json_string_value(value), "auto") == 0) {
        *(int64_t *)member = PROTO_INT_AUTO;
        return PROTO_CODE_OK;
    }
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number > PROTO_INT_MAX || number < -PROTO_INT_MAX ||
        !proto_field_in_range(field, (double)number))
        return proto_refuse_value(decoder, field, value, path);
    *(int64_t *)member = number;
    return PROTO_CODE_OK;
}

static enum proto_code decode_real(const struct proto_decoder *decoder,
                                   const struct proto_field *field, json_t *value,
                                   const struct proto_path *path, void *member)
{
    double number = json_number_value(value);
    if (!json_is_number(value) || !proto_field_in_range(field, number))
        return proto_refuse_value(decoder, field, value, path);
    *(double *)member = number;
    return PROTO_CODE_OK;
}

static enum proto_code decode_enum(const struct proto_decoder *decoder,
                                   const struct proto_field *field, json_t *value,
                                   const struct proto_path *path, void *member)
{
    const char *text = json_string_value(value);
    for (int i = 0; text && field->names[i]; i++) {
        if (field->max_length && (size_t)i == field->max_length)
            break;
        if (strcmp(field->names[i], text) == 0) {
            *(int *)member = i;
            return PROTO_CODE_OK;
        }
    }
    return proto_refuse_value(decoder, field, value, path);
}

static enum proto_code decode_strings(const struct proto_decoder *decoder,
                                      const struct proto_field *field, json_t *value,
                                      const struct proto_path *path, void *member)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count > proto_field_max_length(field))
        return proto_refuse_value(decoder, field, value, path);
    const char **items = proto_arena_alloc(decoder->arena, count, sizeof(*items));
    if (!items)
        return proto_refuse_memory(decoder, path);
    /* An item is a string of the field's kind; max_length is about the list. */
    struct proto_field item = {.name = "the item",
                               .type = PROTO_STRING,
                               .flags = field->flags & ~(unsigned)PROTO_NULLABLE};
    for (size_t i = 0; i < count; i++) {
        struct proto_path at = {.parent = path, .index = i};
        enum proto_code code =
            decode_string(decoder, &item, json_array_get(value, i), &at, &items[i]);
        if (code != PROTO_CODE_OK)
            return code;
    }
    *(struct proto_strings *)member =
        (struct proto_strings){.items = count ? items : NULL, .count = count};
    return PROTO_CODE_OK;
}

static enum proto_code decode_inline(const struct proto_decoder *decoder,
                                     const struct proto_field *field, json_t *value,
                                     const struct proto_path *path, void *member)
{
    if (!json_is_object(value))
        return proto_refuse_value(decoder, field, value, path);
    return proto_decode_object(decoder, field->shape, value, path, member);
}

static enum proto_code decode_pointer(const struct proto_decoder *decoder,
                                      const struct proto_field *field, json_t *value,
                                      const struct proto_path *path, void *member)
{
    if (!json_is_object(value))
        return proto_refuse_value(decoder, field, value, path);
    void *object = proto_arena_alloc(decoder->arena, 1, field->shape->size);
    if (!object)
        return proto_refuse_memory(decoder, path);
    if (field->shape->set_defaults)
        field->shape->set_defaults(object);
    *(void **)member = object;
    return proto_decode_object(decoder, field->shape, value, path, object);
}

static enum proto_code decode_list(const struct proto_decoder *decoder,
                                   const struct proto_field *field, json_t *value,
                                   const struct proto_path *path, void *member)
{
    const struct proto_shape *shape = field->shape;
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count > proto_field_max_length(field))
        return proto_refuse_value(decoder, field, value, path);
    char *items = proto_arena_alloc(decoder->arena, count, shape->size);
    if (!items)
        return proto_refuse_memory(decoder, path);
    for (size_t i = 0; i < count; i++) {
        struct proto_path at = {.parent = path, .index = i};
        void *item = items + i * shape->size;
        if (shape->set_defaults)
            shape->set_defaults(item);
        if (!json_is_object(json_array_get(value, i)))
            return proto_error_at(decoder->error, PROTO_CODE_INVALID_FIELD, &at,
                                  "an item of %s is not an object", field->name);
        enum proto_code code =
            proto_decode_object(decoder, shape, json_array_get(value, i), &at, item);
        if (code != PROTO_CODE_OK)
            return code;
    }
    *(struct proto_list *)member =
        (struct proto_list){.items = count ? items : NULL, .count = count};
    return PROTO_CODE_OK;
}

static enum proto_code decode_json(const struct proto_decoder *decoder,
                                   const struct proto_field *field, json_t *value,
                                   const struct proto_path *path, void *member)
{
    if (!json_is_object(value) || proto_json_depth(value) > METADATA_MAX_DEPTH)
        return proto_refuse_value(decoder, field, value, path);
    __attribute__((cleanup(proto_text_deinit))) struct proto_text text = PROTO_TEXT_NULL;
    proto_text_json(&text, value);
    if (text.failed)
        return proto_refuse_memory(decoder, path);
    if (text.length > proto_field_max_length(field))
        return proto_refuse_value(decoder, field, value, path);
    char *copy = proto_arena_strndup(decoder->arena, text.data, text.length);
    if (!copy)
        return proto_refuse_memory(decoder, path);
    *(const char **)member = copy;
    return PROTO_CODE_OK;
}

static const struct {
    decode_fn decode;
    size_t size;
} types[] = {
    [PROTO_STRING] = {decode_string, sizeof(const char *)},
    [PROTO_BOOL] = {decode_bool, sizeof(bool)},
    [PROTO_INT] = {decode_int, sizeof(int64_t)},
    [PROTO_REAL] = {decode_real, sizeof(double)},
    [PROTO_ENUM] = {decode_enum, sizeof(int)},
    [PROTO_STRINGS] = {decode_strings, sizeof(struct proto_strings)},
    [PROTO_REALS] = {proto_decode_reals, sizeof(struct proto_reals)},
    [PROTO_MATRIX] = {proto_decode_matrix, sizeof(struct proto_matrix)},
    [PROTO_SCALE] = {proto_decode_scale, sizeof(struct proto_scale)},
    [PROTO_OBJECT] = {decode_inline, 0},
    [PROTO_POINTER] = {decode_pointer, sizeof(void *)},
    [PROTO_LIST] = {decode_list, sizeof(struct proto_list)},
    [PROTO_JSON] = {decode_json, sizeof(const char *)},
};

size_t proto_field_size(const struct proto_field *field)
{
    return field->type == PROTO_OBJECT ? field->shape->size : types[field->type].size;
}

static void set_null(const struct proto_field *field, void *member)
{
    if (field->type == PROTO_REAL)
        *(double *)member = NAN;
    else if (field->type == PROTO_INT)
        *(int64_t *)member = PROTO_INT_NULL;
    else
        memset(member, 0, proto_field_size(field));
}

static bool member_is_zero(const struct proto_field *field, const unsigned char *member)
{
    size_t size = proto_field_size(field);
    for (size_t i = 0; i < size; i++) {
        if (member[i])
            return false;
    }
    return true;
}

static enum proto_code decode_field(const struct proto_decoder *decoder,
                                    const struct proto_field *field, json_t *value,
                                    const struct proto_path *path, void *member)
{
    if (!value && field->flags & PROTO_REQUIRED && member_is_zero(field, member)) {
        char expected[PROTO_MESSAGE_BYTES];
        proto_field_expected(field, expected);
        return proto_error_at(decoder->error, PROTO_CODE_MISSING_FIELD, path,
                              "%s is missing; expected %s", field->name, expected);
    }
    if (!value)
        return PROTO_CODE_OK;
    if (json_is_null(value) && field->flags & PROTO_NULLABLE) {
        set_null(field, member);
        return PROTO_CODE_OK;
    }
    return types[field->type].decode(decoder, field, value, path, member);
}

const struct proto_field *proto_shape_find(const struct proto_shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        if (strcmp(shape->fields[i].name, name) == 0)
            return &shape->fields[i];
    }
    return NULL;
}

static enum proto_code refuse_unknown(const struct proto_decoder *decoder,
                                      const struct proto_shape *shape, json_t *value,
                                      const struct proto_path *parent)
{
    const char *name;
    json_t *member;
    json_object_foreach(value, name, member)
    {
        struct proto_path path = {.parent = parent, .name = name};
        const struct proto_field *field = proto_shape_find(shape, name);
        if (field && !(field->flags & PROTO_READ_ONLY))
            continue;
        if (field)
            return proto_error_at(decoder->error, PROTO_CODE_UNKNOWN_FIELD, &path,
                                  "%s is the server's to say; leave it out", name);
        char known[PROTO_MESSAGE_BYTES];
        proto_shape_names(shape, known);
        return proto_error_at(decoder->error, PROTO_CODE_UNKNOWN_FIELD, &path,
                              "there is no such field; known are %s", known);
    }
    return PROTO_CODE_OK;
}

/* The check speaks of its object; the message is what the reader sees. */
static enum proto_code run_check(const struct proto_decoder *decoder,
                                 const struct proto_shape *shape, const struct proto_path *path,
                                 const void *object)
{
    struct proto_error error;
    enum proto_code code = shape->check(object, &error);
    if (code == PROTO_CODE_OK)
        return code;
    char at[2 * sizeof(error.at)];
    proto_path_write(path, error.at, at, sizeof(at));
    return proto_error_set(decoder->error, code, at, "%s", error.detail);
}

enum proto_code proto_decode_object(const struct proto_decoder *decoder,
                                    const struct proto_shape *shape, json_t *value,
                                    const struct proto_path *path, void *object)
{
    enum proto_code code = PROTO_CODE_OK;
    if (!decoder->from_server)
        code = refuse_unknown(decoder, shape, value, path);
    for (size_t i = 0; i < shape->field_count && code == PROTO_CODE_OK; i++) {
        const struct proto_field *field = &shape->fields[i];
        struct proto_path at = {.parent = path, .name = field->name};
        code = decode_field(decoder, field, json_object_get(value, field->name), &at,
                            (char *)object + field->offset);
    }
    if (code == PROTO_CODE_OK && shape->check && !decoder->from_server)
        code = run_check(decoder, shape, path, object);
    return code;
}

enum proto_code proto_decode(const struct proto_shape *shape, const char *text, size_t length,
                             bool from_server, struct proto_arena *arena, void *object,
                             struct proto_error *ret_error)
{
    PROTO_JSON_CLEANUP json_t *value = NULL;
    size_t max_values = from_server ? PROTO_JSON_MAX_ANSWER_VALUES : PROTO_JSON_MAX_VALUES;
    enum proto_code code =
        proto_json_load(text, length, max_values, PROTO_CODE_MALFORMED_JSON, "", &value, ret_error);
    if (code != PROTO_CODE_OK)
        return code;
    struct proto_decoder decoder = {from_server, arena, ret_error};
    return proto_decode_object(&decoder, shape, value, NULL, object);
}
