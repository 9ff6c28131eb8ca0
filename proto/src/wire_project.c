/* Projects: fields, ranges, defaults, and what must fit together. */
#include <stdio.h>
#include <string.h>

#include "tables.h"

const char *const proto_policy_kind_names[] = {"gp", "external", "mlp", NULL};
static const char *const kernel_kind_names[] = {"rbf",       "matern32", "matern52", "linear",
                                                "embedding", "factored", NULL};
static const char *const task_kernel_names[] = {"discrete", "vector", "graph", NULL};
const char *const proto_occupancy_names[] = {"auto", "held", "new", "rollouts", NULL};
const char *const proto_target_names[] = {"weights", "failure", NULL};
static const char *const clip_scope_names[] = {"trajectory", "step", NULL};
const char *const proto_conditioning_names[] = {"auto", "all", "none", NULL};
static const char *const stop_names[] = {"soft", "hard", NULL};

const char *const proto_measure_names[] = {"auto", "entropy",    "noisy_entropy",  "variance",
                                           "kl",   "reverse_kl", "jensen_shannon", "prior_entropy",
                                           NULL};
const char *const proto_weights_names[] = {
    "raw",          "self_normalized", "tempered", "calibrated",
    "own_task_raw", "own_task",        "uniform",  NULL};
const char *const proto_rule_names[] = {
    "criterion",     "uniform",        "round_robin", "rebalance",
    "prior_entropy", "lowest_success", "warm_start",  "minimum",
    "explore",       "fallback",       NULL};

#define AT(member) offsetof(struct proto_policy, member)
static const struct proto_field policy_fields[] = {
    {"kind", PROTO_ENUM, AT(kind), .names = proto_policy_kind_names},
};
#undef AT

static const struct proto_shape policy_shape = {
    .name = "Policy", .size = sizeof(struct proto_policy), PROTO_FIELDS(policy_fields)};

#define AT(member) offsetof(struct proto_graph, member)
static const struct proto_field graph_fields[] = {
    {"nodes", PROTO_STRINGS, AT(nodes), PROTO_REQUIRED | PROTO_KEY},
    {"edges", PROTO_MATRIX, AT(edges), .min = 0, .max = 1e9, .max_length = 65536},
    {"lambda", PROTO_REAL, AT(lambda), PROTO_BELOW_MAX, .min = 0, .max = 1},
};
#undef AT

static void graph_defaults(void *ret_graph)
{
    *(struct proto_graph *)ret_graph = (struct proto_graph){.lambda = 0.5};
}

static const struct proto_shape graph_shape = {.name = "Graph",
                                               .size = sizeof(struct proto_graph),
                                               PROTO_FIELDS(graph_fields),
                                               .set_defaults = graph_defaults};

#define AT(member) offsetof(struct proto_kernel, member)
static const struct proto_field kernel_fields[] = {
    {"kind", PROTO_ENUM, AT(kind), .names = kernel_kind_names},
    {"variance", PROTO_REAL, AT(variance), .min = 1e-9, .max = 1e9},
    {"state_scale", PROTO_SCALE, AT(state_scale), .min = 1e-9, .max = 1e9},
    {"task", PROTO_ENUM, AT(task), .names = task_kernel_names},
    {"task_correlation", PROTO_REAL, AT(task_correlation), .min = 0, .max = 1},
    {"task_scale", PROTO_SCALE, AT(task_scale), .min = 1e-9, .max = 1e9},
    {"graph", PROTO_POINTER, AT(graph), PROTO_NULLABLE | PROTO_OMIT_NULL, .shape = &graph_shape},
};
#undef AT

static const struct proto_shape kernel_shape = {
    .name = "Kernel", .size = sizeof(struct proto_kernel), PROTO_FIELDS(kernel_fields)};

