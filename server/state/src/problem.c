#include <math.h>
#include <string.h>

#include "problem.h"
#include "problem_features.h"
#include "project_internal.h"

static const enum amf_measure_kind measures[] = {
    [PROTO_MEASURE_ENTROPY] = AMF_MEASURE_ENTROPY,
    [PROTO_MEASURE_NOISY_ENTROPY] = AMF_MEASURE_NOISY_ENTROPY,
    [PROTO_MEASURE_VARIANCE] = AMF_MEASURE_VARIANCE,
    [PROTO_MEASURE_KL] = AMF_MEASURE_KL,
    [PROTO_MEASURE_REVERSE_KL] = AMF_MEASURE_REVERSE_KL,
    [PROTO_MEASURE_JENSEN_SHANNON] = AMF_MEASURE_JENSEN_SHANNON,
    [PROTO_MEASURE_PRIOR_ENTROPY] = AMF_MEASURE_PRIOR_ENTROPY,
};

static const enum amf_weights weights[] = {
    [PROTO_WEIGHTS_RAW] = AMF_WEIGHTS_RAW,
    [PROTO_WEIGHTS_SELF_NORMALIZED] = AMF_WEIGHTS_SELF_NORMALIZED,
    [PROTO_WEIGHTS_TEMPERED] = AMF_WEIGHTS_TEMPERED,
    [PROTO_WEIGHTS_CALIBRATED] = AMF_WEIGHTS_CALIBRATED,
    [PROTO_WEIGHTS_OWN_TASK_RAW] = AMF_WEIGHTS_OWN_TASK_RAW,
    [PROTO_WEIGHTS_OWN_TASK] = AMF_WEIGHTS_OWN_TASK,
    [PROTO_WEIGHTS_UNIFORM] = AMF_WEIGHTS_UNIFORM,
};

static const enum amf_kernel_kind kernels[] = {
    [PROTO_KERNEL_RBF] = AMF_KERNEL_RBF,
    [PROTO_KERNEL_MATERN32] = AMF_KERNEL_MATERN32,
    [PROTO_KERNEL_MATERN52] = AMF_KERNEL_MATERN52,
    [PROTO_KERNEL_LINEAR] = AMF_KERNEL_LINEAR,
    [PROTO_KERNEL_EMBEDDING] = AMF_KERNEL_EMBEDDING,
    [PROTO_KERNEL_FACTORED] = AMF_KERNEL_FACTORED,
};

void problem_resolve(const struct view *view, struct proto_resolved *ret_resolved)
{
    const struct proto_project *project = &view->settings->project;
    const struct proto_criterion *criterion = &project->criterion;
    struct proto_resolved resolved = {.measure = criterion->measure,
                                      .weights = criterion->weights,
                                      .occupancy = criterion->occupancy,
                                      .target = criterion->target,
                                      .conditioning = criterion->conditioning,
                                      .warm_start = project->selection.warm_start,
                                      .clip = criterion->clip,
                                      .noise_std = project->noise_std};
    struct proto_scales in_use;

    if (view->scales) {
        view_describe_scales(view, view->scales, &in_use);
        resolved.noise_std = in_use.noise_std;
    }
    if (project->selection.rule == PROTO_RULE_PRIOR_ENTROPY)
        resolved.measure = PROTO_MEASURE_PRIOR_ENTROPY;
    problem_resolve_policy(view, &resolved);
    if (resolved.occupancy == PROTO_OCCUPANCY_ROLLOUTS &&
        resolved.weights != PROTO_WEIGHTS_OWN_TASK_RAW)
        resolved.weights = PROTO_WEIGHTS_OWN_TASK;
    *ret_resolved = resolved;
}

static double *standardize(const struct proto_matrix *raw, const struct proto_reals *mean,
                           const struct proto_reals *std, struct proto_arena *arena)
{
    double *out = proto_arena_alloc(arena, raw->rows * raw->cols, sizeof *out);

    for (size_t i = 0; out && i < raw->rows; i++)
        for (size_t d = 0; d < raw->cols; d++)
            out[i * raw->cols + d] =
                (raw->data[i * raw->cols + d] - mean->items[d]) / std->items[d];
    return out;
}

