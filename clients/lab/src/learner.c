/* Held demonstrations and queries share one table of rows, held ones first: one kernel sees both.
 */
#include "learner.h"

#include <math.h>
#include <string.h>

#include <amf/fit.h>
#include <amf/likelihood.h>
#include <amf/posterior.h>

#include "internal.h"

#define FIT_AFTER 5 /* or the number of tasks, where the model does not say */

static enum amf_status scaling_init(const struct lab_world *world, const struct lab_model *model,
                                    struct lab_scaling *scaling)
{
    scaling->state_mean = lab_new_rows(world->state_dim, 1);
    scaling->state_deviation = lab_new_rows(world->state_dim, 1);
    scaling->action_mean = lab_new_rows(world->action_dim, 1);
    scaling->action_deviation = lab_new_rows(world->action_dim, 1);
    if (!scaling->state_mean || !scaling->state_deviation || !scaling->action_mean ||
        !scaling->action_deviation)
        return AMF_NO_MEMORY;
    for (size_t d = 0; d < world->state_dim; d++)
        scaling->state_deviation[d] = 1;
    for (size_t d = 0; d < world->action_dim; d++)
        scaling->action_deviation[d] = 1;
    scaling->length = isnan(model->state_scale) ? 1 : model->state_scale;
    scaling->variance = model->variance;
    scaling->noise = model->noise;
    scaling->frozen = !world->standardize;
    return AMF_OK;
}

enum amf_status lab_learner_init(const struct lab_world *world, const struct lab_model *model,
                                 struct amf_pool *pool, struct lab_learner *learner)
{
    *learner = (struct lab_learner){.world = world, .model = model, .pool = pool};
    if (!world->task_vectors)
        learner->task_count = world->task_count;
    for (size_t task = 0; world->task_vectors && task < world->task_count; task++) {
        size_t index;
        enum amf_status status =
            lab_learner_add_task(learner, world->task_vectors + task * world->task_dim, &index);

        if (status)
            return status;
    }
    return scaling_init(world, model, &learner->scaling);
}

void lab_learner_deinit(struct lab_learner *learner)
{
    while (learner->demo_count)
        lab_learner_drop_last(learner);
    free(learner->demos);
    free(learner->vectors);
    free(learner->scaling.state_mean);
    free(learner->scaling.state_deviation);
    free(learner->scaling.action_mean);
    free(learner->scaling.action_deviation);
    *learner = (struct lab_learner){.world = NULL};
}

enum amf_status lab_learner_add_task(struct lab_learner *learner, const double *vector,
                                     size_t *ret_task)
{
    size_t dim = learner->world->task_dim;

    if (learner->task_count == learner->task_capacity) {
        size_t capacity = learner->task_capacity ? 2 * learner->task_capacity : 64;
        double *vectors = reallocarray(learner->vectors, capacity, dim * sizeof(double));

        if (!vectors)
            return AMF_NO_MEMORY;
        learner->vectors = vectors;
        learner->task_capacity = capacity;
    }
    memcpy(learner->vectors + learner->task_count * dim, vector, dim * sizeof(double));
    *ret_task = learner->task_count++;
    return AMF_OK;
}

void lab_learner_drop_tasks(struct lab_learner *learner, size_t count)
{
    learner->task_count = count;
}

const double *lab_learner_vector(const struct lab_learner *learner, size_t task)
{
    return learner->vectors ? learner->vectors + task * learner->world->task_dim : NULL;
}

enum amf_status lab_learner_add(struct lab_learner *learner, const struct lab_demo *demo)
{
    if (learner->demo_count == learner->demo_capacity) {
        size_t capacity = learner->demo_capacity ? 2 * learner->demo_capacity : 64;
        struct lab_demo *demos = reallocarray(learner->demos, capacity, sizeof(*demos));

        if (!demos) {
            free(demo->states);
            free(demo->actions);
            return AMF_NO_MEMORY;
        }
        learner->demos = demos;
        learner->demo_capacity = capacity;
    }
    learner->demos[learner->demo_count++] = *demo;
    return AMF_OK;
}

