/* Lists of numbers: one, many of equal length, and the length scales that may be a word as well. */
#include <string.h>

#include "field.h"

/* One number of a list, and where it stands; other than for a field's own value, its range is the
 * element's. */
static enum proto_code decode_element(const struct proto_decoder *decoder,
                                      const struct proto_field *field, const json_t *value,
                                      const struct proto_path *path, double *ret_number)
{
    double number = json_number_value(value);
    if (json_is_number(value) && proto_field_in_range(field, number)) {
        *ret_number = number;
        return PROTO_CODE_OK;
    }
    char is[PROTO_MESSAGE_BYTES], expected[PROTO_MESSAGE_BYTES];
    proto_value_describe(value, is);
    proto_range_describe(field, "a number", expected);
    return proto_error_at(decoder->error, PROTO_CODE_INVALID_FIELD, path,
                          "a number of %s is %s; expected %s", field->name, is, expected);
}

static enum proto_code decode_row(const struct proto_decoder *decoder,
                                  const struct proto_field *field, const json_t *row,
                                  const struct proto_path *path, double *ret_numbers)
{
    for (size_t i = 0; i < json_array_size(row); i++) {
        struct proto_path at = {.parent = path, .index = i};
        enum proto_code code =
            decode_element(decoder, field, json_array_get(row, i), &at, &ret_numbers[i]);
        if (code != PROTO_CODE_OK)
            return code;
    }
    return PROTO_CODE_OK;
}

enum proto_code proto_decode_reals(const struct proto_decoder *decoder,
                                   const struct proto_field *field, json_t *value,
                                   const struct proto_path *path, void *member)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count > proto_field_max_length(field))
        return proto_refuse_value(decoder, field, value, path);
    double *items = proto_arena_alloc(decoder->arena, count, sizeof(*items));
    if (!items)
        return proto_refuse_memory(decoder, path);
    enum proto_code code = decode_row(decoder, field, value, path, items);
    if (code == PROTO_CODE_OK)
        *(struct proto_reals *)member =
            (struct proto_reals){.items = count ? items : NULL, .count = count};
    return code;
}

static enum proto_code check_row(const struct proto_decoder *decoder,
                                 const struct proto_field *field, const json_t *row, size_t cols,
                                 const struct proto_path *path)
{
    size_t count = json_array_size(row);
    if (json_is_array(row) && count == cols && cols > 0 && cols <= PROTO_MAX_COLUMNS)
        return PROTO_CODE_OK;
    if (json_is_array(row) && cols > 0 && cols <= PROTO_MAX_COLUMNS)
        return proto_error_at(decoder->error, PROTO_CODE_INVALID_FIELD, path,
                              "this row of %s has %zu numbers, the first has %zu; expected equally "
                              "long lists",
                              field->name, count, cols);
    char is[PROTO_MESSAGE_BYTES];
    proto_value_describe(row, is);
    return proto_error_at(decoder->error, PROTO_CODE_INVALID_FIELD, path,
                          "a row of %s is %s; expected a list of 1 to %d numbers", field->name, is,
                          PROTO_MAX_COLUMNS);
}

enum proto_code proto_decode_matrix(const struct proto_decoder *decoder,
                                    const struct proto_field *field, json_t *value,
                                    const struct proto_path *path, void *member)
{
    size_t rows = json_array_size(value), cols = json_array_size(json_array_get(value, 0)), count;
    if (!json_is_array(value) || rows > proto_field_max_length(field))
        return proto_refuse_value(decoder, field, value, path);
    for (size_t i = 0; i < rows; i++) {
        struct proto_path at = {.parent = path, .index = i};
        enum proto_code code = check_row(decoder, field, json_array_get(value, i), cols, &at);
        if (code != PROTO_CODE_OK)
            return code;
    }
    if (__builtin_mul_overflow(rows, cols, &count))
        return proto_refuse_memory(decoder, path);
    double *data = proto_arena_alloc(decoder->arena, count, sizeof(*data));
    if (!data)
        return proto_refuse_memory(decoder, path);
    for (size_t i = 0; i < rows; i++) {
        struct proto_path at = {.parent = path, .index = i};
        enum proto_code code =
            decode_row(decoder, field, json_array_get(value, i), &at, data + i * cols);
        if (code != PROTO_CODE_OK)
            return code;
    }
    *(struct proto_matrix *)member =
        (struct proto_matrix){.data = rows ? data : NULL, .rows = rows, .cols = cols};
    return PROTO_CODE_OK;
}

static bool scale_word(const json_t *value, enum proto_scale_kind *ret_kind)
{
    const char *text = json_string_value(value);
    if (text && strcmp(text, "median") == 0)
        *ret_kind = PROTO_SCALE_MEDIAN;
    else if (text && strcmp(text, "marginal_likelihood") == 0)
        *ret_kind = PROTO_SCALE_MARGINAL_LIKELIHOOD;
    else
        return false;
    return true;
}

enum proto_code proto_decode_scale(const struct proto_decoder *decoder,
                                   const struct proto_field *field, json_t *value,
                                   const struct proto_path *path, void *member)
{
    struct proto_scale scale = {.kind = PROTO_SCALE_VALUES};
    enum proto_code code = PROTO_CODE_OK;
    if (json_is_array(value) && json_array_size(value) > 0) {
        code = proto_decode_reals(decoder, field, value, path, &scale.values);
    } else if (json_is_number(value) && proto_field_in_range(field, json_number_value(value))) {
        scale.values.items = proto_arena_alloc(decoder->arena, 1, sizeof(double));
        if (!scale.values.items)
            return proto_refuse_memory(decoder, path);
        scale.values.items[0] = json_number_value(value);
        scale.values.count = 1;
        scale.scalar = true;
    } else if (!scale_word(value, &scale.kind)) {
        return proto_refuse_value(decoder, field, value, path);
    }
    if (code == PROTO_CODE_OK)
        *(struct proto_scale *)member = scale;
    return code;
}
