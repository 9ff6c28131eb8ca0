/* From trajectories to weights: step table, kernel, posterior, likelihoods, importance weights.
 *
 * One pass over all pairs (i, t, c) of the occupancy set under every task, in chunks over the pool,
 * gives what likelihoods and entropies need; it costs N^2 a pair and keeps two numbers of each.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include <amf/sample.h>

#include "internal.h"
#include "scorer_private.h"

/* The step table, and who is in which set: alive during set-up only. */
struct setup {
    struct amf_scorer *scorer;
    const struct amf_problem *problem;
    unsigned char *conditioned, *occupancy; /* flags per trajectory, limits applied */
    size_t *kept;                           /* steps per trajectory after thinning */
    bool ridge;                             /* in the weights' form */
    size_t *first_row;                      /* per trajectory; meaningless when unused */
    size_t row_count;
    double *states; /* row_count x state_dim */
    struct amf_row_source *sources;
    const double **features, **gradients; /* per trajectory and task */
    struct amf_block *held;               /* conditioned blocks */
    size_t held_count, held_rows;
    double *actions; /* held_rows x action_dim */
};

static void setup_deinit(struct setup *setup)
{
    free(setup->conditioned);
    free(setup->occupancy);
    free(setup->kept);
    free(setup->first_row);
    free(setup->states);
    free(setup->sources);
    free(setup->features);
    free(setup->gradients);
    free(setup->held);
    free(setup->actions);
}
#define SETUP_CLEANUP __attribute__((cleanup(setup_deinit)))

double amf_scorer_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static enum amf_status setup_alloc(struct setup *setup)
{
    size_t count = setup->problem->trajectory_count;

    setup->conditioned = amf_new_array(count, 1);
    setup->occupancy = amf_new_array(count, 1);
    setup->kept = amf_new_array(count, sizeof(size_t));
    setup->first_row = amf_new_array(count, sizeof(size_t));
    return setup->conditioned && setup->occupancy && setup->kept && setup->first_row
               ? AMF_OK
               : AMF_NO_MEMORY;
}

/* The members of one set: ret_flags of all trajectories. */
static enum amf_status setup_choose(const struct setup *setup, const struct amf_sample_set *set,
                                    const size_t *task, size_t epoch, unsigned char *ret_flags,
                                    struct amf_extent *ret_extent)
{
    const struct amf_problem *problem = setup->problem;
    struct amf_extent extent = {0, 0};
    enum amf_status status = amf_sample_sticky(set, task, problem->trajectory_count,
                                               problem->task_count, epoch, ret_flags);

    if (status)
        return status;
    for (size_t i = 0; i < problem->trajectory_count; i++) {
        extent.total += set->sizes[i];
        extent.used += ret_flags[i] ? set->sizes[i] : 0;
    }
    *ret_extent = extent;
    return AMF_OK;
}

/* Conditioned pairs and occupancy demonstrations, cut at the same arrivals: at the default limits
 * the second are then among the first, and the step table holds no more than these. */
static enum amf_status setup_choose_sets(struct setup *setup)
{
    struct amf_scorer *scorer = setup->scorer;
    const struct amf_criterion_settings *settings = &scorer->settings;
    const struct amf_trajectory *trajectories = setup->problem->trajectories;
    size_t count = setup->problem->trajectory_count, epoch;
    AMF_FREE_CLEANUP size_t *task = amf_new_array(count, sizeof(size_t));
    AMF_FREE_CLEANUP size_t *pairs = amf_new_array(count, sizeof(size_t));
    AMF_FREE_CLEANUP size_t *members = amf_new_array(count, sizeof(size_t));
    struct amf_sample_set sets[] = {{pairs, 0, 0}, {members, settings->occupancy_limit, 0}};
    enum amf_status status;

