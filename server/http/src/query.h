/* The query string. */
#ifndef HTTP_QUERY_H
#define HTTP_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include <proto/arena.h>
#include <proto/error.h>

struct http_query {
    double wait_s;
    int64_t limit;
    int64_t after;
    const char *cursor; /* decoded, in the arena; NULL: not given */
};

/* Whether a parameter of that name stands in text. */
bool http_query_has(const char *text, const char *name);

/* The number of an event, 0 to 2^53 - 1, in digits alone. */
bool http_query_parse_seq(const char *text, int64_t *ret_seq);

/* text: what follows '?', or NULL. known: enum api_query, the parameters of this route.
 * PROTO_CODE_OK or INVALID_QUERY: a parameter that is unknown here, given twice, without value or
 * out of range. */
__attribute__((warn_unused_result)) enum proto_code
http_query_parse(const char *text, unsigned known, struct proto_arena *arena,
                 struct http_query *ret_query, struct proto_error *ret_error);

#endif
