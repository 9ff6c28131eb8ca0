/* PUT /v1/projects/{project}/policies/{revision}/features/{demonstration} */
#include <string.h>

#include <proto/features.h>

#include "verbs.h"

static enum proto_code check(struct api_ctx *ctx, const struct proto_feature_file *file)
{
    const struct proto_event_features features = {
        .revision = ctx->params[1], .demonstration = ctx->params[2], .file = file};
    struct view *view = state_view(ctx->state, ctx->params[0]);
    int status;

    if (!view)
        return state_no_project(ctx->params[0], &ctx->error);
    status = project_check_features(view, &features, &ctx->error);
    view_unref(view);
    return (enum proto_code)status;
}

enum proto_code api_features_check_file(struct api_ctx *ctx, const struct proto_tensors *head)
{
    struct proto_feature_file file;
    enum proto_code code = proto_features_from_head(head, ctx->arena, &file, &ctx->error);

    return code ? code : check(ctx, &file);
}

enum proto_code api_features_put_prepare(struct api_ctx *ctx, void *request)
{
    struct proto_event_features *features = request;
    struct proto_feature_file *file = proto_arena_alloc(ctx->arena, 1, sizeof *file);
    char *sha256 = proto_arena_alloc(ctx->arena, PROTO_SHA256_BYTES, 1);
    enum proto_code code;

    if (!file || !sha256)
        return api_no_memory(ctx);
    code = proto_features_read(ctx->file.bytes, ctx->file.length, ctx->arena, file, &ctx->error);
    if (!code)
        code = proto_features_check_finite(file, ctx->params[2], &ctx->error);
    if (code)
        return code;
    proto_sha256(ctx->file.bytes, ctx->file.length, sha256);
    *features = (struct proto_event_features){.revision = ctx->params[1],
                                              .demonstration = ctx->params[2],
                                              .sha256 = sha256,
                                              .file = file,
                                              .encoded = ctx->file.bytes,
                                              .encoded_bytes = ctx->file.length};
    return PROTO_CODE_OK;
}

enum proto_code api_features_put(struct api_ctx *ctx, const void *request, void *response)
{
    struct project *project;
    bool created = false;
    enum proto_code code = api_project(ctx, &project);

    if (!code)
        code = api_status(
            ctx, project_put_features(project, ctx->tx, request, &created, response, &ctx->error));
    if (!code)
        ctx->status = created ? API_CREATED : API_OKAY;
    return code;
}
