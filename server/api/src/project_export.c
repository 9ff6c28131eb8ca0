/* GET /v1/projects/{project}/export: the whole project as an archive, made while it is sent. */
#include <state/transfer.h>

#include "verbs.h"

static int read_export(void *arg, unsigned char *buffer, size_t room, size_t *ret_length)
{
    return state_export_read(arg, buffer, room, ret_length);
}

static void release_export(void *arg)
{
    state_export_free(arg);
}

enum proto_code api_project_export(struct api_ctx *ctx, const void *request, void *response)
{
    struct state_export *export;
    enum proto_code code =
        state_export_new(ctx->state, ctx->params[0], ctx->version->version, &export, &ctx->error);

    (void)request;
    (void)response;
    if (code == PROTO_CODE_OK)
        ctx->stream = (struct api_stream){.bytes = state_export_bytes(export),
                                          .read = read_export,
                                          .release = release_export,
                                          .arg = export};
    return code;
}
