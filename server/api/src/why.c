/* The sentence that goes with an assignment: one for each rule, for the person who is to do it. */
#include <inttypes.h>
#include <string.h>

#include "why.h"

struct telling {
    struct proto_arena *arena;
    const struct decide_request *request;
    const struct decided *decided;
    const char *key; /* of the task */
    const struct proto_task *task;
    const struct task_counts *counts;
};

static const struct proto_selection *selection_of(const struct telling *telling)
{
    return &telling->request->view->settings->project.selection;
}

static const char *or_nothing(const char *text)
{
    return text ? text : "";
}

static const char *margin_text(const struct telling *telling)
{
    const struct chosen *chosen = &telling->decided->chosen;
    double margin = chosen->choice.margin, percent = 100 * margin / (chosen->choice.gain - margin);
    const char *next;

    if (!chosen->choice.has_margin || chosen->runner_up == SIZE_MAX)
        return "";
    next = view_task(telling->request->view, chosen->runner_up)->task.key;
    if (selection_of(telling)->cost_exponent > 0)
        return proto_arena_printf(telling->arena, ", ahead of %s once costs are counted", next);
    if (margin <= 0)
        return proto_arena_printf(telling->arena, ", as much as %s", next);
    if (!(percent >= 0.5 && percent < 1000))
        return proto_arena_printf(telling->arena, ", %s ahead of %s",
                                  percent < 0.5 ? "just" : "far", next);
    return proto_arena_printf(telling->arena, ", %.0f %% more than the next, %s", percent, next);
}

/* Where most of a gain is about another task, which. */
static const char *share_text(const struct telling *telling)
{
    const struct score *score = &telling->decided->scores[telling->decided->chosen.task];
    const char *about;

    if (score->share_count == 0 || score->shares[0].value < 0.5)
        return "";
    about = view_task(telling->request->ranking->view, score->shares[0].task)->task.key;
    return !strcmp(about, telling->key)
               ? ""
               : proto_arena_printf(telling->arena, " (%.0f %% of it about %s)",
                                    100 * score->shares[0].value, about);
}

static const char *pending_text(const struct telling *telling)
{
    int64_t pending = telling->counts->pending;

    return pending == 0
               ? ""
               : proto_arena_printf(telling->arena, ", %" PRId64 " more under way", pending);
}

/* The same task twice: said, because askers are otherwise sent apart. */
static const char *repeat_text(const struct telling *telling)
{
    int64_t pending = telling->counts->pending;

    return pending == 0
               ? ""
               : proto_arena_printf(telling->arena, ", although %" PRId64 " of it %s under way",
                                    pending, pending == 1 ? "is" : "are");
}

static const char *unseen_text(const struct telling *telling)
{
    int64_t unseen = telling->decided->unseen_count;

    return unseen == 0
               ? ""
               : proto_arena_printf(telling->arena,
                                    "; %" PRId64 " newer assignment%s not in these gains yet, so "
                                    "askers are spread over the tasks",
                                    unseen, unseen == 1 ? " is" : "s are");
}

static const char *least_certain(const struct telling *telling)
{
    return proto_arena_printf(
        telling->arena,
        "The policy is least certain about %s now; what a demonstration would "
        "change is not looked at (prior_entropy).",
        telling->key);
}

static const char *by_criterion(const struct telling *telling)
{
    int measure = telling->request->ranking->measure;

    if (measure == PROTO_MEASURE_PRIOR_ENTROPY)
        return least_certain(telling);
    return proto_arena_printf(
        telling->arena,
        "One more demonstration of %s is expected to teach most about the tasks that count: "
        "%.3g %s%s%s%s; %" PRId64 " held so far%s.",
        telling->key, telling->decided->chosen.choice.gain,
        measure == PROTO_MEASURE_VARIANCE ? "(action unit)^2" : "nats",
        or_nothing(share_text(telling)), or_nothing(margin_text(telling)),
        or_nothing(repeat_text(telling)),
        telling->counts->demonstrations + telling->counts->pretraining,
        or_nothing(unseen_text(telling)));
}

