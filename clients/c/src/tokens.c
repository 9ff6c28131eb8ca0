/* The endpoints of tokens. */
#include "call.h"

enum amf_client_status amf_client_token_create(struct amf_client *client,
                                               const struct proto_token *token, const char *key,
                                               struct amf_client_result *result,
                                               struct proto_token *ret_token)
{
    const struct call call = {
        .method = "POST",
        .path = "/v1/tokens",
        .request = &proto_token_shape,
        .object = token,
        .key = key,
        .response = &proto_token_shape,
        .ret = ret_token,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_token_list(struct amf_client *client,
                                             const struct amf_client_page *page,
                                             struct amf_client_result *result,
                                             struct proto_token_list *ret_list)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/tokens",
        .page = page,
        .response = &proto_token_list_shape,
        .ret = ret_list,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_token_get(struct amf_client *client, const char *id,
                                            struct amf_client_result *result,
                                            struct proto_token *ret_token)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/tokens/{}",
        .segments = {id},
        .response = &proto_token_shape,
        .ret = ret_token,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_token_delete(struct amf_client *client, const char *id,
                                               struct amf_client_result *result)
{
    const struct call call = {
        .method = "DELETE",
        .path = "/v1/tokens/{}",
        .segments = {id},
    };

    return client_call(client, &call, result);
}
