/* Fields and values in words, for whoever has to put an input right. */
#include <stdio.h>
#include <string.h>

#include "field.h"
#include "text.h"

/* Appends whole pieces only; a text that is full stays as it is. */
static void append(char *text, const char *piece)
{
    size_t used = strlen(text), length = strlen(piece);
    if (used + length < PROTO_MESSAGE_BYTES)
        memcpy(text + used, piece, length + 1);
}

static bool append_item(char *text, const char *separator, const char *quote, const char *name)
{
    size_t needed = strlen(separator) + 2 * strlen(quote) + strlen(name);
    if (strlen(text) + needed + 8 >= PROTO_MESSAGE_BYTES) {
        append(text, ", ...");
        return false;
    }
    append(text, separator);
    append(text, quote);
    append(text, name);
    append(text, quote);
    return true;
}

static void describe_names(const struct proto_field *field, char *ret_text)
{
    snprintf(ret_text, PROTO_MESSAGE_BYTES, "one of ");
    for (size_t i = 0; field->names[i]; i++) {
        if (field->max_length && i == field->max_length)
            return;
        if (!append_item(ret_text, i ? ", " : "", "\"", field->names[i]))
            return;
    }
}

void proto_range_describe(const struct proto_field *field, const char *noun, char *ret_text)
{
    char low[PROTO_REAL_BYTES], high[PROTO_REAL_BYTES];
    if (!(field->min < field->max)) {
        snprintf(ret_text, PROTO_MESSAGE_BYTES, "%s", noun);
        return;
    }
    proto_real_format(low, field->min);
    proto_real_format(high, field->max);
    snprintf(ret_text, PROTO_MESSAGE_BYTES, "%s from %s to %s%s", noun, low,
             field->flags & PROTO_BELOW_MAX ? "below " : "", high);
}

static void describe_string(const struct proto_field *field, char *ret_text)
{
    if (field->flags & PROTO_KEY)
        snprintf(ret_text, PROTO_MESSAGE_BYTES,
                 "1 to 64 characters of A-Z a-z 0-9 . _ -, a letter or digit first");
    else
        snprintf(ret_text, PROTO_MESSAGE_BYTES, "a string of %s%zu bytes",
                 field->flags & PROTO_NOT_EMPTY ? "1 to " : "at most ",
                 proto_field_max_length(field));
}

static void describe_list(const struct proto_field *field, const char *noun, char *ret_text)
{
    snprintf(ret_text, PROTO_MESSAGE_BYTES, "a list of at most %zu %s",
             proto_field_max_length(field), noun);
}

void proto_field_expected(const struct proto_field *field, char *ret_text)
{
    switch (field->type) {
    case PROTO_STRING:
        describe_string(field, ret_text);
        break;
    case PROTO_BOOL:
        snprintf(ret_text, PROTO_MESSAGE_BYTES, "true or false");
        break;
    case PROTO_INT:
        proto_range_describe(field, "an integer", ret_text);
        break;
    case PROTO_REAL:
        proto_range_describe(field, "a number", ret_text);
        break;
    case PROTO_ENUM:
        describe_names(field, ret_text);
        break;
    case PROTO_STRINGS:
        describe_list(field, "strings", ret_text);
        break;
    case PROTO_REALS:
        describe_list(field, "numbers", ret_text);
        break;
    case PROTO_MATRIX:
        describe_list(field, "equally long lists of numbers", ret_text);
        break;
    case PROTO_SCALE:
        proto_range_describe(field, "a number", ret_text);
        append(ret_text, ", a list of them, \"median\" or \"marginal_likelihood\"");
        break;
    case PROTO_LIST:
        describe_list(field, "objects", ret_text);
        break;
    case PROTO_OBJECT:
    case PROTO_POINTER:
        snprintf(ret_text, PROTO_MESSAGE_BYTES, "an object");
        break;
    case PROTO_JSON:
        snprintf(ret_text, PROTO_MESSAGE_BYTES,
                 "an object of at most %zu bytes and 16 levels as compact text",
                 proto_field_max_length(field));
        break;
    }
    if (field->flags & PROTO_AUTO)
        append(ret_text, ", or \"auto\"");
    if (field->flags & PROTO_NULLABLE)
        append(ret_text, ", or null");
}

void proto_value_describe(const json_t *value, char *ret_text)
{
    char number[PROTO_REAL_BYTES];
    switch (json_typeof(value)) {
    case JSON_STRING:
        if (json_string_length(value) <= 40)
            snprintf(ret_text, PROTO_MESSAGE_BYTES, "\"%s\"", json_string_value(value));
        else
            snprintf(ret_text, PROTO_MESSAGE_BYTES, "a string of %zu bytes",
                     json_string_length(value));
        break;
    case JSON_INTEGER:
        snprintf(ret_text, PROTO_MESSAGE_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        proto_real_format(number, json_real_value(value));
        snprintf(ret_text, PROTO_MESSAGE_BYTES, "%s", number);
        if (!strpbrk(ret_text, ".e"))
            append(ret_text, ".0");
        break;
    case JSON_ARRAY:
        snprintf(ret_text, PROTO_MESSAGE_BYTES, "a list of %zu", json_array_size(value));
        break;
    case JSON_OBJECT:
        snprintf(ret_text, PROTO_MESSAGE_BYTES, "an object");
        break;
    case JSON_TRUE:
        snprintf(ret_text, PROTO_MESSAGE_BYTES, "true");
        break;
    case JSON_FALSE:
        snprintf(ret_text, PROTO_MESSAGE_BYTES, "false");
        break;
    case JSON_NULL:
        snprintf(ret_text, PROTO_MESSAGE_BYTES, "null");
        break;
    }
}

void proto_shape_names(const struct proto_shape *shape, char *ret_text)
{
    ret_text[0] = '\0';
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct proto_field *field = &shape->fields[i];
        if (field->flags & PROTO_READ_ONLY)
            continue;
        if (!append_item(ret_text, ret_text[0] ? ", " : "", "", field->name))
            return;
    }
}

enum proto_code proto_refuse_value(const struct proto_decoder *decoder,
                                   const struct proto_field *field, const json_t *value,
                                   const struct proto_path *path)
{
    char is[PROTO_MESSAGE_BYTES], expected[PROTO_MESSAGE_BYTES];
    proto_value_describe(value, is);
    proto_field_expected(field, expected);
    return proto_error_at(decoder->error, PROTO_CODE_INVALID_FIELD, path, "%s is %s; expected %s",
                          field->name, is, expected);
}

enum proto_code proto_refuse_memory(const struct proto_decoder *decoder,
                                    const struct proto_path *path)
{
    return proto_error_at(decoder->error, PROTO_CODE_NO_MEMORY, path, "no memory for the message");
}
