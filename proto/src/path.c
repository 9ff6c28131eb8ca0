/* RFC 6901: every step is "/" and the name, in which "~" is written "~0" and "/" is written "~1".
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "path.h"

static size_t put(char *text, size_t size, size_t at, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length && at + 1 < size; i++)
        text[at++] = bytes[i];
    return at;
}

static size_t put_name(char *text, size_t size, size_t at, const char *name)
{
    at = put(text, size, at, "/", 1);
    for (; *name && at + 1 < size; name++) {
        if (*name == '~')
            at = put(text, size, at, "~0", 2);
        else if (*name == '/')
            at = put(text, size, at, "~1", 2);
        else
            at = put(text, size, at, name, 1);
    }
    return at;
}

/* Recursion is as deep as shapes nest, which is four. */
static size_t put_path(const struct proto_path *path, char *text, size_t size)
{
    if (!path)
        return 0;
    size_t at = put_path(path->parent, text, size);
    if (path->name)
        return put_name(text, size, at, path->name);
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "/%zu", path->index);
    return put(text, size, at, digits, (size_t)length);
}

void proto_path_write(const struct proto_path *path, const char *rest, char *ret_text, size_t size)
{
    size_t at = put_path(path, ret_text, size);
    at = put(ret_text, size, at, rest, strlen(rest));
    ret_text[at] = '\0';
}

enum proto_code proto_error_at(struct proto_error *ret_error, enum proto_code code,
                               const struct proto_path *path, const char *format, ...)
{
    /* Longer than error->at, so that proto_error_set sees that it was cut. */
    char at[2 * sizeof(((struct proto_error *)0)->at)];
    char detail[2 * sizeof(((struct proto_error *)0)->detail)];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    proto_path_write(path, "", at, sizeof(at));
    return proto_error_set(ret_error, code, at, "%s", detail);
}
