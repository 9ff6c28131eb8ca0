/* Writing JSON directly, without a tree in between: a long trajectory would cost 70 bytes a number
 * there. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "utf8.h"

static bool text_reserve(struct proto_text *text, size_t more)
{
    size_t wanted;
    if (text->failed || __builtin_add_overflow(text->length, more, &wanted) ||
        __builtin_add_overflow(wanted, 1, &wanted))
        return false;
    if (wanted <= text->capacity)
        return true;
    size_t capacity = wanted + wanted / 2;
    capacity = capacity < 256 ? 256 : capacity;
    char *data = capacity < wanted ? NULL : realloc(text->data, capacity);
    if (!data)
        return false;
    text->data = data;
    text->capacity = capacity;
    return true;
}

void proto_text_put(struct proto_text *text, const char *bytes, size_t length)
{
    if (!text_reserve(text, length)) {
        text->no_memory = text->no_memory || !text->failed;
        text->failed = true;
        return;
    }
    memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void proto_text_puts(struct proto_text *text, const char *string)
{
    proto_text_put(text, string, strlen(string));
}

void proto_text_name(struct proto_text *text, const char *name)
{
    proto_text_put(text, "\"", 1);
    proto_text_puts(text, name);
    proto_text_put(text, "\":", 2);
}

static void put_escaped(struct proto_text *text, unsigned char byte)
{
    static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    char escape[8];
    for (const char *pair = letters; *pair; pair += 2) {
        if ((unsigned char)pair[0] == byte) {
            snprintf(escape, sizeof(escape), "\\%c", pair[1]);
            proto_text_puts(text, escape);
            return;
        }
    }
    snprintf(escape, sizeof(escape), "\\u%04x", byte);
    proto_text_puts(text, escape);
}

void proto_text_string(struct proto_text *text, const char *string)
{
    size_t length = strlen(string), plain = 0;
    if (!proto_utf8_valid(string, length)) {
        text->failed = true;
        return;
    }
    proto_text_put(text, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)string[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        proto_text_put(text, string + plain, i - plain);
        put_escaped(text, byte);
        plain = i + 1;
    }
    proto_text_put(text, string + plain, length - plain);
    proto_text_put(text, "\"", 1);
}

void proto_text_int(struct proto_text *text, int64_t number)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%" PRId64, number);
    proto_text_puts(text, digits);
}

void proto_text_real(struct proto_text *text, double number)
{
    char digits[PROTO_REAL_BYTES];
    if (!isfinite(number)) {
        text->failed = true;
        return;
    }
    proto_real_format(digits, number);
    proto_text_puts(text, digits);
}

static void put_json_object(struct proto_text *text, const json_t *value)
{
    const char *key, *separator = "{";
    json_t *member;
    json_object_foreach((json_t *)value, key, member)
    {
        proto_text_puts(text, separator);
        proto_text_string(text, key);
        proto_text_puts(text, ":");
        proto_text_json(text, member);
        separator = ",";
    }
    proto_text_puts(text, json_object_size(value) ? "}" : "{}");
}

static void put_json_array(struct proto_text *text, const json_t *value)
{
    proto_text_puts(text, "[");
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (i > 0)
            proto_text_puts(text, ",");
        proto_text_json(text, json_array_get(value, i));
    }
    proto_text_puts(text, "]");
}

void proto_text_json(struct proto_text *text, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_json_object(text, value);
        break;
    case JSON_ARRAY:
        put_json_array(text, value);
        break;
    case JSON_STRING:
        proto_text_string(text, json_string_value(value));
        break;
    case JSON_INTEGER:
        proto_text_int(text, json_integer_value(value));
        break;
    case JSON_REAL:
        proto_text_real(text, json_real_value(value));
        break;
    case JSON_TRUE:
        proto_text_puts(text, "true");
        break;
    case JSON_FALSE:
        proto_text_puts(text, "false");
        break;
    case JSON_NULL:
        proto_text_puts(text, "null");
        break;
    }
}

void proto_text_deinit(struct proto_text *text)
{
    free(text->data);
    text->data = NULL;
}
