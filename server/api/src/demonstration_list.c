/* GET /v1/projects/{project}/demonstrations: in the order they came, without states and actions. */
#include "verbs.h"

enum proto_code api_demonstration_list(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_demonstration_list *list = response;
    const struct view *view = api_view(ctx);
    struct proto_demonstration *items;
    size_t first, count = 0;

    (void)request;
    if (!view || api_check_cursor(ctx, 'd'))
        return ctx->error.code;
    items = proto_arena_alloc(ctx->arena, (size_t)ctx->limit, sizeof *items);
    if (!items)
        return api_no_memory(ctx);
    first = ctx->cursor ? view_page_demonstrations(view, ctx->cursor) : 0;
    for (; first + count < view->demonstrations.count && count < (size_t)ctx->limit; count++)
        items[count] = view_demonstration(view, first + count)->meta;
    list->demonstrations.items = items;
    list->demonstrations.count = count;
    if (first + count < view->demonstrations.count)
        list->next_cursor = items[count - 1].id;
    return PROTO_CODE_OK;
}
