#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <state/choose.h>
#include <state/lease.h>
#include <state/rollouts.h>

#include "problem.h"

/* Skips aside. */
static bool asker_can(const struct proto_ask *ask, const struct proto_task *task)
{
    if (!ask)
        return true;
    for (size_t i = 0; i < task->requires_.count; i++)
        if (!proto_strings_have(&ask->capabilities, task->requires_.items[i]))
            return false;
    return !proto_strings_have(&ask->exclude, task->key);
}

static bool is_skipped(const struct choose_request *request, const struct proto_task *task)
{
    return lease_task_is_skipped(request->view, task->key,
                                 request->ask ? request->ask->operator_ : NULL);
}

static int64_t pending_of(const struct choose_request *request, size_t index)
{
    return request->view->counts[index].pending +
           (request->extra_pending ? request->extra_pending[index] : 0);
}

bool choose_is_kept_by_skip(const struct choose_request *request, size_t index)
{
    const struct proto_task *task = &view_task(request->view, index)->task;
    int64_t reached = request->view->counts[index].demonstrations + pending_of(request, index);

    return task->role != PROTO_TASK_EVALUATION && asker_can(request->ask, task) &&
           (task->max_demonstrations == PROTO_INT_NULL || reached < task->max_demonstrations) &&
           is_skipped(request, task);
}

static struct amf_select_candidate describe(const struct choose_request *request, size_t index)
{
    const struct proto_task *task = &view_task(request->view, index)->task;
    const struct task_counts *counts = &request->view->counts[index];
    const struct score *score = request->scores ? &request->scores[index] : NULL;
    int64_t pending = pending_of(request, index);

    return (struct amf_select_candidate){
        .allowed = asker_can(request->ask, task) && !is_skipped(request, task),
        .cost_s = task->cost_s,
        .demonstrations = (size_t)counts->demonstrations,
        .known = (size_t)(counts->demonstrations + counts->pretraining),
        .attempts = (size_t)(task_attempts(counts) - counts->pending + pending),
        .pending = (size_t)pending,
        .unseen = request->unseen ? (size_t)request->unseen[index] : 0,
        .min_demonstrations = (size_t)task->min_demonstrations,
        .max_demonstrations = task->max_demonstrations == PROTO_INT_NULL
                                  ? AMF_SELECT_NO_LIMIT
                                  : (size_t)task->max_demonstrations,
        .scorable = score && score->scorable,
        .gain = score && score->scorable ? score->gain : 0,
    };
}

/* Entropies before a demonstration may be negative, where a division by cost would turn the order
 * round. */
static bool costs_count(const struct proto_project *project)
{
    return project->selection.rule != PROTO_RULE_PRIOR_ENTROPY &&
           project->criterion.measure != PROTO_MEASURE_PRIOR_ENTROPY;
}

static struct amf_select_settings select_settings(const struct view *view)
{
    const struct proto_selection *selection = &view->settings->project.selection;

    return (struct amf_select_settings){
        .rule = (enum amf_rule)selection->rule, /* the two enums list the rules in the same order */
        .warm_start = selection->warm_start == PROTO_INT_AUTO ? AMF_SELECT_WARM_START_AUTO
                                                              : (size_t)selection->warm_start,
        .network = view->settings->project.policy.kind != PROTO_POLICY_GP &&
                   view->settings->project.criterion.occupancy != PROTO_OCCUPANCY_ROLLOUTS,
        .explore_share = selection->explore_share,
        .cost_exponent = costs_count(&view->settings->project) ? selection->cost_exponent : 0,
        .stop_gain = selection->stop_gain,
        .stop_hard = selection->stop == PROTO_STOP_HARD,
        .budget =
            selection->budget == PROTO_INT_NULL ? AMF_SELECT_NO_LIMIT : (size_t)selection->budget,
        .seed = (uint64_t)selection->seed,
    };
}

_Static_assert((int)PROTO_RULE_CRITERION == (int)AMF_RULE_CRITERION &&
                   (int)PROTO_RULE_LOWEST_SUCCESS == (int)AMF_RULE_LOWEST_SUCCESS &&
                   (int)PROTO_RULE_FALLBACK == (int)AMF_RULE_FALLBACK,
               "rules are passed between wire and library by number");

/* The candidates of a view, in key order. */
struct field {
    struct amf_select_candidate *candidates;
    size_t *task_of; /* index in the view */
    size_t count;
    struct rollouts rollouts;
};

