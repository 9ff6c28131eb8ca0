/* One assignment: the choice for this asker, and the sentence that explains it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <state/choose.h>
#include <state/rollouts.h>

#include "verbs.h"

struct asking {
    const struct view *view;
    const struct ranking *ranking; /* NULL: none yet */
    size_t pick;                   /* which of its picks */
    int64_t unseen_count;          /* open assignments that the pick's scores do not know of */
    struct score *scores;          /* aligned to the view; NULL without ranking */
    struct chosen chosen;
};

static const struct pick *asking_pick(const struct asking *asking)
{
    return &asking->ranking->picks[asking->pick];
}

/* Pick k answers for picks 0 .. k-1 having been given out. An asker who could not do a pick was
 * sent elsewhere, so the picks count as far as they agree with what was opened since; open
 * assignments beyond are not in the scores. */
static void match_picks(struct asking *asking, size_t first_new, int64_t *unseen)
{
    const struct view *view = asking->view;
    const struct ranking *ranking = asking->ranking;
    bool agree = true;

    for (size_t i = first_new; i < view->assignments.count; i++) {
        const struct proto_assignment *opened = &view_assignment(view, i)->assignment;
        size_t choice = ranking->picks[asking->pick].choice;
        size_t task = view_find_task(view, opened->task);

        agree = agree && asking->pick + 1 < ranking->pick_count &&
                !strcmp(view_task(ranking->view, choice)->task.key, opened->task);
        if (agree)
            asking->pick++;
        else if (task != SIZE_MAX && opened->state == PROTO_ASSIGNMENT_OPEN)
            asking->unseen_count += ++unseen[task] > 0;
    }
}

static size_t first_unseen(const struct view *view, const struct ranking *ranking)
{
    size_t first = view->assignments.count;

    while (first > 0 && view_assignment(view, first - 1)->opened_seq > ranking->view->seq)
        first--;
    return first;
}

static enum proto_code choose_for(struct api_ctx *ctx, const struct proto_ask *ask,
                                  struct asking *asking)
{
    size_t count = asking->view->tasks.count + 1;
    int64_t *unseen = proto_arena_alloc(ctx->arena, count, sizeof *unseen);

    asking->scores =
        asking->ranking ? proto_arena_alloc(ctx->arena, count, sizeof *asking->scores) : NULL;
    if (!unseen || (asking->ranking && !asking->scores))
        return api_no_memory(ctx);
    if (asking->ranking) {
        match_picks(asking, first_unseen(asking->view, asking->ranking), unseen);
        choose_align_scores(asking->ranking, asking->pick, asking->view, asking->scores);
    }
    if (choose_task(&(struct choose_request){.view = asking->view,
                                             .scores = asking->scores,
                                             .unseen = unseen,
                                             .ask = ask,
                                             .round = asking->view->assignments.count},
                    &asking->chosen, NULL, NULL))
        return proto_error_set(
            &ctx->error, PROTO_CODE_INTERNAL, "",
            "The choice could not be made; the settings of selection are refused.");
    return PROTO_CODE_OK;
}

static const char *task_key(const struct asking *asking, size_t task)
{
    return view_task(asking->view, task)->task.key;
}

static const char *margin_text(struct proto_arena *arena, const struct asking *asking)
{
    const struct amf_choice *choice = &asking->chosen.choice;
    double percent = 100 * choice->margin / (choice->gain - choice->margin);

    if (!choice->has_margin || asking->chosen.runner_up == SIZE_MAX)
        return "";
    if (asking->view->settings->project.selection.cost_exponent > 0)
        return proto_arena_printf(arena, ", ahead of %s once costs are counted",
                                  task_key(asking, asking->chosen.runner_up));
    if (choice->margin <= 0)
        return proto_arena_printf(arena, ", as much as %s",
                                  task_key(asking, asking->chosen.runner_up));
    if (!(percent >= 0.5 && percent < 1000))
        return proto_arena_printf(arena, ", %s ahead of %s", percent < 0.5 ? "just" : "far",
                                  task_key(asking, asking->chosen.runner_up));
    return proto_arena_printf(arena, ", %.0f %% more than the next, %s", percent,
                              task_key(asking, asking->chosen.runner_up));
}

