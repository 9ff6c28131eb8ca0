#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "policies.h"
#include "view_internal.h"

struct published {
    struct view view; /* first: a view handed out is the address of this */
    atomic_size_t references;
};

static void *copy_array(const void *array, size_t count, size_t size)
{
    void *copy = calloc(count ? count : 1, size);

    if (copy && count)
        memcpy(copy, array, count * size);
    return copy;
}

int view_thaw(const struct view *view, struct view *ret_draft)
{
    struct view draft = {.id = view->id,
                         .seq = view->seq,
                         .ranked_seq = view->ranked_seq,
                         .evidence_seq = view->evidence_seq,
                         .deleted = view->deleted,
                         .settings = cell_ref(view->settings),
                         .scales = cell_ref(view->scales),
                         .open_count = view->open_count,
                         .skip_count = view->skip_count,
                         .boot_ms = view->boot_ms,
                         .held = view->held,
                         .demonstrated = view->demonstrated};

    draft.counts = copy_array(view->counts, view->tasks.count, sizeof *view->counts);
    draft.open = copy_array(view->open, view->open_count, sizeof *view->open);
    draft.skips = copy_array(view->skips, view->skip_count, sizeof *view->skips);
    memcpy(draft.boot_id, view->boot_id, sizeof draft.boot_id);
    if (!draft.counts || !draft.open || !draft.skips || roll_copy(&view->tasks, &draft.tasks) ||
        roll_copy(&view->demonstrations, &draft.demonstrations) ||
        roll_copy(&view->assignments, &draft.assignments) || policies_copy(view, &draft)) {
        view_deinit(&draft);
        return -1;
    }
    *ret_draft = draft;
    return 0;
}

struct view *view_freeze(const struct view *draft)
{
    struct published *published = calloc(1, sizeof *published);

    if (!published)
        return NULL;
    if (view_thaw(draft, &published->view)) {
        free(published);
        return NULL;
    }
    atomic_init(&published->references, 1);
    return &published->view;
}

void view_deinit(struct view *draft)
{
    cell_unref(draft->settings);
    cell_unref(draft->scales);
    roll_deinit(&draft->tasks);
    roll_deinit(&draft->demonstrations);
    roll_deinit(&draft->assignments);
    policies_deinit(draft);
    free(draft->counts);
    free(draft->open);
    free(draft->skips);
    *draft = (struct view){0};
}

struct view *view_ref(const struct view *view)
{
    struct published *published = (struct published *)(uintptr_t)view;

    atomic_fetch_add_explicit(&published->references, 1, memory_order_relaxed);
    return &published->view;
}

void view_unref(struct view *view)
{
    struct published *published = (struct published *)view;

    if (!view || atomic_fetch_sub_explicit(&published->references, 1, memory_order_acq_rel) != 1)
        return;
    view_deinit(view);
    free(published);
}

/* First index whose name is greater than (or_equal: not less than) the given one. */
static size_t roll_bound(const struct roll *roll, const char *(*name)(const void *item),
                         const char *wanted, bool or_equal)
{
    size_t low = 0, high = roll->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name(roll_get(roll, middle)), wanted);

        if (order < 0 || (order == 0 && !or_equal))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const char *task_name(const void *item)
{
    return ((const struct task *)item)->task.key;
}

static const char *demonstration_name(const void *item)
{
    return ((const struct demonstration *)item)->meta.id;
}

static const char *assignment_name(const void *item)
{
    return ((const struct assignment *)item)->assignment.id;
}

static size_t roll_find(const struct roll *roll, const char *(*name)(const void *item),
                        const char *wanted)
{
    size_t index = roll_bound(roll, name, wanted, true);

    return index < roll->count && !strcmp(name(roll_get(roll, index)), wanted) ? index : SIZE_MAX;
}

size_t view_find_task(const struct view *view, const char *key)
{
    return roll_find(&view->tasks, task_name, key);
}

struct demonstration *view_find_demonstration(const struct view *view, const char *id)
{
    size_t index = roll_find(&view->demonstrations, demonstration_name, id);

    return index == SIZE_MAX ? NULL : view_demonstration(view, index);
}

size_t view_find_assignment_index(const struct view *view, const char *id)
{
    return roll_find(&view->assignments, assignment_name, id);
}

size_t view_demonstration_index(const struct view *view, const char *id)
{
    return roll_find(&view->demonstrations, demonstration_name, id);
}

struct assignment *view_find_assignment(const struct view *view, const char *id)
{
    size_t index = view_find_assignment_index(view, id);

    return index == SIZE_MAX ? NULL : view_assignment(view, index);
}

size_t view_page_demonstrations(const struct view *view, const char *id)
{
    return roll_bound(&view->demonstrations, demonstration_name, id, false);
}

size_t view_page_tasks(const struct view *view, const char *key)
{
    return roll_bound(&view->tasks, task_name, key, false);
}

size_t view_page_assignments(const struct view *view, const char *id)
{
    return roll_bound(&view->assignments, assignment_name, id, false);
}

void view_describe_task(const struct view *view, size_t index, struct proto_task *ret_task)
{
    const struct task_counts *counts = &view->counts[index];

    *ret_task = view_task(view, index)->task;
    ret_task->demonstrations = counts->demonstrations;
    ret_task->pretraining_demonstrations = counts->pretraining;
    ret_task->rollouts = counts->rollouts;
    ret_task->pending = counts->pending;
    ret_task->success_rate =
        counts->rollouts ? (double)counts->rollouts_succeeded / (double)counts->rollouts : NAN;
}

int view_describe_project(const struct view *view, struct proto_arena *arena,
                          struct proto_project *ret_project)
{
    struct proto_scales *scales = NULL;

    if (view->scales) {
        scales = proto_arena_alloc(arena, 1, sizeof *scales);
        if (!scales)
            return -1;
        view_describe_scales(view, view->scales, scales);
    }
    *ret_project = view->settings->project;
    ret_project->seq = view->seq;
    ret_project->scales = scales;
    return 0;
}

/* A number that was fitted is in use until the settings give the scale it was fitted with. */
static void describe_number(const struct proto_scale *asked, double given, double *number,
                            int *source)
{
    if (asked->kind != PROTO_SCALE_VALUES && *source == PROTO_SOURCE_MARGINAL_LIKELIHOOD)
        return;
    *number = given;
    *source = PROTO_SOURCE_GIVEN;
}

static void describe_scale(const struct proto_scale *asked, struct proto_reals *values, int *source)
{
    if (asked->kind != PROTO_SCALE_VALUES)
        return;
    *values = asked->values;
    *source = PROTO_SOURCE_GIVEN;
}

void view_describe_scales(const struct view *view, const struct scales *scales,
                          struct proto_scales *ret_scales)
{
    const struct proto_project *project = &view->settings->project;
    const struct proto_kernel *kernel = &project->kernel;
    struct proto_scales in_use = scales->frozen;
    struct proto_sources *source = &in_use.source;

    describe_scale(&kernel->state_scale, &in_use.state_scale, &source->state_scale);
    describe_scale(&kernel->task_scale, &in_use.task_scale, &source->task_scale);
    describe_number(&kernel->state_scale, kernel->variance, &in_use.variance, &source->variance);
    describe_number(&kernel->state_scale, project->noise_std, &in_use.noise_std,
                    &source->noise_std);
    describe_number(&kernel->task_scale, kernel->task_correlation, &in_use.task_correlation,
                    &source->task_correlation);
    *ret_scales = in_use;
}
