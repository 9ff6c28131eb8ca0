/* The data of a likelihood: gathered in likelihood.c, evaluated in likelihood_value.c. */
#ifndef AMF_LIKELIHOOD_PRIVATE_H
#define AMF_LIKELIHOOD_PRIVATE_H

#include <amf/likelihood.h>
#include <amf/matrix.h>

/* Where each kind of number stands among the parameters; count 0: it is not one. */
struct likelihood_part {
    size_t first, count;
};

struct amf_likelihood {
    struct amf_pool *pool;
    const atomic_bool *cancel;
    enum amf_kernel_kind kind;
    bool table; /* a task table multiplies; else task vectors enter beside the state */
    size_t rows, rows_total;

    struct amf_matrix states;  /* rows x state_dim */
    struct amf_matrix actions; /* rows x action_dim */
    size_t *task;              /* rows */
    struct amf_matrix vectors; /* task_count x task_dim, or empty */
    struct amf_matrix tasks;   /* task_count x task_count, the table, or empty */

    /* the problem's own numbers */
    double variance, noise, correlation;
    double *state_scale, *task_scale;
    size_t state_scale_count, task_scale_count; /* 0: the kernel has none */

    struct likelihood_part of_variance, of_noise, of_state, of_task, of_correlation;
    size_t size;
};

#endif