static const char *unseen_text(struct proto_arena *arena, const struct asking *asking)
{
    const char *text = asking->unseen_count == 0
                           ? ""
                           : proto_arena_printf(arena,
                                                " Open assignments that the gains do not know of "
                                                "yet: %" PRId64 "; so askers take turns.",
                                                asking->unseen_count);

    return text ? text : "";
}

static const char *why_criterion(struct proto_arena *arena, const struct asking *asking)
{
    const struct task_counts *counts = &asking->view->counts[asking->chosen.task];
    const char *pending =
        counts->pending == 0
            ? ""
            : proto_arena_printf(arena, ", although %" PRId64 " of it %s under way",
                                 counts->pending, counts->pending == 1 ? "is" : "are");

    return proto_arena_printf(
        arena,
        "A demonstration of %s is expected to tell most about the expert on "
        "the tasks that count: %.3g %s%s%s; "
        "%" PRId64 " held so far.%s",
        task_key(asking, asking->chosen.task), asking->chosen.choice.gain,
        asking->ranking->measure == PROTO_MEASURE_VARIANCE ? "(action unit)^2" : "nats",
        margin_text(arena, asking), pending ? pending : "",
        counts->demonstrations + counts->pretraining, unseen_text(arena, asking));
}

static const char *why_lowest_success(struct proto_arena *arena, const struct asking *asking)
{
    const char *key = task_key(asking, asking->chosen.task);
    ROLLOUTS_CLEANUP struct rollouts rollouts = ROLLOUTS_NULL;
    const struct rollout_count *count;

    if (rollouts_init(&rollouts, asking->view))
        return NULL;
    count = &rollouts.tasks[asking->chosen.task];
    if (count->rollouts == 0)
        return proto_arena_printf(
            arena,
            "%s has no rollout yet, which counts as succeeding half the time (rule "
            "lowest_success).",
            key);
    return proto_arena_printf(
        arena, "%s succeeds least often: in %zu of its newest %zu rollouts (rule lowest_success).",
        key, count->succeeded, count->rollouts);
}

static const char *why(struct proto_arena *arena, const struct asking *asking)
{
    const char *key = task_key(asking, asking->chosen.task);
    const struct task_counts *counts = &asking->view->counts[asking->chosen.task];

    switch ((enum proto_rule)asking->chosen.choice.rule) {
    case PROTO_RULE_CRITERION:
        return why_criterion(arena, asking);
    case PROTO_RULE_PRIOR_ENTROPY:
        return proto_arena_printf(
            arena,
            "The policy is least certain about %s (rule prior_entropy, which does not look ahead).",
            key);
    case PROTO_RULE_WARM_START:
        return proto_arena_printf(
            arena,
            "Warm start: %s has been attempted least (%" PRId64
            " times), and tasks are taken in key order until every one has been tried "
            "as often as the project asks.",
            key, task_attempts(counts));
    case PROTO_RULE_MINIMUM:
        return proto_arena_printf(
            arena,
            "%s has %" PRId64 " of the %" PRId64 " demonstrations that the project wants at least.",
            key, counts->demonstrations,
            view_task(asking->view, asking->chosen.task)->task.min_demonstrations);
    case PROTO_RULE_EXPLORE:
        return proto_arena_printf(
            arena, "%s was drawn at random: a share of %.3g of the choices is kept for exploring.",
            key, asking->view->settings->project.selection.explore_share);
    case PROTO_RULE_UNIFORM:
        return proto_arena_printf(arena, "%s was drawn at random among the tasks (rule uniform).",
                                  key);
    case PROTO_RULE_ROUND_ROBIN:
        return proto_arena_printf(arena, "It is the turn of %s (rule round_robin).", key);
    case PROTO_RULE_REBALANCE:
        return proto_arena_printf(
            arena, "%s has the fewest known demonstrations, %" PRId64 " (rule rebalance).", key,
            counts->demonstrations + counts->pretraining);
    case PROTO_RULE_LOWEST_SUCCESS:
        return why_lowest_success(arena, asking);
    case PROTO_RULE_FALLBACK:
        break;
    }
    return proto_arena_printf(
        arena, "%s has the fewest demonstrations (rule fallback): %s", key,
        !asking->ranking ? "the first ranking is still being worked out."
        : asking_pick(asking)->note
            ? asking_pick(asking)->note
            : "the criterion could not score any task that this asker can do.");
}

