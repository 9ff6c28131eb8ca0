/* GET /v1/projects/{project}/decisions: in the order they were made. */
#include <state/decisions.h>

#include "verbs.h"

enum proto_code api_decision_list(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_decision_list *list = response;
    const char *log_name;
    const struct view *view = api_view_and_log(ctx, &log_name);
    struct proto_decision *items;
    size_t first, count = 0;
    int status = 0;

    (void)request;
    if (!view || api_check_cursor(ctx, 'a'))
        return ctx->error.code;
    items = proto_arena_alloc(ctx->arena, (size_t)ctx->limit, sizeof *items);
    if (!items)
        return api_no_memory(ctx);
    first = ctx->cursor ? view_page_assignments(view, ctx->cursor) : 0;
    while (!status && first + count < view->assignments.count && count < (size_t)ctx->limit) {
        status = decision_read(state_store(ctx->state), log_name, view, first + count, ctx->arena,
                               &items[count]);
        count++;
    }
    if (status)
        return api_read_status(ctx, status);
    list->decisions.items = items;
    list->decisions.count = count;
    if (first + count < view->assignments.count)
        list->next_cursor = items[count - 1].id;
    return PROTO_CODE_OK;
}
