/* Problems in the format of tests/golden, and their results.
 *
 * The format nests four levels of ragged lists, which field tables do not know, so it is read by
 * hand: every reader takes a value and its path, and says at which path what was expected. Nothing
 * is kept that has not been checked, so whoever gets a struct proto_case may index with it.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <proto/problem.h>

#include "json.h"
#include "problem_read.h"

#define CASE_DEFAULT_ESS_TARGET 8

/* ---- the kernel ---- */

/* One number, or one per dimension. */
static enum proto_code case_scale(const struct proto_case_reader *reader, json_t *kernel,
                                  const struct proto_path *parent, const char *name, size_t dim,
                                  struct proto_reals *ret_scale)
{
    struct proto_path at = proto_case_member(parent, name);
    json_t *value;
    enum proto_code code = proto_case_required(reader, kernel, &at, &value);
    size_t count = json_is_array(value) ? dim : 1;
    double *scale;

    if (code)
        return code;
    scale = proto_arena_alloc(reader->arena, count, sizeof(double));
    if (!scale)
        return proto_case_no_memory(reader);
    if (!json_is_array(value))
        code = proto_case_positive(reader, value, &at, scale);
    else
        code = proto_case_array(reader, value, &at, dim, "length scales");
    for (size_t d = 0; !code && json_is_array(value) && d < dim; d++) {
        struct proto_path item = proto_case_item(&at, d);

        code = proto_case_positive(reader, json_array_get(value, d), &item, &scale[d]);
    }
    *ret_scale = (struct proto_reals){scale, count};
    return code;
}

/* A number from 0 to 1, which is in only if closed. */
static enum proto_code case_required_share(const struct proto_case_reader *reader, json_t *kernel,
                                           const struct proto_path *parent, const char *name,
                                           bool closed, double *ret_share)
{
    struct proto_path at = proto_case_member(parent, name);
    json_t *value;
    double share = 0;
    enum proto_code code = proto_case_required(reader, kernel, &at, &value);

    if (!code)
        code = proto_case_real(reader, value, &at, &share);
    if (code)
        return code;
    if (share < 0 || share > 1 || (!closed && share == 1))
        return proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, &at,
                              "expected a number from 0 to %s1", closed ? "" : "below ");
    *ret_share = share;
    return PROTO_CODE_OK;
}

static enum proto_code case_graph(const struct proto_case_reader *reader, json_t *kernel,
                                  const struct proto_path *at)
{
    struct proto_matrix *adjacency = &reader->out->kernel.adjacency;
    size_t tasks = reader->out->tasks.rows;
    enum proto_code code =
        proto_case_required_matrix(reader, kernel, at, "adjacency", tasks, tasks, adjacency);

    for (size_t i = 0; !code && i < tasks; i++)
        for (size_t j = 0; !code && j < tasks; j++) {
            struct proto_path name = proto_case_member(at, "adjacency");
            struct proto_path row = proto_case_item(&name, i), item = proto_case_item(&row, j);
            double edge = adjacency->data[i * tasks + j];

            if (edge < 0 || edge != adjacency->data[j * tasks + i])
                code = proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, &item,
                                      "expected weights of at least 0, the same both ways");
        }
    return code ? code
                : case_required_share(reader, kernel, at, "lambda", false,
                                      &reader->out->kernel.lambda);
}

enum case_type {
    CASE_RBF,
    CASE_MATERN32,
    CASE_MATERN52,
    CASE_LINEAR,
    CASE_EMBEDDING,
    CASE_FACTORED,
    CASE_DISCRETE,
    CASE_RANDOM_WALK
};

static const char *const case_type_names[] = {"rbf",      "matern32",    "matern52",
                                              "linear",   "embedding",   "factored",
                                              "discrete", "random_walk", NULL};
/* What each type knows beside type and variance. */
static const char *const case_type_fields[][8] = {
    {"type", "variance", "lengthscale_state", "lengthscale_task", NULL},
    {"type", "variance", "lengthscale_state", "lengthscale_task", NULL},
    {"type", "variance", "lengthscale_state", "lengthscale_task", NULL},
    {"type", "variance", NULL},
    {"type", "variance", NULL},
    {"type", "variance", NULL},
    {"type", "variance", "lengthscale_state", "task_correlation", NULL},
    {"type", "variance", "lengthscale_state", "adjacency", "lambda", "graph_kernel", NULL},
};

