/* POST /v1/projects/{project}/assignments: the next task to demonstrate, as a lease.
 *
 * An operator's open assignments are given again before new ones are opened. The choice is made
 * inside the transaction, from the newest ranking; for a fresh one the request waited before, at
 * most ASK_WAIT_S. Who holds all that it asks for, as a page that polls does, is answered from the
 * newest view, without either.
 */
#include <string.h>

#include <state/lease.h>
#include <state/policies.h>

#include "verbs.h"

#define ASK_WAIT_S 0.05

void api_assignment_ask_defaults(struct api_ctx *ctx, void *request)
{
    (void)ctx;
    proto_ask_defaults(request);
}

static const char *asker(const struct api_ctx *ctx, const struct proto_ask *ask)
{
    return ask->operator_ ? ask->operator_ : ctx->principal.name;
}

enum proto_code api_assignment_ask_prepare(struct api_ctx *ctx, void *request)
{
    struct proto_ask *ask = request;
    const struct view *view = api_view(ctx);

    ask->operator_ = asker(ctx, ask);
    if (!view)
        return ctx->error.code;
    for (size_t i = 0; i < ask->exclude.count; i++) {
        if (view_find_task(view, ask->exclude.items[i]) == SIZE_MAX) {
            const char *at = proto_arena_printf(ctx->arena, "/exclude/%zu", i);

            return proto_error_set(&ctx->error, PROTO_CODE_UNKNOWN_TASK, at ? at : "/exclude",
                                   "Project %s has no task %s.", view->id, ask->exclude.items[i]);
        }
    }
    state_await_ranking(ctx->state, view, ASK_WAIT_S);
    return PROTO_CODE_OK;
}

/* What the asker holds of the view, oldest first, at most as many as it asks for. */
static enum proto_code give_again(struct api_ctx *ctx, const struct view *view,
                                  const struct instant *now, const struct proto_ask *ask,
                                  struct proto_asked *asked)
{
    struct proto_assignment *items =
        proto_arena_alloc(ctx->arena, (size_t)ask->count, sizeof *items);
    size_t count = 0;

    if (!items)
        return api_no_memory(ctx);
    for (size_t i = 0; i < view->open_count && count < (size_t)ask->count; i++) {
        const struct assignment *open = view_assignment(view, view->open[i]);

        if (!strcmp(open->assignment.operator_, asker(ctx, ask)) && lease_is_live(view, open, now))
            items[count++] = open->assignment;
    }
    asked->assignments = (struct proto_list){items, count};
    asked->seq = view->seq;
    asked->revision = view_serving_name(view, SERVING_SELECTION);
    return PROTO_CODE_OK;
}

static bool is_served(const struct proto_ask *ask, const struct proto_asked *asked)
{
    return asked->assignments.count == (size_t)ask->count;
}

bool api_assignment_ask_unchanged(struct api_ctx *ctx, const void *request, void *response)
{
    const struct proto_ask *ask = request;
    const struct view *view = api_view(ctx);
    const struct instant now = state_instant(ctx->state);

    return view && ask->exclude.count == 0 && !give_again(ctx, view, &now, ask, response) &&
           is_served(ask, response);
}

static enum proto_code open_more(struct api_ctx *ctx, struct project *project,
                                 const struct proto_ask *ask, struct proto_asked *asked)
{
    struct proto_assignment *items = asked->assignments.items;
    double age_s = 0;
    struct ranking *ranking = state_ranking(ctx->state, ctx->params[0], 0, 0, &age_s);
    enum proto_code code = PROTO_CODE_OK;

    if (ranking && api_keep_ranking(ctx, ranking))
        return api_no_memory(ctx);
    asked->age_s = age_s;
    asked->seq = ranking ? ranking->view->seq : 0;
    if (ranking)
        asked->revision = ranking->revision;
    while (!code && asked->assignments.count < (size_t)ask->count) {
        const struct assignment *opened = NULL;

        code = api_assignment_open(ctx, project, ranking, age_s, ask, &opened, &asked->reason);
        if (!opened)
            break;
        items[asked->assignments.count++] = opened->assignment;
        ctx->status = API_CREATED;
    }
    return code;
}

enum proto_code api_assignment_ask(struct api_ctx *ctx, const void *request, void *response)
{
    const struct proto_ask *ask = request;
    struct proto_asked *asked = response;
    struct project *project;
    struct instant now;
    enum proto_code code = api_project(ctx, &project);

    if (code)
        return code;
    /* What nobody works on any more is no longer pending, also in the second before expirer.c. */
    code = api_status(ctx, project_expire(project, ctx->tx));
    if (code)
        return code;
    now = project_now(project);
    code = give_again(ctx, project_view(project), &now, ask, asked);
    return code || is_served(ask, asked) ? code : open_more(ctx, project, ask, asked);
}

/* One task key a line. */
int api_asked_text(const void *response, char **ret_bytes, size_t *ret_length)
{
    const struct proto_asked *asked = response;
    const struct proto_assignment *items = asked->assignments.items;
    struct proto_arena arena = PROTO_ARENA_NULL;
    char *text = proto_arena_strdup(&arena, "");

    for (size_t i = 0; text && i < asked->assignments.count; i++)
        text = proto_arena_printf(&arena, "%s%s\n", text, items[i].task);
    text = text ? strdup(text) : NULL;
    proto_arena_deinit(&arena);
    if (!text)
        return -1;
    *ret_length = strlen(text);
    *ret_bytes = text;
    return 0;
}