bool problem_stands_in(const struct view *view, size_t i, enum proto_occupancy occupancy,
                       const struct rollouts *rollouts)
{
    const struct demonstration *demonstration = view_demonstration(view, i);

    if (occupancy == PROTO_OCCUPANCY_ROLLOUTS)
        return rollouts->newest[i];
    return demonstration_is_held(demonstration) &&
           (occupancy == PROTO_OCCUPANCY_HELD ||
            demonstration->meta.role == PROTO_ROLE_DEMONSTRATION);
}

static int build_trajectories(const struct view *view, const struct scales *scales,
                              enum proto_occupancy occupancy, const struct rollouts *rollouts,
                              const struct problem_features *features, struct proto_arena *arena,
                              struct amf_problem *problem)
{
    struct amf_trajectory *items =
        proto_arena_alloc(arena, (size_t)view->held + rollouts->count + 1, sizeof *items);
    size_t count = 0;

    for (size_t i = 0; items && i < view->demonstrations.count; i++) {
        const struct demonstration *demonstration = view_demonstration(view, i);
        struct amf_trajectory *item = &items[count];

        item->conditioned = demonstration_is_held(demonstration);
        item->occupancy = problem_stands_in(view, i, occupancy, rollouts);
        if (!item->conditioned && !item->occupancy)
            continue;
        item->task = view_find_task(view, demonstration->meta.task);
        item->step_count = demonstration->states.rows;
        item->states = standardize(&demonstration->states, &scales->frozen.state_mean,
                                   &scales->frozen.state_std, arena);
        item->actions = standardize(&demonstration->actions, &scales->frozen.action_mean,
                                    &scales->frozen.action_std, arena);
        if (!item->states || !item->actions || problem_add_features(features, i, item, arena))
            return -1;
        count++;
    }
    problem->trajectories = items;
    problem->trajectory_count = count;
    return items ? 0 : -1;
}

static int build_graph_table(const struct view *view, const struct proto_graph *graph,
                             struct proto_arena *arena, double *table)
{
    size_t nodes = graph->nodes.count, count = view->tasks.count;
    double *adjacency = proto_arena_alloc(arena, nodes * nodes, sizeof *adjacency);
    double *node_table = proto_arena_alloc(arena, nodes * nodes, sizeof *node_table);
    size_t *node_of = proto_arena_alloc(arena, count + 1, sizeof *node_of);

    if (!adjacency || !node_table || !node_of)
        return -1;
    for (size_t e = 0; e < graph->edges.rows; e++) {
        const double *edge = graph->edges.data + 3 * e;

        adjacency[(size_t)edge[0] * nodes + (size_t)edge[1]] = edge[2];
        adjacency[(size_t)edge[1] * nodes + (size_t)edge[0]] = edge[2];
    }
    if (amf_task_table_random_walk(nodes, adjacency, graph->lambda, node_table))
        return 1;
    for (size_t c = 0; c < count; c++)
        while (strcmp(graph->nodes.items[node_of[c]], view_task(view, c)->task.key) != 0)
            node_of[c]++;
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++)
            table[a * count + b] = node_table[node_of[a] * nodes + node_of[b]];
    return 0;
}

static int build_task_vectors(const struct view *view, struct proto_arena *arena,
                              struct amf_problem *problem)
{
    size_t dim = view_task(view, 0)->task.vector.count;
    double *vectors = proto_arena_alloc(arena, view->tasks.count * dim, sizeof *vectors);

    if (!vectors)
        return -1;
    for (size_t c = 0; c < view->tasks.count; c++)
        memcpy(vectors + c * dim, view_task(view, c)->task.vector.items, dim * sizeof *vectors);
    problem->task_dim = dim;
    problem->task_vectors = vectors;
    return 0;
}

static int build_task_part(const struct view *view, double correlation, struct proto_arena *arena,
                           struct amf_problem *problem)
{
    const struct proto_kernel *kernel = &view->settings->project.kernel;
    size_t count = view->tasks.count;
    double *table;
    int status;

