/* Paths are minimum-jerk moves from a random start to the task's goal with sensor noise on top;
 * features of the factored kernel are seeded one-layer networks of state and task. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <amf/rng.h>
#include <proto/arena.h>
#include <proto/error.h>
#include <proto/safetensors.h>

#include "inputs.h"

#define KITCHEN_FEATURES 256
#define KITCHEN_GRADIENTS 9

void inputs_deinit(struct inputs *inputs)
{
    free(inputs->tasks);
    free(inputs->states);
    free(inputs->actions);
    free(inputs->features);
    free(inputs->gradients);
    free(inputs->trajectories);
    free(inputs->pointers);
    free(inputs->indices);
    free(inputs->target_weights);
}

static int inputs_alloc(struct inputs *in)
{
    const struct amf_problem *p = &in->problem;
    size_t n = in->demonstrations, rows = n * in->steps, m = p->task_count;

    in->tasks = calloc(m * p->task_dim + 1, sizeof(double));
    in->states = calloc(rows * p->state_dim, sizeof(double));
    in->actions = calloc(rows * p->action_dim, sizeof(double));
    in->features = calloc(rows * m * p->feature_dim + 1, sizeof(double));
    in->gradients = calloc(rows * m * p->gradient_dim + 1, sizeof(double));
    in->trajectories = calloc(n, sizeof(*in->trajectories));
    in->pointers = calloc(2 * n * m, sizeof(*in->pointers));
    in->indices = calloc(m, sizeof(size_t));
    in->target_weights = calloc(m, sizeof(double));
    return in->tasks && in->states && in->actions && in->features && in->gradients &&
                   in->trajectories && in->pointers && in->indices && in->target_weights
               ? 0
               : -1;
}

/* Everything of the problem that follows from the arrays. */
static void inputs_connect(struct inputs *in)
{
    struct amf_problem *p = &in->problem;

    for (size_t c = 0; c < p->task_count; c++) {
        in->indices[c] = c;
        in->target_weights[c] = 1;
    }
    for (size_t i = 0; i < in->demonstrations; i++) {
        const double **tables = in->pointers + 2 * i * p->task_count;

        for (size_t c = 0; c < p->task_count; c++) {
            size_t first = (i * p->task_count + c) * in->steps;

            tables[c] = in->features + first * p->feature_dim;
            tables[p->task_count + c] = in->gradients + first * p->gradient_dim;
        }
        in->trajectories[i] =
            (struct amf_trajectory){.task = i % p->task_count,
                                    .step_count = in->steps,
                                    .states = in->states + i * in->steps * p->state_dim,
                                    .actions = in->actions + i * in->steps * p->action_dim,
                                    .conditioned = true,
                                    .occupancy = true,
                                    .features = tables,
                                    .gradients = tables + p->task_count};
    }
    p->kernel.variance = 1;
    p->kernel.state_scale = &in->state_scale;
    p->kernel.task_scale = &in->task_scale;
    p->kernel.state_scale_count = p->kernel.task_scale_count = 1;
    p->noise = 0.1;
    p->task_vectors = in->tasks;
    p->policy = AMF_POLICY_GP;
    p->trajectories = in->trajectories;
    p->trajectory_count = in->demonstrations;
    p->candidates = p->targets = in->indices;
    p->candidate_count = p->target_count = p->task_count;
    p->target_weights = in->target_weights;
}

/* ---- from a file ---- */

static int read_tensor(const struct proto_tensors *tensors, const char *name, double *ret_values,
                       size_t count)
{
    const struct proto_tensor *tensor = proto_tensors_find(tensors, name);

    if (!tensor || tensor->dtype != PROTO_F64 || tensor->element_count != count) {
        fprintf(stderr, "the input has no %s of %zu F64\n", name, count);
        return -1;
    }
    memcpy(ret_values, tensor->bytes, count * sizeof(double));
    return 0;
}

/* bytes: the file's. */
static int read_arrays(struct inputs *in, const unsigned char *bytes, size_t length)
{
    const struct amf_problem *p = &in->problem;
    size_t rows = in->demonstrations * in->steps;
    struct proto_arena arena = {0};
    struct proto_tensors tensors;
    struct proto_error error;
    int status = 0;

    if (proto_tensors_read(bytes, length, &arena, &tensors, &error)) {
        fprintf(stderr, "the input is not a safetensors file: %s\n", error.detail);
        status = -1;
    }
    status = status || read_tensor(&tensors, "tasks", in->tasks, p->task_count * p->task_dim) ||
             read_tensor(&tensors, "states", in->states, rows * p->state_dim) ||
             read_tensor(&tensors, "actions", in->actions, rows * p->action_dim);
    if (!status && p->feature_dim)
        status = read_tensor(&tensors, "h", in->features, rows * p->task_count * p->feature_dim) ||
                 read_tensor(&tensors, "g", in->gradients, rows * p->task_count * p->gradient_dim);
    proto_arena_deinit(&arena);
    return status ? -1 : 0;
}

