/* DELETE /v1/tokens/{token}: refused from the next request on, on any connection. */
#include "verbs.h"

enum proto_code api_token_delete(struct api_ctx *ctx, const void *request, void *response)
{
    (void)request;
    (void)response;
    ctx->status = API_NO_CONTENT;
    return api_status(ctx, state_token_delete(ctx->state, ctx->tx, ctx->params[0], &ctx->error));
}
