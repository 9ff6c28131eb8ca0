/* GET /v1/projects/{project}/policies/{revision}/features/{demonstration}: what they are, or the
 * file as it came. */
#include <stdlib.h>
#include <string.h>

#include <state/policies.h>

#include "verbs.h"

static enum proto_code find(struct api_ctx *ctx, const struct view *view, size_t policy,
                            const struct features **ret_features)
{
    size_t place = view_demonstration_index(view, ctx->params[2]);

    if (place == SIZE_MAX)
        return proto_error_set(&ctx->error, PROTO_CODE_DEMONSTRATION_NOT_FOUND, "",
                               "Project %s holds no demonstration %.64s.", view->id,
                               ctx->params[2]);
    if (policy < view->policy_count)
        *ret_features = policy_features(&view->policies[policy], place);
    if (*ret_features)
        return PROTO_CODE_OK;
    return proto_error_set(&ctx->error, PROTO_CODE_FEATURES_NOT_FOUND, "",
                           "Revision %.64s has no features of demonstration %.64s.", ctx->params[1],
                           ctx->params[2]);
}

enum proto_code api_features_get(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_features *answer = response;
    const struct features *features = NULL;
    const char *log_name;
    const struct view *view = api_view_and_log(ctx, &log_name);
    size_t index = 0;

    (void)request;
    if (!view || api_find_policy(ctx, view, &index) || find(ctx, view, index, &features) ||
        !features)
        return ctx->error.code;
    *answer = features->meta;
    return api_read_blob(ctx, log_name, features->meta.id, &answer->encoded,
                         &answer->encoded_bytes);
}

int api_features_file(const void *response, char **ret_bytes, size_t *ret_length)
{
    const struct proto_features *features = response;
    char *bytes = malloc(features->encoded_bytes);

    if (!bytes)
        return -1;
    memcpy(bytes, features->encoded, features->encoded_bytes);
    *ret_bytes = bytes;
    *ret_length = features->encoded_bytes;
    return 0;
}
