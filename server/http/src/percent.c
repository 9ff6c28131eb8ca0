/* Strict decoding of %XX. libmicrohttpd's own decoder is switched off: it turns %2f into a
 * separator and %00 into the end of the path before anyone has looked. */
#include "percent.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

char *http_percent_decode(const char *text, size_t length, struct proto_arena *arena)
{
    char *decoded = proto_arena_alloc(arena, length + 1, 1);
    size_t used = 0;

    if (!decoded)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            int high = i + 2 < length ? hex_value(text[i + 1]) : -1;
            int low = high >= 0 ? hex_value(text[i + 2]) : -1;
            if (low < 0)
                return NULL;
            c = high * 16 + low;
            i += 2;
        }
        if (c <= 0x20 || c >= 0x7f || c == '/')
            return NULL;
        decoded[used++] = (char)c;
    }
    return decoded;
}
