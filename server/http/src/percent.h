/* Strict decoding of %XX in parts of an address. */
#ifndef HTTP_PERCENT_H
#define HTTP_PERCENT_H

#include <stddef.h>

#include <proto/arena.h>

/* The decoded text, or NULL: half an escape, or a character that no name in this API has. Only
 * printable ASCII without space and '/' passes, so an escape can never end a name or become a
 * separator. NULL also when out of memory. */
char *http_percent_decode(const char *text, size_t length, struct proto_arena *arena);

#endif