    if (!task || !pairs || !members)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        setup->kept[i] = amf_sample_thin_count(trajectories[i].step_count, settings->max_steps);
        task[i] = trajectories[i].task;
        pairs[i] = trajectories[i].conditioned ? setup->kept[i] : 0;
        members[i] = trajectories[i].occupancy;
    }
    setup->ridge = amf_scorer_takes_ridge(setup->problem, setup->kept);
    sets[0].limit = setup->ridge ? 0 : settings->conditioning_limit;
    epoch = amf_sample_epoch(sets, 2, count);
    status = setup_choose(setup, &sets[0], task, epoch, setup->conditioned, &scorer->conditioning);
    if (!status)
        status = setup_choose(setup, &sets[1], task, epoch, setup->occupancy, &scorer->occupancy);
    return status;
}

static void setup_copy_steps(struct setup *setup, size_t i)
{
    const struct amf_trajectory *trajectory = &setup->problem->trajectories[i];
    size_t dim = setup->problem->state_dim;

    for (size_t t = 0; t < setup->kept[i]; t++) {
        size_t step = amf_sample_thin_index(trajectory->step_count, setup->kept[i], t);
        size_t row = setup->first_row[i] + t;

        if (dim)
            memcpy(setup->states + row * dim, trajectory->states + step * dim,
                   dim * sizeof(double));
        setup->sources[row] = (struct amf_row_source){i, step};
    }
}

static enum amf_status setup_step_table(struct setup *setup)
{
    const struct amf_problem *problem = setup->problem;
    size_t numbers;

    for (size_t i = 0; i < problem->trajectory_count; i++)
        if (setup->conditioned[i] || setup->occupancy[i]) {
            setup->first_row[i] = setup->row_count;
            setup->row_count += setup->kept[i];
        }
    if (__builtin_mul_overflow(setup->row_count, problem->state_dim, &numbers))
        return AMF_TOO_LARGE;
    setup->states = amf_new_array(numbers, sizeof(double));
    setup->sources = amf_new_array(setup->row_count, sizeof(*setup->sources));
    if (!setup->states || !setup->sources)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < problem->trajectory_count; i++)
        if (setup->conditioned[i] || setup->occupancy[i])
            setup_copy_steps(setup, i);
    return AMF_OK;
}

/* Per-task pointers of all trajectories in one table; NULL where there are none. */
static enum amf_status setup_feature_tables(struct setup *setup)
{
    const struct amf_problem *problem = setup->problem;
    size_t tasks = problem->task_count, count;

    if (__builtin_mul_overflow(problem->trajectory_count, tasks, &count))
        return AMF_TOO_LARGE;
    setup->features = amf_new_array(count, sizeof(*setup->features));
    setup->gradients = amf_new_array(count, sizeof(*setup->gradients));
    if (!setup->features || !setup->gradients)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < problem->trajectory_count; i++)
        for (size_t c = 0; c < tasks; c++) {
            const struct amf_trajectory *trajectory = &problem->trajectories[i];

            setup->features[i * tasks + c] = trajectory->features ? trajectory->features[c] : NULL;
            setup->gradients[i * tasks + c] =
                trajectory->gradients ? trajectory->gradients[c] : NULL;
        }
    return AMF_OK;
}

static enum amf_status setup_kernel(struct setup *setup)
{
    const struct amf_problem *problem = setup->problem;
    struct amf_points points = {.row_count = setup->row_count,
                                .state_dim = problem->state_dim,
                                .states = setup->states,
                                .task_count = problem->task_count,
                                .task_dim = problem->task_dim,
                                .task_vectors = problem->task_vectors,
                                .sources = setup->sources,
                                .features = setup->features,
                                .gradients = setup->gradients,
                                .feature_dim = problem->feature_dim,
                                .gradient_dim = problem->gradient_dim};

    return amf_kernel_renew(setup->scorer->engine->kernel, &problem->kernel, &points,
                            setup->scorer->pool, setup->scorer->cancel, &setup->scorer->kernel);
}

/* Blocks and actions of the conditioned trajectories, each under its own task. */
static enum amf_status setup_held(struct setup *setup)
{
    const struct amf_problem *problem = setup->problem;
    size_t dim = problem->action_dim, row = 0, numbers;