void lab_learner_drop_last(struct lab_learner *learner)
{
    struct lab_demo *demo = &learner->demos[--learner->demo_count];

    free(demo->states);
    free(demo->actions);
}

static void learner_standardize(const double *raw, size_t rows, size_t dim, const double *mean,
                                const double *deviation, double *ret)
{
    for (size_t i = 0; i < rows * dim; i++)
        ret[i] = (raw[i] - mean[i % dim]) / deviation[i % dim];
}

/* ---- what libamf is asked with ---- */

struct learner_tables {
    size_t held_rows, row_count;
    double *states, *actions; /* row_count, held_rows */
    struct amf_block *blocks; /* demo_count */
};

static void learner_tables_deinit(struct learner_tables *tables)
{
    free(tables->states);
    free(tables->actions);
    free(tables->blocks);
}

static enum amf_status learner_tabulate(const struct lab_learner *learner, size_t query_rows,
                                        const double *query, struct learner_tables *tables)
{
    const struct lab_world *world = learner->world;
    const struct lab_scaling *scaling = &learner->scaling;
    size_t row = 0;

    for (size_t i = 0; i < learner->demo_count; i++)
        tables->held_rows += learner->demos[i].steps;
    tables->row_count = tables->held_rows + query_rows;
    tables->states = lab_new_rows(tables->row_count, world->state_dim);
    tables->actions = lab_new_rows(tables->held_rows, world->action_dim);
    tables->blocks = lab_new_array(learner->demo_count, sizeof(*tables->blocks));
    if (!tables->states || !tables->actions || !tables->blocks)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < learner->demo_count; i++) {
        const struct lab_demo *demo = &learner->demos[i];

        learner_standardize(demo->states, demo->steps, world->state_dim, scaling->state_mean,
                            scaling->state_deviation, tables->states + row * world->state_dim);
        learner_standardize(demo->actions, demo->steps, world->action_dim, scaling->action_mean,
                            scaling->action_deviation, tables->actions + row * world->action_dim);
        tables->blocks[i] = (struct amf_block){row, demo->steps, demo->task};
        row += demo->steps;
    }
    if (query_rows)
        learner_standardize(query, query_rows, world->state_dim, scaling->state_mean,
                            scaling->state_deviation, tables->states + row * world->state_dim);
    return AMF_OK;
}

static struct amf_kernel_spec learner_kernel_spec(const struct lab_learner *learner)
{
    return (struct amf_kernel_spec){
        .kind = learner->model->kernel,
        .variance = learner->scaling.variance,
        .state_scale = &learner->scaling.length,
        .state_scale_count = 1,
        .task = learner->world->task_table ? AMF_TASK_TABLE : AMF_TASK_VECTORS,
        .task_scale = &learner->model->task_scale,
        .task_scale_count = 1,
        .task_table = learner->world->task_table,
    };
}

/* Means back into action units. */
static void learner_restore(const struct lab_learner *learner, size_t rows, double *mean)
{
    size_t dim = learner->world->action_dim;

    for (size_t i = 0; i < rows * dim; i++)
        mean[i] = mean[i] * learner->scaling.action_deviation[i % dim] +
                  learner->scaling.action_mean[i % dim];
}

static enum amf_status learner_posterior(const struct lab_learner *learner,
                                         const struct learner_tables *tables,
                                         struct amf_posterior **ret_posterior)
{
    AMF_KERNEL_CLEANUP struct amf_kernel *kernel = NULL;
    struct amf_kernel_spec spec = learner_kernel_spec(learner);
    struct amf_points points = {
        .row_count = tables->row_count,
        .state_dim = learner->world->state_dim,
        .states = tables->states,
        .task_count = learner->task_count,
        .task_dim = learner->vectors ? learner->world->task_dim : 0,
        .task_vectors = learner->vectors,
    };
    enum amf_status status = amf_kernel_new(&spec, &points, learner->pool, NULL, &kernel);

