/* From a decoded problem to libamf and back.
 *
 * proto does not know libamf, and libamf knows no JSON: this file stands between them. A scorer is
 * made for every weight mode and measure; problems in files are small, so what they could share is
 * worth less than a plain loop.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <amf/scorer.h>

#include "score.h"

#define SCORE_READ_BYTES 65536
#define SCORE_MAX_BYTES ((size_t)1 << 30)

static const char *const score_measure_names[] = {"entropy",    "noisy_entropy",  "variance", "kl",
                                                  "reverse_kl", "jensen_shannon", NULL};
static const enum amf_measure_kind score_measures[] = {
    AMF_MEASURE_ENTROPY, AMF_MEASURE_NOISY_ENTROPY, AMF_MEASURE_VARIANCE,
    AMF_MEASURE_KL,      AMF_MEASURE_REVERSE_KL,    AMF_MEASURE_JENSEN_SHANNON};
#define SCORE_MEASURES (sizeof(score_measures) / sizeof(score_measures[0]))

static const struct score_mode {
    const char *name;
    enum amf_weights mode;
} score_modes[] = {
    {"raw", AMF_WEIGHTS_RAW},           {"self_normalized", AMF_WEIGHTS_SELF_NORMALIZED},
    {"tempered", AMF_WEIGHTS_TEMPERED}, {"uniform", AMF_WEIGHTS_UNIFORM},
    {"own_task", AMF_WEIGHTS_OWN_TASK}, {"own_task_raw", AMF_WEIGHTS_OWN_TASK_RAW}};
#define SCORE_MODES (sizeof(score_modes) / sizeof(score_modes[0]))

/* ---- the problem in libamf's terms ---- */

/* Pointers to the matrices' data, one per task; NULL for NULL. */
static enum amf_status score_pointers(const struct proto_matrix *matrices, size_t tasks,
                                      struct proto_arena *arena, const double *const **ret_pointers)
{
    const double **pointers;

    if (!matrices)
        return AMF_OK;
    pointers = proto_arena_alloc(arena, tasks, sizeof(*pointers));
    if (!pointers)
        return AMF_NO_MEMORY;
    for (size_t c = 0; c < tasks; c++)
        pointers[c] = matrices[c].data;
    *ret_pointers = pointers;
    return AMF_OK;
}

static enum amf_status score_trajectories(const struct proto_case *from, struct proto_arena *arena,
                                          struct amf_problem *problem)
{
    size_t tasks = from->tasks.rows;
    struct amf_trajectory *trajectories =
        proto_arena_alloc(arena, from->demonstration_count + 1, sizeof(*trajectories));
    enum amf_status status = AMF_OK;

    if (!trajectories)
        return AMF_NO_MEMORY;
    for (size_t i = 0; !status && i < from->demonstration_count; i++) {
        const struct proto_case_demonstration *demonstration = &from->demonstrations[i];
        struct amf_trajectory *trajectory = &trajectories[i];

        *trajectory = (struct amf_trajectory){.task = demonstration->task,
                                              .step_count = demonstration->states.rows,
                                              .states = demonstration->states.data,
                                              .actions = demonstration->actions.data,
                                              .conditioned = true,
                                              .occupancy = i >= from->pretraining_count};
        status = score_pointers(demonstration->features, tasks, arena, &trajectory->features);
        if (!status)
            status = score_pointers(demonstration->gradients, tasks, arena, &trajectory->gradients);
        if (!status)
            status =
                score_pointers(demonstration->policy_mean, tasks, arena, &trajectory->policy_mean);
    }
    problem->trajectories = trajectories;
    problem->trajectory_count = from->demonstration_count;
    return status;
}

static enum amf_kernel_kind score_kernel_kind(enum proto_case_kernel kind)
{
    static const enum amf_kernel_kind kinds[] = {[PROTO_CASE_RBF] = AMF_KERNEL_RBF,
                                                 [PROTO_CASE_MATERN32] = AMF_KERNEL_MATERN32,
                                                 [PROTO_CASE_MATERN52] = AMF_KERNEL_MATERN52,
                                                 [PROTO_CASE_LINEAR] = AMF_KERNEL_LINEAR,
                                                 [PROTO_CASE_EMBEDDING] = AMF_KERNEL_EMBEDDING,
                                                 [PROTO_CASE_FACTORED] = AMF_KERNEL_FACTORED};