    for (size_t i = 0; i < problem->trajectory_count; i++)
        setup->held_rows += setup->conditioned[i] ? setup->kept[i] : 0;
    if (__builtin_mul_overflow(setup->held_rows, dim, &numbers))
        return AMF_TOO_LARGE;
    setup->held = amf_new_array(problem->trajectory_count, sizeof(*setup->held));
    setup->actions = amf_new_array(numbers, sizeof(double));
    if (!setup->held || !setup->actions)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < problem->trajectory_count; i++) {
        if (!setup->conditioned[i])
            continue;
        setup->held[setup->held_count++] =
            (struct amf_block){setup->first_row[i], setup->kept[i], problem->trajectories[i].task};
        for (size_t t = 0; t < setup->kept[i]; t++, row++)
            memcpy(setup->actions + row * dim,
                   problem->trajectories[i].actions +
                       setup->sources[setup->first_row[i] + t].step * dim,
                   dim * sizeof(double));
    }
    return AMF_OK;
}

static enum amf_status setup_members(struct setup *setup)
{
    struct amf_scorer *scorer = setup->scorer;
    size_t tasks = scorer->task_count;

    scorer->members = amf_new_array(setup->problem->trajectory_count, sizeof(*scorer->members));
    if (!scorer->members)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < setup->problem->trajectory_count; i++) {
        size_t pairs;

        if (!setup->occupancy[i])
            continue;
        scorer->members[scorer->n++] =
            (struct scorer_member){i, setup->problem->trajectories[i].task, setup->first_row[i],
                                   setup->kept[i], scorer->pair_count};
        if (__builtin_mul_overflow(setup->kept[i], tasks, &pairs) ||
            __builtin_add_overflow(scorer->pair_count, pairs, &scorer->pair_count))
            return AMF_TOO_LARGE;
    }
    return AMF_OK;
}

/* ---- the pass over all pairs ---- */

static enum amf_status setup_alloc_numbers(struct amf_scorer *scorer)
{
    enum amf_status status;

    scorer->step_log_likelihood = amf_new_array(scorer->pair_count, sizeof(double));
    scorer->variance = amf_new_array(scorer->pair_count, sizeof(double));
    scorer->summary = amf_new_array(scorer->task_count, sizeof(*scorer->summary));
    scorer->entropy = amf_new_array(scorer->task_count, sizeof(double));
    if (!scorer->step_log_likelihood || !scorer->variance || !scorer->summary || !scorer->entropy)
        return AMF_NO_MEMORY;
    status = amf_matrix_init(&scorer->log_likelihood, scorer->n, scorer->task_count);
    if (!status)
        status = amf_matrix_init(&scorer->clipped, scorer->n, scorer->task_count);
    if (!status)
        status = amf_matrix_init(&scorer->weights, scorer->n, scorer->task_count);
    for (size_t k = 0; k < scorer->pair_count; k++)
        scorer->step_log_likelihood[k] = -INFINITY;
    return status;
}

static const double *setup_actions(const struct setup *setup, size_t i, size_t t)
{
    const struct scorer_member *member = &setup->scorer->members[i];
    size_t step = setup->sources[member->first_row + t].step;

    return setup->problem->trajectories[member->trajectory].actions +
           step * setup->problem->action_dim;
}

struct setup_pairs { /* covered (member, task) in order, and numbers at their rows */
    struct setup_pair {
        size_t member, task;
    } * items;
    struct amf_block *blocks;
    size_t count, row_count;
    double *mean, *variance; /* row_count x action_dim, row_count */
};

static void setup_pairs_deinit(struct setup_pairs *pairs)
{
    free(pairs->items);
    free(pairs->blocks);
    free(pairs->mean);
    free(pairs->variance);
}
#define SETUP_PAIRS_CLEANUP __attribute__((cleanup(setup_pairs_deinit)))

/* Under own-task weights no other pair ever weighs anything, and unless the policy is a Gaussian
 * process nobody asks how likely it is either. */
static bool setup_own_alone(const struct setup *setup)
{
    enum amf_weights mode = setup->scorer->settings.weights;

    return setup->problem->policy != AMF_POLICY_GP &&
           (mode == AMF_WEIGHTS_OWN_TASK || mode == AMF_WEIGHTS_OWN_TASK_RAW);
}

