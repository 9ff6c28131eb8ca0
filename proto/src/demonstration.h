/* Parts of a demonstration's file, for when it comes in pieces. */
#ifndef PROTO_SRC_DEMONSTRATION_H
#define PROTO_SRC_DEMONSTRATION_H

#include <proto/safetensors.h>
#include <proto/wire.h>

/* All but the numbers: the matrices have their sizes, and no data. */
enum proto_code proto_demonstration_from_head(const struct proto_tensors *tensors,
                                              struct proto_arena *arena,
                                              struct proto_demonstration *ret_demonstration,
                                              struct proto_error *ret_error);
/* Numbers of the matrix `name` from its element `first` on. */
enum proto_code proto_demonstration_check_range(const char *name, size_t cols, size_t first,
                                                const double *numbers, size_t count,
                                                struct proto_error *ret_error);
/* The file that proto_demonstration_to_tensors makes, with its numbers still to be filled in: first
 * those of states, then those of actions, up to the end. */
int proto_demonstration_begin_tensors(const struct proto_demonstration *demonstration,
                                      unsigned char **ret_bytes, size_t *ret_length);

#endif