    return kinds[kind];
}

static enum amf_status score_kernel(const struct proto_case *from, struct proto_arena *arena,
                                    struct amf_kernel_spec *ret_spec)
{
    size_t tasks = from->tasks.rows, size;
    double *table;

    *ret_spec = (struct amf_kernel_spec){.kind = score_kernel_kind(from->kernel.kind),
                                         .variance = from->kernel.variance,
                                         .state_scale = from->kernel.state_scale.items,
                                         .state_scale_count = from->kernel.state_scale.count,
                                         .task_scale = from->kernel.task_scale.items,
                                         .task_scale_count = from->kernel.task_scale.count};
    if (from->kernel.task == PROTO_CASE_VECTORS)
        return AMF_OK;
    if (__builtin_mul_overflow(tasks, tasks, &size))
        return AMF_TOO_LARGE;
    table = proto_arena_alloc(arena, size, sizeof(double));
    if (!table)
        return AMF_NO_MEMORY;
    ret_spec->task = AMF_TASK_TABLE;
    ret_spec->task_table = table;
    if (from->kernel.task == PROTO_CASE_DISCRETE)
        return amf_task_table_discrete(tasks, from->kernel.task_correlation, table);
    return amf_task_table_random_walk(tasks, from->kernel.adjacency.data, from->kernel.lambda,
                                      table);
}

static struct amf_clip score_clip(const struct proto_case *from)
{
    enum amf_clip_scope scope = from->clip_scope == PROTO_CASE_CLIP_STEP ? AMF_CLIP_STEP
                                : from->clip_scope == PROTO_CASE_CLIP_TRAJECTORY
                                    ? AMF_CLIP_TRAJECTORY
                                    : AMF_CLIP_NONE;

    return (struct amf_clip){scope, from->clip_low, from->clip_high};
}

static enum amf_status score_problem(const struct proto_case *from, struct proto_arena *arena,
                                     struct amf_problem *ret_problem)
{
    size_t tasks = from->tasks.rows;
    size_t *candidates = proto_arena_alloc(arena, tasks, sizeof(*candidates));
    struct amf_problem problem = {
        .noise = from->noise,
        .state_dim = from->state_dim,
        .action_dim = from->action_dim,
        .task_dim = from->task_dim,
        .feature_dim = from->feature_dim,
        .gradient_dim = from->gradient_dim,
        .task_count = tasks,
        .task_vectors = from->tasks.data,
        .policy = from->policy == PROTO_CASE_GP ? AMF_POLICY_GP : AMF_POLICY_DETERMINISTIC,
        .policy_noise = 1,
        .candidates = candidates,
        .candidate_count = tasks,
        .targets = from->evaluation_tasks,
        .target_weights = from->mu,
        .target_count = from->evaluation_count,
        .settings = amf_criterion_settings_default()};
    enum amf_status status;

    if (!candidates)
        return AMF_NO_MEMORY;
    for (size_t c = 0; c < tasks; c++)
        candidates[c] = c;
    problem.settings.clip = score_clip(from);
    problem.settings.ess_target = from->ess_target;
    problem.settings.conditioning =
        from->conditioning_all ? AMF_CONDITIONING_ALL : AMF_CONDITIONING_NONE;
    status = score_kernel(from, arena, &problem.kernel);
    if (!status)
        status = score_trajectories(from, arena, &problem);
    if (!status)
        *ret_problem = problem;
    return status;
}

/* ---- the result ---- */

static enum amf_status score_matrix(struct proto_arena *arena, size_t rows, size_t cols,
                                    struct proto_matrix *ret_matrix)
{
    size_t size;
    double *data;

    if (__builtin_mul_overflow(rows, cols, &size))
        return AMF_TOO_LARGE;
    data = proto_arena_alloc(arena, size ? size : 1, sizeof(double));
    if (!data)
        return AMF_NO_MEMORY;
    *ret_matrix = (struct proto_matrix){data, rows, cols};
    return AMF_OK;
}

static enum amf_status score_copy(const double *from, size_t count, struct proto_arena *arena,
                                  struct proto_reals *ret_reals)
{
    double *items = proto_arena_alloc(arena, count ? count : 1, sizeof(double));

    if (!items)
        return AMF_NO_MEMORY;
    memcpy(items, from, count * sizeof(double));
    *ret_reals = (struct proto_reals){items, count};
    return AMF_OK;
}

