/* Small words that every table of fields uses. */
#ifndef PROTO_SRC_TABLES_H
#define PROTO_SRC_TABLES_H

#include <math.h>
#include <stddef.h>

#include <proto/wire.h>

/* The two members of a shape that an array of fields gives. */
#define PROTO_FIELDS(array) .fields = (array), .field_count = sizeof(array) / sizeof((array)[0])

#define PROTO_MAX_DEMONSTRATIONS                                                                   \
    1000000000                  /* per project; a limit against nonsense, not a promise */
#define PROTO_MAX_STEPS 1000000 /* of one demonstration */
#define PROTO_MAX_LIST 1000000  /* items of a list that a server answers with */

/* Shapes that stand in those of several files. */
extern const struct proto_shape proto_by_task_shape, proto_basis_shape;

#endif