#define AT(member) offsetof(struct proto_criterion, member)
static const struct proto_field criterion_fields[] = {
    {"measure", PROTO_ENUM, AT(measure), .names = proto_measure_names},
    {"weights", PROTO_ENUM, AT(weights), .names = proto_weights_names},
    {"occupancy", PROTO_ENUM, AT(occupancy), .names = proto_occupancy_names},
    {"target", PROTO_ENUM, AT(target), .names = proto_target_names},
    {"rollouts_per_task", PROTO_INT, AT(rollouts_per_task), .min = 1, .max = 1000},
    {"clip", PROTO_REALS, AT(clip), PROTO_NULLABLE, .min = -1e9, .max = 1e9, .max_length = 2},
    {"clip_scope", PROTO_ENUM, AT(clip_scope), .names = clip_scope_names},
    {"conditioning", PROTO_ENUM, AT(conditioning), .names = proto_conditioning_names},
    {"exclude_self", PROTO_BOOL, AT(exclude_self)},
    {"ess_target", PROTO_REAL, AT(ess_target), .min = 1, .max = 1e6},
    {"weight_floor", PROTO_REAL, AT(weight_floor), PROTO_BELOW_MAX, .min = 0, .max = 1},
    {"max_steps", PROTO_INT, AT(max_steps), .min = 1, .max = 4096},
    {"occupancy_limit", PROTO_INT, AT(occupancy_limit), .min = 1, .max = 1e6},
    {"blocks_per_task", PROTO_INT, AT(blocks_per_task), .min = 1, .max = 1e6},
    {"test_pair_limit", PROTO_INT, AT(test_pair_limit), .min = 1, .max = 1e6},
    {"conditioning_limit", PROTO_INT, AT(conditioning_limit), .min = 1, .max = 1e6},
};
#undef AT

static const struct proto_shape criterion_shape = {
    .name = "Criterion", .size = sizeof(struct proto_criterion), PROTO_FIELDS(criterion_fields)};

#define AT(member) offsetof(struct proto_selection, member)
static const struct proto_field selection_fields[] = {
    {"rule", PROTO_ENUM, AT(rule), .names = proto_rule_names,
     .max_length = PROTO_RULE_LOWEST_SUCCESS + 1},
    {"warm_start", PROTO_INT, AT(warm_start), PROTO_AUTO, .min = 0, .max = 1000},
    {"explore_share", PROTO_REAL, AT(explore_share), .min = 0, .max = 1},
    {"cost_exponent", PROTO_REAL, AT(cost_exponent), .min = 0, .max = 10},
    {"stop_gain", PROTO_REAL, AT(stop_gain), .min = 0, .max = 1e9},
    {"stop", PROTO_ENUM, AT(stop), .names = stop_names},
    {"budget", PROTO_INT, AT(budget), PROTO_NULLABLE, .min = 0, .max = PROTO_MAX_DEMONSTRATIONS},
    {"seed", PROTO_INT, AT(seed), .min = 0, .max = PROTO_INT_MAX},
    {"lease_s", PROTO_REAL, AT(lease_s), .min = 1, .max = PROTO_MAX_LEASE_S},
};
#undef AT

static const struct proto_shape selection_shape = {
    .name = "Selection", .size = sizeof(struct proto_selection), PROTO_FIELDS(selection_fields)};

#define AT(member) offsetof(struct proto_project, member)
static const struct proto_field project_fields[] = {
    {"id", PROTO_STRING, AT(id), PROTO_REQUIRED | PROTO_KEY},
    {"title", PROTO_STRING, AT(title)},
    {"state_dim", PROTO_INT, AT(state_dim), PROTO_NULLABLE, .min = 1, .max = 4096},
    {"action_dim", PROTO_INT, AT(action_dim), PROTO_NULLABLE, .min = 1, .max = 4096},
    {"policy", PROTO_OBJECT, AT(policy), .shape = &policy_shape},
    {"kernel", PROTO_OBJECT, AT(kernel), .shape = &kernel_shape},
    {"noise_std", PROTO_REAL, AT(noise_std), .min = 1e-9, .max = 1e9},
    {"noise_relative", PROTO_REAL, AT(noise_relative), PROTO_NULLABLE, .min = 1e-9, .max = 1e9},
    {"standardize", PROTO_BOOL, AT(standardize)},
    {"fit_after", PROTO_INT, AT(fit_after), PROTO_NULLABLE, .min = 1, .max = 1e6},
    {"criterion", PROTO_OBJECT, AT(criterion), .shape = &criterion_shape},
    {"selection", PROTO_OBJECT, AT(selection), .shape = &selection_shape},
    {"scales", PROTO_POINTER, AT(scales), PROTO_READ_ONLY | PROTO_NULLABLE,
     .shape = &proto_scales_shape},
    {"created_at", PROTO_STRING, AT(created_at),
     PROTO_READ_ONLY | PROTO_NULLABLE | PROTO_OMIT_NULL},
    {"seq", PROTO_INT, AT(seq), PROTO_READ_ONLY},
};
#undef AT

static void set_project_defaults(void *ret_project)
{
    proto_project_defaults(ret_project);
}

static enum proto_code check_project(const void *project, struct proto_error *ret_error)
{
    return proto_project_check(project, ret_error);
}

