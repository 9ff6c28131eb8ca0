/* GET /v1/projects/{project}/report: how far a project has come, and what it cost.
 *
 * Counts are of the whole project; what is told round by round is read back from the log, of at
 * most REPORT_ROUNDS rounds, so that a report of a year costs what one of a week does.
 */
#include <math.h>
#include <string.h>

#include <state/by_task.h>
#include <state/decisions.h>

#include "verbs.h"

enum { REPORT_ROUNDS = 200, RULES = PROTO_RULE_FALLBACK + 1 };

/* Time that people spent, as far as it is known. */
static void add_duration(const struct proto_demonstration *meta, struct proto_task_progress *task,
                         struct proto_report *report)
{
    if (isnan(meta->duration_s)) {
        task->unknown_durations++;
        report->unknown_durations++;
        return;
    }
    task->minutes += meta->duration_s / 60;
    report->minutes += meta->duration_s / 60;
}

static void count_demonstrations(const struct view *view, struct proto_task_progress *tasks,
                                 struct proto_report *report)
{
    for (size_t i = 0; i < view->demonstrations.count; i++) {
        const struct proto_demonstration *meta = &view_demonstration(view, i)->meta;

        if (meta->role != PROTO_ROLE_DEMONSTRATION)
            continue;
        report->demonstrations += meta->success;
        add_duration(meta, &tasks[view_find_task(view, meta->task)], report);
    }
}

static enum proto_code fill_tasks(struct api_ctx *ctx, const struct view *view,
                                  struct proto_report *report)
{
    struct proto_task_progress *tasks =
        proto_arena_alloc(ctx->arena, view->tasks.count + 1, sizeof *tasks);

    if (!tasks)
        return api_no_memory(ctx);
    for (size_t c = 0; c < view->tasks.count; c++) {
        struct proto_task described;

        view_describe_task(view, c, &described);
        tasks[c] = (struct proto_task_progress){
            .task = described.key,
            .demonstrations = described.demonstrations,
            .failed = view->counts[c].failed + view->counts[c].given_up,
            .pretraining_demonstrations = described.pretraining_demonstrations,
            .rollouts = described.rollouts,
            .success_rate = described.success_rate,
            .pending = described.pending,
            .first_entropy = NAN,
            .entropy = NAN};
        report->failed += tasks[c].failed;
    }
    count_demonstrations(view, tasks, report);
    report->tasks = (struct proto_list){tasks, view->tasks.count};
    return PROTO_CODE_OK;
}

static size_t assignment_state_count(void)
{
    size_t count = 0;

    while (proto_assignment_state_names[count])
        count++;
    return count;
}

/* By rule and by what became of them. A task that was deleted since is in no row. */
static enum proto_code count_assignments(struct api_ctx *ctx, const struct view *view,
                                         struct proto_report *report)
{
    size_t states = assignment_state_count();
    struct proto_state_count *by_state = proto_arena_alloc(ctx->arena, states, sizeof *by_state);
    struct proto_rule_count *by_rule = proto_arena_alloc(ctx->arena, RULES, sizeof *by_rule);
    struct proto_task_progress *tasks = report->tasks.items;
    int64_t decisions[RULES] = {0};

    if (!by_state || !by_rule)
        return api_no_memory(ctx);
    for (size_t i = 0; i < states; i++)
        by_state[i].state = (int)i;
    for (size_t i = 0; i < view->assignments.count; i++) {
        const struct proto_assignment *assignment = &view_assignment(view, i)->assignment;
        size_t task = view_find_task(view, assignment->task);

        by_state[assignment->state].assignments++;
        decisions[assignment->rule]++;
        if (tasks && task != SIZE_MAX)
            tasks[task].decisions++;
    }
    report->assignments = (struct proto_list){by_state, states};
    report->rules.items = by_rule;
    for (int rule = 0; rule < RULES; rule++)
        if (decisions[rule])
            by_rule[report->rules.count++] = (struct proto_rule_count){rule, decisions[rule]};
    return PROTO_CODE_OK;
}

