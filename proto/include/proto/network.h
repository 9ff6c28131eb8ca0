/* A policy network as a safetensors file: the weights of a revision of kind `mlp`.
 *
 * __metadata__.layers, a JSON list, says what happens to the input (a state, with the task's vector
 * behind it where the network takes one), one layer after the other:
 *
 *     {"op": "linear", "weight": NAME, "bias": NAME or null}         W x + b; weight is out x in
 *     {"op": "layer_norm", "weight": NAME, "bias": NAME or null, "eps": 1e-5}
 *     {"op": "relu"}, {"op": "gelu"}, {"op": "gelu_tanh"}, {"op": "tanh"}
 *
 * The last one is linear and gives the actions; what goes into it is the last hidden layer h.
 * Tensors input_mean and input_std (as long as the state, or as the whole input) are taken from the
 * input and divided by; output_mean and output_std are put on the actions again, std first. Each
 * pair is there or is not. F16, F32 or F64; a tensor that nobody names is refused, as is
 * one that is named twice, since a small file would then be a large network.
 */
#ifndef PROTO_NETWORK_H
#define PROTO_NETWORK_H

#include <proto/safetensors.h>
#include <proto/wire.h>

#define PROTO_NETWORK_MAX_LAYERS 64
#define PROTO_NETWORK_MAX_WIDTH 65536
#define PROTO_NETWORK_MAX_NUMBERS (1 << 24) /* in all tensors: 128 MiB as float64 */

enum proto_layer_op {
    PROTO_LAYER_LINEAR,
    PROTO_LAYER_NORM,
    PROTO_LAYER_RELU,
    PROTO_LAYER_GELU,
    PROTO_LAYER_GELU_TANH,
    PROTO_LAYER_TANH
};
extern const char *const proto_layer_op_names[]; /* NULL-terminated */

struct proto_layer {
    int op;                    /* enum proto_layer_op */
    const char *weight_name;   /* tensor; NULL: the operation has none */
    size_t in, out;            /* numbers */
    struct proto_reals weight; /* linear: out x in; layer_norm: out */
    struct proto_reals bias;   /* out; count 0: none */
    double eps;                /* layer_norm */
};

struct proto_network {
    size_t input_dim, hidden_dim, output_dim;
    struct proto_layer *layers; /* the last one is linear, and one has a width */
    size_t layer_count;
    struct proto_reals input_mean, input_std, output_mean, output_std; /* count 0: none */
};

/* The first layer that has a width of its own. */
const struct proto_layer *proto_network_first(const struct proto_network *network);

/* Everything that can be told without a project: operations, tensors, that widths follow each
 * other, finite numbers. Errors name "metadata layers/2/op" or "tensor NAME", and the layer. The
 * network is in the arena; `summary` is the caller's to read. */
__attribute__((warn_unused_result)) enum proto_code
proto_network_read(const struct proto_tensors *tensors, struct proto_arena *arena,
                   struct proto_network **ret_network, struct proto_error *ret_error);

#endif
