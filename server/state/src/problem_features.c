/* Features phi and h go to libamf as they were uploaded. Predicted actions come in raw units, like
 * the actions themselves; both are brought into the project's units (standardised, if it does), and
 * g = mean - action is formed there. An uploaded g is taken as it is. */
#include "problem_features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "problem.h"

/* ---- which revision counts for what ---- */

static bool needs_likelihood(int weights)
{
    return weights != PROTO_WEIGHTS_OWN_TASK && weights != PROTO_WEIGHTS_OWN_TASK_RAW &&
           weights != PROTO_WEIGHTS_UNIFORM;
}

static bool on_features(const struct view *view)
{
    int kind = view->settings->project.kernel.kind;

    return kind == PROTO_KERNEL_EMBEDDING || kind == PROTO_KERNEL_FACTORED;
}

/* Whether it says how likely actions are under every task. */
static bool has_likelihoods(const struct policy *policy)
{
    const struct proto_feature_form *form = &policy->form;

    return policy->has_form && (form->log_likelihood != PROTO_LIKELIHOOD_NONE ||
                                (form->mean != PROTO_INT_NULL && form->per_task));
}

static bool own_task_only(const struct view *view)
{
    const struct policy *selection = view_serving(view, SERVING_SELECTION);

    return on_features(view) && selection && selection->has_form && !selection->form.per_task;
}

/* Why weights that need likelihoods cannot be had; NULL: they can. */
static const char *likelihoods_lacking(const struct view *view)
{
    const struct policy *likelihood = view_serving(view, SERVING_LIKELIHOOD);

    if (own_task_only(view))
        return "The features are of each demonstration's own task alone: own-task weights. ";
    if (likelihood ? has_likelihoods(likelihood) : view_has_gp(view))
        return NULL;
    return "No active revision has likelihoods: own-task weights. ";
}

void problem_resolve_policy(const struct view *view, struct proto_resolved *resolved)
{
    bool network = !view_has_gp(view);

    if (resolved->measure == PROTO_MEASURE_AUTO)
        resolved->measure = network ? PROTO_MEASURE_VARIANCE : PROTO_MEASURE_ENTROPY;
    if (resolved->occupancy == PROTO_OCCUPANCY_AUTO)
        resolved->occupancy = network ? PROTO_OCCUPANCY_NEW : PROTO_OCCUPANCY_HELD;
    if (resolved->conditioning == PROTO_CONDITIONING_AUTO)
        resolved->conditioning = network && resolved->occupancy != PROTO_OCCUPANCY_ROLLOUTS
                                     ? PROTO_CONDITIONING_NONE
                                     : PROTO_CONDITIONING_ALL;
    if (resolved->warm_start == PROTO_INT_AUTO && network &&
        resolved->occupancy != PROTO_OCCUPANCY_ROLLOUTS)
        resolved->warm_start = 1;
    if (needs_likelihood(resolved->weights) && likelihoods_lacking(view))
        resolved->weights = PROTO_WEIGHTS_OWN_TASK;
}

int policy_wants_init(struct policy_wants *wants, const struct view *view)
{
    struct proto_resolved resolved;

    problem_resolve(view, &resolved);
    wants->occupancy = resolved.occupancy;
    wants->conditioning = resolved.conditioning;
    return rollouts_init(&wants->rollouts, view);
}

void policy_wants_deinit(struct policy_wants *wants)
{
    rollouts_deinit(&wants->rollouts);
}

bool policy_wants_demonstration(const struct policy_wants *wants, const struct view *view,
                                size_t demonstration, int role)
{
    if (problem_stands_in(view, demonstration, (enum proto_occupancy)wants->occupancy,
                          &wants->rollouts))
        return true;
    return role != PROTO_REVISION_LIKELIHOOD && wants->conditioning == PROTO_CONDITIONING_ALL &&
           demonstration_is_held(view_demonstration(view, demonstration));
}

/* ---- what a reader should know ---- */

void problem_counting(const struct view *view, const struct policy *ret_policies[SERVING_COUNT])
{
    struct proto_resolved resolved;
    const struct policy *likelihood = view_serving(view, SERVING_LIKELIHOOD);

    problem_resolve(view, &resolved);
    ret_policies[0] = on_features(view) ? view_serving(view, SERVING_SELECTION) : NULL;
    ret_policies[1] =
        needs_likelihood(resolved.weights) && likelihood != ret_policies[0] ? likelihood : NULL;
}