static enum proto_code case_kernel_parts(const struct proto_case_reader *reader, json_t *kernel,
                                         const struct proto_path *at, size_t type)
{
    struct proto_case *out = reader->out;
    bool scaled = type != CASE_LINEAR && type != CASE_EMBEDDING && type != CASE_FACTORED;
    enum proto_code code =
        proto_case_required_positive(reader, kernel, at, "variance", &out->kernel.variance);

    out->kernel.kind = type <= CASE_FACTORED ? (enum proto_case_kernel)type : PROTO_CASE_RBF;
    out->kernel.task = type == CASE_DISCRETE      ? PROTO_CASE_DISCRETE
                       : type == CASE_RANDOM_WALK ? PROTO_CASE_RANDOM_WALK
                                                  : PROTO_CASE_VECTORS;
    if (!code && scaled)
        code = case_scale(reader, kernel, at, "lengthscale_state", out->state_dim,
                          &out->kernel.state_scale);
    if (!code && scaled && out->kernel.task == PROTO_CASE_VECTORS)
        code = case_scale(reader, kernel, at, "lengthscale_task", out->task_dim,
                          &out->kernel.task_scale);
    if (!code && type == CASE_DISCRETE)
        code = case_required_share(reader, kernel, at, "task_correlation", true,
                                   &out->kernel.task_correlation);
    if (!code && type == CASE_RANDOM_WALK)
        code = case_graph(reader, kernel, at);
    return code;
}

static enum proto_code case_kernel(const struct proto_case_reader *reader, json_t *root)
{
    struct proto_path at = proto_case_member(NULL, "kernel"),
                      type_at = proto_case_member(&at, "type");
    json_t *kernel, *type;
    size_t choice = 0;
    enum proto_code code = proto_case_required(reader, root, &at, &kernel);

    if (!code && !json_is_object(kernel))
        code = proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, &at, "expected an object");
    if (!code)
        code = proto_case_required(reader, kernel, &type_at, &type);
    if (!code)
        code = proto_case_choice(reader, type, &type_at, case_type_names, &choice);
    if (!code)
        code = proto_case_object(reader, kernel, &at, case_type_fields[choice]);
    return code ? code : case_kernel_parts(reader, kernel, &at, choice);
}

/* ---- demonstrations ---- */

static enum proto_code case_demonstration(const struct proto_case_reader *reader, json_t *value,
                                          const struct proto_path *at,
                                          struct proto_case_demonstration *ret)
{
    static const char *const known[] = {"task", "states", "actions", NULL};
    const struct proto_case *out = reader->out;
    struct proto_path task_at = proto_case_member(at, "task"),
                      states_at = proto_case_member(at, "states");
    json_t *task;
    enum proto_code code = proto_case_object(reader, value, at, known);

    if (!code)
        code = proto_case_required(reader, value, &task_at, &task);
    if (!code)
        code = proto_case_task(reader, task, &task_at, &ret->task);
    if (!code)
        code = proto_case_required_matrix(reader, value, at, "states", SIZE_MAX, out->state_dim,
                                          &ret->states);
    if (!code && !ret->states.rows)
        code = proto_error_at(reader->error, PROTO_CODE_EMPTY_TRAJECTORY, &states_at,
                              "expected at least one step");
    return code ? code
                : proto_case_required_matrix(reader, value, at, "actions", ret->states.rows,
                                             out->action_dim, &ret->actions);
}

static enum proto_code case_demonstrations(const struct proto_case_reader *reader, json_t *root)
{
    static const char *const names[] = {"pretraining", "demonstrations"};
    struct proto_case *out = reader->out;
    size_t counts[2] = {0, 0}, used = 0;
    enum proto_code code = PROTO_CODE_OK;

