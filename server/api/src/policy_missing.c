/* GET /v1/projects/{project}/policies/{revision}/missing: demonstrations that the revision has no
 * features of, and tasks that its features leave out. */
#include <state/policies.h>

#include "verbs.h"

/* One page, from the demonstration behind the cursor on. */
static enum proto_code fill(struct api_ctx *ctx, const struct view *view,
                            const struct policy_wants *wants, const struct policy *policy,
                            struct proto_missing *answer)
{
    struct proto_missing_features *items =
        proto_arena_alloc(ctx->arena, (size_t)ctx->limit, sizeof *items);
    size_t place = ctx->cursor ? view_page_demonstrations(view, ctx->cursor) : 0, count = 0;

    if (!items)
        return api_no_memory(ctx);
    for (; place < view->demonstrations.count; place++) {
        struct proto_missing_features missing;
        int lacks = policy_lacks(view, wants, policy, place, ctx->arena, &missing);

        if (lacks < 0)
            return api_no_memory(ctx);
        if (lacks && count == (size_t)ctx->limit) {
            answer->next_cursor = items[count - 1].demonstration;
            break;
        }
        if (lacks)
            items[count++] = missing;
    }
    answer->missing = (struct proto_list){items, count};
    return PROTO_CODE_OK;
}

enum proto_code api_policy_missing(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_missing *answer = response;
    const struct view *view = api_view(ctx);
    POLICY_WANTS_CLEANUP struct policy_wants wants = POLICY_WANTS_NULL;
    size_t index = 0;

    (void)request;
    if (!view || api_find_policy(ctx, view, &index) || api_check_cursor(ctx, 'd'))
        return ctx->error.code;
    if (index == view->policy_count) { /* the built-in one needs none */
        answer->revision = PROTO_REVISION_GP;
        return PROTO_CODE_OK;
    }
    answer->revision = view->policies[index].revision->meta.revision;
    if (view->policies[index].state == PROTO_REVISION_RETIRED)
        return PROTO_CODE_OK;
    if (policy_wants_init(&wants, view))
        return api_no_memory(ctx);
    policy_count_missing(view, &wants, &view->policies[index], &answer->demonstrations,
                         &answer->stale_pairs);
    return fill(ctx, view, &wants, &view->policies[index], answer);
}
