/* Elements of a tensor as float64. Files are little-endian and tensors may begin at any byte, so
 * elements are copied before they are numbers; a compiler makes one load of that. */
#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <proto/safetensors.h>

#include "bytes.h"
#include "tensor_matrix.h"

static double load_f64(const unsigned char *bytes)
{
    uint64_t bits;
    double number;
    memcpy(&bits, bytes, sizeof(bits));
    bits = le64toh(bits);
    memcpy(&number, &bits, sizeof(number));
    return number;
}

static double load_f32(const unsigned char *bytes)
{
    uint32_t bits = (uint32_t)proto_bytes_get(bytes, 4);
    float number;
    memcpy(&number, &bits, sizeof(number));
    return (double)number;
}

/* IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
static double load_f16(const unsigned char *bytes)
{
    unsigned bits = (unsigned)proto_bytes_get(bytes, 2);
    int exponent = (int)(bits >> 10 & 0x1F);
    double fraction = bits & 0x3FF, number;
    if (exponent == 0x1F)
        number = fraction == 0 ? INFINITY : NAN;
    else if (exponent == 0)
        number = ldexp(fraction, -24);
    else
        number = ldexp(fraction + 1024, exponent - 25);
    return bits & 0x8000 ? -number : number;
}

static enum proto_code refuse(const struct proto_tensor *tensor, enum proto_code code,
                              const char *detail, struct proto_error *ret_error)
{
    char at[sizeof(ret_error->at)];
    snprintf(at, sizeof(at), "tensor %s", tensor->name);
    return proto_error_set(ret_error, code, at, "%s", detail);
}

static const struct {
    double (*load)(const unsigned char *bytes);
    size_t bytes;
} loaders[] = {
    [PROTO_F16] = {load_f16, 2}, [PROTO_F32] = {load_f32, 4}, [PROTO_F64] = {load_f64, 8}};

static enum proto_code refuse_element(const struct proto_tensor *tensor, size_t index,
                                      double number, struct proto_error *ret_error)
{
    char detail[128];
    snprintf(detail, sizeof(detail), "row %zu, column %zu is %s; expected a finite number",
             index / tensor->shape[1], index % tensor->shape[1],
             isnan(number) ? "NaN" : "infinite");
    return refuse(tensor, PROTO_CODE_NOT_FINITE, detail, ret_error);
}

enum proto_code proto_tensor_check_matrix(const struct proto_tensor *tensor,
                                          struct proto_error *ret_error)
{
    char detail[128];
    if (tensor->rank == 2 && tensor->dtype != PROTO_DTYPE_OTHER)
        return PROTO_CODE_OK;
    snprintf(detail, sizeof(detail),
             "it has %zu dimensions of %s; expected 2 dimensions of F16, F32 or F64", tensor->rank,
             tensor->dtype_name);
    return refuse(tensor, PROTO_CODE_INVALID_TENSOR, detail, ret_error);
}

size_t proto_tensor_element_bytes(const struct proto_tensor *tensor)
{
    return loaders[tensor->dtype].bytes;
}

enum proto_code proto_tensor_load(const struct proto_tensor *tensor, const unsigned char *bytes,
                                  size_t first, size_t count, double *ret_numbers,
                                  struct proto_error *ret_error)
{
    size_t width = loaders[tensor->dtype].bytes;
    for (size_t i = 0; i < count; i++) {
        double number = loaders[tensor->dtype].load(bytes + i * width);
        if (!isfinite(number))
            return refuse_element(tensor, first + i, number, ret_error);
        ret_numbers[i] = number;
    }
    return PROTO_CODE_OK;
}

enum proto_code proto_tensor_matrix(const struct proto_tensor *tensor, struct proto_arena *arena,
                                    struct proto_matrix *ret_matrix, struct proto_error *ret_error)
{
    enum proto_code code = proto_tensor_check_matrix(tensor, ret_error);
    if (code != PROTO_CODE_OK)
        return code;
    double *data = proto_arena_alloc(arena, tensor->element_count, sizeof(*data));
    if (!data)
        return refuse(tensor, PROTO_CODE_NO_MEMORY, "no memory for its numbers", ret_error);
    code = proto_tensor_load(tensor, tensor->bytes, 0, tensor->element_count, data, ret_error);
    if (code == PROTO_CODE_OK)
        *ret_matrix =
            (struct proto_matrix){.data = data, .rows = tensor->shape[0], .cols = tensor->shape[1]};
    return code;
}