    if (status)
        return status;
    return amf_posterior_new(kernel, learner->scaling.noise, tables->blocks, learner->demo_count,
                             tables->actions, learner->world->action_dim, learner->pool, NULL,
                             ret_posterior);
}

enum amf_status lab_learner_predict(const struct lab_learner *learner, const double *states,
                                    const struct amf_block *blocks, size_t count, double *ret_mean,
                                    double *ret_variance)
{
    __attribute__((cleanup(learner_tables_deinit))) struct learner_tables tables = {0};
    AMF_POSTERIOR_CLEANUP struct amf_posterior *posterior = NULL;
    LAB_FREE_CLEANUP struct amf_block *shifted = lab_new_array(count, sizeof(*shifted));
    size_t rows = amf_blocks_rows(blocks, count);
    enum amf_status status;

    if (!shifted)
        return AMF_NO_MEMORY;
    status = learner_tabulate(learner, rows, states, &tables);
    for (size_t i = 0; i < count; i++) {
        shifted[i] = blocks[i];
        shifted[i].first_row += tables.held_rows;
    }
    if (!status)
        status = learner_posterior(learner, &tables, &posterior);
    if (!status)
        status = amf_posterior_predict(posterior, shifted, count, learner->pool, NULL, ret_mean,
                                       ret_variance);
    if (!status)
        learner_restore(learner, rows, ret_mean);
    return status;
}

static struct amf_trajectory *learner_trajectories(const struct lab_learner *learner,
                                                   const struct learner_tables *tables,
                                                   bool occupancy_new)
{
    struct amf_trajectory *trajectories = lab_new_array(learner->demo_count, sizeof(*trajectories));

    for (size_t i = 0; trajectories && i < learner->demo_count; i++) {
        size_t row = tables->blocks[i].first_row;

        trajectories[i] = (struct amf_trajectory){
            .task = learner->demos[i].task,
            .step_count = learner->demos[i].steps,
            .states = tables->states + row * learner->world->state_dim,
            .actions = tables->actions + row * learner->world->action_dim,
            .conditioned = true,
            .occupancy = !(occupancy_new && learner->demos[i].pretraining),
        };
    }
    return trajectories;
}

/* All but what is asked: trajectories are the caller's to free. */
static enum amf_status learner_problem(const struct lab_learner *learner,
                                       struct learner_tables *tables, bool occupancy_new,
                                       struct amf_trajectory **ret_trajectories,
                                       struct amf_problem *ret_problem)
{
    enum amf_status status = learner_tabulate(learner, 0, NULL, tables);

    if (status)
        return status;
    *ret_trajectories = learner_trajectories(learner, tables, occupancy_new);
    if (!*ret_trajectories)
        return AMF_NO_MEMORY;
    *ret_problem = (struct amf_problem){
        .kernel = learner_kernel_spec(learner),
        .noise = learner->scaling.noise,
        .state_dim = learner->world->state_dim,
        .action_dim = learner->world->action_dim,
        .task_dim = learner->vectors ? learner->world->task_dim : 0,
        .task_count = learner->task_count,
        .task_vectors = learner->vectors,
        .policy = AMF_POLICY_GP,
        .trajectories = *ret_trajectories,
        .trajectory_count = learner->demo_count,
        .settings = amf_criterion_settings_default(),
    };
    return AMF_OK;
}