    if (kernel->task == PROTO_TASK_VECTOR) {
        problem->kernel.task = AMF_TASK_VECTORS;
        return build_task_vectors(view, arena, problem);
    }
    table = proto_arena_alloc(arena, count * count, sizeof *table);
    if (!table)
        return -1;
    status = kernel->task == PROTO_TASK_GRAPH
                 ? build_graph_table(view, kernel->graph, arena, table)
                 : (int)amf_task_table_discrete(count, correlation, table);
    problem->kernel.task = AMF_TASK_TABLE;
    problem->kernel.task_table = table;
    return status;
}

static void build_numbers(const struct view *view, const struct proto_scales *in_use,
                          struct amf_problem *problem)
{
    problem->noise = in_use->noise_std;
    problem->kernel.kind = kernels[view->settings->project.kernel.kind];
    problem->kernel.variance = in_use->variance;
    problem->kernel.state_scale = in_use->state_scale.items;
    problem->kernel.state_scale_count = in_use->state_scale.count;
    problem->kernel.task_scale = in_use->task_scale.items;
    problem->kernel.task_scale_count = in_use->task_scale.count;
}

static void build_settings(const struct view *view, const struct proto_resolved *resolved,
                           struct amf_problem *problem)
{
    const struct proto_criterion *criterion = &view->settings->project.criterion;
    struct amf_criterion_settings settings = amf_criterion_settings_default();

    settings.measure = measures[resolved->measure];
    settings.weights = weights[resolved->weights];
    settings.conditioning = resolved->conditioning == PROTO_CONDITIONING_NONE
                                ? AMF_CONDITIONING_NONE
                                : AMF_CONDITIONING_ALL;
    settings.exclude_self = criterion->exclude_self;
    if (criterion->clip.count == 2) {
        settings.clip.scope =
            criterion->clip_scope == PROTO_CLIP_STEP ? AMF_CLIP_STEP : AMF_CLIP_TRAJECTORY;
        settings.clip.low = criterion->clip.items[0];
        settings.clip.high = criterion->clip.items[1];
    }
    settings.ess_target = criterion->ess_target;
    settings.weight_floor = criterion->weight_floor;
    settings.max_steps = 0; /* what is held has been thinned already */
    settings.occupancy_limit = (size_t)criterion->occupancy_limit;
    settings.blocks_per_task = (size_t)criterion->blocks_per_task;
    settings.test_pair_limit = (size_t)criterion->test_pair_limit;
    settings.conditioning_limit = (size_t)criterion->conditioning_limit;
    settings.seed = (uint64_t)view->settings->project.selection.seed;
    problem->settings = settings;
}

/* mu of an evaluation task, before it is normalised. */
static double target_weight(const struct view *view, size_t task, const struct rollouts *rollouts)
{
    double weight = view_task(view, task)->task.weight;

    return view->settings->project.criterion.target == PROTO_TARGET_FAILURE
               ? weight * rollouts_failure_rate(&rollouts->tasks[task])
               : weight;
}

int problem_targets(const struct view *view, struct target *ret_targets)
{
    bool failure = view->settings->project.criterion.target == PROTO_TARGET_FAILURE;
    ROLLOUTS_CLEANUP struct rollouts rollouts = ROLLOUTS_NULL;
    double sum = 0;

    if (rollouts_init(&rollouts, view))
        return -1;
    for (size_t c = 0; c < view->tasks.count; c++) {
        bool target = view_task(view, c)->task.role != PROTO_TASK_CANDIDATE;

        ret_targets[c] = (struct target){
            .weight = target ? target_weight(view, c, &rollouts) : NAN,
            .failure_rate = target && failure ? rollouts_failure_rate(&rollouts.tasks[c]) : NAN,
            .rollouts = rollouts.tasks[c].rollouts};
        sum += target ? ret_targets[c].weight : 0;
    }
    for (size_t c = 0; c < view->tasks.count; c++)
        ret_targets[c].weight /= sum > 0 ? sum : 1;
    return 0;
}