int inputs_read_bytes(const char *path, unsigned char **ret_bytes, size_t *ret_length)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = NULL;
    long length = -1;
    int status = -1;

    if (file && !fseek(file, 0, SEEK_END))
        length = ftell(file);
    if (length > 0 && (bytes = malloc((size_t)length)) != NULL && !fseek(file, 0, SEEK_SET) &&
        fread(bytes, 1, (size_t)length, file) == (size_t)length)
        status = 0;
    else
        fprintf(stderr, "cannot read %s\n", path);
    if (file)
        fclose(file);
    if (status) {
        free(bytes);
        return -1;
    }
    *ret_bytes = bytes;
    *ret_length = (size_t)length;
    return 0;
}

static int read_file(struct inputs *in, const char *path)
{
    unsigned char *bytes = NULL;
    size_t length = 0;
    int status = inputs_read_bytes(path, &bytes, &length);

    if (!status)
        status = read_arrays(in, bytes, length);
    free(bytes);
    return status;
}

/* ---- from a seed ---- */

static void make_integrator(struct inputs *in, struct amf_rng *rng)
{
    const struct amf_problem *p = &in->problem;
    double turn = 2 * M_PI * amf_rng_uniform(rng);

    for (size_t c = 0; c < p->task_count; c++) {
        double angle = turn + 2 * M_PI * (double)c / (double)p->task_count;

        in->tasks[2 * c] = cos(angle);
        in->tasks[2 * c + 1] = sin(angle);
    }
    for (size_t i = 0; i < in->demonstrations; i++)
        for (size_t d = 0; d < 2; d++) {
            double goal = in->tasks[2 * (i % p->task_count) + d], s = 0.3 * amf_rng_normal(rng);

            for (size_t t = 0; t < in->steps; t++) {
                size_t at = (i * in->steps + t) * 2 + d;

                in->states[at] = s;
                in->actions[at] = 0.5 * (goal - s) + 0.1 * amf_rng_normal(rng);
                s += 0.5 * in->actions[at];
            }
        }
}

static double *make_normal(struct amf_rng *rng, size_t count, double scale)
{
    double *values = calloc(count + 1, sizeof(double));

    for (size_t k = 0; values && k < count; k++)
        values[k] = scale * amf_rng_normal(rng);
    return values;
}

static int make_paths(struct inputs *in, struct amf_rng *rng)
{
    const struct amf_problem *p = &in->problem;
    double *goals = make_normal(rng, p->task_count * p->state_dim, 1);

    if (!goals)
        return -1;
    for (size_t k = 0; k < p->task_count * p->task_dim; k++)
        in->tasks[k] = amf_rng_normal(rng);
    for (size_t i = 0; i < in->demonstrations; i++)
        for (size_t d = 0; d < p->state_dim; d++) {
            double start = amf_rng_normal(rng), wiggle = 0.15 * amf_rng_normal(rng);
            double goal = goals[i % p->task_count * p->state_dim + d];

            for (size_t t = 0; t < in->steps; t++) {
                double u = (double)t / (double)(in->steps - 1);
                double m = u * u * u * (10 - 15 * u + 6 * u * u);

                in->states[(i * in->steps + t) * p->state_dim + d] = start + m * (goal - start) +
                                                                     wiggle * sin(2 * M_PI * u) +
                                                                     0.01 * amf_rng_normal(rng);
            }
        }
    for (size_t k = 0; k < in->demonstrations * in->steps * p->action_dim; k++)
        in->actions[k] = amf_rng_normal(rng);
    free(goals);
    return 0;
}

/* tanh(W [s, c]) / scale at every pair. */
static int make_layer(struct inputs *in, struct amf_rng *rng, size_t dim, double scale,
                      double *ret_layer)
{
    const struct amf_problem *p = &in->problem;
    size_t inputs = p->state_dim + p->task_dim;
    double *weights = make_normal(rng, dim * inputs, 1 / sqrt((double)inputs));

    if (!weights)
        return -1;
    for (size_t i = 0; i < in->demonstrations; i++)
        for (size_t c = 0; c < p->task_count; c++)
            for (size_t t = 0; t < in->steps; t++)
                for (size_t k = 0; k < dim; k++) {
                    const double *s = in->states + (i * in->steps + t) * p->state_dim;
                    double sum = 0;

                    for (size_t d = 0; d < p->state_dim; d++)
                        sum += weights[k * inputs + d] * s[d];
                    for (size_t d = 0; d < p->task_dim; d++)
                        sum +=
                            weights[k * inputs + p->state_dim + d] * in->tasks[c * p->task_dim + d];
                    *ret_layer++ = tanh(sum) / scale;
                }
    free(weights);
    return 0;
}

