/* Thinning, moments and length scales: the numbers a project takes from its own data. */
#include <stdlib.h>
#include <string.h>

#include <amf/fit.h>
#include <amf/sample.h>
#include <state/rollouts.h>

#include "project_internal.h"

static int thin(const struct proto_matrix *whole, int64_t max_steps, struct proto_arena *arena,
                struct proto_matrix *ret_thin)
{
    size_t rows = amf_sample_thin_count(whole->rows, (size_t)max_steps);
    double *data = proto_arena_alloc(arena, rows * whole->cols, sizeof *data);

    if (!data)
        return -1;
    for (size_t i = 0; i < rows; i++)
        memcpy(data + i * whole->cols,
               whole->data + amf_sample_thin_index(whole->rows, rows, i) * whole->cols,
               whole->cols * sizeof *data);
    *ret_thin = (struct proto_matrix){data, rows, whole->cols};
    return 0;
}

int demonstration_thin(struct demonstration *demonstration, const struct proto_matrix *states,
                       const struct proto_matrix *actions, int64_t max_steps)
{
    struct proto_arena *arena = cell_arena(demonstration);

    if (thin(states, max_steps, arena, &demonstration->states) ||
        thin(actions, max_steps, arena, &demonstration->actions))
        return -1;
    return 0;
}

int64_t project_fit_after(const struct view *view)
{
    int64_t wanted = view->settings->project.fit_after;
    int64_t tasks = (int64_t)view->tasks.count;

    if (wanted != PROTO_INT_NULL)
        return wanted;
    return tasks > 5 ? tasks : 5;
}

/* Spans over the states (or actions) of what the criterion learns from, in order of arrival; while
 * nothing is held, of the newest rollouts, which may be all there is to rank by. */
static struct amf_span *known_spans(const struct view *view, bool actions, size_t *ret_count)
{
    ROLLOUTS_CLEANUP struct rollouts rollouts = ROLLOUTS_NULL;
    struct amf_span *spans;
    size_t count = 0;

    if (view->held == 0 && rollouts_init(&rollouts, view))
        return NULL;
    spans = calloc((size_t)view->held + rollouts.count + 1, sizeof *spans);
    for (size_t i = 0; spans && i < view->demonstrations.count; i++) {
        const struct demonstration *demonstration = view_demonstration(view, i);
        const struct proto_matrix *matrix =
            actions ? &demonstration->actions : &demonstration->states;

        if (view->held ? demonstration_is_held(demonstration) : rollouts.newest[i])
            spans[count++] = (struct amf_span){matrix->data, matrix->rows};
    }
    *ret_count = count;
    return spans;
}

static int fit_moments(const struct view *view, bool actions, size_t dim, struct proto_arena *arena,
                       struct proto_reals *ret_mean, struct proto_reals *ret_std)
{
    double *mean = proto_arena_alloc(arena, dim, sizeof *mean);
    double *std = proto_arena_alloc(arena, dim, sizeof *std);
    struct amf_span *spans;
    size_t count = 0;
    int failed;

    spans = known_spans(view, actions, &count);
    failed =
        !mean || !std || !spans ||
        amf_fit_moments(spans, view->settings->project.standardize ? count : 0, dim, mean, std);
    free(spans);
    if (failed)
        return -1;
    *ret_mean = (struct proto_reals){mean, dim};
    *ret_std = (struct proto_reals){std, dim};
    return 0;
}

static int fit_state_scale(const struct view *view, size_t dim, const double *deviation,
                           double *ret_scale)
{
    size_t count = 0;
    struct amf_span *spans = known_spans(view, false, &count);
    int failed = !spans || amf_fit_median_distance(spans, count, dim, deviation,
                                                   (uint64_t)view->settings->project.selection.seed,
                                                   ret_scale);

    free(spans);
    return failed ? -1 : 0;
}

static int fit_task_scale(const struct view *view, double *ret_scale)
{
    size_t count = 0, dim = view->tasks.count ? view_task(view, 0)->task.vector.count : 0;
    struct amf_span *spans = calloc(view->tasks.count + 1, sizeof *spans);
    int failed;

    for (size_t i = 0; spans && i < view->tasks.count; i++) {
        const struct proto_reals *vector = &view_task(view, i)->task.vector;

        if (vector->count == dim && dim > 0)
            spans[count++] = (struct amf_span){vector->items, 1};
    }
    failed = !spans ||
             amf_fit_median_distance(spans, count, dim, NULL,
                                     (uint64_t)view->settings->project.selection.seed, ret_scale);
    free(spans);
    return failed ? -1 : 0;
}

struct scales *project_fit(const struct view *view)
{
    struct scales *cell = cell_new(sizeof *cell);
    struct proto_arena *arena = cell ? cell_arena(cell) : NULL;
    double *scale = cell ? proto_arena_alloc(arena, 2, sizeof *scale) : NULL;
    size_t state_dim = (size_t)view->settings->project.state_dim;
    size_t action_dim = (size_t)view->settings->project.action_dim;

    if (cell)
        proto_scales_defaults(&cell->frozen);
    if (!scale ||
        fit_moments(view, false, state_dim, arena, &cell->frozen.state_mean,
                    &cell->frozen.state_std) ||
        fit_moments(view, true, action_dim, arena, &cell->frozen.action_mean,
                    &cell->frozen.action_std) ||
        fit_state_scale(view, state_dim, cell->frozen.state_std.items, &scale[0]) ||
        fit_task_scale(view, &scale[1])) {
        cell_unref(cell);
        return NULL;
    }
    cell->frozen.state_scale = (struct proto_reals){&scale[0], 1};
    cell->frozen.task_scale = (struct proto_reals){&scale[1], 1};
    cell->frozen.demonstrations = view->held;
    return cell;
}