static int build_tasks(const struct view *view, const struct rollouts *rollouts,
                       struct proto_arena *arena, struct amf_problem *problem,
                       const char **ret_note)
{
    size_t count = view->tasks.count;
    size_t *candidates = proto_arena_alloc(arena, count + 1, sizeof *candidates);
    size_t *targets = proto_arena_alloc(arena, count + 1, sizeof *targets);
    double *mu = proto_arena_alloc(arena, count + 1, sizeof *mu), sum = 0;

    if (!candidates || !targets || !mu)
        return -1;
    problem->task_count = count;
    for (size_t c = 0; c < count; c++) {
        const struct proto_task *task = &view_task(view, c)->task;

        if (task->role != PROTO_TASK_EVALUATION)
            candidates[problem->candidate_count++] = c;
        if (task->role != PROTO_TASK_CANDIDATE) {
            mu[problem->target_count] = target_weight(view, c, rollouts);
            sum += mu[problem->target_count];
            targets[problem->target_count++] = c;
        }
    }
    problem->candidates = candidates;
    problem->targets = targets;
    problem->target_weights = mu;
    if (problem->candidate_count == 0)
        *ret_note = "There is no task to choose from: PUT a task with role both or candidate.";
    else if (!(sum > 0))
        *ret_note = "No evaluation task has a weight above 0, so nothing is worth knowing.";
    return *ret_note ? 1 : 0;
}

/* Why there is nothing to rank by; NULL: there is something. */
static const char *nothing_stands_in(const struct view *view, enum proto_occupancy occupancy,
                                     const struct rollouts *rollouts)
{
    if (occupancy == PROTO_OCCUPANCY_ROLLOUTS)
        return rollouts->count ? NULL
                               : "No task has a rollout yet, and rollouts are to stand in "
                                 "(criterion.occupancy): upload the policy's own attempts.";
    return view->held ? NULL : "Nothing is held yet, so no task can be scored.";
}

int problem_build(const struct view *view, const struct scales *scales,
                  const struct problem_hosted *hosted, struct proto_arena *arena,
                  struct amf_problem *ret_problem, const char **ret_note)
{
    const struct proto_project *project = &view->settings->project;
    struct amf_problem problem = {.policy = AMF_POLICY_GP};
    struct problem_features features;
    struct proto_resolved resolved;
    struct proto_scales in_use;
    ROLLOUTS_CLEANUP struct rollouts rollouts = ROLLOUTS_NULL;
    int status;

    *ret_note = NULL;
    problem_resolve(view, &resolved);
    if (rollouts_init(&rollouts, view))
        return -1;
    status = build_tasks(view, &rollouts, arena, &problem, ret_note);
    if (!status) {
        *ret_note = nothing_stands_in(view, resolved.occupancy, &rollouts);
        status = *ret_note ? 1 : 0;
    }
    if (status)
        return status;
    if (scales->frozen.state_mean.count != (size_t)project->state_dim ||
        scales->frozen.action_mean.count != (size_t)project->action_dim) {
        *ret_note = "The frozen scales are of other dimensions than the project.";
        return 1;
    }
    problem.state_dim = (size_t)project->state_dim;
    problem.action_dim = (size_t)project->action_dim;
    view_describe_scales(view, scales, &in_use);
    build_numbers(view, &in_use, &problem);
    build_settings(view, &resolved, &problem);
    status = build_task_part(view, in_use.task_correlation, arena, &problem);
    if (status > 0)
        *ret_note = "The kernel of the task graph cannot be formed: check kernel.graph.";
    if (!status)
        status = problem_begin_features(view, scales, hosted, &resolved, arena, &features, &problem,
                                        ret_note);
    if (!status &&
        build_trajectories(view, scales, resolved.occupancy, &rollouts, &features, arena, &problem))
        status = -1;
    if (!status)
        status = problem_relative_noise(view, &problem, ret_note);
    if (!status)
        *ret_problem = problem;
    return status;
}
