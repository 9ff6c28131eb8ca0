/* The endpoints of demonstrations. */
#include "call.h"

#define TENSORS_TYPE "application/vnd.safetensors"

enum amf_client_status
amf_client_demonstration_post(struct amf_client *client, const char *project,
                              const struct proto_demonstration *demonstration, const char *key,
                              struct amf_client_result *result, struct proto_stored *ret_stored)
{
    const struct call call = {
        .method = "POST",
        .path = "/v1/projects/{}/demonstrations",
        .segments = {project},
        .request = &proto_demonstration_shape,
        .object = demonstration,
        .key = key,
        .response = &proto_stored_shape,
        .ret = ret_stored,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_demonstration_post_tensors(
    struct amf_client *client, const char *project, const unsigned char *bytes, size_t length,
    const char *key, struct amf_client_result *result, struct proto_stored *ret_stored)
{
    const struct call call = {
        .method = "POST",
        .path = "/v1/projects/{}/demonstrations",
        .segments = {project},
        .bytes = bytes,
        .length = length,
        .content_type = TENSORS_TYPE,
        .key = key,
        .response = &proto_stored_shape,
        .ret = ret_stored,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_demonstration_list(struct amf_client *client, const char *project,
                                                     const struct amf_client_page *page,
                                                     struct amf_client_result *result,
                                                     struct proto_demonstration_list *ret_list)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects/{}/demonstrations",
        .segments = {project},
        .page = page,
        .response = &proto_demonstration_list_shape,
        .ret = ret_list,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_demonstration_get(struct amf_client *client, const char *project,
                                                    const char *id,
                                                    struct amf_client_result *result,
                                                    struct proto_demonstration *ret_demonstration)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects/{}/demonstrations/{}",
        .segments = {project, id},
        .response = &proto_demonstration_shape,
        .ret = ret_demonstration,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_demonstration_get_tensors(struct amf_client *client,
                                                            const char *project, const char *id,
                                                            struct amf_client_result *result)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects/{}/demonstrations/{}",
        .segments = {project, id},
        .accept = TENSORS_TYPE,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_demonstration_delete(struct amf_client *client,
                                                       const char *project, const char *id,
                                                       const char *reason,
                                                       struct amf_client_result *result)
{
    const struct proto_retraction retraction = {.reason = reason};
    const struct call call = {
        .method = "DELETE",
        .path = "/v1/projects/{}/demonstrations/{}",
        .segments = {project, id},
        .request = &proto_retraction_shape,
        .object = &retraction,
    };

    return client_call(client, &call, result);
}
