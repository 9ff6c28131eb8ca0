/* What the verbs that end or renew a lease have in common: who may, and what they are told who may
 * not. */
#include <inttypes.h>
#include <string.h>

#include <state/choose.h>
#include <state/lease.h>

#include "verbs.h"

enum proto_code api_assignment(struct api_ctx *ctx, const struct project *project,
                               const struct assignment **ret_assignment)
{
    const struct assignment *found = view_find_assignment(project_view(project), ctx->params[1]);

    if (!found)
        return proto_error_set(&ctx->error, PROTO_CODE_ASSIGNMENT_NOT_FOUND, "",
                               "Project %s has no assignment %.64s.", ctx->params[0],
                               ctx->params[1]);
    *ret_assignment = found;
    return PROTO_CODE_OK;
}

const char *api_lease_refused(struct api_ctx *ctx, const struct project *project,
                              const struct assignment *assignment, int64_t fence)
{
    const struct instant now = project_now(project);
    const struct proto_assignment *said = &assignment->assignment;

    if (said->state != PROTO_ASSIGNMENT_OPEN)
        return proto_arena_printf(ctx->arena, "assignment %s is %s already", said->id,
                                  proto_assignment_state_names[said->state]);
    if (!lease_is_live(project_view(project), assignment, &now))
        return proto_arena_printf(ctx->arena, "assignment %s is expired, it was given until %s",
                                  said->id, said->expires_at);
    if (!lease_has_fence(assignment, fence))
        return proto_arena_printf(ctx->arena,
                                  "fence %" PRId64
                                  " is not that of assignment %s, which is open and may have been "
                                  "renewed since",
                                  fence, said->id);
    return "";
}

enum proto_code api_lease_lost(struct api_ctx *ctx, const struct assignment *assignment,
                               const char *reason)
{
    return proto_error_set(&ctx->error, PROTO_CODE_LEASE_LOST, "",
                           "Nothing was changed: %s; its holder is %s.", reason,
                           assignment->assignment.operator_);
}

enum proto_code api_lease(struct api_ctx *ctx, int64_t fence, struct project **ret_project,
                          const struct assignment **ret_assignment)
{
    enum proto_code code;
    const char *refused;

    *ret_project = NULL;
    *ret_assignment = NULL;
    code = api_project(ctx, ret_project);
    if (!code)
        code = api_assignment(ctx, *ret_project, ret_assignment);
    if (!*ret_assignment)
        return code;
    refused = api_lease_refused(ctx, *ret_project, *ret_assignment, fence);
    if (!refused)
        return api_no_memory(ctx);
    return *refused ? api_lease_lost(ctx, *ret_assignment, refused) : PROTO_CODE_OK;
}

enum proto_code api_lease_end(struct api_ctx *ctx, const struct proto_end *end, int state,
                              struct proto_assignment *response)
{
    const struct assignment *assignment;
    struct project *project;
    enum proto_code code = api_lease(ctx, end->fence, &project, &assignment);

    if (!code)
        code =
            api_status(ctx, project_end_assignment(
                                project, ctx->tx, state,
                                &(struct proto_event_assignment_end){
                                    .id = ctx->params[1], .to = end->to, .reason = end->reason}));
    if (!code)
        *response = view_find_assignment(project_view(project), ctx->params[1])->assignment;
    return code;
}

enum proto_code api_check_task(struct api_ctx *ctx, const struct proto_assignment *assignment,
                               const char *task, const char *at)
{
    if (!strcmp(assignment->task, task))
        return PROTO_CODE_OK;
    return proto_error_set(&ctx->error, PROTO_CODE_WRONG_TASK, at,
                           "Assignment %s is for task %s, the demonstration for %s; POST it to "
                           "demonstrations without an assignment.",
                           assignment->id, assignment->task, task);
}

const char *api_skipped_text(struct api_ctx *ctx, const struct view *view,
                             const struct proto_ask *ask)
{
    const struct choose_request request = {.view = view, .ask = ask};
    const char *names = "";

    for (size_t i = 0; names && i < view->tasks.count; i++)
        if (choose_is_kept_by_skip(&request, i))
            names = proto_arena_printf(ctx->arena, "%s%s%s", names, *names ? ", " : "",
                                       view_task(view, i)->task.key);
    return names ? proto_arena_printf(ctx->arena,
                                      "What is left for %s was skipped: %s. An update of a task "
                                      "offers it to everybody again; what was skipped to \"me\" "
                                      "comes back after another task.",
                                      ask->operator_, names)
                 : NULL;
}