int problem_missing(const struct view *view, struct proto_arena *arena,
                    struct proto_strings *ret_ids, int64_t *ret_count, int64_t *ret_stale_pairs)
{
    const struct policy *policies[SERVING_COUNT];
    const char **ids = proto_arena_alloc(arena, PROTO_RANKING_MAX_MISSING, sizeof *ids);
    struct proto_strings listed = {ids, 0};
    POLICY_WANTS_CLEANUP struct policy_wants wants = POLICY_WANTS_NULL;

    *ret_count = *ret_stale_pairs = 0;
    if (policy_wants_init(&wants, view))
        return -1;
    problem_counting(view, policies);
    for (size_t i = 0; ids && i < view->demonstrations.count; i++) {
        bool lacks_all = false;

        for (size_t k = 0; k < SERVING_COUNT; k++) {
            struct proto_missing_features missing;

            if (!policies[k] || policy_lacks(view, &wants, policies[k], i, NULL, &missing) <= 0)
                continue;
            lacks_all |= missing.reason == PROTO_MISSING_ALL;
            if (missing.reason == PROTO_MISSING_STALE)
                *ret_stale_pairs += (int64_t)missing.tasks.count;
        }
        if (lacks_all && listed.count < PROTO_RANKING_MAX_MISSING)
            ids[listed.count++] = view_demonstration(view, i)->meta.id;
        *ret_count += lacks_all;
    }
    *ret_ids = listed;
    return ids ? 0 : -1;
}

/* Why the selection revision's summary plays no part; NULL: it does. */
static const char *summary_unused(const struct view *view, const struct proto_resolved *resolved)
{
    if (view->settings->project.kernel.kind != PROTO_KERNEL_EMBEDDING)
        return "the kernel is not embedding";
    if (resolved->conditioning == PROTO_CONDITIONING_NONE)
        return "conditioning is none";
    if (needs_likelihood(resolved->weights) && !view_serving(view, SERVING_LIKELIHOOD))
        return "the weights come from the Gaussian process, whose likelihoods would need its "
               "actions";
    return NULL;
}

static const char *summary_note(const struct view *view, struct proto_arena *arena)
{
    const struct policy *selection = view_serving(view, SERVING_SELECTION);
    struct proto_resolved resolved;
    const char *why;

    problem_resolve(view, &resolved);
    why = selection && selection->summary ? summary_unused(view, &resolved) : NULL;
    return why ? proto_arena_printf(arena, "The summary of revision %s plays no part: %s. ",
                                    selection->revision->meta.revision, why)
               : "";
}

/* Why own-task weights stand in for those asked for; NULL: they do not, or rollouts want them. */
static const char *fallen_back(const struct view *view)
{
    const struct proto_criterion *criterion = &view->settings->project.criterion;

    return criterion->occupancy != PROTO_OCCUPANCY_ROLLOUTS && needs_likelihood(criterion->weights)
               ? likelihoods_lacking(view)
               : NULL;
}

const char *problem_policy_note(const struct view *view, const struct proto_strings *missing,
                                int64_t missing_count, int64_t stale_pairs,
                                struct proto_arena *arena)
{
    const char *weights = fallen_back(view), *summary = summary_note(view, arena), *named;

    if (!summary)
        return NULL;
    named = missing->count
                ? proto_arena_printf(arena,
                                     "%lld demonstrations lack features of the active revision and "
                                     "are left out, %s first. ",
                                     (long long)missing_count, missing->items[0])
                : "";
    if (named && stale_pairs)
        named = proto_arena_printf(
            arena, "%s%lld pairs of a demonstration and a task lack features and count nothing. ",
            named, (long long)stale_pairs);
    return named ? proto_arena_printf(arena, "%s%s%s", weights ? weights : "", summary, named)
                 : NULL;
}

/* ---- into a problem ---- */

/* Why a kernel on features has none; NULL: it has. */
static const char *features_lacking(const struct view *view, const struct policy *selection,
                                    struct proto_arena *arena)
{
    bool factored = view->settings->project.kernel.kind == PROTO_KERNEL_FACTORED;
    int64_t columns = PROTO_INT_NULL;

    if (!selection)
        return "The kernel is made of features, and no revision serves them: PUT one under "
               "/policies, upload features and activate it.";
    if (!selection->has_form)
        return proto_arena_printf(arena, "Revision %s has no features yet.",
                                  selection->revision->meta.revision);
    columns = factored ? selection->form.h : selection->form.phi;
    if (columns != PROTO_INT_NULL)
        return NULL;
    return proto_arena_printf(arena,
                              "The kernel %s is made of %s, which revision %s does not have.",
                              factored ? "factored" : "embedding", factored ? "h and g" : "phi",
                              selection->revision->meta.revision);
}