static enum proto_code reason_set(struct api_ctx *ctx, const char *code, const char *detail,
                                  struct proto_reason **ret_reason)
{
    struct proto_reason *reason = proto_arena_alloc(ctx->arena, 1, sizeof *reason);

    if (!reason || !detail)
        return api_no_memory(ctx);
    *reason = (struct proto_reason){code, detail};
    *ret_reason = reason;
    return PROTO_CODE_OK;
}

static enum proto_code explain_reason(struct api_ctx *ctx, const struct asking *asking,
                                      struct proto_reason **ret_reason)
{
    const struct proto_selection *selection = &asking->view->settings->project.selection;

    switch (asking->chosen.choice.reason) {
    case AMF_SELECT_NOTHING_ALLOWED:
        return reason_set(
            ctx, "nothing_for_asker",
            asking->view->tasks.count == 0
                ? "The project has no tasks yet."
                : "Every task is excluded, or needs a capability that this asker did not name.",
            ret_reason);
    case AMF_SELECT_ALL_DONE:
        return reason_set(ctx, "all_done",
                          "Every task this asker can do has its max_demonstrations.", ret_reason);
    case AMF_SELECT_BUDGET_SPENT:
        return reason_set(ctx, "budget_spent",
                          proto_arena_printf(ctx->arena,
                                             "The budget of %" PRId64
                                             " demonstrations is spent, those under way counted.",
                                             selection->budget),
                          ret_reason);
    case AMF_SELECT_BELOW_STOP_GAIN:
        return reason_set(
            ctx, "below_stop_gain",
            proto_arena_printf(ctx->arena,
                               "No task adds more than stop_gain, %.3g; the best adds %.3g.",
                               selection->stop_gain, asking->chosen.choice.gain),
            ret_reason);
    case AMF_SELECT_NOT_SCORABLE:
        return reason_set(ctx, "not_scorable",
                          asking->ranking && asking_pick(asking)->note
                              ? asking_pick(asking)->note
                              : "No task that this asker can do could be scored.",
                          ret_reason);
    case AMF_SELECT_FINE:
        break;
    }
    return PROTO_CODE_OK;
}

enum proto_code api_assignment_open(struct api_ctx *ctx, struct project *project,
                                    struct ranking *ranking, double age_s,
                                    const struct proto_ask *ask,
                                    const struct assignment **ret_assignment,
                                    struct proto_reason **ret_reason)
{
    const struct view *view = project_view(project);
    struct asking asking = {.view = view, .ranking = ranking};
    struct proto_event_opened opened = {.age_s = age_s};
    enum proto_code code = choose_for(ctx, ask, &asking);

    if (!code)
        code = asking.chosen.skipped
                   ? reason_set(ctx, "skipped", api_skipped_text(ctx, view, ask), ret_reason)
                   : explain_reason(ctx, &asking, ret_reason);
    if (code || asking.chosen.task == SIZE_MAX)
        return code;
    opened.ranking_seq = ranking ? ranking->view->seq : 0;
    opened.pick = (int64_t)asking.pick;
    opened.assignment = (struct proto_assignment){
        .task = task_key(&asking, asking.chosen.task),
        .operator_ = ask->operator_,
        .robot = ask->robot,
        .rule = (int)asking.chosen.choice.rule,
        .gain = asking.chosen.choice.has_gain ? asking.chosen.choice.gain : NAN,
        .margin = asking.chosen.choice.has_margin ? asking.chosen.choice.margin : NAN,
        .why = why(ctx->arena, &asking),
    };
    if (!opened.assignment.why)
        return api_no_memory(ctx);
    return api_status(ctx, project_open_assignment(project, ctx->tx, &opened,
                                                   isnan(ask->lease_s)
                                                       ? view->settings->project.selection.lease_s
                                                       : ask->lease_s,
                                                   ret_assignment));
}