static const char *by_warm_start(const struct telling *telling)
{
    int64_t wanted = selection_of(telling)->warm_start;
    int64_t tried = task_attempts(telling->counts);

    if (wanted != PROTO_INT_AUTO)
        return proto_arena_printf(telling->arena,
                                  "Warm start: every task is tried %" PRId64
                                  " times before gains are compared; %s so far %" PRId64
                                  ", those under way counted, which is least.",
                                  wanted, telling->key, tried);
    return proto_arena_printf(telling->arena,
                              "Warm start: nothing is held yet to compare tasks by, so they are "
                              "taken in turn; %s was tried least often, %" PRId64
                              " times, those under way counted.",
                              telling->key, tried);
}

static const char *by_success(const struct telling *telling)
{
    const struct chosen *chosen = &telling->decided->chosen;

    if (chosen->rollouts == 0)
        return proto_arena_printf(telling->arena,
                                  "%s has no rollout yet, which counts as succeeding half the time "
                                  "(rule lowest_success).",
                                  telling->key);
    return proto_arena_printf(telling->arena,
                              "%s succeeds least often: in %zu of its newest %zu rollouts (rule "
                              "lowest_success).",
                              telling->key, chosen->rollout_successes, chosen->rollouts);
}

static const char *by_fallback(const struct telling *telling)
{
    const struct ranking *ranking = telling->request->ranking;
    const char *note = ranking ? ranking->picks[telling->decided->pick].note : NULL;

    return proto_arena_printf(
        telling->arena, "%s has the fewest demonstrations, which decides (rule fallback): %s",
        telling->key,
        !ranking ? "the first ranking is still being worked out."
        : note   ? note
                 : "the criterion could not score any task that this asker can do.");
}

static const char *by_count(const struct telling *telling, enum proto_rule rule)
{
    const struct task_counts *counts = telling->counts;

    if (rule == PROTO_RULE_MINIMUM)
        return proto_arena_printf(telling->arena,
                                  "%s has %" PRId64 " of the %" PRId64
                                  " demonstrations that the project wants at least%s.",
                                  telling->key, counts->demonstrations,
                                  telling->task->min_demonstrations,
                                  or_nothing(pending_text(telling)));
    return proto_arena_printf(telling->arena,
                              "%s has the fewest demonstrations, %" PRId64
                              " with those of the pre-training and under way (rule rebalance).",
                              telling->key,
                              counts->demonstrations + counts->pretraining + counts->pending);
}

const char *why(struct proto_arena *arena, const struct decide_request *request,
                const struct decided *decided)
{
    const struct proto_task *task = &view_task(request->view, decided->chosen.task)->task;
    const struct telling telling = {.arena = arena,
                                    .request = request,
                                    .decided = decided,
                                    .key = task->key,
                                    .task = task,
                                    .counts = &request->view->counts[decided->chosen.task]};
    enum proto_rule rule = (enum proto_rule)decided->chosen.choice.rule;

    switch (rule) {
    case PROTO_RULE_CRITERION:
        return by_criterion(&telling);
    case PROTO_RULE_PRIOR_ENTROPY:
        return least_certain(&telling);
    case PROTO_RULE_WARM_START:
        return by_warm_start(&telling);
    case PROTO_RULE_MINIMUM:
    case PROTO_RULE_REBALANCE:
        return by_count(&telling, rule);
    case PROTO_RULE_EXPLORE:
        return proto_arena_printf(
            arena, "%s was drawn at random: %.3g %% of the choices are kept for exploring.",
            task->key, 100 * selection_of(&telling)->explore_share);
    case PROTO_RULE_UNIFORM:
        return proto_arena_printf(
            arena, "%s was drawn at random among what this asker can do (rule uniform).",
            task->key);
    case PROTO_RULE_ROUND_ROBIN:
        return proto_arena_printf(arena, "It is the turn of %s (rule round_robin).", task->key);
    case PROTO_RULE_LOWEST_SUCCESS:
        return by_success(&telling);
    case PROTO_RULE_FALLBACK:
        break;
    }
    return by_fallback(&telling);
}