static enum amf_status setup_pairs_init(struct setup_pairs *pairs, const struct setup *setup)
{
    const struct amf_scorer *scorer = setup->scorer;
    bool own_alone = setup_own_alone(setup);
    size_t numbers;

    if (__builtin_mul_overflow(scorer->pair_count, scorer->action_dim, &numbers))
        return AMF_TOO_LARGE;
    pairs->items = amf_new_array(scorer->n * scorer->task_count, sizeof(*pairs->items));
    pairs->blocks = amf_new_array(scorer->n * scorer->task_count, sizeof(*pairs->blocks));
    pairs->mean = amf_new_array(numbers, sizeof(double));
    pairs->variance = amf_new_array(scorer->pair_count, sizeof(double));
    if (!pairs->items || !pairs->blocks || !pairs->mean || !pairs->variance)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < scorer->n; i++)
        for (size_t c = 0; c < scorer->task_count; c++) {
            struct amf_block block = scorer_member_block(scorer, i, c);

            if (!amf_kernel_covers(scorer->kernel, &block) ||
                (own_alone && c != scorer->members[i].task))
                continue;
            pairs->items[pairs->count] = (struct setup_pair){i, c};
            pairs->blocks[pairs->count++] = block;
            pairs->row_count += block.row_count;
        }
    return AMF_OK;
}

static void setup_gp_likelihoods(const struct setup *setup, const struct setup_pairs *pairs)
{
    struct amf_scorer *scorer = setup->scorer;
    const double *mean = pairs->mean, *variance = pairs->variance;

    for (size_t p = 0; p < pairs->count; p++) {
        size_t i = pairs->items[p].member;
        double *terms = scorer->step_log_likelihood + scorer_pair(scorer, i, pairs->items[p].task);

        for (size_t t = 0; t < scorer->members[i].row_count; t++, mean += scorer->action_dim)
            terms[t] =
                amf_policy_step_log_likelihood(setup_actions(setup, i, t), mean, scorer->action_dim,
                                               *variance++ + scorer->noise * scorer->noise);
    }
}

static void setup_scatter_variance(struct amf_scorer *scorer, const struct setup_pairs *pairs)
{
    const double *variance = pairs->variance;

    for (size_t p = 0; p < pairs->count; p++) {
        size_t i = pairs->items[p].member, rows = scorer->members[i].row_count;

        memcpy(scorer->variance + scorer_pair(scorer, i, pairs->items[p].task), variance,
               rows * sizeof(double));
        variance += rows;
    }
}

static enum amf_status setup_predict(const struct setup *setup,
                                     const struct amf_posterior *posterior, bool likelihoods,
                                     struct setup_pairs *pairs)
{
    const struct amf_scorer *scorer = setup->scorer;

    return amf_posterior_predict(posterior, pairs->blocks, pairs->count, scorer->pool,
                                 scorer->cancel, likelihoods ? pairs->mean : NULL, pairs->variance);
}

/* One covered (member, task) as the engine has it. */
static void setup_take_pair(struct setup *setup, size_t i, size_t c, bool likelihoods)
{
    struct amf_scorer *scorer = setup->scorer;
    size_t dim = scorer->action_dim;

    for (size_t t = 0; t < scorer->members[i].row_count; t++) {
        size_t at = scorer_pair(scorer, i, c) + t;
        double variance = fmax(amf_engine_variance(scorer->engine, i, c)[t], 0);

        scorer->variance[at] = variance;
        if (likelihoods)
            scorer->step_log_likelihood[at] = amf_policy_step_log_likelihood(
                setup_actions(setup, i, t),
                amf_engine_mean(scorer->engine, i, c) + t * scorer->engine->action_width, dim,
                variance + scorer->noise * scorer->noise);
    }
}