    for (int set = 0; !code && set < 2; set++) {
        struct proto_path at = proto_case_member(NULL, names[set]);
        json_t *list = json_object_get(root, names[set]);

        if (list || set)
            code = proto_case_required(reader, root, &at, &list);
        if (!code && list)
            code = proto_case_array(reader, list, &at, SIZE_MAX, "demonstrations");
        counts[set] = json_array_size(list);
    }
    if (code)
        return code;
    out->pretraining_count = counts[0];
    out->demonstration_count = counts[0] + counts[1];
    out->demonstrations = proto_arena_alloc(reader->arena, out->demonstration_count + 1,
                                            sizeof(*out->demonstrations));
    if (!out->demonstrations)
        return proto_case_no_memory(reader);
    for (int set = 0; set < 2; set++)
        for (size_t i = 0; !code && i < counts[set]; i++, used++) {
            struct proto_path at = proto_case_member(NULL, names[set]),
                              item = proto_case_item(&at, i);

            code = case_demonstration(reader, json_array_get(json_object_get(root, names[set]), i),
                                      &item, &out->demonstrations[used]);
        }
    return code;
}

/* ---- numbers per demonstration, task and step ---- */

/* The matrices of one demonstration, one per task. */
static enum proto_code case_per_task(const struct proto_case_reader *reader, const json_t *value,
                                     const struct proto_path *at, size_t steps, size_t dim,
                                     struct proto_matrix **ret_matrices)
{
    size_t tasks = reader->out->tasks.rows;
    struct proto_matrix *matrices;
    enum proto_code code = proto_case_array(reader, value, at, tasks, "tasks");

    if (code)
        return code;
    matrices = proto_arena_alloc(reader->arena, tasks, sizeof(*matrices));
    if (!matrices)
        return proto_case_no_memory(reader);
    for (size_t c = 0; !code && c < tasks; c++) {
        struct proto_path item = proto_case_item(at, c);

        code = proto_case_matrix(reader, json_array_get(value, c), &item, steps, dim, &matrices[c]);
    }
    *ret_matrices = matrices;
    return code;
}

/* Numbers a step of the first demonstration has under its first task. */
static size_t case_first_length(const json_t *value)
{
    return json_array_size(json_array_get(json_array_get(json_array_get(value, 0), 0), 0));
}

/* The table `name` holds one entry per demonstration from `first` on. *dim: numbers a step; 0:
 * found from the first step. member: offset of the struct proto_matrix * that is filled. */
static enum proto_code case_table(const struct proto_case_reader *reader, json_t *root,
                                  const char *name, size_t first, size_t member, size_t *dim)
{
    struct proto_case *out = reader->out;
    struct proto_path at = proto_case_member(NULL, name);
    json_t *value;
    enum proto_code code = proto_case_required(reader, root, &at, &value);

    if (!code)
        code = proto_case_array(reader, value, &at, out->demonstration_count - first,
                                "demonstrations");
    if (code)
        return code;
    if (!*dim && out->demonstration_count > first) {
        *dim = case_first_length(value);
        if (!*dim)
            return proto_error_at(reader->error, PROTO_CODE_WRONG_DIMENSION, &at,
                                  "expected at least one number a step");
    }
    for (size_t d = first; !code && d < out->demonstration_count; d++) {
        struct proto_path item = proto_case_item(&at, d - first);
        void *target = (char *)&out->demonstrations[d] + member;

        code = case_per_task(reader, json_array_get(value, d - first), &item,
                             out->demonstrations[d].states.rows, *dim, target);
    }
    return code;
}

static enum proto_code case_unused(const struct proto_case_reader *reader, json_t *root,
                                   const char *name, bool used, const char *why)
{
    struct proto_path at = proto_case_member(NULL, name);

    if (used || !json_object_get(root, name))
        return PROTO_CODE_OK;
    return proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, &at, "used only with %s", why);
}

static enum proto_code case_tables(const struct proto_case_reader *reader, json_t *root)
{
    struct proto_case *out = reader->out;
    bool embedding = out->kernel.kind == PROTO_CASE_EMBEDDING;
    bool factored = out->kernel.kind == PROTO_CASE_FACTORED;
    bool network = out->policy == PROTO_CASE_DETERMINISTIC;
    enum proto_code code = case_unused(reader, root, "phi", embedding, "kernel embedding");

