/* GET /v1/projects/{project}/demonstrations/{demonstration}: whole, as JSON or as safetensors. */
#include "verbs.h"

static enum proto_code read_whole(struct api_ctx *ctx, const char *log_name, const char *id,
                                  struct proto_demonstration *ret_demonstration)
{
    const unsigned char *bytes;
    size_t length;
    enum proto_code code = api_read_blob(ctx, log_name, id, &bytes, &length);

    if (!code)
        code = proto_demonstration_from_tensors(bytes, length, ctx->arena, ret_demonstration,
                                                &ctx->error);
    return code && code != PROTO_CODE_NO_MEMORY ? api_damaged(ctx, id) : code;
}

enum proto_code api_demonstration_get(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_demonstration *answer = response, whole;
    const struct demonstration *held;
    const char *log_name;
    const struct view *view = api_view_and_log(ctx, &log_name);
    enum proto_code code;

    (void)request;
    if (!view)
        return ctx->error.code;
    held = view_find_demonstration(view, ctx->params[1]);
    if (!held)
        return proto_error_set(&ctx->error, PROTO_CODE_DEMONSTRATION_NOT_FOUND, "",
                               "Project %s holds no demonstration %.64s.", view->id,
                               ctx->params[1]);
    proto_demonstration_defaults(&whole);
    code = read_whole(ctx, log_name, held->meta.id, &whole);
    if (code)
        return code;
    *answer = held->meta;
    answer->states = whole.states;
    answer->actions = whole.actions;
    return PROTO_CODE_OK;
}

int api_demonstration_tensors(const void *response, char **ret_bytes, size_t *ret_length)
{
    unsigned char *bytes;
    int failed = proto_demonstration_to_tensors(response, &bytes, ret_length);

    if (!failed)
        *ret_bytes = (char *)bytes;
    return failed;
}