/* Variances, and with `all` what the Gaussian process thinks of the actions, from the engine. */
static enum amf_status setup_engine(struct setup *setup, bool all)
{
    struct amf_scorer *scorer = setup->scorer;
    bool gp = setup->problem->policy == AMF_POLICY_GP;
    AMF_FREE_CLEANUP struct amf_block *members = amf_new_array(scorer->n, sizeof(*members));
    struct engine_input input = {.kernel = scorer->kernel,
                                 .noise = scorer->noise,
                                 .blocks = setup->held,
                                 .block_count = all ? setup->held_count : 0,
                                 .actions = setup->actions,
                                 .action_dim = scorer->action_dim,
                                 .members = members,
                                 .member_count = scorer->n,
                                 .all_tasks = scorer->settings.weights == AMF_WEIGHTS_UNIFORM,
                                 .pool = scorer->pool,
                                 .cancel = scorer->cancel};
    enum amf_status status;

    if (!members)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < scorer->n; i++)
        members[i] = scorer_member_block(scorer, i, scorer->members[i].task);
    status = amf_engine_update(scorer->engine, &input);
    if (status)
        return status;
    scorer->jitter = fmax(scorer->jitter, scorer->engine->jitter);
    for (size_t i = 0; i < scorer->n; i++)
        for (size_t c = 0; c < scorer->task_count; c++) {
            struct amf_block pair = scorer_member_block(scorer, i, c);

            if (amf_kernel_covers(scorer->kernel, &pair))
                setup_take_pair(setup, i, c, all && gp);
        }
    return AMF_OK;
}

enum amf_status amf_scorer_make_posterior(struct amf_scorer *scorer)
{
    return amf_posterior_new(scorer->kernel, scorer->noise, scorer->engine->blocks,
                             scorer->engine->block_count, NULL, 0, scorer->pool, scorer->cancel,
                             &scorer->posterior);
}

/* ---- likelihoods of other policies, and weights ---- */

static void setup_external_likelihoods(const struct setup *setup, size_t i, size_t task)
{
    const struct amf_problem *problem = setup->problem;
    struct amf_scorer *scorer = setup->scorer;
    const struct scorer_member *member = &scorer->members[i];
    const struct amf_trajectory *trajectory = &problem->trajectories[member->trajectory];
    bool given = problem->policy == AMF_POLICY_GIVEN;
    const double *const *tables = given ? trajectory->log_likelihood : trajectory->policy_mean;
    double *terms = scorer->step_log_likelihood + scorer_pair(scorer, i, task);

    for (size_t t = 0; tables && tables[task] && t < member->row_count; t++) {
        size_t step = setup->sources[member->first_row + t].step;

        terms[t] = given
                       ? tables[task][step]
                       : amf_policy_step_log_likelihood(
                             setup_actions(setup, i, t), tables[task] + step * problem->action_dim,
                             problem->action_dim, problem->policy_noise * problem->policy_noise);
    }
}

static void setup_sum_likelihoods(const struct setup *setup)
{
    struct amf_scorer *scorer = setup->scorer;

    for (size_t i = 0; i < scorer->n; i++)
        for (size_t c = 0; c < scorer->task_count; c++) {
            const double *terms = scorer->step_log_likelihood + scorer_pair(scorer, i, c);
            double *sum = amf_matrix_row(&scorer->log_likelihood, i) + c;

            if (setup->problem->policy != AMF_POLICY_GP)
                setup_external_likelihoods(setup, i, c);
            if (terms[0] == -INFINITY)
                *sum = -INFINITY;
            else
                *sum = amf_occupancy_sum_steps(terms, scorer->members[i].row_count,
                                               &scorer->settings.clip,
                                               amf_matrix_row(&scorer->clipped, i) + c);
        }
}

/* Where the kernel has no features a demonstration cannot stand in, whatever its likelihood. */
static enum amf_status setup_weigh(const struct setup *setup)
{
    struct amf_scorer *scorer = setup->scorer;
    AMF_MATRIX_CLEANUP struct amf_matrix input = AMF_MATRIX_NULL;
    AMF_FREE_CLEANUP size_t *own = amf_new_array(scorer->n, sizeof(size_t));
    bool needs = scorer_needs_likelihood(scorer->settings.weights);
    enum amf_status status = amf_matrix_init(&input, scorer->n, scorer->task_count);

