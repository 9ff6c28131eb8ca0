/* PUT /v1/projects/{project}/policies/{revision}: a revision, as JSON or with a safetensors file.
 */
#include <string.h>

#include "verbs.h"

void api_policy_put_defaults(struct api_ctx *ctx, void *request)
{
    struct proto_revision *revision = request;

    proto_revision_defaults(revision);
    revision->revision = ctx->params[1];
}

enum proto_code api_policy_put_prepare(struct api_ctx *ctx, void *request)
{
    struct proto_revision *revision = request;
    const struct api_file *file = &ctx->file;
    enum proto_code code = PROTO_CODE_OK;
    char *sha256;

    if (file->length > 0) {
        sha256 = proto_arena_alloc(ctx->arena, PROTO_SHA256_BYTES, 1);
        if (!sha256)
            return api_no_memory(ctx);
        code = proto_revision_from_tensors(file->bytes, file->length, ctx->arena, revision,
                                           &ctx->error);
        proto_sha256(file->bytes, file->length, sha256);
        revision->sha256 = sha256;
    }
    if (!code && strcmp(revision->revision, ctx->params[1]) != 0)
        code = proto_error_set(&ctx->error, PROTO_CODE_INVALID_FIELD, "/revision",
                               "The path names revision %.64s.", ctx->params[1]);
    if (!code && !proto_key_valid(revision->revision))
        code = proto_error_set(&ctx->error, PROTO_CODE_INVALID_FIELD, "/revision",
                               "A revision's name is 1 to 64 of A-Z a-z 0-9 . _ -, a letter or "
                               "digit first.");
    return code ? code : (enum proto_code)state_check_summary(ctx->state, revision, &ctx->error);
}

enum proto_code api_policy_put(struct api_ctx *ctx, const void *request, void *response)
{
    const struct proto_revision *revision = request;
    struct project *project;
    bool created = false;
    enum proto_code code = api_project(ctx, &project);

    if (!code)
        code = api_status(ctx,
                          project_put_revision(project, ctx->tx, revision, &created, &ctx->error));
    if (code)
        return code;
    ctx->status = created ? API_CREATED : API_OKAY;
    return api_describe_policy(ctx, project_view(project), ctx->params[1], response);
}
