/* GET /v1/projects/{project}/policies: the built-in one first, then as they were made. */
#include <string.h>

#include <state/policies.h>

#include "verbs.h"

/* The list's order: place 0 is the built-in one where there is one. */
static size_t index_at(const struct view *view, size_t place)
{
    size_t built_in = view_has_gp(view) ? 1 : 0;

    return place < built_in ? view->policy_count : place - built_in;
}

static size_t first_place(struct api_ctx *ctx, const struct view *view)
{
    size_t built_in = view_has_gp(view) ? 1 : 0, index;

    if (!ctx->cursor)
        return 0;
    index = view_find_policy(view, ctx->cursor);
    return index == SIZE_MAX ? built_in : index + built_in + 1;
}

enum proto_code api_policy_list(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_revision_list *list = response;
    const struct view *view = api_view(ctx);
    struct proto_revision *items;
    size_t first, total, count = 0;

    (void)request;
    if (!view || api_check_cursor(ctx, '\0'))
        return ctx->error.code;
    total = view->policy_count + (view_has_gp(view) ? 1 : 0);
    first = first_place(ctx, view);
    items = proto_arena_alloc(ctx->arena, (size_t)ctx->limit, sizeof *items);
    if (!items)
        return api_no_memory(ctx);
    for (; first + count < total && count < (size_t)ctx->limit; count++)
        if (view_describe_policy(view, index_at(view, first + count), ctx->arena, &items[count]))
            return api_no_memory(ctx);
    list->policies = (struct proto_list){items, count};
    if (first + count < total)
        list->next_cursor = items[count - 1].revision;
    return PROTO_CODE_OK;
}
