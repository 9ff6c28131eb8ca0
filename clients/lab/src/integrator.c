/* The point mass of the paper's first experiment.
 *
 *   s_0 = 0, s_{t+1} = s_t + a_t dt, expert a_t = (g - s_t) / 2 + noise,  t = 0 .. H - 1
 *   return = - dt sum_{t=1..H} |s_t - g|,  dt = 5 / H
 *
 * g is a point of the unit circle and, as the vector (cos, sin), the task itself. Five units of
 * time pass whatever H is, so that returns of different horizons can be compared. The policy is
 * tried without noise, in all twelve tasks at once: one prediction a step.
 */
#include <math.h>
#include <string.h>

#include <amf/measure.h>

#include "internal.h"
#include "learner.h"

#define TASKS LAB_INTEGRATOR_TASKS
#define PRETRAINING 12
#define TIME 5.0
#define GAIN 0.5

static const struct lab_integrator *integrator_of(const struct lab_world *world)
{
    return (const struct lab_integrator *)(const void *)world;
}

static void integrator_sample(const struct lab_world *world, struct amf_rng *rng,
                              double *ret_vector)
{
    double angle = 2 * M_PI * amf_rng_uniform(rng);

    (void)world;
    ret_vector[0] = cos(angle);
    ret_vector[1] = sin(angle);
}

/* noise NULL: what the expert means to do. */
static void integrator_expert(const struct lab_integrator *integrator, const double *goal,
                              struct amf_rng *noise, double *ret_states, double *ret_actions)
{
    size_t horizon = integrator->settings.horizon;
    double state[2] = {0, 0};

    for (size_t t = 0; t < horizon; t++)
        for (size_t d = 0; d < 2; d++) {
            double action = GAIN * (goal[d] - state[d]);

            if (noise)
                action += integrator->settings.expert_noise * amf_rng_normal(noise);
            ret_states[2 * t + d] = state[d];
            ret_actions[2 * t + d] = action;
            state[d] += action * TIME / (double)horizon;
        }
}

static enum amf_status integrator_demonstrate(const struct lab_world *world, uint64_t seed,
                                              size_t task, const double *vector, size_t number,
                                              struct lab_demo *ret_demo)
{
    const struct lab_integrator *integrator = integrator_of(world);
    size_t horizon = integrator->settings.horizon;
    struct lab_demo demo = {
        .steps = horizon, .states = lab_new_rows(horizon, 2), .actions = lab_new_rows(horizon, 2)};
    struct amf_rng rng;

    if (!demo.states || !demo.actions) {
        free(demo.states);
        free(demo.actions);
        return AMF_NO_MEMORY;
    }
    amf_rng_init(&rng, seed, lab_stream(LAB_STREAM_EXPERT, task, number));
    integrator_expert(integrator, vector, &rng, demo.states, demo.actions);
    *ret_demo = demo;
    return AMF_OK;
}

/* ---- evaluation ---- */

static enum amf_status integrator_return(const struct lab_integrator *integrator,
                                         const struct lab_learner *learner, double *ret_return)
{
    double state[TASKS * 2] = {0}, action[TASKS * 2], variance[TASKS], sum = 0;
    double step = TIME / (double)integrator->settings.horizon;
    struct amf_block blocks[TASKS];

    for (size_t task = 0; task < TASKS; task++)
        blocks[task] = (struct amf_block){task, 1, task};
    for (size_t t = 0; t < integrator->settings.horizon; t++) {
        enum amf_status status =
            lab_learner_predict(learner, state, blocks, TASKS, action, variance);

        if (status)
            return status;
        for (size_t i = 0; i < TASKS * 2; i++)
            state[i] += action[i] * step;
        for (size_t task = 0; task < TASKS; task++)
            sum += hypot(state[2 * task] - integrator->vectors[2 * task],
                         state[2 * task + 1] - integrator->vectors[2 * task + 1]);
    }
    *ret_return = -step * sum / TASKS;
    return AMF_OK;
}

