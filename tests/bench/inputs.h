/* The ranking benchmarks' problems, of fixed shapes: made here from a seed, or read from a
 * safetensors file with the same arrays, so that programs of other kinds can be given the same. */
#ifndef TEST_BENCH_INPUTS_H
#define TEST_BENCH_INPUTS_H

#include <amf/scorer.h>

struct inputs {
    struct amf_problem problem;
    size_t demonstrations, steps;
    double *tasks;                /* task_count x task_dim */
    double *states;               /* demonstrations x steps x state_dim */
    double *actions;              /* demonstrations x steps x action_dim */
    double *features, *gradients; /* demonstrations x task_count x steps x dim; factored only */
    struct amf_trajectory *trajectories;
    const double **pointers;
    size_t *indices; /* 0 .. task_count - 1 */
    double *target_weights;
    double state_scale, task_scale, table[25];
};

/* 12 tasks on a circle, 50 demonstrations of 5 steps, RBF, sigma 0.1. */
__attribute__((warn_unused_result)) int inputs_paper(struct inputs *inputs, const char *file);
/* 5 tasks, 35 demonstrations of 50 steps, factored 9 x 256, sigma 0.1. */
__attribute__((warn_unused_result)) int inputs_kitchen(struct inputs *inputs, const char *file);
/* The shape of the bundled robot data as the daemon ranks it, without a file: 5 unlike tasks, 16
 * steps, floor and samples. */
__attribute__((warn_unused_result)) int inputs_franka(struct inputs *inputs, size_t demonstrations);
/* 4 tasks, 24 demonstrations of 50 steps of 39 states and 4 actions, factored 4 x 256, a
 * deterministic policy whose features and means the caller makes. */
__attribute__((warn_unused_result)) int inputs_network(struct inputs *inputs);
/* A whole file, which the caller frees; says on stderr what is wrong. 0, or -1. */
__attribute__((warn_unused_result)) int
inputs_read_bytes(const char *path, unsigned char **ret_bytes, size_t *ret_length);
void inputs_deinit(struct inputs *inputs);
#define INPUTS_CLEANUP __attribute__((cleanup(inputs_deinit)))

#endif
