/* GET /healthz, /readyz, /version, /openapi.yaml: public, and never behind the store's writer. */
#include <stdlib.h>
#include <string.h>

#include <proto/openapi.h>
#include <store/store.h>

#include "verbs.h"

enum proto_code api_healthz(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_health *health = response;

    (void)ctx;
    (void)request;
    health->status = "ok";
    return PROTO_CODE_OK;
}

const char *api_not_ready(struct api_ctx *ctx)
{
    struct api_door door = {0};
    const char *latched = store_latched(state_store(ctx->state));

    if (ctx->look)
        ctx->look(ctx->door, &door);
    return latched ? latched : door.draining ? "The server is draining: it is about to end." : NULL;
}

enum proto_code api_readyz(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_health *health = response;
    const char *why = api_not_ready(ctx);

    (void)request;
    if (why)
        return proto_error_set(
            &ctx->error, PROTO_CODE_NOT_READY, "", "%s%s",
            store_latched(state_store(ctx->state)) ? "Nothing can be stored: " : "", why);
    health->status = "ok";
    return PROTO_CODE_OK;
}

enum proto_code api_version(struct api_ctx *ctx, const void *request, void *response)
{
    (void)request;
    *(struct proto_version *)response = *ctx->version;
    return PROTO_CODE_OK;
}

enum proto_code api_openapi(struct api_ctx *ctx, const void *request, void *response)
{
    (void)ctx;
    (void)request;
    (void)response;
    return PROTO_CODE_OK;
}

int api_openapi_text(const void *response, char **ret_bytes, size_t *ret_length)
{
    char *copy = malloc(proto_openapi_bytes + 1);

    (void)response;
    if (!copy)
        return -1;
    memcpy(copy, proto_openapi_text, proto_openapi_bytes);
    copy[proto_openapi_bytes] = '\0';
    *ret_bytes = copy;
    *ret_length = proto_openapi_bytes;
    return 0;
}
