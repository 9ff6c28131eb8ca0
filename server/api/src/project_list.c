/* GET /v1/projects */
#include <string.h>

#include "verbs.h"

/* The page of a token that may reach one project only. */
static size_t one_view(struct api_ctx *ctx, const char *project, struct view **ret_views)
{
    bool passed = ctx->cursor && strcmp(project, ctx->cursor) <= 0;

    ret_views[0] = passed ? NULL : state_view(ctx->state, project);
    return ret_views[0] ? 1 : 0;
}

enum proto_code api_page_of_projects(struct api_ctx *ctx, struct view ***ret_views,
                                     size_t *ret_count)
{
    const char *only = *ctx->principal.project ? ctx->principal.project : NULL;
    size_t limit = (size_t)ctx->limit, count;
    struct view **views = proto_arena_alloc(ctx->arena, limit + 1, sizeof *views);
    int failed = 0;

    if (api_check_cursor(ctx, '\0'))
        return ctx->error.code;
    if (!views)
        return api_no_memory(ctx);
    count =
        only ? one_view(ctx, only, views) : state_views(ctx->state, ctx->cursor, limit + 1, views);
    for (size_t i = 0; i < count; i++)
        failed |= api_keep_view(ctx, views[i]);
    if (failed)
        return api_no_memory(ctx);
    *ret_views = views;
    *ret_count = count;
    return PROTO_CODE_OK;
}

enum proto_code api_project_list(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_project_list *list = response;
    size_t limit = (size_t)ctx->limit, count = 0;
    struct proto_project *projects = proto_arena_alloc(ctx->arena, limit, sizeof *projects);
    struct view **views = NULL;

    (void)request;
    if (!projects)
        return api_no_memory(ctx);
    if (api_page_of_projects(ctx, &views, &count))
        return ctx->error.code;
    list->projects.count = count < limit ? count : limit;
    list->projects.items = projects;
    for (size_t i = 0; i < list->projects.count; i++)
        if (api_describe_project(ctx, views[i], &projects[i]))
            return ctx->error.code;
    if (count > limit)
        list->next_cursor = views[limit - 1]->id;
    return PROTO_CODE_OK;
}