static void begin_likelihoods(const struct view *view, const struct proto_resolved *resolved,
                              struct problem_features *features, struct amf_problem *problem)
{
    const struct policy *likelihood = view_serving(view, SERVING_LIKELIHOOD);

    if (!needs_likelihood(resolved->weights) || !likelihood)
        return;
    features->likelihood = likelihood;
    problem->policy = likelihood->form.log_likelihood != PROTO_LIKELIHOOD_NONE
                          ? AMF_POLICY_GIVEN
                          : AMF_POLICY_DETERMINISTIC;
    problem->policy_noise = likelihood->revision->meta.sigma;
}

int problem_begin_features(const struct view *view, const struct scales *scales,
                           const struct problem_hosted *hosted,
                           const struct proto_resolved *resolved, struct proto_arena *arena,
                           struct problem_features *ret_features, struct amf_problem *problem,
                           const char **ret_note)
{
    struct problem_features features = {
        .view = view, .scales = scales, .hosted = hosted, .kernel = problem->kernel.kind};
    const struct proto_feature_form *form;

    begin_likelihoods(view, resolved, &features, problem);
    features.policy = problem->policy;
    if (features.likelihood &&
        features.likelihood->form.log_likelihood == PROTO_LIKELIHOOD_TRAJECTORY &&
        problem->settings.clip.scope == AMF_CLIP_STEP) {
        *ret_note = "Steps cannot be clipped: the active revision has one log-likelihood a task. "
                    "Set criterion.clip_scope to \"trajectory\".";
        return 1;
    }
    if (on_features(view)) {
        features.selection = view_serving(view, SERVING_SELECTION);
        *ret_note = features_lacking(view, features.selection, arena);
        if (*ret_note)
            return 1;
        form = &features.selection->form;
        problem->feature_dim =
            (size_t)(features.kernel == AMF_KERNEL_EMBEDDING ? form->phi : form->h);
        problem->gradient_dim = (size_t)(form->g != PROTO_INT_NULL ? form->g : form->mean);
        if (features.kernel == AMF_KERNEL_EMBEDDING)
            problem->gradient_dim = 0;
        if (features.selection->summary && !summary_unused(view, resolved))
            problem->summary = features.selection->summary->gram.data;
    }
    *ret_features = features;
    return 0;
}

/* One pointer a task of the view, to the task's part of a table of `size` numbers a task. own:
 * the task it was given for, where the table is of that alone; SIZE_MAX: it is of all its tasks. */
static const double *const *per_task(const struct view *view, const struct features *features,
                                     const double *table, size_t size, size_t own,
                                     struct proto_arena *arena)
{
    const double **pointers = proto_arena_alloc(arena, view->tasks.count + 1, sizeof *pointers);

    if (pointers && own != SIZE_MAX)
        pointers[own] = table;
    for (size_t c = 0; pointers && own == SIZE_MAX && c < features->meta.tasks.count; c++) {
        size_t task = view_find_task(view, features->meta.tasks.items[c]);

        if (task != SIZE_MAX)
            pointers[task] = table + c * size;
    }
    return pointers;
}

/* Predicted actions in the project's units; minus: the actions to take from them (g), or NULL. */
static double *scaled_mean(const struct problem_features *from, const struct features *features,
                           const double *minus, struct proto_arena *arena)
{
    size_t dim = (size_t)features->meta.form.mean, steps = features->steps;
    size_t tasks = features->meta.form.per_task ? features->task_count : 1;
    const double *mean = from->scales->frozen.action_mean.items;
    const double *std = from->scales->frozen.action_std.items;
    const double *raw = features->numbers[PROTO_FEATURE_MEAN];
    double *out = proto_arena_alloc(arena, tasks * steps, dim * sizeof *out);

    for (size_t i = 0; out && i < tasks * steps; i++)
        for (size_t d = 0; d < dim; d++)
            out[i * dim + d] =
                (raw[i * dim + d] - mean[d]) / std[d] - (minus ? minus[i % steps * dim + d] : 0);
    return out;
}

static int add_selection(const struct problem_features *from, const struct features *features,
                         struct amf_trajectory *trajectory, struct proto_arena *arena)
{
    const struct proto_feature_form *form = &features->meta.form;
    size_t own = form->per_task ? SIZE_MAX : trajectory->task, steps = features->steps;
    bool embedding = from->kernel == AMF_KERNEL_EMBEDDING;
    const double *gradients = features->numbers[PROTO_FEATURE_G];

