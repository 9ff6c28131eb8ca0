/* Moments as text: RFC 3339 in UTC with milliseconds, "2026-11-21T10:03:18.250Z". */
#ifndef PROTO_TIME_H
#define PROTO_TIME_H

#include <stdint.h>

#define PROTO_TIME_BYTES 32

/* at_ms: milliseconds since 1970. 0, or -1: not within the years 1970 to 9999. */
__attribute__((warn_unused_result)) int proto_time_format(int64_t at_ms,
                                                          char ret_text[PROTO_TIME_BYTES]);
/* A time of RFC 3339 with any offset; what is finer than a millisecond is cut. 0, or -1: it is
 * none, or not within these years. */
__attribute__((warn_unused_result)) int proto_time_read(const char *text, int64_t *ret_at_ms);
/* Exactly what proto_time_format writes. 0 or -1. */
__attribute__((warn_unused_result)) int proto_time_parse(const char *text, int64_t *ret_at_ms);

#endif
