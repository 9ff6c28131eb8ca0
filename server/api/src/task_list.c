/* GET /v1/projects/{project}/tasks */
#include "verbs.h"

enum proto_code api_task_list(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_task_list *list = response;
    const struct view *view = api_view(ctx);
    struct proto_task *tasks;
    size_t first, count = 0;

    (void)request;
    if (!view || api_check_cursor(ctx, '\0'))
        return ctx->error.code;
    tasks = proto_arena_alloc(ctx->arena, (size_t)ctx->limit, sizeof *tasks);
    if (!tasks)
        return api_no_memory(ctx);
    first = ctx->cursor ? view_page_tasks(view, ctx->cursor) : 0;
    for (; first + count < view->tasks.count && count < (size_t)ctx->limit; count++)
        view_describe_task(view, first + count, &tasks[count]);
    list->tasks.items = tasks;
    list->tasks.count = count;
    if (first + count < view->tasks.count)
        list->next_cursor = tasks[count - 1].key;
    return PROTO_CODE_OK;
}
