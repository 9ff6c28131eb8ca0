/* Where tasks, demonstrations and scores come from: what an experiment is run in.
 *
 * Two worlds: a simulated point mass, and recorded demonstrations. Both are read-only once made and
 * shared by all threads; whatever is random in them is a function of a seed and a number, so that
 * every rule is given the same demonstrations in the same order.
 */
#ifndef LAB_WORLD_H
#define LAB_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <amf/rng.h>
#include <amf/status.h>

struct lab_learner;

struct lab_demo {
    size_t task; /* of the learner */
    size_t steps;
    double *states, *actions; /* steps x state_dim, steps x action_dim; owned */
    bool pretraining;
};

struct lab_score {  /* of a policy */
    double value;   /* mean return, or mean squared error */
    double entropy; /* nats a demonstration, mean over the evaluation tasks */
};

struct lab_world {
    const char *score_name; /* "return", or "error": less is better */
    bool less_is_better;
    size_t state_dim, action_dim, task_dim;
    size_t task_count;          /* evaluation tasks; all weigh the same */
    const double *task_vectors; /* task_count x task_dim; NULL: tasks are names */
    const double *task_table;   /* task_count x task_count correlations, or NULL: vectors */
    const size_t *pretrain;     /* per task: demonstrations given beforehand */
    const size_t *available;    /* per task, pretraining included; NULL: without end */
    size_t samples;             /* candidates drawn anew each round; 0: the tasks themselves */
    bool standardize;           /* moments and length scale come from the held demonstrations */

    /* One task at random, into ret_vector; only with samples. */
    void (*sample)(const struct lab_world *world, struct amf_rng *rng, double *ret_vector);
    /* The number-th demonstration of a task in the experiment of that seed. `vector` is the task
     * itself, `task` the evaluation task it is counted under. Fills all but task and pretraining;
     * number is below available[task]. */
    enum amf_status (*demonstrate)(const struct lab_world *world, uint64_t seed, size_t task,
                                   const double *vector, size_t number, struct lab_demo *ret_demo);
    enum amf_status (*evaluate)(const struct lab_world *world, const struct lab_learner *learner,
                                struct lab_score *ret_score);
};

/* ---- a point mass in the plane ---- */

#define LAB_INTEGRATOR_TASKS 12
#define LAB_INTEGRATOR_SAMPLES 100

struct lab_integrator_settings {
    size_t pretrain_tasks; /* 1 to LAB_INTEGRATOR_TASKS neighbours share 12 demonstrations */
    size_t horizon;        /* steps of a demonstration, H >= 1 */
    double expert_noise;   /* standard deviation of an expert's action, >= 0 */
    bool circle;           /* any point of the circle may be asked for, not the 12 alone */
    double walk;           /* > 0: task table by a random walk round the ring, below 1 */
};

struct lab_integrator {
    struct lab_world world; /* first: the functions get back to us through it */
    struct lab_integrator_settings settings;
    double vectors[LAB_INTEGRATOR_TASKS * 2], table[LAB_INTEGRATOR_TASKS * LAB_INTEGRATOR_TASKS];
    size_t pretrain[LAB_INTEGRATOR_TASKS];
};

/* ret_integrator must stay where it is. AMF_BAD_ARGUMENT for settings out of range. */
AMF_CHECKED enum amf_status lab_integrator_init(const struct lab_integrator_settings *settings,
                                                struct lab_integrator *ret_integrator);

/* ---- recorded demonstrations ---- */

struct lab_recording {
    size_t task, steps;
    const double *states, *actions;
};

struct lab_backtest_settings {
    size_t task_count, state_dim, action_dim;
    const size_t *pretrain;  /* task_count */
    size_t held_out;         /* recordings of each task, the same for every seed */
    size_t max_steps;        /* of each, evenly spaced; 0: all */
    double task_correlation; /* [0, 1] */
};

struct lab_backtest; /* a lab_world with what it stands on */

/* Recordings are borrowed and outlive the backtest; those of one task in the order given. ret_short
 * (when AMF_BAD_ARGUMENT is for that): the task that has too few for held_out and pretrain, else
 * task_count. AMF_NOT_FINITE, AMF_NO_MEMORY. */
AMF_CHECKED enum amf_status lab_backtest_new(const struct lab_backtest_settings *settings,
                                             const struct lab_recording *recordings, size_t count,
                                             size_t *ret_short, struct lab_backtest **ret_backtest);
void lab_backtest_free(struct lab_backtest *backtest);
const struct lab_world *lab_backtest_world(const struct lab_backtest *backtest);

/* For who wants to check the split: the recordings held out, task_count x held_out indices; and the
 * number-th demonstration of a task in the experiment of that seed. */
const size_t *lab_backtest_held_out(const struct lab_backtest *backtest);
size_t lab_backtest_recording(const struct lab_backtest *backtest, uint64_t seed, size_t task,
                              size_t number);

static inline void lab_backtest_freep(struct lab_backtest **backtest)
{
    lab_backtest_free(*backtest);
}
#define LAB_BACKTEST_CLEANUP __attribute__((cleanup(lab_backtest_freep)))

#endif
