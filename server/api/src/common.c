#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <state/feed.h>
#include <state/policies.h>
#include <store/store.h>

#include "verbs.h"

struct api_kept {
    struct api_kept *next;
    void *object;
    void (*release)(void *object);
};

int api_keep(struct api_ctx *ctx, void *object, void (*release)(void *object))
{
    struct api_kept *kept = proto_arena_alloc(ctx->arena, 1, sizeof *kept);

    if (!kept) {
        release(object);
        return -1;
    }
    *kept = (struct api_kept){ctx->kept, object, release};
    ctx->kept = kept;
    return 0;
}

void api_release(struct api_ctx *ctx)
{
    for (struct api_kept *kept = ctx->kept; kept; kept = kept->next)
        kept->release(kept->object);
    ctx->kept = NULL;
}

static void release_view(void *object)
{
    view_unref(object);
}

static void release_ranking(void *object)
{
    ranking_unref(object);
}

const struct view *api_view(struct api_ctx *ctx)
{
    const char *log_name;

    return api_view_and_log(ctx, &log_name);
}

const struct view *api_view_and_log(struct api_ctx *ctx, const char **ret_log_name)
{
    struct view *view = state_view_and_log(ctx->state, ctx->params[0], ret_log_name);

    if (!view) {
        (void)state_no_project(ctx->params[0], &ctx->error);
        return NULL;
    }
    if (api_keep_view(ctx, view)) {
        (void)api_no_memory(ctx);
        return NULL;
    }
    return view;
}

enum proto_code api_damaged(struct api_ctx *ctx, const char *id)
{
    return proto_error_set(&ctx->error, PROTO_CODE_DAMAGED, "",
                           "The stored bytes of %s of project %s are damaged.", id, ctx->params[0]);
}

enum proto_code api_read_blob(struct api_ctx *ctx, const char *log_name, const char *id,
                              const unsigned char **ret_bytes, size_t *ret_length)
{
    unsigned char *bytes = NULL;
    int status = store_read_blob(state_store(ctx->state), log_name, id, &bytes, ret_length);

    if (status == STORE_NO_MEMORY || (!status && api_keep(ctx, bytes, free)))
        return api_no_memory(ctx);
    if (status)
        return api_damaged(ctx, id);
    *ret_bytes = bytes;
    return PROTO_CODE_OK;
}

/* An id is its prefix and ten digits or more; a key is what proto calls a key. */
static bool cursor_plausible(const char *cursor, char prefix)
{
    size_t digits = prefix ? strspn(cursor + 1, "0123456789") : 0;

    if (!prefix)
        return isalnum((unsigned char)*cursor);
    return *cursor == prefix && digits >= 10 && !cursor[1 + digits];
}

enum proto_code api_check_cursor(struct api_ctx *ctx, char prefix)
{
    if (!ctx->cursor || cursor_plausible(ctx->cursor, prefix))
        return PROTO_CODE_OK;
    return proto_error_set(&ctx->error, PROTO_CODE_INVALID_QUERY, "cursor",
                           "cursor must be the next_cursor of the page before.");
}

void api_wait_begin(struct api_ctx *ctx)
{
    struct api_wait *wait = &ctx->wait;

    if (!wait->changes)
        wait->changes = state_changes(ctx->state, ctx->params[0]);
    wait->seen = wait->changes ? atomic_load(wait->changes) : 0;
}

void api_wait_for_more(struct api_ctx *ctx)
{
    if (!ctx->wait.over && (ctx->follows || ctx->wait_s > 0))
        ctx->status = API_NOT_YET;
}

int api_keep_view(struct api_ctx *ctx, struct view *view)
{
    return api_keep(ctx, view, release_view);
}

int api_keep_ranking(struct api_ctx *ctx, struct ranking *ranking)
{
    return api_keep(ctx, ranking, release_ranking);
}

enum proto_code api_status(struct api_ctx *ctx, int status)
{
    if (status >= 0)
        return (enum proto_code)status;
    ctx->store_failure = status;
    return PROTO_CODE_INTERNAL;
}