    if (!code)
        code = case_unused(reader, root, "g", factored, "kernel factored");
    if (!code)
        code = case_unused(reader, root, "h", factored, "kernel factored");
    if (!code)
        code = case_unused(reader, root, "policy_mean", network, "policy deterministic");
    if (!code && (embedding || factored))
        code = case_table(reader, root, embedding ? "phi" : "h", 0,
                          offsetof(struct proto_case_demonstration, features), &out->feature_dim);
    if (!code && factored)
        code = case_table(reader, root, "g", 0,
                          offsetof(struct proto_case_demonstration, gradients), &out->gradient_dim);
    if (!code && network)
        code = case_table(reader, root, "policy_mean", out->pretraining_count,
                          offsetof(struct proto_case_demonstration, policy_mean), &out->action_dim);
    return code;
}

/* ---- settings ---- */

static enum proto_code case_targets(const struct proto_case_reader *reader, json_t *root)
{
    struct proto_case *out = reader->out;
    struct proto_path tasks_at = proto_case_member(NULL, "evaluation_tasks"),
                      mu_at = proto_case_member(NULL, "mu");
    json_t *tasks = json_object_get(root, "evaluation_tasks"), *mu = json_object_get(root, "mu");
    double sum = 0;
    enum proto_code code = PROTO_CODE_OK;

    out->evaluation_count = out->tasks.rows;
    out->evaluation_tasks = proto_arena_alloc(reader->arena, out->tasks.rows, sizeof(size_t));
    if (!out->evaluation_tasks)
        return proto_case_no_memory(reader);
    for (size_t c = 0; c < out->tasks.rows; c++)
        out->evaluation_tasks[c] = c;
    if (tasks)
        code = proto_case_tasks(reader, tasks, &tasks_at, &out->evaluation_tasks,
                                &out->evaluation_count);
    if (code)
        return code;
    out->mu = proto_arena_alloc(reader->arena, out->evaluation_count + 1, sizeof(double));
    if (!out->mu)
        return proto_case_no_memory(reader);
    for (size_t e = 0; e < out->evaluation_count; e++)
        out->mu[e] = 1;
    if (mu)
        code = proto_case_reals(reader, mu, &mu_at, out->evaluation_count, out->mu);
    for (size_t e = 0; !code && e < out->evaluation_count; e++) {
        struct proto_path item = proto_case_item(&mu_at, e);

        if (out->mu[e] < 0)
            code = proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, &item,
                                  "expected a weight of at least 0");
        sum += out->mu[e];
    }
    if (!code && !(sum > 0 && isfinite(sum)))
        code = proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, &mu_at,
                              "expected weights with a positive, finite sum");
    return code;
}

static enum proto_code case_clip(const struct proto_case_reader *reader, json_t *root)
{
    static const char *const scopes[] = {"none", "trajectory", "step", NULL};
    struct proto_case *out = reader->out;
    struct proto_path at = proto_case_member(NULL, "clip"),
                      scope_at = proto_case_member(NULL, "clip_scope");
    json_t *clip = json_object_get(root, "clip"), *scope = json_object_get(root, "clip_scope");
    double range[2] = {0, 0};
    size_t choice = PROTO_CASE_CLIP_NONE;
    enum proto_code code = PROTO_CODE_OK;

    if (scope)
        code = proto_case_choice(reader, scope, &scope_at, scopes, &choice);
    if (!code && choice != PROTO_CASE_CLIP_NONE)
        code = proto_case_required(reader, root, &at, &clip);
    if (!code && clip && !json_is_null(clip))
        code = proto_case_reals(reader, clip, &at, 2, range);
    if (!code && range[0] > range[1])
        code = proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, &at,
                              "expected [low, high] with low at most high");
    out->clip_scope = (enum proto_case_clip)choice;
    out->clip_low = range[0];
    out->clip_high = range[1];
    return code;
}

static enum proto_code case_choices(const struct proto_case_reader *reader, json_t *root)
{
    static const char *const conditionings[] = {"none", "all", NULL};
    static const char *const policies[] = {"gp", "deterministic", NULL};
    struct proto_path conditioning_at = proto_case_member(NULL, "conditioning");
    struct proto_path policy_at = proto_case_member(NULL, "policy");
    json_t *conditioning, *policy;
    size_t all = 0, kind = 0;
    enum proto_code code = proto_case_required(reader, root, &conditioning_at, &conditioning);