const struct proto_shape proto_project_shape = {.name = "Project",
                                                .size = sizeof(struct proto_project),
                                                PROTO_FIELDS(project_fields),
                                                .set_defaults = set_project_defaults,
                                                .check = check_project};

/* Without what the server says of it, which stands last. */
const struct proto_shape proto_project_settings_shape = {
    .name = "EventProject",
    .size = sizeof(struct proto_project),
    .fields = project_fields,
    .field_count = sizeof(project_fields) / sizeof(project_fields[0]) - 3,
    .set_defaults = set_project_defaults};

void proto_project_defaults(struct proto_project *ret_project)
{
    const struct proto_scale median = {.kind = PROTO_SCALE_MEDIAN};
    *ret_project = (struct proto_project){
        .title = "",
        .state_dim = PROTO_INT_NULL,
        .action_dim = PROTO_INT_NULL,
        .policy = {.kind = PROTO_POLICY_GP},
        .kernel = {.kind = PROTO_KERNEL_RBF,
                   .variance = 1,
                   .state_scale = median,
                   .task = PROTO_TASK_DISCRETE,
                   .task_correlation = 0.25,
                   .task_scale = median},
        .noise_std = 0.8,
        .noise_relative = NAN,
        .standardize = true,
        .fit_after = PROTO_INT_NULL,
        .criterion = {.measure = PROTO_MEASURE_AUTO,
                      .weights = PROTO_WEIGHTS_TEMPERED,
                      .occupancy = PROTO_OCCUPANCY_AUTO,
                      .target = PROTO_TARGET_WEIGHTS,
                      .rollouts_per_task = 3,
                      .clip_scope = PROTO_CLIP_TRAJECTORY,
                      .conditioning = PROTO_CONDITIONING_AUTO,
                      .ess_target = 8,
                      .weight_floor = 1e-4,
                      .max_steps = 16,
                      .occupancy_limit = 256,
                      .blocks_per_task = 16,
                      .test_pair_limit = 1024,
                      .conditioning_limit = 4096},
        .selection = {.rule = PROTO_RULE_CRITERION,
                      .warm_start = PROTO_INT_AUTO,
                      .stop = PROTO_STOP_SOFT,
                      .budget = PROTO_INT_NULL,
                      .lease_s = 900},
    };
}

void proto_project_new_defaults(struct proto_project *ret_project)
{
    proto_project_defaults(ret_project);
    ret_project->noise_std = NAN;
}

static bool ranked_by_rollouts_of_network(const struct proto_project *project)
{
    return project->policy.kind != PROTO_POLICY_GP && project->kernel.kind > PROTO_KERNEL_LINEAR &&
           project->criterion.occupancy == PROTO_OCCUPANCY_ROLLOUTS;
}

void proto_project_settle(struct proto_project *project)
{
    bool names_noise = !isnan(project->noise_std) || !isnan(project->noise_relative);
    struct proto_project defaults;

    proto_project_defaults(&defaults);
    if (isnan(project->noise_std))
        project->noise_std = defaults.noise_std;
    if (!ranked_by_rollouts_of_network(project))
        return;
    if (!names_noise)
        project->noise_relative = 1;
    if (project->criterion.measure == PROTO_MEASURE_AUTO)
        project->criterion.measure = PROTO_MEASURE_ENTROPY;
}

static enum proto_code check_edge(const struct proto_graph *graph, size_t edge,
                                  struct proto_error *ret_error)
{
    const double *row = graph->edges.data + 3 * edge;
    char at[64];
    for (size_t end = 0; end < 2; end++) {
        if (row[end] >= 0 && row[end] < (double)graph->nodes.count && row[end] == floor(row[end]))
            continue;
        snprintf(at, sizeof(at), "/kernel/graph/edges/%zu/%zu", edge, end);
        return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, at,
                               "an edge's end is %g; expected the index of one of %zu nodes",
                               row[end], graph->nodes.count);
    }
    if (row[0] != row[1] && row[2] > 0)
        return PROTO_CODE_OK;
    snprintf(at, sizeof(at), "/kernel/graph/edges/%zu", edge);
    return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, at,
                           "an edge joins two different nodes with a weight above 0");
}

static enum proto_code check_nodes(const struct proto_strings *nodes, struct proto_error *ret_error)
{
    if (nodes->count == 0)
        return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/kernel/graph/nodes",
                               "nodes is empty; expected the keys of the tasks");
    if (nodes->count > PROTO_GRAPH_NODES_MAX)
        return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/kernel/graph/nodes",
                               "%zu nodes; expected at most %d", nodes->count,
                               PROTO_GRAPH_NODES_MAX);
    for (size_t i = 0; i < nodes->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(nodes->items[i], nodes->items[j]) != 0)
                continue;
            char at[64];
            snprintf(at, sizeof(at), "/kernel/graph/nodes/%zu", i);
            return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, at,
                                   "the node \"%s\" stands twice", nodes->items[i]);
        }
    }
    return PROTO_CODE_OK;
}