/* ---- the problems ---- */

int inputs_paper(struct inputs *inputs, const char *file)
{
    struct amf_rng rng;

    *inputs = (struct inputs){.demonstrations = 50, .steps = 5};
    inputs->state_scale = 0.5;
    inputs->task_scale = 1;
    inputs->problem.kernel.kind = AMF_KERNEL_RBF;
    inputs->problem.state_dim = inputs->problem.action_dim = inputs->problem.task_dim = 2;
    inputs->problem.task_count = 12;
    inputs->problem.settings = amf_criterion_settings_default();
    inputs->problem.settings.weights = AMF_WEIGHTS_UNIFORM;
    if (inputs_alloc(inputs))
        return -1;
    inputs_connect(inputs);
    amf_rng_init(&rng, 1, 0);
    make_integrator(inputs, &rng);
    return file ? read_file(inputs, file) : 0;
}

int inputs_kitchen(struct inputs *inputs, const char *file)
{
    struct amf_rng rng;

    *inputs = (struct inputs){.demonstrations = 35, .steps = 50};
    inputs->problem.kernel.kind = AMF_KERNEL_FACTORED;
    inputs->problem.state_dim = 30;
    inputs->problem.action_dim = KITCHEN_GRADIENTS;
    inputs->problem.task_dim = 8;
    inputs->problem.feature_dim = KITCHEN_FEATURES;
    inputs->problem.gradient_dim = KITCHEN_GRADIENTS;
    inputs->problem.task_count = 5;
    inputs->problem.settings = amf_criterion_settings_default();
    inputs->problem.settings.weights = AMF_WEIGHTS_UNIFORM;
    if (inputs_alloc(inputs))
        return -1;
    inputs_connect(inputs);
    amf_rng_init(&rng, 2, 0);
    if (file)
        return read_file(inputs, file);
    return make_paths(inputs, &rng) ||
                   make_layer(inputs, &rng, KITCHEN_FEATURES, 16, inputs->features) ||
                   make_layer(inputs, &rng, KITCHEN_GRADIENTS, 3, inputs->gradients)
               ? -1
               : 0;
}

/* Actions that tell whose they are: the displacement of a step. */
static void make_displacements(struct inputs *in)
{
    const struct amf_problem *p = &in->problem;

    for (size_t i = 0; i < in->demonstrations; i++)
        for (size_t t = 0; t < in->steps; t++)
            for (size_t d = 0; d < p->action_dim; d++) {
                const double *now = in->states + (i * in->steps + t) * p->state_dim + d;

                in->actions[(i * in->steps + t) * p->action_dim + d] =
                    t + 1 < in->steps ? 4 * (now[p->state_dim] - now[0]) : 0;
            }
}

int inputs_franka(struct inputs *inputs, size_t demonstrations)
{
    struct amf_criterion_settings settings = amf_criterion_settings_default();
    struct amf_rng rng;

    settings.weight_floor = 1e-4;
    settings.occupancy_limit = 256;
    settings.blocks_per_task = 16;
    settings.test_pair_limit = 1024;
    settings.conditioning_limit = 4096;
    *inputs = (struct inputs){.demonstrations = demonstrations, .steps = 16};
    inputs->state_scale = 3;
    inputs->problem.kernel.kind = AMF_KERNEL_RBF;
    inputs->problem.kernel.task = AMF_TASK_TABLE;
    inputs->problem.state_dim = inputs->problem.action_dim = 7;
    inputs->problem.task_count = 5;
    inputs->problem.settings = settings;
    if (inputs_alloc(inputs) || amf_task_table_discrete(5, 0.25, inputs->table))
        return -1;
    inputs_connect(inputs);
    inputs->problem.kernel.task_table = inputs->table;
    amf_rng_init(&rng, 3, 0);
    if (make_paths(inputs, &rng))
        return -1;
    make_displacements(inputs);
    return 0;
}

int inputs_network(struct inputs *inputs)
{
    struct amf_problem *problem = &inputs->problem;
    struct amf_rng rng;

    *inputs = (struct inputs){.demonstrations = 24, .steps = 50};
    problem->kernel.kind = AMF_KERNEL_FACTORED;
    problem->state_dim = 39;
    problem->action_dim = problem->gradient_dim = 4;
    problem->task_dim = 8;
    problem->feature_dim = KITCHEN_FEATURES;
    problem->task_count = 4;
    problem->settings = amf_criterion_settings_default();
    if (inputs_alloc(inputs))
        return -1;
    inputs_connect(inputs);
    problem->policy = AMF_POLICY_DETERMINISTIC;
    problem->policy_noise = 1;
    problem->noise = 2; /* a tenth of the root of a typical k(x, x) */
    amf_rng_init(&rng, 4, 0);
    return make_paths(inputs, &rng);
}
