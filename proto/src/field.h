/* What the parts of the field codec share. */
#ifndef PROTO_SRC_FIELD_H
#define PROTO_SRC_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <proto/field.h>

#include "path.h"

#define PROTO_MAX_COLUMNS 4096
#define PROTO_MESSAGE_BYTES 256 /* room for a description */

struct proto_decoder {
    bool from_server;
    struct proto_arena *arena;
    struct proto_error *error;
};

/* proto_decode() for a tree. path: where the object is in the message. */
__attribute__((warn_unused_result)) enum proto_code
proto_decode_object(const struct proto_decoder *decoder, const struct proto_shape *shape,
                    json_t *value, const struct proto_path *path, void *object);

/* One member: REALS, MATRIX and SCALE; the others are in field_decode.c. */
__attribute__((warn_unused_result)) enum proto_code
proto_decode_reals(const struct proto_decoder *decoder, const struct proto_field *field,
                   json_t *value, const struct proto_path *path, void *member);
__attribute__((warn_unused_result)) enum proto_code
proto_decode_matrix(const struct proto_decoder *decoder, const struct proto_field *field,
                    json_t *value, const struct proto_path *path, void *member);
__attribute__((warn_unused_result)) enum proto_code
proto_decode_scale(const struct proto_decoder *decoder, const struct proto_field *field,
                   json_t *value, const struct proto_path *path, void *member);

/* "lease_s is "60"; expected a number from 1 to 604800" */
enum proto_code proto_refuse_value(const struct proto_decoder *decoder,
                                   const struct proto_field *field, const json_t *value,
                                   const struct proto_path *path);
enum proto_code proto_refuse_memory(const struct proto_decoder *decoder,
                                    const struct proto_path *path);

/* What a field takes, and what a value is, in words; ret_text has room for PROTO_MESSAGE_BYTES. */
void proto_field_expected(const struct proto_field *field, char *ret_text);
void proto_value_describe(const json_t *value, char *ret_text);
/* "a number from 0 to 1": the range of one element. */
void proto_range_describe(const struct proto_field *field, const char *noun, char *ret_text);
/* "id, title, kernel, ...": what a request may say. */
void proto_shape_names(const struct proto_shape *shape, char *ret_text);

/* NULL when the shape has no such field. */
const struct proto_field *proto_shape_find(const struct proto_shape *shape, const char *name);

bool proto_field_in_range(const struct proto_field *field, double number);

/* What an array of count items takes from field: its own limit or the default. */
size_t proto_field_max_length(const struct proto_field *field);
/* sizeof the member. */
size_t proto_field_size(const struct proto_field *field);

#endif
