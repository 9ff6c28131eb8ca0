/* The endpoints of revisions of a project's policy, and of what they think of demonstrations. */
#include "call.h"

#define TENSORS_TYPE "application/vnd.safetensors"
#define REVISION "/v1/projects/{}/policies/{}"

enum amf_client_status amf_client_policy_put(struct amf_client *client, const char *project,
                                             const struct proto_revision *revision,
                                             struct amf_client_result *result,
                                             struct proto_revision *ret_revision)
{
    const struct call call = {
        .method = "PUT",
        .path = REVISION,
        .segments = {project, revision->revision},
        .request = &proto_revision_shape,
        .object = revision,
        .response = &proto_revision_shape,
        .ret = ret_revision,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_policy_put_tensors(struct amf_client *client, const char *project,
                                                     const char *revision,
                                                     const unsigned char *bytes, size_t length,
                                                     struct amf_client_result *result,
                                                     struct proto_revision *ret_revision)
{
    const struct call call = {
        .method = "PUT",
        .path = REVISION,
        .segments = {project, revision},
        .bytes = bytes,
        .length = length,
        .content_type = TENSORS_TYPE,
        .response = &proto_revision_shape,
        .ret = ret_revision,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_policy_get(struct amf_client *client, const char *project,
                                             const char *revision, struct amf_client_result *result,
                                             struct proto_revision *ret_revision)
{
    const struct call call = {
        .method = "GET",
        .path = REVISION,
        .segments = {project, revision},
        .response = &proto_revision_shape,
        .ret = ret_revision,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_policy_list(struct amf_client *client, const char *project,
                                              const struct amf_client_page *page,
                                              struct amf_client_result *result,
                                              struct proto_revision_list *ret_list)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects/{}/policies",
        .segments = {project},
        .page = page,
        .response = &proto_revision_list_shape,
        .ret = ret_list,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_policy_activate(struct amf_client *client, const char *project,
                                                  const char *revision, const char *key,
                                                  struct amf_client_result *result,
                                                  struct proto_revision *ret_revision)
{
    const struct call call = {
        .method = "POST",
        .path = REVISION "/activate",
        .segments = {project, revision},
        .key = key,
        .response = &proto_revision_shape,
        .ret = ret_revision,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_policy_missing(struct amf_client *client, const char *project,
                                                 const char *revision,
                                                 const struct amf_client_page *page,
                                                 struct amf_client_result *result,
                                                 struct proto_missing *ret_missing)
{
    const struct call call = {
        .method = "GET",
        .path = REVISION "/missing",
        .segments = {project, revision},
        .page = page,
        .response = &proto_missing_shape,
        .ret = ret_missing,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_features_put(struct amf_client *client, const char *project,
                                               const char *revision, const char *demonstration,
                                               const unsigned char *bytes, size_t length,
                                               struct amf_client_result *result,
                                               struct proto_features *ret_features)
{
    const struct call call = {
        .method = "PUT",
        .path = REVISION "/features/{}",
        .segments = {project, revision, demonstration},
        .bytes = bytes,
        .length = length,
        .content_type = TENSORS_TYPE,
        .response = &proto_features_shape,
        .ret = ret_features,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_features_get(struct amf_client *client, const char *project,
                                               const char *revision, const char *demonstration,
                                               struct amf_client_result *result,
                                               struct proto_features *ret_features)
{
    const struct call call = {
        .method = "GET",
        .path = REVISION "/features/{}",
        .segments = {project, revision, demonstration},
        .response = &proto_features_shape,
        .ret = ret_features,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_features_get_tensors(struct amf_client *client,
                                                       const char *project, const char *revision,
                                                       const char *demonstration,
                                                       struct amf_client_result *result)
{
    const struct call call = {
        .method = "GET",
        .path = REVISION "/features/{}",
        .segments = {project, revision, demonstration},
        .accept = TENSORS_TYPE,
    };

    return client_call(client, &call, result);
}
