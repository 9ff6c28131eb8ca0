/* A network as it is kept: layers that own their numbers. */
#ifndef AMF_NETWORK_PRIVATE_H
#define AMF_NETWORK_PRIVATE_H

#include <amf/network.h>

struct network_layer {
    enum amf_layer_kind kind;
    size_t in, out;        /* of every kind */
    double *weight, *bias; /* as in struct amf_layer; bias always there */
    double epsilon;
};

struct amf_network {
    size_t state_dim, task_dim, action_dim, hidden_dim;
    size_t widest; /* numbers a step, input included */
    double *state_mean, *state_std, *action_mean, *action_std;
    struct network_layer *layers;
    size_t layer_count;
};

/* network_check.c: AMF_OK, or *ret_fault says what is wrong. */
AMF_CHECKED enum amf_status amf_network_check(const struct amf_network_spec *spec,
                                              struct amf_network_fault *ret_fault);

#endif
