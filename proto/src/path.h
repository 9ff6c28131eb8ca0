/* Where in a message something is, as a chain of frames on the decoder's stack: costs nothing until
 * an error. */
#ifndef PROTO_SRC_PATH_H
#define PROTO_SRC_PATH_H

#include <stddef.h>

#include <proto/error.h>

struct proto_path {
    const struct proto_path *parent; /* NULL: the whole message */
    const char *name;                /* member; NULL: list item */
    size_t index;
};

/* The RFC 6901 pointer to path, followed by rest ("" or a pointer relative to it), cut to size. */
void proto_path_write(const struct proto_path *path, const char *rest, char *ret_text, size_t size);

/* proto_error_set with a path for `at`. path NULL: the whole message. */
__attribute__((format(printf, 4, 5))) enum proto_code proto_error_at(struct proto_error *ret_error,
                                                                     enum proto_code code,
                                                                     const struct proto_path *path,
                                                                     const char *format, ...);

#endif
