/* GET /v1/status: one screen for the person on call. Of projects and data it tells what the token
 * may see; nothing here waits for the writer or for a ranking.
 */
#include <math.h>
#include <string.h>

#include <store/store.h>

#include "verbs.h"

static void describe(struct api_ctx *ctx, const struct view *view,
                     struct proto_project_status *ret_status)
{
    double age_s = 0;
    struct ranking *ranking = state_ranking(ctx->state, view->id, 0, 0, &age_s);

    *ret_status = (struct proto_project_status){
        .id = view->id,
        .seq = view->seq,
        .tasks = (int64_t)view->tasks.count,
        .demonstrations = (int64_t)view->demonstrations.count,
        .open_assignments = (int64_t)view->open_count,
        .ranking_seq = ranking ? ranking->view->seq : PROTO_INT_NULL,
        .ranking_age_s = ranking ? age_s : NAN,
        .provisional = ranking && ranking->provisional,
    };
    ranking_unref(ranking);
}

static enum proto_code fill_projects(struct api_ctx *ctx, struct proto_status *status)
{
    struct view **views;
    size_t count, limit = (size_t)ctx->limit;
    struct proto_project_status *items;

    if (api_page_of_projects(ctx, &views, &count))
        return ctx->error.code;
    items = proto_arena_alloc(ctx->arena, count + 1, sizeof *items);
    if (!items)
        return api_no_memory(ctx);
    status->projects.items = items;
    status->projects.count = count < limit ? count : limit;
    for (size_t i = 0; i < status->projects.count; i++)
        describe(ctx, views[i], &items[i]);
    if (count > limit)
        status->next_cursor = views[limit - 1]->id;
    return PROTO_CODE_OK;
}

/* How much there is in all tells of projects that a token of one may not know. Where it lies is the
 * administrators' business. */
static enum proto_code fill_data(struct api_ctx *ctx, const struct store_usage *usage,
                                 struct proto_status *status)
{
    struct proto_data_status *data;

    if (*ctx->principal.project)
        return PROTO_CODE_OK;
    data = proto_arena_alloc(ctx->arena, 1, sizeof *data);
    if (!data)
        return api_no_memory(ctx);
    *data = (struct proto_data_status){
        .directory = ctx->principal.role == PROTO_ROLE_ADMIN ? usage->directory : NULL,
        .database_bytes = (int64_t)usage->database_bytes,
        .log_bytes = (int64_t)usage->log_bytes,
        .free_bytes = (int64_t)usage->free_bytes,
    };
    status->data = data;
    return PROTO_CODE_OK;
}

enum proto_code api_server_status(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_status *status = response;
    struct store *store = state_store(ctx->state);
    struct api_door door = {0};
    struct store_usage usage;
    enum proto_code code;

    (void)request;
    if (ctx->look)
        ctx->look(ctx->door, &door);
    store_usage(store, &usage);
    *status = (struct proto_status){
        .version = ctx->version->version,
        .uptime_s = door.uptime_s,
        .reason = api_not_ready(ctx),
        .latched = store_latched(store) != NULL,
        .draining = door.draining,
        .writer_queue = (int64_t)usage.queued,
        .connections = (int64_t)door.connections,
        .connections_max = (int64_t)door.connections_max,
        .streams = (int64_t)door.streams,
    };
    status->ready = !status->reason;
    code = fill_data(ctx, &usage, status);
    return code ? code : fill_projects(ctx, status);
}