    if (!code)
        code = proto_case_choice(reader, conditioning, &conditioning_at, conditionings, &all);
    if (!code)
        code = proto_case_required(reader, root, &policy_at, &policy);
    if (!code)
        code = proto_case_choice(reader, policy, &policy_at, policies, &kind);
    reader->out->conditioning_all = all == 1;
    reader->out->policy = (enum proto_case_policy)kind;
    return code;
}

static enum proto_code case_settings(const struct proto_case_reader *reader, json_t *root)
{
    struct proto_case *out = reader->out;
    struct proto_path pending_at = proto_case_member(NULL, "pending_tasks");
    struct proto_path ess_at = proto_case_member(NULL, "ess_target"),
                      name_at = proto_case_member(NULL, "name");
    json_t *pending = json_object_get(root, "pending_tasks");
    json_t *ess = json_object_get(root, "ess_target"), *name = json_object_get(root, "name");
    enum proto_code code = proto_case_required_positive(reader, root, NULL, "noise", &out->noise);

    out->ess_target = CASE_DEFAULT_ESS_TARGET;
    if (!code && name && !json_is_string(name))
        code = proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, &name_at, "expected a text");
    if (!code && name) {
        out->name = proto_arena_strdup(reader->arena, json_string_value(name));
        code = out->name ? PROTO_CODE_OK : proto_case_no_memory(reader);
    }
    if (!code && pending)
        code = proto_case_tasks(reader, pending, &pending_at, &out->pending, &out->pending_count);
    if (!code && ess)
        code = proto_case_real(reader, ess, &ess_at, &out->ess_target);
    if (!code && out->ess_target < 1)
        code = proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, &ess_at,
                              "expected a number of at least 1");
    if (!code)
        code = case_choices(reader, root);
    return code ? code : case_clip(reader, root);
}

static enum proto_code case_read_tasks(const struct proto_case_reader *reader, json_t *root)
{
    struct proto_case *out = reader->out;
    struct proto_path at = proto_case_member(NULL, "tasks");
    enum proto_code code = proto_case_required_matrix(reader, root, NULL, "tasks", SIZE_MAX,
                                                      out->task_dim, &out->tasks);

    if (!code && !out->tasks.rows)
        code = proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, &at,
                              "expected at least one task");
    return code;
}

static enum proto_code case_read(const struct proto_case_reader *reader, json_t *root)
{
    static const char *const known[] = {"name",
                                        "kernel",
                                        "noise",
                                        "state_dim",
                                        "action_dim",
                                        "task_dim",
                                        "tasks",
                                        "mu",
                                        "expected",
                                        "conditioning",
                                        "clip",
                                        "clip_scope",
                                        "pending_tasks",
                                        "ess_target",
                                        "pretraining",
                                        "demonstrations",
                                        "policy",
                                        "policy_mean",
                                        "phi",
                                        "g",
                                        "h",
                                        "evaluation_tasks",
                                        NULL};
    struct proto_case *out = reader->out;
    enum proto_code code = proto_case_object(reader, root, NULL, known);

    if (!code)
        code = proto_case_dimension(reader, root, "state_dim", &out->state_dim);
    if (!code)
        code = proto_case_dimension(reader, root, "action_dim", &out->action_dim);
    if (!code)
        code = proto_case_dimension(reader, root, "task_dim", &out->task_dim);
    if (!code)
        code = case_read_tasks(reader, root);
    if (!code)
        code = case_kernel(reader, root);
    if (!code)
        code = case_targets(reader, root);
    if (!code)
        code = case_settings(reader, root);
    if (!code)
        code = case_demonstrations(reader, root);
    return code ? code : case_tables(reader, root);
}

enum proto_code proto_case_decode(const char *text, size_t length, struct proto_arena *arena,
                                  struct proto_case *ret_case, struct proto_error *ret_error)
{
    struct proto_case out = {0};
    struct proto_case_reader reader = {arena, ret_error, &out};
    PROTO_JSON_CLEANUP json_t *root = NULL;
    enum proto_code code = proto_json_load(text, length, PROTO_JSON_MAX_ANSWER_VALUES,
                                           PROTO_CODE_MALFORMED_JSON, "", &root, ret_error);

    if (!code)
        code = case_read(&reader, root);
    if (!code)
        *ret_case = out;
    return code;
}
