/* What is wrong with an input, in the words of the one registry, proto/errors.json.
 *
 * enum proto_code, proto_code_name(), proto_code_status() and proto_code_title() are generated from
 * the registry into <proto/error_codes.h>.
 */
#ifndef PROTO_ERROR_H
#define PROTO_ERROR_H

#include <proto/error_codes.h>

struct proto_error {
    enum proto_code code;
    char at[160];     /* JSON pointer ("/states/3/1"), tensor name ("tensor states") or "" */
    char detail[320]; /* one sentence: what is wrong, what was expected, what to do */
};

/* Fills *ret_error and returns code, so that a caller can write `return proto_error_set(...)`. */
__attribute__((format(printf, 4, 5))) enum proto_code proto_error_set(struct proto_error *ret_error,
                                                                      enum proto_code code,
                                                                      const char *at,
                                                                      const char *format, ...);

#endif