enum amf_status lab_learner_scorer(const struct lab_learner *learner,
                                   const struct amf_criterion_settings *settings,
                                   bool occupancy_new, const size_t *candidates, size_t count,
                                   struct amf_scorer **ret_scorer)
{
    __attribute__((cleanup(learner_tables_deinit))) struct learner_tables tables = {0};
    LAB_FREE_CLEANUP struct amf_trajectory *trajectories = NULL;
    size_t task_count = learner->world->task_count;
    LAB_FREE_CLEANUP size_t *targets = lab_new_array(task_count, sizeof(*targets));
    LAB_FREE_CLEANUP double *weights = lab_new_rows(task_count, 1);
    struct amf_problem problem;
    enum amf_status status =
        learner_problem(learner, &tables, occupancy_new, &trajectories, &problem);

    if (status)
        return status;
    if (!targets || !weights)
        return AMF_NO_MEMORY;
    for (size_t task = 0; task < task_count; task++) {
        targets[task] = task;
        weights[task] = 1;
    }
    problem.candidates = candidates;
    problem.candidate_count = count;
    problem.targets = targets;
    problem.target_weights = weights;
    problem.target_count = task_count;
    problem.settings = *settings;
    return amf_scorer_new(&problem, learner->pool, ret_scorer);
}

/* ---- numbers from the data ---- */

static enum amf_status learner_moments(struct lab_learner *learner, struct amf_span *spans,
                                       bool actions)
{
    const struct lab_world *world = learner->world;
    struct lab_scaling *scaling = &learner->scaling;

    for (size_t i = 0; i < learner->demo_count; i++)
        spans[i] = (struct amf_span){actions ? learner->demos[i].actions : learner->demos[i].states,
                                     learner->demos[i].steps};
    if (actions)
        return amf_fit_moments(spans, learner->demo_count, world->action_dim, scaling->action_mean,
                               scaling->action_deviation);
    return amf_fit_moments(spans, learner->demo_count, world->state_dim, scaling->state_mean,
                           scaling->state_deviation);
}

static enum amf_status learner_maximise(struct lab_learner *learner)
{
    __attribute__((cleanup(learner_tables_deinit))) struct learner_tables tables = {0};
    LAB_FREE_CLEANUP struct amf_trajectory *trajectories = NULL;
    AMF_LIKELIHOOD_FIT_CLEANUP struct amf_likelihood_fit *fit = NULL;
    const struct amf_likelihood_numbers numbers = {
        .variance = true, .noise = true, .state_scale = true};
    const struct amf_likelihood_options options = amf_likelihood_options_default();
    struct amf_problem problem;
    enum amf_status status = learner_problem(learner, &tables, false, &trajectories, &problem);

    if (!status)
        status = amf_likelihood_maximise(&problem, &numbers, &options, learner->pool, &fit);
    if (status)
        return status;
    learner->scaling.length = fit->state_scale[0];
    learner->scaling.variance = fit->variance;
    learner->scaling.noise = fit->noise;
    return AMF_OK;
}

static bool learner_is_due(const struct lab_learner *learner)
{
    size_t tasks = learner->world->task_count, wanted = learner->model->fit_after;

    if (!wanted)
        wanted = tasks > FIT_AFTER ? tasks : FIT_AFTER;
    return learner->demo_count >= wanted;
}

enum amf_status lab_learner_fit(struct lab_learner *learner)
{
    LAB_FREE_CLEANUP struct amf_span *spans = lab_new_array(learner->demo_count, sizeof(*spans));
    struct lab_scaling *scaling = &learner->scaling;
    enum amf_status status;

    if (scaling->frozen)
        return AMF_OK;
    if (!spans)
        return AMF_NO_MEMORY;
    status = learner_moments(learner, spans, true);
    if (!status)
        status = learner_moments(learner, spans, false);
    if (!status && isnan(learner->model->state_scale))
        status = amf_fit_median_distance(spans, learner->demo_count, learner->world->state_dim,
                                         scaling->state_deviation, 0, &scaling->length);
    if (status || !learner_is_due(learner))
        return status;
    scaling->frozen = true;
    return learner->model->likelihood ? learner_maximise(learner) : AMF_OK;
}
