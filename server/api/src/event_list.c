/* GET /v1/projects/{project}/events: what happened, in order; at once, waited for, or followed. */
#include <stdio.h>
#include <stdlib.h>

#include <state/feed.h>

#include "verbs.h"

/* One answer; one piece of a stream, which goes out before the next is made. */
#define ANSWER_BYTES ((size_t)4 << 20)
#define PIECE_BYTES ((size_t)64 << 10)

static void release_page(void *object)
{
    feed_page_deinit(object);
}

/* Structs without what they point to, which the page keeps. */
static enum proto_code fill(struct api_ctx *ctx, struct feed_page *page,
                            struct proto_event_list *answer)
{
    struct proto_event *items = proto_arena_alloc(ctx->arena, page->count + 1, sizeof *items);

    if (api_keep(ctx, page, release_page) || !items)
        return api_no_memory(ctx);
    for (size_t i = 0; i < page->count; i++)
        items[i] = page->events[i]->event;
    answer->events = (struct proto_list){items, page->count};
    answer->seq = page->seq;
    if (page->count > 0)
        ctx->after = items[page->count - 1].seq;
    return PROTO_CODE_OK;
}

/* The newest ranking, where this follower has not heard of it. Has no number in the log. */
static enum proto_code add_notice(struct api_ctx *ctx, struct proto_event_list *answer)
{
    double age_s;
    struct ranking *ranking = state_ranking(ctx->state, ctx->params[0], 0, 0, &age_s);
    struct proto_ranking_notice *notice;
    const struct pick *pick;

    if (!ranking || ranking->view->seq <= ctx->told_ranking) {
        ranking_unref(ranking);
        return PROTO_CODE_OK;
    }
    notice = proto_arena_alloc(ctx->arena, 1, sizeof *notice);
    if (api_keep_ranking(ctx, ranking) || !notice)
        return api_no_memory(ctx);
    pick = &ranking->picks[0];
    *notice = (struct proto_ranking_notice){
        .seq = ranking->view->seq, .rule = pick->rule, .provisional = ranking->provisional};
    if (pick->choice != SIZE_MAX)
        notice->choice = view_task(ranking->view, pick->choice)->task.key;
    ctx->told_ranking = notice->seq;
    answer->ranking = notice;
    return PROTO_CODE_OK;
}

enum proto_code api_event_list(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_event_list *answer = response;
    struct feed_page *page = proto_arena_alloc(ctx->arena, 1, sizeof *page);
    enum proto_code code;

    (void)request;
    if (!page)
        return api_no_memory(ctx);
    api_wait_begin(ctx);
    code =
        state_events(ctx->state, ctx->params[0], ctx->incarnation, ctx->after, (size_t)ctx->limit,
                     ctx->follows ? PIECE_BYTES : ANSWER_BYTES, page, &ctx->error);
    if (!code)
        code = fill(ctx, page, answer);
    if (!code && ctx->follows)
        code = add_notice(ctx, answer);
    if (!code && answer->events.count == 0 && !answer->ranking)
        api_wait_for_more(ctx);
    return code;
}

static void write_event(FILE *out, const struct proto_event *event)
{
    fprintf(out, "id: %lld\ndata: %s\n\n", (long long)event->seq, event->text);
}

static int write_notice(FILE *out, const struct proto_ranking_notice *notice)
{
    char *text;
    size_t length;

    if (proto_encode(&proto_ranking_notice_shape, notice, &text, &length))
        return -1;
    fprintf(out, "event: ranking\ndata: %s\n\n", text);
    free(text);
    return 0;
}

/* Server-sent events, as WHATWG HTML 9.2 reads them. */
int api_event_stream(const void *response, char **ret_bytes, size_t *ret_length)
{
    const struct proto_event_list *list = response;
    const struct proto_event *events = list->events.items;
    FILE *out = open_memstream(ret_bytes, ret_length);
    int failed = 0;

    if (!out)
        return -1;
    for (size_t i = 0; i < list->events.count; i++)
        write_event(out, &events[i]);
    if (list->ranking)
        failed = write_notice(out, list->ranking);
    failed |= ferror(out);
    if (fclose(out) == 0 && !failed)
        return 0;
    free(*ret_bytes);
    return -1;
}
