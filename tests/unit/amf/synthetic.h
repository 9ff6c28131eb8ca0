/* Seeded ranking problems of any size and kernel, for unit tests, property tests and benchmarks. */
#ifndef TEST_AMF_SYNTHETIC_H
#define TEST_AMF_SYNTHETIC_H

#include <amf/scorer.h>

struct synthetic_shape {
    uint64_t seed;
    size_t demonstrations, steps, tasks, state_dim, action_dim, task_dim;
    bool uneven; /* lengths vary between 1 and steps */
    enum amf_kernel_kind kernel;
    double noise;
    size_t feature_dim; /* 0: 6 */
};

struct synthetic {
    struct amf_problem problem; /* all tasks are candidates and targets; change at will */
    struct amf_trajectory *trajectories;
    double *numbers; /* states and actions */
    double *task_vectors, *features, *gradients, *means, *target_weights;
    const double **pointers;
    size_t *tasks;
    double state_scale, task_scale;
};

/* Goals for tasks; a demonstration walks to its task's goal: a = (goal - s) / 2 plus noise. Every
 * demonstration is held and in the occupancy set. */
void synthetic_init(struct synthetic *synthetic, const struct synthetic_shape *shape);
void synthetic_deinit(struct synthetic *synthetic);
#define SYNTHETIC_CLEANUP __attribute__((cleanup(synthetic_deinit)))

#endif
