/* POST /v1/projects/{project}/assignments/{assignment}/complete
 *
 * A demonstration that is carried is stored in any case; only its credit to the lease depends on
 * fence and state. Without a demonstration there is nothing to keep, so a lost lease is an error.
 */
#include <inttypes.h>
#include <string.h>

#include "verbs.h"

enum proto_code api_assignment_complete_prepare(struct api_ctx *ctx, void *request)
{
    struct proto_demonstration *carried = ((struct proto_complete *)request)->demonstration;

    if (!carried)
        return PROTO_CODE_OK;
    if (carried->role != PROTO_ROLE_DEMONSTRATION)
        return proto_error_set(
            &ctx->error, PROTO_CODE_INVALID_FIELD, "/demonstration/role",
            "An assignment asks for a demonstration; POST a %s to demonstrations.",
            proto_demonstration_role_names[carried->role]);
    if (carried->assignment && strcmp(carried->assignment, ctx->params[1]) != 0)
        return proto_error_set(&ctx->error, PROTO_CODE_INVALID_FIELD, "/demonstration/assignment",
                               "The path names assignment %.64s.", ctx->params[1]);
    carried->assignment = ctx->params[1];
    return api_demonstration_prepare(ctx, carried);
}

static enum proto_code check_task(struct api_ctx *ctx, const struct proto_assignment *assignment,
                                  const char *task, const char *at)
{
    if (!strcmp(assignment->task, task))
        return PROTO_CODE_OK;
    return proto_error_set(&ctx->error, PROTO_CODE_WRONG_TASK, at,
                           "Assignment %s is for task %s, the demonstration for %s; POST it to "
                           "demonstrations instead.",
                           assignment->id, assignment->task, task);
}

/* Why this completion gets no credit, "" when it does; NULL when out of memory. */
static const char *credit_refused(struct api_ctx *ctx, const struct assignment *lease,
                                  const struct proto_complete *complete)
{
    const struct proto_assignment *assignment = &lease->assignment;

    if (assignment->state != PROTO_ASSIGNMENT_OPEN)
        return proto_arena_printf(ctx->arena, "assignment %s is %s already", assignment->id,
                                  proto_assignment_state_names[assignment->state]);
    if (lease->expires_ms <= state_now_ms(ctx->state))
        return proto_arena_printf(ctx->arena, "assignment %s expired at %s", assignment->id,
                                  assignment->expires_at);
    if (assignment->fence != complete->fence)
        return proto_arena_printf(ctx->arena,
                                  "fence %" PRId64 " is not the one assignment %s was given with",
                                  complete->fence, assignment->id);
    if (complete->demonstration && !complete->demonstration->success)
        return proto_arena_printf(
            ctx->arena, "the attempt did not succeed; assignment %s stays open for another",
            assignment->id);
    return "";
}

/* One demonstration is credited to one assignment. */
static bool is_credited(const struct view *view, const char *demonstration)
{
    for (size_t i = 0; i < view->assignments.count; i++) {
        const char *credited = view_assignment(view, i)->assignment.demonstration;

        if (credited && !strcmp(credited, demonstration))
            return true;
    }
    return false;
}

static enum proto_code find_held(struct api_ctx *ctx, const struct view *view,
                                 const struct proto_assignment *assignment, const char *id,
                                 struct proto_stored *ret_stored)
{
    const struct demonstration *held = view_find_demonstration(view, id);

    if (!held)
        return proto_error_set(&ctx->error, PROTO_CODE_INVALID_FIELD, "/demonstration_id",
                               "Project %s holds no demonstration %.64s.", view->id, id);
    *ret_stored = (struct proto_stored){.id = held->meta.id,
                                        .seq = held->meta.seq,
                                        .sha256 = held->meta.sha256,
                                        .steps = held->meta.steps,
                                        .duplicate = true};
    if (held->meta.role != PROTO_ROLE_DEMONSTRATION || !held->meta.success)
        return proto_error_set(&ctx->error, PROTO_CODE_INVALID_FIELD, "/demonstration_id",
                               "Demonstration %s is not a successful one of role demonstration.",
                               id);
    if (is_credited(view, id))
        return proto_error_set(&ctx->error, PROTO_CODE_INVALID_FIELD, "/demonstration_id",
                               "Demonstration %s has completed another assignment.", id);
    return check_task(ctx, assignment, held->meta.task, "/demonstration_id");
}

static enum proto_code store_carried(struct api_ctx *ctx, struct project *project,
                                     const struct proto_assignment *assignment,
                                     const struct proto_demonstration *carried,
                                     struct proto_stored *ret_stored)
{
    struct proto_demonstration demonstration = *carried;
    enum proto_code code = check_task(ctx, assignment, carried->task, "/demonstration/task");

    demonstration.assignment = assignment->id;
    return code ? code
                : api_status(ctx,
                             project_add_demonstration(project, ctx->tx, &demonstration,
                                                       "/demonstration", ret_stored, &ctx->error));
}

enum proto_code api_assignment_complete(struct api_ctx *ctx, const void *request, void *response)
{
    const struct proto_complete *complete = request;
    struct proto_completed *answer = response;
    const struct assignment *assignment;
    struct project *project;
    const char *refused;
    enum proto_code code = api_project(ctx, &project);

    if (code)
        return code;
    assignment = view_find_assignment(project_view(project), ctx->params[1]);
    if (!assignment)
        return proto_error_set(&ctx->error, PROTO_CODE_ASSIGNMENT_NOT_FOUND, "",
                               "Project %s has no assignment %.64s.", ctx->params[0],
                               ctx->params[1]);
    refused = credit_refused(ctx, assignment, complete);
    if (!refused)
        return api_no_memory(ctx);
    answer->reason = *refused ? refused : NULL;
    if (answer->reason && !complete->demonstration)
        return proto_error_set(&ctx->error, PROTO_CODE_LEASE_LOST, "",
                               "No credit: %s; its holder is %s.", answer->reason,
                               assignment->assignment.operator_);
    code = complete->demonstration ? store_carried(ctx, project, &assignment->assignment,
                                                   complete->demonstration, &answer->demonstration)
                                   : find_held(ctx, project_view(project), &assignment->assignment,
                                               complete->demonstration_id, &answer->demonstration);
    if (!code && !answer->reason)
        code = api_status(ctx, project_end_assignment(project, ctx->tx, ctx->params[1],
                                                      PROTO_ASSIGNMENT_COMPLETED,
                                                      answer->demonstration.id));
    if (code)
        return code;
    answer->credited = !answer->reason;
    answer->assignment = view_find_assignment(project_view(project), ctx->params[1])->assignment;
    return PROTO_CODE_OK;
}