static void field_deinit(struct field *field)
{
    free(field->candidates);
    free(field->task_of);
    rollouts_deinit(&field->rollouts);
}

static int field_init(const struct choose_request *request, struct field *field)
{
    size_t tasks = request->view->tasks.count;

    field->candidates = calloc(tasks + 1, sizeof *field->candidates);
    field->task_of = calloc(tasks + 1, sizeof *field->task_of);
    if (!field->candidates || !field->task_of || rollouts_init(&field->rollouts, request->view))
        return -1;
    for (size_t i = 0; i < tasks; i++) {
        if (view_task(request->view, i)->task.role == PROTO_TASK_EVALUATION)
            continue;
        field->task_of[field->count] = i;
        field->candidates[field->count] = describe(request, i);
        field->candidates[field->count].rollouts = field->rollouts.tasks[i].rollouts;
        field->candidates[field->count++].rollout_successes = field->rollouts.tasks[i].succeeded;
    }
    return 0;
}

/* What the criterion has for an occupancy set: its n, by which a warm start begins and ends. */
static size_t occupancy_size(const struct view *view, const struct field *field)
{
    struct proto_resolved resolved;

    problem_resolve(view, &resolved);
    if (resolved.occupancy == PROTO_OCCUPANCY_ROLLOUTS)
        return field->rollouts.count;
    return (size_t)(resolved.occupancy == PROTO_OCCUPANCY_NEW ? view->demonstrated : view->held);
}

static size_t field_task(const struct field *field, size_t candidate)
{
    return candidate == AMF_SELECT_NONE ? SIZE_MAX : field->task_of[candidate];
}

/* Demonstrations that count against the budget, also of tasks that are no candidates. */
static size_t budget_spent(const struct choose_request *request)
{
    int64_t spent = request->view->demonstrated + (int64_t)request->view->open_count;

    for (size_t i = 0; request->extra_pending && i < request->view->tasks.count; i++)
        spent += request->extra_pending[i];
    return (size_t)spent;
}

static int field_order(const struct field *field, double cost_exponent, size_t *ret_order,
                       size_t *ret_count)
{
    if (!ret_order)
        return 0;
    if (amf_select_order(field->candidates, field->count, cost_exponent, ret_order))
        return -1;
    for (size_t i = 0; i < field->count; i++)
        ret_order[i] = field->task_of[ret_order[i]];
    *ret_count = field->count;
    return 0;
}

/* Whether there is nothing to choose, and without skips there would be. */
static bool skips_leave_nothing(const struct choose_request *request,
                                const struct amf_choice *choice)
{
    if (choice->reason != AMF_SELECT_NOTHING_ALLOWED && choice->reason != AMF_SELECT_ALL_DONE)
        return false;
    for (size_t i = 0; i < request->view->tasks.count; i++)
        if (choose_is_kept_by_skip(request, i))
            return true;
    return false;
}

int choose_task(const struct choose_request *request, struct chosen *ret_chosen, size_t *ret_order,
                size_t *ret_count)
{
    struct amf_select_settings settings = select_settings(request->view);
    __attribute__((cleanup(field_deinit))) struct field field = {0};
    struct amf_choice choice;

    settings.spent = budget_spent(request);
    if (field_init(request, &field) ||
        amf_select_choose(field.candidates, field.count, &settings,
                          occupancy_size(request->view, &field), request->round, &choice) ||
        field_order(&field, settings.cost_exponent, ret_order, ret_count))
        return -1;
    *ret_chosen = (struct chosen){.choice = choice,
                                  .task = field_task(&field, choice.candidate),
                                  .runner_up = field_task(&field, choice.runner_up),
                                  .skipped = skips_leave_nothing(request, &choice)};
    if (choice.candidate != AMF_SELECT_NONE) {
        ret_chosen->rollouts = field.candidates[choice.candidate].rollouts;
        ret_chosen->rollout_successes = field.candidates[choice.candidate].rollout_successes;
    }
    return 0;
}

void choose_align_scores(const struct ranking *ranking, size_t pick, const struct view *view,
                         struct score *ret_scores)
{
    for (size_t i = 0; i < view->tasks.count; i++) {
        size_t known = view_find_task(ranking->view, view_task(view, i)->task.key);

        ret_scores[i] = (struct score){.gain = NAN, .target_weight = NAN, .failure_rate = NAN};
        if (known != SIZE_MAX)
            ret_scores[i] = ranking->picks[pick].scores[known];
    }
}
