/* A tensor's elements as numbers, some at a time. */
#ifndef PROTO_SRC_TENSOR_MATRIX_H
#define PROTO_SRC_TENSOR_MATRIX_H

#include <proto/safetensors.h>

/* Two dimensions of numbers; the others want a tensor that has passed this. */
enum proto_code proto_tensor_check_matrix(const struct proto_tensor *tensor,
                                          struct proto_error *ret_error);
size_t proto_tensor_element_bytes(const struct proto_tensor *tensor);
/* Elements `first` to `first + count`, which stand at `bytes`. Refuses NaN and infinities. */
enum proto_code proto_tensor_load(const struct proto_tensor *tensor, const unsigned char *bytes,
                                  size_t first, size_t count, double *ret_numbers,
                                  struct proto_error *ret_error);

#endif
