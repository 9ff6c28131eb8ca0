/* One assignment: the choice for this asker, logged with what it was made of; or why there is none.
 */
#include <inttypes.h>
#include <math.h>

#include <state/decide.h>

#include "verbs.h"
#include "why.h"

struct asking {
    struct decide_request request;
    struct decided decided;
};

static const struct chosen *asking_chosen(const struct asking *asking)
{
    return &asking->decided.chosen;
}

static const struct pick *asking_pick(const struct asking *asking)
{
    return &asking->request.ranking->picks[asking->decided.pick];
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

static enum proto_code explain_too_many(struct api_ctx *ctx, struct proto_reason **ret_reason)
{
    return reason_set(ctx, "too_many_open",
                      proto_arena_printf(ctx->arena,
                                         "The project has %d open assignments, the most there may "
                                         "be; the next is given when one of them ends or expires.",
                                         PROTO_MAX_OPEN_ASSIGNMENTS),
                      ret_reason);
}

static enum proto_code explain_reason(struct api_ctx *ctx, const struct asking *asking,
                                      struct proto_reason **ret_reason)
{
    const struct proto_selection *selection = &asking->request.view->settings->project.selection;

    switch (asking_chosen(asking)->choice.reason) {
    case AMF_SELECT_NOTHING_ALLOWED:
        return reason_set(
            ctx, "nothing_for_asker",
            asking->request.view->tasks.count == 0
                ? "The project has no tasks yet."
                : "Every task is excluded, or needs a capability that this asker did not name.",
            ret_reason);
    case AMF_SELECT_ALL_DONE:
        return reason_set(ctx, "all_done",
                          "Every task this asker can do has its max_demonstrations.", ret_reason);
    case AMF_SELECT_BUDGET_SPENT:
        return reason_set(
            ctx, "budget_spent",
            proto_arena_printf(
                ctx->arena,
                "The budget of %" PRId64 " demonstrations is spent, those under way counted.%s",
                selection->budget,
                asking->request.view->open_count > 0 ? " Ask again: one may be given back." : ""),
            ret_reason);
    case AMF_SELECT_BELOW_STOP_GAIN:
        return reason_set(
            ctx, "below_stop_gain",
            proto_arena_printf(ctx->arena,
                               "No task adds more than stop_gain, %.3g; the best adds %.3g.",
                               selection->stop_gain, asking_chosen(asking)->choice.gain),
            ret_reason);
    case AMF_SELECT_NOT_SCORABLE:
        return reason_set(ctx, "not_scorable",
                          asking->request.ranking && asking_pick(asking)->note
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
    struct asking asking = {.request = {view, ranking, SIZE_MAX, ask}};
    struct proto_event_opened opened;
    enum proto_code code = PROTO_CODE_OK;

    if (view->open_count >= PROTO_MAX_OPEN_ASSIGNMENTS)
        return explain_too_many(ctx, ret_reason);
    if (decide(&asking.request, ctx->arena, &asking.decided))
        return proto_error_set(
            &ctx->error, PROTO_CODE_INTERNAL, "",
            "The choice could not be made; the settings of selection are refused.");
    code = asking.decided.chosen.skipped
               ? reason_set(ctx, "skipped", api_skipped_text(ctx, view, ask), ret_reason)
               : explain_reason(ctx, &asking, ret_reason);
    if (code || asking.decided.chosen.task == SIZE_MAX)
        return code;
    if (decide_record(&asking.request, &asking.decided, ctx->arena, &opened))
        return api_no_memory(ctx);
    opened.age_s = age_s;
    opened.assignment.why = why(ctx->arena, &asking.request, &asking.decided);
    if (!opened.assignment.why)
        return api_no_memory(ctx);
    return api_status(ctx, project_open_assignment(project, ctx->tx, &opened,
                                                   isnan(ask->lease_s)
                                                       ? view->settings->project.selection.lease_s
                                                       : ask->lease_s,
                                                   ret_assignment));
}