/* Likelihoods of every occupancy demonstration under every task. */
static enum amf_status score_likelihoods(const struct amf_scorer *scorer, size_t tasks,
                                         struct proto_arena *arena,
                                         struct proto_case_result *result)
{
    size_t n = amf_scorer_occupancy_count(scorer);
    enum amf_status status = score_matrix(arena, n, tasks, &result->log_likelihood_clipped);

    if (status)
        return status;
    result->step_log_likelihood =
        proto_arena_alloc(arena, n * tasks + 1, sizeof(*result->step_log_likelihood));
    if (!result->step_log_likelihood)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; !status && c < tasks; c++) {
            size_t at = i * tasks + c;

            result->log_likelihood_clipped.data[at] = amf_scorer_log_likelihood(scorer, i, c);
            status = score_copy(amf_scorer_step_log_likelihood(scorer, i, c),
                                amf_scorer_step_count(scorer, i), arena,
                                &result->step_log_likelihood[at]);
        }
    return status;
}

/* By evaluation task, demonstration, step. */
static enum amf_status score_variances(const struct amf_scorer *scorer,
                                       const struct proto_case *problem, struct proto_arena *arena,
                                       struct proto_reals *ret_variances)
{
    size_t n = amf_scorer_occupancy_count(scorer), steps = 0, used = 0, size;
    double *items;

    for (size_t i = 0; i < n; i++)
        steps += amf_scorer_step_count(scorer, i);
    if (__builtin_mul_overflow(steps, problem->evaluation_count, &size))
        return AMF_TOO_LARGE;
    items = proto_arena_alloc(arena, size ? size : 1, sizeof(double));
    if (!items)
        return AMF_NO_MEMORY;
    for (size_t e = 0; e < problem->evaluation_count; e++)
        for (size_t i = 0; i < n; i++) {
            size_t count = amf_scorer_step_count(scorer, i);

            memcpy(items + used, amf_scorer_variance(scorer, i, problem->evaluation_tasks[e]),
                   count * sizeof(double));
            used += count;
        }
    *ret_variances = (struct proto_reals){items, used};
    return AMF_OK;
}

static enum amf_status score_weights(const struct amf_scorer *scorer, size_t tasks,
                                     struct proto_arena *arena, struct proto_case_weights *mode)
{
    size_t n = amf_scorer_occupancy_count(scorer);
    enum amf_status status = score_matrix(arena, n, tasks, &mode->weights);

    if (status)
        return status;
    mode->effective_sample_size = proto_arena_alloc(arena, tasks, sizeof(double));
    if (!mode->effective_sample_size)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < tasks; c++)
            mode->weights.data[i * tasks + c] = amf_scorer_weight(scorer, i, c);
    return AMF_OK;
}

/* One mode under one measure. */
static enum amf_status score_gains(const struct proto_case *from, const struct amf_scorer *scorer,
                                   struct proto_case_weights *mode, double *ret_gain)
{
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
    enum amf_status status = amf_scorer_score(scorer, from->pending, from->pending_count, &scores);

    if (status)
        return status;
    for (size_t c = 0; c < scores->candidate_count; c++) {
        mode->effective_sample_size[c] = scores->candidates[c].effective_sample_size;
        ret_gain[c] = scores->candidates[c].scorable ? scores->candidates[c].gain : NAN;
    }
    return AMF_OK;
}

static enum amf_status score_mode(const struct proto_case *from, struct amf_problem *problem,
                                  struct amf_pool *pool, struct proto_arena *arena,
                                  struct proto_case_result *result, struct proto_case_weights *mode)
{
    size_t tasks = problem->task_count;
    enum amf_status status = score_matrix(arena, SCORE_MEASURES, tasks, &mode->gain);

    for (size_t m = 0; !status && m < SCORE_MEASURES; m++) {
        AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;

        problem->settings.measure = score_measures[m];
        status = amf_scorer_new(problem, pool, &scorer);
        if (!status && !m)
            status = score_weights(scorer, tasks, arena, mode);
        if (!status && !result->step_log_likelihood)
            status = score_likelihoods(scorer, tasks, arena, result);
        if (!status && !result->posterior_variance.items)
            status = score_variances(scorer, from, arena, &result->posterior_variance);
        if (!status)
            status = score_gains(from, scorer, mode, mode->gain.data + m * tasks);
    }
    return status;
}

