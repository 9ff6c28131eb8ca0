/* POST /v1/projects/{project}/import: a new project from an archive. Reading and checking it is
 * done before the transaction, which others wait for. */

#include <state/transfer.h>

#include "verbs.h"

static void release_import(void *object)
{
    state_import_free(object);
}

enum proto_code api_project_import_prepare(struct api_ctx *ctx, void *request)
{
    struct state_import *import;
    enum proto_code code;

    (void)request;
    if (!proto_key_valid(ctx->params[0]))
        return proto_error_set(&ctx->error, PROTO_CODE_INVALID_FIELD, "",
                               "The id in the path is to be 1 to %d of A-Z a-z 0-9 . _ -, a letter "
                               "or digit first.",
                               PROTO_KEY_MAX_BYTES);
    if (ctx->upload.bytes == 0)
        return proto_error_set(&ctx->error, PROTO_CODE_MALFORMED_ARCHIVE, "",
                               "The body is empty; an archive from /export was expected.");
    code = state_import_new(ctx->state, ctx->params[0], ctx->upload.fd, &import, &ctx->error);
    if (code)
        return code;
    if (api_keep(ctx, import, release_import))
        return api_no_memory(ctx);
    ctx->found = import;
    return code;
}

enum proto_code api_project_import(struct api_ctx *ctx, const void *request, void *response)
{
    /* The archive gives its project away, and only once: this handler is its only user. */
    struct state_import *import = (struct state_import *)(uintptr_t)ctx->found;
    struct project *project;
    enum proto_code code =
        api_status(ctx, state_import_commit(ctx->state, ctx->tx, import, &project, &ctx->error));

    (void)request;
    if (code)
        return code;
    ctx->status = API_CREATED;
    return api_describe_project(ctx, project_view(project), response);
}
