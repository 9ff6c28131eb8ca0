/* Bytes as text: two lower-case hexadecimal digits each. */
#ifndef PROTO_HEX_H
#define PROTO_HEX_H

#include <stddef.h>

/* ret_text has room for 2 * count + 1 characters. */
void proto_hex_write(const void *bytes, size_t count, char *ret_text);

#endif
