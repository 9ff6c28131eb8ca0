/* A point that walks to goals: small, smooth, and of any dimension. */
#include <stdlib.h>

#include <amf/rng.h>

#include "synthetic.h"

#define FEATURE_DIM 6
#define GRADIENT_DIM 3

static double *draw(struct amf_rng *rng, size_t count, double scale)
{
    double *values = calloc(count ? count : 1, sizeof(double));

    for (size_t i = 0; values && i < count; i++)
        values[i] = scale * amf_rng_normal(rng);
    return values;
}

static size_t feature_dim(const struct synthetic_shape *shape)
{
    return shape->feature_dim ? shape->feature_dim : FEATURE_DIM;
}

static double coordinate(const double *vector, size_t dim, size_t d)
{
    return dim ? vector[d % dim] : 0;
}

static void walk(struct synthetic *s, const struct synthetic_shape *shape, struct amf_rng *rng,
                 const double *goal, size_t steps, double *states, double *actions)
{
    for (size_t d = 0; d < shape->state_dim; d++)
        states[d] = 0.3 * amf_rng_normal(rng);
    for (size_t t = 0; t < steps; t++) {
        const double *now = states + t * shape->state_dim;
        double *action = actions + t * shape->action_dim;

        for (size_t d = 0; d < shape->action_dim; d++)
            action[d] = (coordinate(goal, shape->task_dim, d) - now[d % shape->state_dim]) / 2 +
                        s->problem.noise * amf_rng_normal(rng);
        for (size_t d = 0; t + 1 < steps && d < shape->state_dim; d++)
            states[(t + 1) * shape->state_dim + d] = now[d] + action[d % shape->action_dim] / 2;
    }
}

/* One table of count pointers, stride numbers apart. */
static const double *const *table(const double **pointers, const double *values, size_t count,
                                  size_t stride)
{
    for (size_t c = 0; c < count; c++)
        pointers[c] = values + c * stride;
    return pointers;
}

static void add_tables(struct synthetic *s, const struct synthetic_shape *shape)
{
    size_t m = shape->tasks, features = feature_dim(shape);

    for (size_t i = 0; i < shape->demonstrations; i++) {
        struct amf_trajectory *trajectory = &s->trajectories[i];
        size_t first = i * m * shape->steps, steps = trajectory->step_count;
        const double **pointers = s->pointers + 3 * i * m;

        trajectory->features = table(pointers, s->features + first * features, m, steps * features);
        trajectory->gradients =
            table(pointers + m, s->gradients + first * GRADIENT_DIM, m, steps * GRADIENT_DIM);
        trajectory->policy_mean = table(pointers + 2 * m, s->means + first * shape->action_dim, m,
                                        steps * shape->action_dim);
    }
}

static void add_trajectories(struct synthetic *s, const struct synthetic_shape *shape,
                             struct amf_rng *rng)
{
    size_t each = shape->steps * (shape->state_dim + shape->action_dim);

    for (size_t i = 0; i < shape->demonstrations; i++) {
        double *states = s->numbers + i * each, *actions = states + shape->steps * shape->state_dim;
        size_t steps = shape->uneven ? 1 + amf_rng_below(rng, shape->steps) : shape->steps;
        size_t task = i % shape->tasks;

        walk(s, shape, rng, s->task_vectors + task * shape->task_dim, steps, states, actions);
        s->trajectories[i] = (struct amf_trajectory){.task = task,
                                                     .step_count = steps,
                                                     .states = states,
                                                     .actions = actions,
                                                     .conditioned = true,
                                                     .occupancy = true};
    }
    add_tables(s, shape);
}

static void set_problem(struct synthetic *s, const struct synthetic_shape *shape)
{
    struct amf_problem *problem = &s->problem;

    problem->kernel = (struct amf_kernel_spec){.kind = shape->kernel,
                                               .variance = 1,
                                               .state_scale = &s->state_scale,
                                               .state_scale_count = 1,
                                               .task_scale = &s->task_scale,
                                               .task_scale_count = 1};
    problem->state_dim = shape->state_dim;
    problem->action_dim = shape->action_dim;
    problem->task_dim = shape->task_dim;
    problem->feature_dim = feature_dim(shape);
    problem->gradient_dim = GRADIENT_DIM;
    problem->task_count = shape->tasks;
    problem->task_vectors = s->task_vectors;
    problem->policy = AMF_POLICY_GP;
    problem->policy_noise = 1;
    problem->trajectories = s->trajectories;
    problem->trajectory_count = shape->demonstrations;
    problem->candidates = problem->targets = s->tasks;
    problem->candidate_count = problem->target_count = shape->tasks;
    problem->target_weights = s->target_weights;
    problem->settings = amf_criterion_settings_default();
    problem->settings.ess_target = 2;
}

void synthetic_init(struct synthetic *synthetic, const struct synthetic_shape *shape)
{
    struct synthetic s = {
        .state_scale = 0.8, .task_scale = 1.2, .problem = {.noise = shape->noise}};
    size_t n = shape->demonstrations, m = shape->tasks, pairs = n * m * shape->steps;
    struct amf_rng rng;

    amf_rng_init(&rng, shape->seed, 0);
    s.task_vectors = draw(&rng, m * shape->task_dim, 1);
    s.features = draw(&rng, pairs * feature_dim(shape), 0.5);
    s.gradients = draw(&rng, pairs * GRADIENT_DIM, 0.7);
    s.means = draw(&rng, pairs * shape->action_dim, 0.5);
    s.target_weights = calloc(m, sizeof(double));
    s.tasks = calloc(m, sizeof(size_t));
    s.trajectories = calloc(n ? n : 1, sizeof(*s.trajectories));
    s.pointers = calloc(n ? 3 * n * m : 1, sizeof(*s.pointers));
    s.numbers =
        calloc(n ? n * shape->steps : 1, (shape->state_dim + shape->action_dim) * sizeof(double));
    for (size_t c = 0; c < m; c++) {
        s.tasks[c] = c;
        s.target_weights[c] = 1 + (double)c / 2;
    }
    *synthetic = s;
    add_trajectories(synthetic, shape, &rng);
    set_problem(synthetic, shape);
    synthetic->problem.kernel.state_scale = &synthetic->state_scale;
    synthetic->problem.kernel.task_scale = &synthetic->task_scale;
}

void synthetic_deinit(struct synthetic *s)
{
    free(s->trajectories);
    free(s->numbers);
    free(s->task_vectors);
    free(s->features);
    free(s->gradients);
    free(s->means);
    free(s->target_weights);
    free(s->pointers);
    free(s->tasks);
}
