/* A setting is decoded as the one member that it names, by the same table as on the server: so a
 * wrong value is told before anything is sent, in the server's words.
 *
 * The value is JSON, except that a word needs no quotes where the member takes one. Since the shape
 * has only the named member, text that would close the object and open another member is refused as
 * unknown.
 */
#include "settings.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <amf_client/shape.h>

__attribute__((format(printf, 2, 3))) static int refuse(char error[512], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, 512, format, args);
    va_end(args);
    return -1;
}

static bool is_json_word(const char *text)
{
    return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 || strcmp(text, "null") == 0;
}

static bool wants_quotes(const struct proto_field *field, const char *value)
{
    if (field->type == PROTO_STRING || field->type == PROTO_ENUM)
        return !(strcmp(value, "null") == 0 && field->flags & PROTO_NULLABLE);
    return isalpha((unsigned char)*value) && !is_json_word(value);
}

static char *quote(const char *value, struct proto_arena *arena)
{
    static const char digits[] = "0123456789abcdef";
    char *quoted = proto_arena_alloc(arena, strlen(value) + 1, 6), *end = quoted;

    if (!quoted)
        return NULL;
    *end++ = '"';
    for (; *value; value++) {
        unsigned char byte = (unsigned char)*value;

        if (byte < 0x20) {
            memcpy(end, "\\u00", 4);
            end[4] = digits[byte >> 4];
            end[5] = digits[byte & 15];
            end += 6;
            continue;
        }
        if (byte == '"' || byte == '\\')
            *end++ = '\\';
        *end++ = *value;
    }
    *end++ = '"';
    *end = '\0';
    return quoted;
}

/* {"kernel":{"variance":VALUE}} */
static char *nest(const char *path, const char *value, struct proto_arena *arena)
{
    const char *dot = strrchr(path, '.');
    char *text = proto_arena_printf(arena, "{\"%s\":%s}", dot ? dot + 1 : path, value);
    char *rest = proto_arena_strndup(arena, path, dot ? (size_t)(dot - path) : 0);

    if (!text || !rest)
        return NULL;
    return dot ? nest(rest, text, arena) : text;
}

static int apply(const char *path, const char *value, struct proto_arena *arena,
                 struct proto_project *project, char error[512])
{
    const struct proto_field *field = amf_client_shape_find(&proto_project_shape, path);
    const struct proto_strings only = {&path, 1};
    const struct proto_shape *shape;
    struct proto_error why;
    enum proto_code code;
    char *text;

    if (!field)
        return refuse(error, "there is no setting %.100s; `amf project show ID` lists them", path);
    if (field->flags & PROTO_READ_ONLY)
        return refuse(error, "%s is the server's to say", path);
    shape = amf_client_shape_pick(&proto_project_shape, &only, arena);
    text = wants_quotes(field, value) ? quote(value, arena) : proto_arena_strdup(arena, value);
    text = text ? nest(path, text, arena) : NULL;
    if (!shape || !text)
        return refuse(error, "out of memory");
    code = proto_decode(shape, text, strlen(text), false, arena, project, &why);
    if (code == PROTO_CODE_MALFORMED_JSON)
        return refuse(error, "%s=%.100s: the value is neither a word nor a number nor JSON", path,
                      value);
    if (code != PROTO_CODE_OK)
        return refuse(error, "%s=%.100s: %s", path, value, why.detail);
    return 0;
}

int settings_apply(const char *const *words, size_t count, struct proto_arena *arena,
                   struct proto_project *project, struct proto_strings *ret_fields,
                   char ret_error[512])
{
    const char **paths = proto_arena_alloc(arena, count + 1, sizeof(*paths));

    if (!paths)
        return refuse(ret_error, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(words[i], '=');

        if (!equals || equals == words[i])
            return refuse(ret_error, "\"%.100s\" is not KEY=VALUE", words[i]);
        paths[i] = proto_arena_strndup(arena, words[i], (size_t)(equals - words[i]));
        if (!paths[i])
            return refuse(ret_error, "out of memory");
        if (apply(paths[i], equals + 1, arena, project, ret_error) < 0)
            return -1;
    }
    *ret_fields = (struct proto_strings){paths, count};
    return 0;
}