/* The first that is known of each is where it began. */
static void note_first(const struct view *view, const struct proto_round *round,
                       struct proto_report *report)
{
    struct proto_task_progress *tasks = report->tasks.items;

    if (isnan(report->first_entropy))
        report->first_entropy = round->entropy;
    for (size_t i = 0; round->entropies && i < round->entropies->tasks.count; i++) {
        size_t task = view_find_task(view, round->entropies->tasks.items[i]);

        if (tasks && task != SIZE_MAX && isnan(tasks[task].first_entropy))
            tasks[task].first_entropy = round->entropies->values.items[i];
    }
}

static struct proto_round describe_round(const struct proto_decision *decision, size_t index)
{
    const struct proto_basis *basis = decision->basis;

    return (struct proto_round){.round = (int64_t)index + 1,
                                .id = decision->id,
                                .at = decision->at,
                                .task = decision->task,
                                .rule = decision->rule,
                                .gain = decision->gain,
                                .entropy = basis ? basis->entropy : NAN,
                                .entropies = basis ? basis->entropies : NULL};
}

static enum proto_code fill_rounds(struct api_ctx *ctx, const struct view *view,
                                   const char *log_name, struct proto_report *report)
{
    size_t made = view->assignments.count, told = made < REPORT_ROUNDS ? made : REPORT_ROUNDS;
    struct proto_round *rounds = proto_arena_alloc(ctx->arena, told + 1, sizeof *rounds);

    if (!rounds)
        return api_no_memory(ctx);
    for (size_t i = 0; i < told; i++) {
        size_t index = told < 2 ? i : i * (made - 1) / (told - 1); /* the first and the last too */
        struct proto_decision decision;
        int status =
            decision_read(state_store(ctx->state), log_name, view, index, ctx->arena, &decision);

        if (status)
            return api_read_status(ctx, status);
        rounds[i] = describe_round(&decision, index);
        note_first(view, &rounds[i], report);
    }
    report->rounds = (struct proto_list){rounds, told};
    return PROTO_CODE_OK;
}

/* What is known today, by the newest ranking there is. */
static enum proto_code fill_now(struct api_ctx *ctx, const struct view *view,
                                struct proto_report *report)
{
    struct proto_task_progress *tasks = report->tasks.items;
    double age_s;
    struct ranking *ranking = state_ranking(ctx->state, view->id, 0, API_FIRST_RANKING_S, &age_s);
    bool failed = false;

    if (!ranking)
        return PROTO_CODE_OK;
    if (api_keep_ranking(ctx, ranking))
        return api_no_memory(ctx);
    report->ranking_seq = ranking->view->seq;
    (void)by_task_entropies(ranking->view, ranking->picks[0].scores, ctx->arena, &report->entropy,
                            &failed);
    for (size_t c = 0; c < ranking->view->tasks.count; c++) {
        const struct proto_task *task = &view_task(ranking->view, c)->task;
        size_t now = view_find_task(view, task->key);

        if (tasks && now != SIZE_MAX && task->role != PROTO_TASK_CANDIDATE)
            tasks[now].entropy = by_task_round(ranking->picks[0].scores[c].posterior_entropy);
    }
    return failed ? api_no_memory(ctx) : PROTO_CODE_OK;
}

enum proto_code api_report_get(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_report *report = response;
    const char *log_name;
    const struct view *view = api_view_and_log(ctx, &log_name);
    char *at = proto_arena_alloc(ctx->arena, CLOCK_TEXT_BYTES, 1);
    enum proto_code code;

    (void)request;
    if (!view)
        return ctx->error.code;
    if (!at)
        return api_no_memory(ctx);
    clock_format(state_now_ms(ctx->state), at);
    *report = (struct proto_report){.seq = view->seq,
                                    .at = at,
                                    .decisions = (int64_t)view->assignments.count,
                                    .budget = view->settings->project.selection.budget,
                                    .first_entropy = NAN,
                                    .entropy = NAN};
    code = fill_tasks(ctx, view, report);
    if (!code)
        code = count_assignments(ctx, view, report);
    if (!code)
        code = fill_rounds(ctx, view, log_name, report);
    return code ? code : fill_now(ctx, view, report);
}
