/* Numbers by marginal likelihood, from a view.
 *
 * `state_scale: "marginal_likelihood"` fits one length scale for all dimensions, and with it the
 * variance and the noise: under a noise that is given too small, the likeliest scale is one under
 * which no two states have anything to do with each other. One scale, because few demonstrations
 * are held when it is needed; docs/method.md has the figures. `task_scale` fits the scale of task
 * vectors, or the correlation of discrete tasks.
 */
#include <amf/likelihood.h>

#include "problem.h"
#include "project_internal.h"
#include "registry.h"

bool project_wants_fit(const struct view *view)
{
    const struct proto_kernel *kernel = &view->settings->project.kernel;

    return kernel->state_scale.kind == PROTO_SCALE_MARGINAL_LIKELIHOOD ||
           kernel->task_scale.kind == PROTO_SCALE_MARGINAL_LIKELIHOOD;
}

bool project_fit_due(const struct view *view)
{
    return view->scales && view->scales->frozen.fit_due && project_wants_fit(view);
}

static struct amf_likelihood_numbers refit_numbers(const struct view *view)
{
    const struct proto_kernel *kernel = &view->settings->project.kernel;
    bool states = kernel->state_scale.kind == PROTO_SCALE_MARGINAL_LIKELIHOOD;
    bool tasks = kernel->task_scale.kind == PROTO_SCALE_MARGINAL_LIKELIHOOD;

    return (struct amf_likelihood_numbers){.variance = states,
                                           .noise = states,
                                           .state_scale = states,
                                           .task_scale = tasks && kernel->task == PROTO_TASK_VECTOR,
                                           .task_correlation =
                                               tasks && kernel->task == PROTO_TASK_DISCRETE};
}

/* One number as a list of one, in the arena. */
static int refit_set_scale(double value, struct proto_arena *arena, struct proto_reals *ret_scale)
{
    double *scale = proto_arena_alloc(arena, 1, sizeof *scale);

    if (!scale)
        return -1;
    *scale = value;
    *ret_scale = (struct proto_reals){scale, 1};
    return 0;
}

static int refit_take(const struct amf_likelihood_fit *fit,
                      const struct amf_likelihood_numbers *numbers, struct proto_arena *arena,
                      struct proto_scales *scales)
{
    if (numbers->state_scale) {
        if (refit_set_scale(fit->state_scale[0], arena, &scales->state_scale))
            return -1;
        scales->variance = fit->variance;
        scales->noise_std = fit->noise;
        scales->source.state_scale = scales->source.variance = scales->source.noise_std =
            PROTO_SOURCE_MARGINAL_LIKELIHOOD;
    }
    if (numbers->task_scale) {
        if (refit_set_scale(fit->task_scale[0], arena, &scales->task_scale))
            return -1;
        scales->source.task_scale = PROTO_SOURCE_MARGINAL_LIKELIHOOD;
    }
    if (numbers->task_correlation) {
        scales->task_correlation = fit->task_correlation;
        scales->source.task_correlation = PROTO_SOURCE_MARGINAL_LIKELIHOOD;
    }
    return 0;
}

static void refit_report(const struct amf_likelihood_fit *fit, struct proto_fit *report)
{
    report->log_likelihood_median = fit->start_value;
    report->log_likelihood = fit->value;
    report->kept_median = fit->kept_start;
    report->rows = (int64_t)fit->rows;
    report->rows_checked = (int64_t)fit->rows_checked;
    report->rows_total = (int64_t)fit->rows_total;
    report->evaluations = (int64_t)fit->evaluations;
    if (fit->kept_start)
        report->note = "No other numbers make what is held likelier.";
}

/* Fills in the copy what could be fitted, or why nothing was. As scales_maximise. */
static int refit_fill(const struct view *view, const struct scales *from, struct amf_pool *pool,
                      const atomic_bool *cancel, struct proto_arena *arena,
                      struct proto_scales *scales)
{
    PROTO_ARENA_CLEANUP struct proto_arena work = PROTO_ARENA_NULL;
    AMF_LIKELIHOOD_FIT_CLEANUP struct amf_likelihood_fit *fit = NULL;
    const struct amf_likelihood_numbers numbers = refit_numbers(view);
    struct amf_likelihood_options options = amf_likelihood_options_default();
    struct amf_problem problem;
    const char *note = NULL;
    enum amf_status status;
    int built = problem_build(view, from, NULL, &work, &problem, &note);

    if (built) {
        scales->fit->note = note;
        return built < 0 ? -1 : 0;
    }
    problem.cancel = cancel;
    options.seed = problem.settings.seed;
    status = amf_likelihood_maximise(&problem, &numbers, &options, pool, &fit);
    if (status == AMF_NO_MEMORY)
        return -1;
    if (status == AMF_CANCELLED)
        return 1;
    if (status) {
        scales->fit->note = proto_arena_printf(arena, "The likelihood could not be computed: %s.",
                                               amf_status_name(status));
        return scales->fit->note ? 0 : -1;
    }
    refit_report(fit, scales->fit);
    return fit->kept_start ? 0 : refit_take(fit, &numbers, arena, scales);
}

int scales_maximise(const struct view *view, const struct scales *from, struct amf_pool *pool,
                    const atomic_bool *cancel, struct scales **ret_scales)
{
    struct scales *cell = cell_new(sizeof *cell);
    struct proto_arena *arena = cell ? cell_arena(cell) : NULL;
    int status = -1;

    if (cell && !proto_copy(&proto_scales_shape, &from->frozen, arena, &cell->frozen)) {
        cell->frozen.fit_due = false;
        cell->frozen.fit = proto_arena_alloc(arena, 1, sizeof *cell->frozen.fit);
        if (cell->frozen.fit) {
            proto_fit_defaults(cell->frozen.fit);
            cell->frozen.fit->kept_median = true;
            cell->frozen.fit->demonstrations = view->held;
            status = refit_fill(view, from, pool, cancel, arena, &cell->frozen);
        }
    }
    if (status) {
        cell_unref(cell);
        return status;
    }
    *ret_scales = cell;
    return 0;
}

int state_refit(struct state *state, const struct view *view, struct scales **ret_scales)
{
    struct scales *median = project_fit(view);
    int status;

    if (!median)
        return -1;
    if (!project_wants_fit(view)) {
        *ret_scales = median;
        return 0;
    }
    status = scales_maximise(view, median, state->config.pool, NULL, ret_scales);
    cell_unref(median);
    return status;
}

int state_check_summary(struct state *state, const struct proto_revision *revision,
                        struct proto_error *ret_error)
{
    return revision_check_summary(revision, state->config.pool, ret_error);
}
