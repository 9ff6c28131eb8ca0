/* Shapes as a client needs them: a part of a message, named by dotted paths such as
 * "kernel.variance". */
#ifndef AMF_CLIENT_SHAPE_H
#define AMF_CLIENT_SHAPE_H

#include <proto/field.h>

/* The same struct with only the named members (NULL: all), and without those that are the server's
 * to say. A path to an object keeps all of it. Lives in the arena. NULL: out of memory. */
const struct proto_shape *amf_client_shape_pick(const struct proto_shape *shape,
                                                const struct proto_strings *paths,
                                                struct proto_arena *arena);

/* The member at a dotted path, or NULL: there is none. */
const struct proto_field *amf_client_shape_find(const struct proto_shape *shape, const char *path);

#endif