    trajectory->features =
        embedding ? per_task(from->view, features, features->numbers[PROTO_FEATURE_PHI],
                             steps * (size_t)form->phi, own, arena)
                  : per_task(from->view, features, features->numbers[PROTO_FEATURE_H],
                             steps * (size_t)form->h, own, arena);
    if (!trajectory->features || embedding)
        return trajectory->features ? 0 : -1;
    if (!gradients)
        gradients = scaled_mean(from, features, trajectory->actions, arena);
    if (gradients)
        trajectory->gradients = per_task(
            from->view, features, gradients,
            steps * (size_t)(form->g != PROTO_INT_NULL ? form->g : form->mean), own, arena);
    return trajectory->gradients ? 0 : -1;
}

/* One number a task is the first step's; the others add nothing. */
static const double *spread(const struct features *features, size_t steps,
                            struct proto_arena *arena)
{
    const double *numbers = features->numbers[PROTO_FEATURE_LOG_LIKELIHOOD];
    double *out;

    if (features->meta.form.log_likelihood == PROTO_LIKELIHOOD_STEP)
        return numbers;
    out = proto_arena_alloc(arena, features->task_count * steps, sizeof *out);
    for (size_t c = 0; out && c < features->task_count; c++)
        out[c * steps] = numbers[c];
    return out;
}

static int add_likelihoods(const struct problem_features *from, const struct features *features,
                           struct amf_trajectory *trajectory, struct proto_arena *arena)
{
    size_t steps = trajectory->step_count, dim = (size_t)features->meta.form.mean;
    const double *table;

    if (from->policy == AMF_POLICY_GIVEN) {
        table = spread(features, steps, arena);
        if (table)
            trajectory->log_likelihood =
                per_task(from->view, features, table, steps, SIZE_MAX, arena);
        return trajectory->log_likelihood ? 0 : -1;
    }
    table = scaled_mean(from, features, NULL, arena);
    if (table)
        trajectory->policy_mean =
            per_task(from->view, features, table, steps * dim, SIZE_MAX, arena);
    return trajectory->policy_mean ? 0 : -1;
}

int problem_add_features(const struct problem_features *features, size_t demonstration,
                         struct amf_trajectory *trajectory, struct proto_arena *arena)
{
    const struct features *found;

    if (features->selection) {
        found = problem_find_features(features->hosted, features->selection, demonstration);
        if (!found)
            trajectory->conditioned = trajectory->occupancy = false;
        else if (add_selection(features, found, trajectory, arena))
            return -1;
    }
    if (features->likelihood && trajectory->occupancy) {
        found = problem_find_features(features->hosted, features->likelihood, demonstration);
        if (!found)
            trajectory->occupancy = false;
        else if (add_likelihoods(features, found, trajectory, arena))
            return -1;
    }
    return 0;
}

/* ---- noise_relative ---- */

static double square(const double *vector, size_t dim)
{
    double sum = 0;

    for (size_t d = 0; d < dim; d++)
        sum += vector[d] * vector[d];
    return sum;
}

/* k(x, x) of every step under every task that has features, into ret_values (NULL: counted). */
static size_t diagonal(const struct amf_problem *problem, double *ret_values)
{
    bool embedding = problem->kernel.kind == AMF_KERNEL_EMBEDDING;
    size_t count = 0;

    for (size_t i = 0; i < problem->trajectory_count; i++) {
        const struct amf_trajectory *trajectory = &problem->trajectories[i];

        for (size_t c = 0; trajectory->occupancy && c < problem->task_count; c++) {
            const double *phi = trajectory->features[c];
            const double *g = embedding ? NULL : trajectory->gradients[c];

            for (size_t t = 0; phi && t < trajectory->step_count; t++, count++)
                if (ret_values)
                    ret_values[count] =
                        problem->kernel.variance *
                        square(phi + t * problem->feature_dim, problem->feature_dim) *
                        (g ? square(g + t * problem->gradient_dim, problem->gradient_dim) : 1);
        }
    }
    return count;
}

static int compare_doubles(const void *left, const void *right)
{
    const double *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

int problem_relative_noise(const struct view *view, struct amf_problem *problem,
                           const char **ret_note)
{
    double relative = view->settings->project.noise_relative, median, *values;
    size_t count;

    if (!on_features(view) || isnan(relative))
        return 0;
    count = diagonal(problem, NULL);
    if (count == 0) /* nothing stands in, so nothing is scored */
        return 0;
    values = calloc(count, sizeof *values);
    if (!values)
        return -1;
    (void)diagonal(problem, values);
    qsort(values, count, sizeof *values, compare_doubles);
    median = count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
    free(values);
    if (!(median > 0) || !isfinite(median)) {
        *ret_note = "The median of k(x, x) is 0 or not finite, so noise_relative has no unit: "
                    "check the features.";
        return 1;
    }
    problem->noise = relative * sqrt(median);
    return 0;
}