    if (status || !own)
        return status ? status : AMF_NO_MEMORY;
    for (size_t i = 0; i < scorer->n; i++) {
        own[i] = scorer->members[i].task;
        for (size_t c = 0; c < scorer->task_count; c++) {
            struct amf_block block = scorer_member_block(scorer, i, c);
            double l = needs ? amf_matrix_row(&scorer->log_likelihood, i)[c] : 0;

            amf_matrix_row(&input, i)[c] =
                amf_kernel_covers(scorer->kernel, &block) ? l : -INFINITY;
        }
    }
    status = amf_occupancy_weigh(scorer->settings.weights, input.data, own, scorer->n,
                                 scorer->task_count, scorer->settings.ess_target,
                                 scorer->weights.data, NULL);
    for (size_t c = 0; !status && c < scorer->task_count; c++)
        scorer->summary[c] =
            amf_occupancy_summarize(scorer->weights.data, scorer->n, scorer->task_count, c);
    return status;
}

/* What the Gaussian process thinks of the recorded actions, by way of a posterior: *ret_posterior.
 */
static enum amf_status setup_likelihoods(struct setup *setup, struct setup_pairs *pairs,
                                         struct amf_posterior **ret_posterior)
{
    struct amf_scorer *scorer = setup->scorer;
    bool gp = setup->problem->policy == AMF_POLICY_GP;
    enum amf_status status = amf_posterior_new(
        scorer->kernel, scorer->noise, setup->held, setup->held_count, gp ? setup->actions : NULL,
        scorer->action_dim, scorer->pool, scorer->cancel, ret_posterior);

    if (status)
        return status;
    scorer->jitter = amf_posterior_jitter(*ret_posterior);
    status = setup_predict(setup, *ret_posterior, gp, pairs);
    if (!status && gp)
        setup_gp_likelihoods(setup, pairs);
    return status;
}

/* Conditioned on all that is held, without the engine. */
static enum amf_status setup_posterior(struct setup *setup)
{
    SETUP_PAIRS_CLEANUP struct setup_pairs pairs = {0};
    enum amf_status status = setup_pairs_init(&pairs, setup);

    if (!status)
        status = setup_likelihoods(setup, &pairs, &setup->scorer->posterior);
    if (!status)
        setup_scatter_variance(setup->scorer, &pairs);
    return status;
}

/* Room for the covered pairs' rows of u, where gains may want them. */
static enum amf_status setup_whitened(struct amf_scorer *scorer, const struct setup_pairs *pairs)
{
    size_t dim = amf_feature_map_get(scorer->map).dim, row = 0;

    if (!amf_scorer_keeps_whitened(scorer, pairs->row_count, dim))
        return AMF_OK;
    scorer->whitened_row = amf_new_array(scorer->n * scorer->task_count, sizeof(size_t));
    if (!scorer->whitened_row)
        return AMF_NO_MEMORY;
    for (size_t p = 0; p < pairs->count; row += pairs->blocks[p++].row_count)
        scorer->whitened_row[pairs->items[p].member * scorer->task_count + pairs->items[p].task] =
            row;
    return amf_matrix_init(&scorer->whitened, pairs->row_count, dim);
}

/* Likewise in the weights' form. */
static enum amf_status setup_ridge(struct setup *setup)
{
    struct amf_scorer *scorer = setup->scorer;
    bool gp = setup->problem->policy == AMF_POLICY_GP && !setup->problem->summary;
    SETUP_PAIRS_CLEANUP struct setup_pairs pairs = {0};
    enum amf_status status = setup_pairs_init(&pairs, setup);

    if (!status)
        status = amf_scorer_make_ridge(scorer, setup->problem, setup->held, setup->held_count,
                                       gp ? setup->actions : NULL);
    if (!status)
        status = setup_whitened(scorer, &pairs);
    if (!status)
        status = amf_ridge_predict(scorer->ridge, pairs.blocks, pairs.count, scorer->pool,
                                   scorer->cancel, gp ? pairs.mean : NULL, pairs.variance,
                                   scorer->whitened.data);
    if (status)
        return status;
    if (gp)
        setup_gp_likelihoods(setup, &pairs);
    setup_scatter_variance(scorer, &pairs);
    return AMF_OK;
}

