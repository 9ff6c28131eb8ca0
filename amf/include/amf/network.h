/* A policy network evaluated here: what it does at a state under a task, and its last hidden layer.
 *
 *   x_0 = [(s - mean) / std ; c],  x_k = layer_k(x_{k-1}),  h = input of the last layer,
 *   pi(s, c) = mean_a + std_a x_last
 *
 *   linear      W x + b
 *   layer_norm  (x - m) / sqrt(v + eps) gamma + beta, m and v over the numbers of x, v with 1 / n
 *   relu, tanh  each number
 *   gelu        x (1 + erf(x / sqrt 2)) / 2
 *   gelu_tanh   x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
 *
 * The last layer is linear: then with g = pi - a (policy.h) g (x) h is the gradient of its weights
 * under a squared loss, and with something behind it, it is not.
 *
 * Cost: two operations a weight and step. All in float64 and on one thread a batch, so a batch has
 * the same bits at any number of workers. A batch of H steps and H batches of one agree to rounding
 * alone, as BLAS sums in an order that depends on the shape.
 */
#ifndef AMF_NETWORK_H
#define AMF_NETWORK_H

#include <stdatomic.h>
#include <stddef.h>

#include <amf/pool.h>
#include <amf/status.h>

enum amf_layer_kind {
    AMF_LAYER_LINEAR,
    AMF_LAYER_NORM,
    AMF_LAYER_RELU,
    AMF_LAYER_GELU,
    AMF_LAYER_GELU_TANH,
    AMF_LAYER_TANH
};

struct amf_layer {
    enum amf_layer_kind kind;
    size_t in;            /* linear only */
    size_t out;           /* linear; norm: numbers of gamma */
    const double *weight; /* linear: out x in; norm: gamma */
    const double *bias;   /* linear: out; norm: beta; NULL: 0 */
    double epsilon;       /* norm: > 0 */
};

struct amf_network_spec {
    size_t state_dim, task_dim, action_dim;
    const double *state_mean, *state_std;   /* state_dim; both NULL: states as they are */
    const double *action_mean, *action_std; /* action_dim; likewise */
    const struct amf_layer *layers;         /* the last one is linear */
    size_t layer_count;
};

struct amf_network_fault {
    size_t layer;       /* whose it is; SIZE_MAX: of no layer */
    const char *field;  /* the member at fault, such as "in" or "state_std" */
    const char *wanted; /* a phrase: "as many as the layer before gives", "finite numbers" */
    size_t size;        /* that many; 0 where `wanted` is about no size */
};

struct amf_network; /* immutable */

/* Copies what the spec points to. AMF_BAD_ARGUMENT, AMF_NOT_FINITE, AMF_TOO_LARGE (with *ret_fault
 * filled, else untouched), AMF_NO_MEMORY. */
AMF_CHECKED enum amf_status amf_network_new(const struct amf_network_spec *spec,
                                            struct amf_network **ret_network,
                                            struct amf_network_fault *ret_fault);
void amf_network_free(struct amf_network *network); /* NULL is fine */

size_t amf_network_hidden_dim(const struct amf_network *network); /* d_h */

struct amf_network_batch { /* states under one task */
    const double *states;  /* count x state_dim */
    size_t count;
    const double *task;  /* task_dim; NULL where that is 0 */
    double *ret_actions; /* count x action_dim */
    double *ret_hidden;  /* count x d_h; may be NULL */
};

/* A task of the pool each. AMF_NOT_FINITE for a state or task vector that is not, or where a number
 * overflowed; AMF_NO_MEMORY, AMF_TOO_LARGE, AMF_CANCELLED. */
AMF_CHECKED enum amf_status amf_network_evaluate(const struct amf_network *network,
                                                 const struct amf_network_batch *batches,
                                                 size_t count, struct amf_pool *pool,
                                                 const atomic_bool *cancel);

static inline void amf_network_freep(struct amf_network **network)
{
    amf_network_free(*network);
}
#define AMF_NETWORK_CLEANUP __attribute__((cleanup(amf_network_freep)))

#endif
