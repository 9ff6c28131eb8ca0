/* The fleet: 100 tasks, demonstrations of 50 steps, 1,024 random Fourier features of a state and a
 * task, psi(s, c) = sqrt(2 / p) cos(W [s, c] + b), made where they are needed. */
#ifndef TEST_BENCH_FLEET_H
#define TEST_BENCH_FLEET_H

#include <stdint.h>

#include <amf/ridge_table.h>

#define FLEET_TASKS 100
#define FLEET_STEPS 50
#define FLEET_MEMBERS 256 /* the occupancy set */
#define FLEET_TESTS 4096
#define FLEET_FEATURES 1024

struct fleet {
    size_t demonstrations;
    double *tasks, *states;   /* FLEET_TASKS x 8; demonstrations x FLEET_STEPS x 16 */
    double *weights, *phases; /* FLEET_FEATURES x 24; FLEET_FEATURES */
    double *state_weights;    /* W_s': 16 x FLEET_FEATURES */
    int64_t *own;             /* task of each demonstration */
    int64_t *members;         /* demonstrations of the occupancy set, ascending */
    int64_t *tests;           /* FLEET_TESTS x (position in members, task, step) */
    double *state_wave;       /* of members' steps: cos, then sin, of W_s s; both scaled */
    double *task_wave;        /* of tasks: cos, then sin, of W_c c + b */
    double *task_phase;       /* W_c c + b */
    size_t *member_of;        /* of each demonstration; FLEET_MEMBERS: none */
    struct amf_block *held;   /* every demonstration under its own task */
    struct amf_features features;

    struct amf_block *blocks, *test_blocks;
    size_t *targets;
    double *test_weights;
};

/* From a seed, or the arrays of a safetensors file, which has 2,000 demonstrations. 0, or -1. */
__attribute__((warn_unused_result)) int fleet_init(struct fleet *fleet, size_t demonstrations,
                                                   const char *file);
void fleet_deinit(struct fleet *fleet);
#define FLEET_CLEANUP __attribute__((cleanup(fleet_deinit)))

/* Every stride-th member under every task against every test_stride-th pair; one sum a task, or
 * one in all. Borrowed from the fleet, until the next call. */
struct amf_ridge_table_input fleet_scene(struct fleet *fleet, size_t stride, size_t test_stride,
                                         bool one_sum);

#endif