/* Conditioned on nothing; what is held matters where weights need its likelihoods. */
static enum amf_status setup_prior(struct setup *setup)
{
    struct amf_scorer *scorer = setup->scorer;
    SETUP_PAIRS_CLEANUP struct setup_pairs pairs = {0};
    AMF_POSTERIOR_CLEANUP struct amf_posterior *held = NULL;
    enum amf_status status = setup_pairs_init(&pairs, setup);

    if (!status && setup->problem->policy == AMF_POLICY_GP &&
        scorer_needs_likelihood(scorer->settings.weights))
        status = setup_likelihoods(setup, &pairs, &held);
    if (status || scorer->engine)
        return status ? status : setup_engine(setup, false);
    status = amf_posterior_new(scorer->kernel, scorer->noise, NULL, 0, NULL, 0, scorer->pool,
                               scorer->cancel, &scorer->posterior);
    if (!status)
        status = setup_predict(setup, scorer->posterior, false, &pairs);
    if (!status)
        setup_scatter_variance(scorer, &pairs);
    return status;
}

/* Likelihoods, and the variances before pending work. An engine that has no part in them forgets.
 */
static enum amf_status setup_condition(struct setup *setup)
{
    struct amf_scorer *scorer = setup->scorer;
    bool all = scorer->settings.conditioning == AMF_CONDITIONING_ALL;

    if (setup->ridge || !amf_engine_takes(scorer->kernel, scorer->noise, all)) {
        amf_engine_forget(scorer->engine);
        scorer->engine = NULL;
    }
    if (setup->ridge)
        return setup_ridge(setup);
    if (!all)
        return setup_prior(setup);
    return scorer->engine ? setup_engine(setup, true) : setup_posterior(setup);
}

double amf_scorer_entropy(const struct amf_scorer *scorer, size_t task, const double *variance)
{
    double sum = 0;

    for (size_t i = 0; i < scorer->n; i++)
        for (size_t t = 0; t < scorer->members[i].row_count; t++) {
            struct amf_block step = {scorer->members[i].first_row + t, 1, task};
            double weight = *scorer_weight(scorer, i, task), prior;

            if (!(weight > 0))
                continue;
            amf_kernel_diagonal(scorer->kernel, &step, 1, &prior);
            sum += weight *
                   amf_measure_gaussian_entropy(
                       fmax(variance[scorer_pair(scorer, i, task) + t], AMF_MEASURE_FLOOR * prior));
        }
    return scorer->n ? (double)scorer->action_dim / (double)scorer->n * sum : 0;
}

enum amf_status amf_scorer_setup(struct amf_scorer *scorer, const struct amf_problem *problem)
{
    SETUP_CLEANUP struct setup setup = {.scorer = scorer, .problem = problem};
    double start = amf_scorer_seconds(), middle;
    enum amf_status status = setup_alloc(&setup);

    if (!status)
        status = setup_choose_sets(&setup);
    if (!status)
        status = setup_step_table(&setup);
    if (!status)
        status = setup_feature_tables(&setup);
    if (!status)
        status = setup_kernel(&setup);
    if (!status)
        status = setup_held(&setup);
    if (!status)
        status = setup_members(&setup);
    if (!status)
        status = setup_alloc_numbers(scorer);
    if (!status)
        status = setup_condition(&setup);
    if (status)
        return status;
    middle = amf_scorer_seconds();
    scorer->timing.posterior_s = middle - start;
    setup_sum_likelihoods(&setup);
    status = setup_weigh(&setup);
    for (size_t c = 0; !status && c < scorer->task_count; c++)
        scorer->entropy[c] = amf_scorer_entropy(scorer, c, scorer->variance);
    scorer->timing.weights_s = amf_scorer_seconds() - middle;
    return status;
}