/* Where the expert means to go, whatever any rule has asked for. */
static enum amf_status integrator_entropy(const struct lab_integrator *integrator,
                                          const struct lab_learner *learner, double *ret_entropy)
{
    size_t horizon = integrator->settings.horizon, rows = TASKS * horizon;
    LAB_FREE_CLEANUP double *states = lab_new_rows(rows, 2), *actions = lab_new_rows(rows, 2),
                            *variance = lab_new_rows(rows, 1);
    struct amf_block blocks[TASKS];
    double sum = 0;
    enum amf_status status;

    if (!states || !actions || !variance)
        return AMF_NO_MEMORY;
    for (size_t task = 0; task < TASKS; task++) {
        blocks[task] = (struct amf_block){task * horizon, horizon, task};
        integrator_expert(integrator, integrator->vectors + 2 * task, NULL,
                          states + 2 * task * horizon, actions + 2 * task * horizon);
    }
    status = lab_learner_predict(learner, states, blocks, TASKS, actions, variance);
    for (size_t row = 0; !status && row < rows; row++)
        sum += 2 * amf_measure_gaussian_entropy(variance[row]);
    if (!status)
        *ret_entropy = sum / TASKS;
    return status;
}

static enum amf_status integrator_evaluate(const struct lab_world *world,
                                           const struct lab_learner *learner,
                                           struct lab_score *ret_score)
{
    const struct lab_integrator *integrator = integrator_of(world);
    struct lab_score score;
    enum amf_status status = integrator_return(integrator, learner, &score.value);

    if (!status)
        status = integrator_entropy(integrator, learner, &score.entropy);
    if (!status)
        *ret_score = score;
    return status;
}

/* ---- setting up ---- */

static bool settings_fine(const struct lab_integrator_settings *settings)
{
    return settings->pretrain_tasks >= 1 && settings->pretrain_tasks <= TASKS &&
           settings->horizon >= 1 && isfinite(settings->expert_noise) &&
           settings->expert_noise >= 0 && settings->walk >= 0 && settings->walk < 1 &&
           !(settings->circle && settings->walk > 0);
}

static enum amf_status integrator_walk(double lambda, double *ret_table)
{
    double ring[TASKS * TASKS] = {0};

    for (size_t task = 0; task < TASKS; task++) {
        size_t next = (task + 1) % TASKS;

        ring[task * TASKS + next] = ring[next * TASKS + task] = 1;
    }
    return amf_task_table_random_walk(TASKS, ring, lambda, ret_table);
}

enum amf_status lab_integrator_init(const struct lab_integrator_settings *settings,
                                    struct lab_integrator *ret_integrator)
{
    struct lab_integrator *integrator = ret_integrator;

    if (!settings_fine(settings))
        return AMF_BAD_ARGUMENT;
    *integrator = (struct lab_integrator){.settings = *settings};
    for (size_t task = 0; task < TASKS; task++) {
        double angle = 2 * M_PI * (double)task / TASKS;

        integrator->vectors[2 * task] = cos(angle);
        integrator->vectors[2 * task + 1] = sin(angle);
    }
    for (size_t i = 0; i < PRETRAINING; i++)
        integrator->pretrain[i % settings->pretrain_tasks]++;
    integrator->world = (struct lab_world){
        .score_name = "return",
        .state_dim = 2,
        .action_dim = 2,
        .task_dim = 2,
        .task_count = TASKS,
        .task_vectors = integrator->vectors,
        .task_table = settings->walk > 0 ? integrator->table : NULL,
        .pretrain = integrator->pretrain,
        .samples = settings->circle ? LAB_INTEGRATOR_SAMPLES : 0,
        .sample = integrator_sample,
        .demonstrate = integrator_demonstrate,
        .evaluate = integrator_evaluate,
    };
    return settings->walk > 0 ? integrator_walk(settings->walk, integrator->table) : AMF_OK;
}