static enum proto_code check_graph(const struct proto_kernel *kernel, struct proto_error *ret_error)
{
    const struct proto_graph *graph = kernel->graph;
    if (!graph && kernel->task == PROTO_TASK_GRAPH)
        return proto_error_set(ret_error, PROTO_CODE_MISSING_FIELD, "/kernel/graph",
                               "task is \"graph\"; expected the graph with its nodes and edges");
    if (graph && kernel->task != PROTO_TASK_GRAPH)
        return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/kernel/graph",
                               "a graph is given but task is \"%s\"; expected task \"graph\", or "
                               "no graph",
                               task_kernel_names[kernel->task]);
    if (!graph)
        return PROTO_CODE_OK;
    enum proto_code code = check_nodes(&graph->nodes, ret_error);
    if (code == PROTO_CODE_OK && graph->edges.rows > 0 && graph->edges.cols != 3)
        code = proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/kernel/graph/edges",
                               "an edge has %zu numbers; expected 3: node, node, weight",
                               graph->edges.cols);
    for (size_t i = 0; i < graph->edges.rows && code == PROTO_CODE_OK; i++)
        code = check_edge(graph, i, ret_error);
    return code;
}

static enum proto_code check_clip(const struct proto_reals *clip, struct proto_error *ret_error)
{
    if (clip->count == 0 || (clip->count == 2 && clip->items[0] < clip->items[1]))
        return PROTO_CODE_OK;
    return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/criterion/clip",
                           "clip is not a range; expected [low, high] with low < high, or null");
}

static enum proto_code check_state_scale(const struct proto_project *project,
                                         struct proto_error *ret_error)
{
    size_t count = project->kernel.state_scale.values.count;
    if (project->kernel.state_scale.kind != PROTO_SCALE_VALUES || count == 1 ||
        project->state_dim == PROTO_INT_NULL || count == (size_t)project->state_dim)
        return PROTO_CODE_OK;
    return proto_error_set(
        ret_error, PROTO_CODE_INVALID_FIELD, "/kernel/state_scale",
        "there are %zu scales; expected 1, or one for each of the %zu dimensions", count,
        (size_t)project->state_dim);
}

static enum proto_code check_noise(const struct proto_project *project,
                                   struct proto_error *ret_error)
{
    if (isnan(project->noise_relative) || project->kernel.kind > PROTO_KERNEL_LINEAR)
        return PROTO_CODE_OK;
    return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/noise_relative",
                           "it is for the kernels embedding and factored; use noise_std");
}

/* A wish to fit what the kernel does not have would be granted by doing nothing. */
static enum proto_code check_fitted(const struct proto_kernel *kernel,
                                    struct proto_error *ret_error)
{
    bool linear = kernel->kind >= PROTO_KERNEL_LINEAR; /* or a kernel on features */

    if (kernel->state_scale.kind == PROTO_SCALE_MARGINAL_LIKELIHOOD && linear)
        return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/kernel/state_scale",
                               "this kernel has no length scale to fit");
    if (kernel->task_scale.kind != PROTO_SCALE_MARGINAL_LIKELIHOOD)
        return PROTO_CODE_OK;
    if (kernel->task == PROTO_TASK_GRAPH)
        return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/kernel/task_scale",
                               "a graph has no scale to fit; expected \"median\", and lambda in "
                               "the graph");
    if (kernel->kind > PROTO_KERNEL_LINEAR || (kernel->task == PROTO_TASK_VECTOR && linear))
        return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/kernel/task_scale",
                               "this kernel has no length scale of tasks to fit");
    return PROTO_CODE_OK;
}

enum proto_code proto_project_check(const struct proto_project *project,
                                    struct proto_error *ret_error)
{
    enum proto_code code = check_clip(&project->criterion.clip, ret_error);
    if (code == PROTO_CODE_OK)
        code = check_graph(&project->kernel, ret_error);
    if (code == PROTO_CODE_OK)
        code = check_state_scale(project, ret_error);
    if (code == PROTO_CODE_OK)
        code = check_fitted(&project->kernel, ret_error);
    if (code == PROTO_CODE_OK)
        code = check_noise(project, ret_error);
    return code;
}
