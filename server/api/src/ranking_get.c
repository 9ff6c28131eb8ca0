/* GET /v1/projects/{project}/ranking: every candidate's gain, best first. No side effect. */
#include <math.h>

#include <state/by_task.h>
#include <state/lease.h>

#include "verbs.h"

/* Whether the ranking there is, is not the one that was waited for. */
static bool should_wait(struct api_ctx *ctx, const struct view *view, const struct ranking *ranking)
{
    if (!ctx->wait.again)
        ctx->wait.seq = view->seq;
    if (!ranking || ranking->view->seq < ctx->wait.seq)
        api_wait_for_more(ctx);
    return ctx->status == API_NOT_YET;
}

/* Why a candidate cannot be the choice, whatever its gain. */
static const char *note_of(const struct view *view, const struct score *score, size_t task)
{
    if (score->note || !lease_task_is_skipped(view, view_task(view, task)->task.key, NULL))
        return score->note;
    return "An operator skipped it for everybody; an update of the task offers it again.";
}

static bool candidate_fill(const struct view *view, const struct score *score, size_t task,
                           struct proto_arena *arena, struct proto_candidate *ret_candidate)
{
    bool failed = false;

    *ret_candidate = (struct proto_candidate){
        .task = view_task(view, task)->task.key,
        .gain = score->gain,
        .demonstrations = view->counts[task].demonstrations,
        .pending = view->counts[task].pending,
        .effective_sample_size = score->effective_sample_size,
        .largest_weight_share = score->largest_weight_share,
        .clipped_share = score->clipped_share,
        .skipped_share = score->skipped_share,
        .posterior_entropy = score->posterior_entropy,
        .scorable = score->scorable,
        .note = note_of(view, score, task),
        .shares = by_task_shares(view, score, arena, &failed),
    };
    return failed;
}

static enum proto_code candidates_fill(struct api_ctx *ctx, const struct ranking *ranking,
                                       struct proto_list *ret_list)
{
    const struct pick *pick = &ranking->picks[0];
    struct proto_candidate *items =
        proto_arena_alloc(ctx->arena, pick->order_count + 1, sizeof *items);

    if (!items)
        return api_no_memory(ctx);
    for (size_t i = 0; i < pick->order_count; i++)
        if (candidate_fill(ranking->view, &pick->scores[pick->order[i]], pick->order[i], ctx->arena,
                           &items[i]))
            return api_no_memory(ctx);
    *ret_list = (struct proto_list){items, pick->order_count};
    return PROTO_CODE_OK;
}

static enum proto_code pending_fill(struct api_ctx *ctx, const struct ranking *ranking,
                                    struct proto_by_task **ret_pending)
{
    int64_t *counts = proto_arena_alloc(ctx->arena, ranking->view->tasks.count + 1, sizeof *counts);
    bool failed = !counts;

    if (counts) {
        by_task_count_pending(ranking, 0, counts);
        *ret_pending = by_task_counts(ranking->view, counts, ctx->arena, &failed);
    }
    return failed ? api_no_memory(ctx) : PROTO_CODE_OK;
}

/* Evaluation tasks in key order. */
static enum proto_code targets_fill(struct api_ctx *ctx, const struct ranking *ranking,
                                    struct proto_list *ret_list)
{
    const struct view *view = ranking->view;
    struct proto_ranked_target *items =
        proto_arena_alloc(ctx->arena, view->tasks.count + 1, sizeof *items);
    size_t count = 0;

    if (!items)
        return api_no_memory(ctx);
    for (size_t c = 0; c < view->tasks.count; c++) {
        const struct score *score = &ranking->picks[0].scores[c];

        if (isnan(score->target_weight))
            continue;
        items[count++] = (struct proto_ranked_target){.task = view_task(view, c)->task.key,
                                                      .weight = score->target_weight,
                                                      .failure_rate = score->failure_rate,
                                                      .rollouts = (int64_t)score->rollouts};
    }
    *ret_list = (struct proto_list){items, count};
    return PROTO_CODE_OK;
}

enum proto_code api_ranking_get(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_ranking *answer = response;
    const struct view *view = api_view(ctx);
    bool waits = ctx->wait_s > 0 || ctx->wait.again;
    struct ranking *ranking;
    enum proto_code code;
    double age_s = 0;

    (void)request;
    if (!view)
        return ctx->error.code;
    api_wait_begin(ctx);
    ranking = state_ranking(ctx->state, view->id, 0, waits ? 0 : API_FIRST_RANKING_S, &age_s);
    if (should_wait(ctx, view, ranking)) {
        ranking_unref(ranking);
        return PROTO_CODE_OK;
    }
    if (!ranking)
        return proto_error_set(&ctx->error, PROTO_CODE_NOT_READY, "",
                               "The first ranking of %s is being worked out; ask with ?wait_s=10.",
                               view->id);
    if (api_keep_ranking(ctx, ranking))
        return api_no_memory(ctx);
    *answer = (struct proto_ranking){
        .seq = ranking->view->seq,
        .revision = ranking->revision,
        .likelihood_revision = ranking->likelihood_revision,
        .missing = ranking->missing,
        .missing_count = ranking->missing_count,
        .stale_pairs = ranking->stale_pairs,
        .age_s = age_s,
        .measure = ranking->measure,
        .unit = ranking->measure == PROTO_MEASURE_VARIANCE ? "(action unit)^2" : "nats",
        .exhaustive = ranking->picks[0].exhaustive,
        .provisional = ranking->provisional,
        .jitter = ranking->picks[0].jitter,
        .rule = ranking->picks[0].rule,
        .note = ranking->picks[0].note,
        .criterion = ranking->resolved,
        .timing = ranking->timing,
    };
    if (ranking->picks[0].choice != SIZE_MAX)
        answer->choice = view_task(ranking->view, ranking->picks[0].choice)->task.key;
    code = pending_fill(ctx, ranking, &answer->pending);
    if (!code)
        code = candidates_fill(ctx, ranking, &answer->candidates);
    return code ? code : targets_fill(ctx, ranking, &answer->targets);
}
