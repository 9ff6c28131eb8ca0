/* Error texts quote input, and input is cut to fit: what goes out is always whole UTF-8. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <proto/error.h>

#include "utf8.h"

/* Bytes that are not UTF-8 become '?'; a text that was cut ends in "...". */
static void text_repair(char *text, size_t size, bool was_cut)
{
    size_t length = strlen(text);
    if (was_cut && size > 4) {
        length = size - 4;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
            length--;
    }
    for (size_t i = 0; i < length;) {
        size_t step = proto_utf8_char(text + i, length - i);
        if (step == 0)
            text[i] = '?';
        i += step ? step : 1;
    }
    if (was_cut)
        memcpy(text + length, "...", 4);
}

enum proto_code proto_error_set(struct proto_error *ret_error, enum proto_code code, const char *at,
                                const char *format, ...)
{
    if (!ret_error)
        return code;
    struct proto_error error = {.code = code};
    int at_length = snprintf(error.at, sizeof(error.at), "%s", at ? at : "");
    va_list args;
    va_start(args, format);
    int detail_length = vsnprintf(error.detail, sizeof(error.detail), format, args);
    va_end(args);
    text_repair(error.at, sizeof(error.at), at_length >= (int)sizeof(error.at));
    text_repair(error.detail, sizeof(error.detail), detail_length >= (int)sizeof(error.detail));
    *ret_error = error;
    return code;
}
