/* The gain straight from its formula, for tests: nothing of libamf but its structs. */
#ifndef TEST_PROPERTY_REFERENCE_H
#define TEST_PROPERTY_REFERENCE_H

#include <amf/scorer.h>

struct reference_pair { /* a state-task pair */
    size_t trajectory, step, task;
};

/* k(x, x') of the problem's kernel. */
double reference_kernel(const struct amf_problem *problem, struct reference_pair a,
                        struct reference_pair b);

/* Posterior covariance of two pairs given count others, by a dense inverse. */
double reference_covariance(const struct amf_problem *problem, const struct reference_pair *given,
                            size_t count, struct reference_pair a, struct reference_pair b);

/* G(c') of one candidate: weights trajectory_count x task_count, rows outside the occupancy set
 * unused. pending: trajectory and task of blocks already added. */
double reference_gain(const struct amf_problem *problem, const double *weights, size_t candidate,
                      const size_t (*pending)[2], size_t pending_count);

#endif
