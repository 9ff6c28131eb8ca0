/* POST /v1/projects/{project}/assignments/{assignment}/complete
 *
 * A demonstration that is carried is stored in any case; only its credit to the lease depends on
 * fence and state. Without a demonstration there is nothing to keep, so a lost lease is an error.
 */
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

/* Why this completion gets no credit, "" when it does; NULL when out of memory. */
static const char *credit_refused(struct api_ctx *ctx, const struct project *project,
                                  const struct assignment *assignment,
                                  const struct proto_complete *complete)
{
    const char *refused = api_lease_refused(ctx, project, assignment, complete->fence);

    if (refused && !*refused && complete->demonstration && !complete->demonstration->success)
        return proto_arena_printf(
            ctx->arena, "the attempt did not succeed; assignment %s stays open for another",
            assignment->assignment.id);
    return refused;
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
    return api_check_task(ctx, assignment, held->meta.task, "/demonstration_id");
}

static enum proto_code store_carried(struct api_ctx *ctx, struct project *project,
                                     const struct proto_assignment *assignment,
                                     const struct proto_demonstration *carried,
                                     struct proto_stored *ret_stored)
{
    struct proto_demonstration demonstration = *carried;
    enum proto_code code = api_check_task(ctx, assignment, carried->task, "/demonstration/task");

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
    code = api_assignment(ctx, project, &assignment);
    if (code)
        return code;
    refused = credit_refused(ctx, project, assignment, complete);
    if (!refused)
        return api_no_memory(ctx);
    answer->reason = *refused ? refused : NULL;
    if (answer->reason && !complete->demonstration)
        return api_lease_lost(ctx, assignment, answer->reason);
    code = complete->demonstration ? store_carried(ctx, project, &assignment->assignment,
                                                   complete->demonstration, &answer->demonstration)
                                   : find_held(ctx, project_view(project), &assignment->assignment,
                                               complete->demonstration_id, &answer->demonstration);
    if (!code && !answer->reason)
        code = api_status(ctx, project_end_assignment(project, ctx->tx, PROTO_ASSIGNMENT_COMPLETED,
                                                      &(struct proto_event_assignment_end){
                                                          .id = ctx->params[1],
                                                          .demonstration = answer->demonstration.id,
                                                      }));
    if (code)
        return code;
    answer->credited = !answer->reason;
    answer->assignment = view_find_assignment(project_view(project), ctx->params[1])->assignment;
    return PROTO_CODE_OK;
}