enum amf_status cli_score_compute(const struct proto_case *problem, struct amf_pool *pool,
                                  struct proto_arena *arena, struct proto_case_result *ret_result)
{
    struct proto_case_result result = {.mode_count = SCORE_MODES};
    struct amf_problem translated;
    enum amf_status status = score_problem(problem, arena, &translated);

    if (status)
        return status;
    result.modes = proto_arena_alloc(arena, SCORE_MODES, sizeof(*result.modes));
    if (!result.modes)
        return AMF_NO_MEMORY;
    for (size_t m = 0; !status && m < SCORE_MODES; m++) {
        result.modes[m].name = score_modes[m].name;
        result.modes[m].measures = score_measure_names;
        translated.settings.weights = score_modes[m].mode;
        status = score_mode(problem, &translated, pool, arena, &result, &result.modes[m]);
    }
    if (!status)
        *ret_result = result;
    return status;
}

/* ---- the verb ---- */

static void score_freep(char **text)
{
    free(*text);
}

static void score_closep(FILE **file)
{
    if (*file && *file != stdin)
        fclose(*file);
}

/* The whole file; errno tells what went wrong. */
static int score_read(FILE *file, char **ret_text, size_t *ret_length)
{
    __attribute__((cleanup(score_freep))) char *text = NULL;
    size_t length = 0, got;

    do {
        char *grown = length < SCORE_MAX_BYTES ? realloc(text, length + SCORE_READ_BYTES) : NULL;

        if (!grown) {
            errno = length < SCORE_MAX_BYTES ? ENOMEM : EFBIG;
            return -1;
        }
        text = grown;
        got = fread(text + length, 1, SCORE_READ_BYTES, file);
        length += got;
    } while (got);
    if (ferror(file))
        return -1;
    *ret_text = text;
    *ret_length = length;
    text = NULL;
    return 0;
}

static int score_load(const char *path, FILE *err, char **ret_text, size_t *ret_length)
{
    __attribute__((cleanup(score_closep))) FILE *file =
        strcmp(path, "-") ? fopen(path, "rb") : stdin;

    if (!file || score_read(file, ret_text, ret_length)) {
        fprintf(err, "amf score: %s: %s\n", path, strerror(errno));
        return 4;
    }
    return 0;
}

/* One key a line, the two levels below `weights` and `gain` indented; strings hold no brackets. */
static void score_print(const char *text, bool json, FILE *out)
{
    int objects = 0, lists = 0;

    for (const char *c = text; *c; c++) {
        objects += (*c == '{') - (*c == '}');
        lists += (*c == '[') - (*c == ']');
        fputc(*c, out);
        if (json || lists || (*c != '{' && *c != ','))
            continue;
        fprintf(out, "\n%*s", 2 * objects, "");
        if (c[1] == ' ')
            c++;
    }
    fputc('\n', out);
}

static int score_write(const struct proto_case *problem, const char *path, bool json, FILE *out,
                       FILE *err)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    AMF_POOL_CLEANUP struct amf_pool *pool = NULL;
    __attribute__((cleanup(score_freep))) char *text = NULL;
    struct proto_case_result result;
    size_t length;
    enum amf_status status = amf_pool_new(0, &pool);

    if (!status)
        status = cli_score_compute(problem, pool, &arena, &result);
    if (status) {
        fprintf(err, "amf score: %s: cannot be scored: %s\n", path, amf_status_name(status));
        return 4;
    }
    if (proto_case_result_encode(&result, &text, &length)) {
        fprintf(err, "amf score: %s: a result is not finite, or memory ran out\n", path);
        return 4;
    }
    score_print(text, json, out);
    return 0;
}

int cli_score_run(const char *path, bool json, FILE *out, FILE *err)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    __attribute__((cleanup(score_freep))) char *text = NULL;
    struct proto_error error;
    struct proto_case problem;
    size_t length = 0;
    int exit_code;

    if (!path) {
        fprintf(err, "amf score: name a problem file, or - for standard input\n");
        return 2;
    }
    exit_code = score_load(path, err, &text, &length);
    if (exit_code)
        return exit_code;
    if (proto_case_decode(text, length, &arena, &problem, &error)) {
        fprintf(err, "amf score: %s: %s%s%s\n", path, error.at, error.at[0] ? ": " : "",
                error.detail);
        return 4;
    }
    return score_write(&problem, path, json, out, err);
}
