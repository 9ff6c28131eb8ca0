/* The policy that learns: a Gaussian process over the demonstrations it was given.
 *
 * Rebuilt from its demonstrations whenever it is asked: with a few hundred pairs that is
 * milliseconds, and there is no state to go wrong.
 */
#ifndef LAB_LEARNER_H
#define LAB_LEARNER_H

#include <lab/lab.h>

struct lab_scaling { /* raw -> standardised: (x - mean) / deviation */
    double *state_mean, *state_deviation, *action_mean, *action_deviation;
    double length; /* of the kernel, in standardised states */
    double variance, noise;
    bool frozen;
};

struct lab_learner {
    const struct lab_world *world;
    const struct lab_model *model;
    struct amf_pool *pool; /* borrowed */
    struct lab_demo *demos;
    size_t demo_count, demo_capacity;
    double *vectors; /* task_count x task_dim; empty where tasks are names */
    size_t task_count, task_capacity;
    struct lab_scaling scaling;
};

/* Knows the world's tasks and no demonstration. deinit works on a half-built one. */
AMF_CHECKED enum amf_status lab_learner_init(const struct lab_world *world,
                                             const struct lab_model *model, struct amf_pool *pool,
                                             struct lab_learner *learner);
void lab_learner_deinit(struct lab_learner *learner);
#define LAB_LEARNER_CLEANUP __attribute__((cleanup(lab_learner_deinit)))

/* One more task, for worlds whose tasks are vectors; and back to `count` tasks. */
AMF_CHECKED enum amf_status lab_learner_add_task(struct lab_learner *learner, const double *vector,
                                                 size_t *ret_task);
void lab_learner_drop_tasks(struct lab_learner *learner, size_t count);
const double *lab_learner_vector(const struct lab_learner *learner, size_t task); /* or NULL */

/* Takes the demonstration's arrays, also on failure. */
AMF_CHECKED enum amf_status lab_learner_add(struct lab_learner *learner,
                                            const struct lab_demo *demo);
/* Takes the last one back; scaling stays as it is. */
void lab_learner_drop_last(struct lab_learner *learner);
/* Moments and length scale from what is held; nothing once they are frozen, which they are when
 * as many demonstrations as the model's `fit_after` says are held. */
AMF_CHECKED enum amf_status lab_learner_fit(struct lab_learner *learner);

/* What the policy does at states (rows x state_dim), blocks of consecutive rows under a task:
 * ret_mean rows x action_dim in action units; ret_variance rows, of the standardised action. */
AMF_CHECKED enum amf_status lab_learner_predict(const struct lab_learner *learner,
                                                const double *states,
                                                const struct amf_block *blocks, size_t count,
                                                double *ret_mean, double *ret_variance);

/* Scores candidates (tasks) for the world's tasks as targets. */
AMF_CHECKED enum amf_status lab_learner_scorer(const struct lab_learner *learner,
                                               const struct amf_criterion_settings *settings,
                                               bool occupancy_new, const size_t *candidates,
                                               size_t count, struct amf_scorer **ret_scorer);

#endif
