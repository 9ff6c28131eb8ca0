#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <state/choose.h>

static bool strings_have(const struct proto_strings *strings, const char *text)
{
    for (size_t i = 0; i < strings->count; i++)
        if (!strcmp(strings->items[i], text))
            return true;
    return false;
}

static bool asker_can(const struct proto_ask *ask, const struct proto_task *task)
{
    if (!ask)
        return true;
    for (size_t i = 0; i < task->requires_.count; i++)
        if (!strings_have(&ask->capabilities, task->requires_.items[i]))
            return false;
    return !strings_have(&ask->exclude, task->key);
}

static struct amf_select_candidate describe(const struct choose_request *request, size_t index)
{
    const struct proto_task *task = &view_task(request->view, index)->task;
    const struct task_counts *counts = &request->view->counts[index];
    const struct score *score = request->scores ? &request->scores[index] : NULL;
    int64_t pending =
        counts->pending + (request->extra_pending ? request->extra_pending[index] : 0);

    return (struct amf_select_candidate){
        .allowed = asker_can(request->ask, task),
        .cost_s = task->cost_s,
        .demonstrations = (size_t)counts->demonstrations,
        .known = (size_t)(counts->demonstrations + counts->pretraining),
        .attempts = (size_t)(counts->demonstrations + counts->failed + pending),
        .pending = (size_t)pending,
        .min_demonstrations = (size_t)task->min_demonstrations,
        .max_demonstrations = task->max_demonstrations == PROTO_INT_NULL
                                  ? AMF_SELECT_NO_LIMIT
                                  : (size_t)task->max_demonstrations,
        .rollout_successes = (size_t)counts->rollouts_succeeded,
        .rollouts = (size_t)counts->rollouts,
        .scorable = score && score->scorable,
        .gain = score && score->scorable ? score->gain : 0,
    };
}

static struct amf_select_settings select_settings(const struct view *view)
{
    const struct proto_selection *selection = &view->settings->project.selection;

    return (struct amf_select_settings){
        .rule = (enum amf_rule)selection->rule, /* the two enums list the rules in the same order */
        .warm_start = selection->warm_start == PROTO_INT_AUTO ? AMF_SELECT_WARM_START_AUTO
                                                              : (size_t)selection->warm_start,
        .network = view->settings->project.policy.kind != PROTO_POLICY_GP,
        .explore_share = selection->explore_share,
        .cost_exponent = selection->cost_exponent,
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

/* The best allowed and scorable candidate but the chosen one. */
static size_t find_runner_up(const struct amf_select_candidate *candidates, size_t count,
                             const struct amf_select_settings *settings, size_t chosen)
{
    size_t best = AMF_SELECT_NONE;
    double best_value = -INFINITY;

    for (size_t i = 0; i < count; i++) {
        double value = candidates[i].gain / pow(candidates[i].cost_s, settings->cost_exponent);

        if (i != chosen && candidates[i].allowed && candidates[i].scorable && value > best_value) {
            best = i;
            best_value = value;
        }
    }
    return best;
}

int choose_task(const struct choose_request *request, struct chosen *ret_chosen)
{
    const struct view *view = request->view;
    const struct amf_select_settings settings = select_settings(view);
    struct amf_select_candidate *candidates = calloc(view->tasks.count + 1, sizeof *candidates);
    size_t *task_of = calloc(view->tasks.count + 1, sizeof *task_of);
    struct chosen chosen = {.task = SIZE_MAX, .runner_up = SIZE_MAX};
    size_t count = 0;
    int failed = !candidates || !task_of;

    for (size_t i = 0; i < view->tasks.count && !failed; i++) {
        if (view_task(view, i)->task.role == PROTO_TASK_EVALUATION)
            continue;
        task_of[count] = i;
        candidates[count] = describe(request, i);
        chosen.allowed += candidates[count++].allowed;
    }
    if (!failed)
        failed = amf_select_choose(candidates, count, &settings, (size_t)view->held, request->round,
                                   &chosen.choice) != AMF_OK;
    if (!failed && chosen.choice.candidate != AMF_SELECT_NONE) {
        size_t next = find_runner_up(candidates, count, &settings, chosen.choice.candidate);

        chosen.task = task_of[chosen.choice.candidate];
        chosen.runner_up = next == AMF_SELECT_NONE ? SIZE_MAX : task_of[next];
    }
    free(candidates);
    free(task_of);
    if (failed)
        return -1;
    *ret_chosen = chosen;
    return 0;
}

void choose_align_scores(const struct ranking *ranking, size_t pick, const struct view *view,
                         struct score *ret_scores)
{
    for (size_t i = 0; i < view->tasks.count; i++) {
        size_t known = view_find_task(ranking->view, view_task(view, i)->task.key);

        ret_scores[i] = (struct score){.gain = NAN};
        if (known != SIZE_MAX)
            ret_scores[i] = ranking->picks[pick].scores[known];
    }
}
