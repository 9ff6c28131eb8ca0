/* The strings of a tensor file's __metadata__ as fields of a table, so that a rule about a field is
 * written once. */
#ifndef PROTO_SRC_METADATA_H
#define PROTO_SRC_METADATA_H

#include <jansson.h>

#include <proto/safetensors.h>

#include "field.h"

/* The string as what its field wants to see: an object or a list is read as JSON; what cannot be
 * read stays a string, which the table then refuses. The caller owns *ret_value. */
__attribute__((warn_unused_result)) enum proto_code
proto_metadata_value(const struct proto_field *field, const struct proto_metadata_entry *entry,
                     json_t **ret_value, struct proto_error *ret_error);

/* Errors of tables and checks say "/success" or "/states"; in a file that is `where` success. */
enum proto_code proto_metadata_place(const char *where, enum proto_code code,
                                     struct proto_error *ret_error);

#endif
