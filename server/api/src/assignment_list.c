/* GET /v1/projects/{project}/assignments: in the order they were opened. */
#include "verbs.h"

enum proto_code api_assignment_list(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_assignment_list *list = response;
    const struct view *view = api_view(ctx);
    struct proto_assignment *items;
    size_t first, count = 0;

    (void)request;
    if (!view || api_check_cursor(ctx, 'a'))
        return ctx->error.code;
    items = proto_arena_alloc(ctx->arena, (size_t)ctx->limit, sizeof *items);
    if (!items)
        return api_no_memory(ctx);
    first = ctx->cursor ? view_page_assignments(view, ctx->cursor) : 0;
    for (; first + count < view->assignments.count && count < (size_t)ctx->limit; count++)
        items[count] = view_assignment(view, first + count)->assignment;
    list->assignments.items = items;
    list->assignments.count = count;
    if (first + count < view->assignments.count)
        list->next_cursor = items[count - 1].id;
    return PROTO_CODE_OK;
}
