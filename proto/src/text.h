/* JSON text that grows. The first failure sticks, so that writers need not check every piece. */
#ifndef PROTO_SRC_TEXT_H
#define PROTO_SRC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "real.h"

struct proto_text {
    char *data; /* NUL-terminated once anything was put */
    size_t length, capacity;
    bool failed, no_memory;
};

#define PROTO_TEXT_NULL                                                                            \
    {                                                                                              \
        NULL, 0, 0, false, false                                                                   \
    }

void proto_text_put(struct proto_text *text, const char *bytes, size_t length);
void proto_text_puts(struct proto_text *text, const char *string);
/* A name that needs no escapes, quoted, and a colon. */
void proto_text_name(struct proto_text *text, const char *name);
/* Quoted and escaped; fails on bytes that are not UTF-8. */
void proto_text_string(struct proto_text *text, const char *string);
void proto_text_int(struct proto_text *text, int64_t number);
/* As few digits as bring the same double back; fails on NaN and infinities. */
void proto_text_real(struct proto_text *text, double number);
/* Compact, members in their order. */
void proto_text_json(struct proto_text *text, const json_t *value);
void proto_text_deinit(struct proto_text *text);

#endif
