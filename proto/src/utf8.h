/* Which bytes are UTF-8: no overlong forms, no surrogates, nothing beyond U+10FFFF (RFC 3629). */
#ifndef PROTO_SRC_UTF8_H
#define PROTO_SRC_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that text begins with, 1 to 4; 0 when there is none. */
size_t proto_utf8_char(const char *text, size_t length);

bool proto_utf8_valid(const char *text, size_t length);

#endif