/* What was meant for a deleted project must not end up in the next one of its id. */
static enum proto_code check_incarnation(struct api_ctx *ctx, const struct project *project)
{
    if (!ctx->incarnation || !*ctx->incarnation ||
        !strcmp(ctx->incarnation, project_log_name(project)))
        return PROTO_CODE_OK;
    return proto_error_set(
        &ctx->error, PROTO_CODE_PROJECT_NOT_FOUND, "",
        "Project %.64s was deleted while this was under way, and another has its "
        "id now; nothing was stored.",
        ctx->params[0]);
}

enum proto_code api_project(struct api_ctx *ctx, struct project **ret_project)
{
    enum proto_code code =
        api_status(ctx, state_project(ctx->state, ctx->params[0], ret_project, &ctx->error));

    if (!code)
        code = check_incarnation(ctx, *ret_project);
    if (!code) {
        ctx->project = *ret_project;
        ctx->project_seq = project_view(*ret_project)->seq;
    }
    return code;
}

int api_incarnation(struct api_ctx *ctx, const char **ret_incarnation)
{
    struct project *project;
    struct proto_error unused;
    int status;

    *ret_incarnation = NULL;
    if (!ctx->incarnation)
        return 0;
    status = state_project(ctx->state, ctx->params[0], &project, &unused);
    *ret_incarnation = status ? "" : project_log_name(project);
    return status < 0 ? status : 0;
}

int api_outcome(const struct api_ctx *ctx, enum proto_code code)
{
    if (ctx->store_failure < 0)
        return ctx->store_failure;
    return code && ctx->project && project_view(ctx->project)->seq != ctx->project_seq
               ? STORE_NO_MEMORY
               : 0;
}

enum proto_code api_no_memory(struct api_ctx *ctx)
{
    return proto_error_set(&ctx->error, PROTO_CODE_NO_MEMORY, "",
                           "The server is out of memory; try again later.");
}

enum proto_code api_read_status(struct api_ctx *ctx, int status)
{
    if (status == STORE_NO_MEMORY)
        return api_no_memory(ctx);
    if (status)
        return proto_error_set(&ctx->error, PROTO_CODE_DAMAGED, "",
                               "The log of project %.64s cannot be read back.", ctx->params[0]);
    return PROTO_CODE_OK;
}

enum proto_code api_describe_project(struct api_ctx *ctx, const struct view *view,
                                     struct proto_project *ret_project)
{
    if (!view_describe_project(view, ctx->arena, ret_project))
        return PROTO_CODE_OK;
    return ctx->tx ? api_status(ctx, STORE_NO_MEMORY) : api_no_memory(ctx);
}

enum proto_code api_describe_policy(struct api_ctx *ctx, const struct view *view,
                                    const char *revision, struct proto_revision *ret_revision)
{
    size_t index = view_find_policy(view, revision);

    if (!view_describe_policy(view, index == SIZE_MAX ? view->policy_count : index, ctx->arena,
                              ret_revision))
        return PROTO_CODE_OK;
    return ctx->tx ? api_status(ctx, STORE_NO_MEMORY) : api_no_memory(ctx);
}

static int encode(struct api_ctx *ctx, struct proto_demonstration *demonstration)
{
    unsigned char *bytes;

    if (proto_demonstration_to_tensors(demonstration, &bytes, &demonstration->encoded_bytes))
        return -1;
    demonstration->encoded = bytes;
    return api_keep(ctx, bytes, free);
}

enum proto_code api_demonstration_prepare(struct api_ctx *ctx,
                                          struct proto_demonstration *demonstration)
{
    char *sha256 = proto_arena_alloc(ctx->arena, 65, 1);

    if (!sha256 || (!demonstration->encoded && encode(ctx, demonstration)))
        return api_no_memory(ctx);
    if (demonstration->encoded_bytes > STORE_BLOB_MAX_BYTES)
        return proto_error_set(
            &ctx->error, PROTO_CODE_BODY_TOO_LARGE, "",
            "Held as float64 this is %zu bytes, at most %d are stored; thin the trajectory.",
            demonstration->encoded_bytes, STORE_BLOB_MAX_BYTES);
    proto_demonstration_hash(demonstration, sha256);
    demonstration->sha256 = sha256;
    return PROTO_CODE_OK;
}
