/* The endpoints of projects and their tasks. */
#include "call.h"

enum amf_client_status amf_client_project_create(struct amf_client *client,
                                                 const struct proto_project *project,
                                                 const struct proto_strings *fields,
                                                 const char *key, struct amf_client_result *result,
                                                 struct proto_project *ret_project)
{
    const struct call call = {
        .method = "POST",
        .path = "/v1/projects",
        .request = &proto_project_shape,
        .object = project,
        .fields = fields,
        .key = key,
        .response = &proto_project_shape,
        .ret = ret_project,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_project_list(struct amf_client *client,
                                               const struct amf_client_page *page,
                                               struct amf_client_result *result,
                                               struct proto_project_list *ret_list)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects",
        .page = page,
        .response = &proto_project_list_shape,
        .ret = ret_list,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_project_get(struct amf_client *client, const char *project,
                                              struct amf_client_result *result,
                                              struct proto_project *ret_project)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects/{}",
        .segments = {project},
        .response = &proto_project_shape,
        .ret = ret_project,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_project_patch(struct amf_client *client, const char *id,
                                                const struct proto_project *project,
                                                const struct proto_strings *fields,
                                                struct amf_client_result *result,
                                                struct proto_project *ret_project)
{
    const struct call call = {
        .method = "PATCH",
        .path = "/v1/projects/{}",
        .segments = {id},
        .request = &proto_project_shape,
        .object = project,
        .fields = fields,
        .response = &proto_project_shape,
        .ret = ret_project,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_project_refit(struct amf_client *client, const char *project,
                                                const char *key, struct amf_client_result *result,
                                                struct proto_scales *ret_scales)
{
    const struct call call = {
        .method = "POST",
        .path = "/v1/projects/{}/refit",
        .segments = {project},
        .key = key,
        .response = &proto_scales_shape,
        .ret = ret_scales,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_project_delete(struct amf_client *client, const char *project,
                                                 struct amf_client_result *result)
{
    const struct call call = {
        .method = "DELETE",
        .path = "/v1/projects/{}",
        .segments = {project},
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_task_put(struct amf_client *client, const char *project,
                                           const struct proto_task *task,
                                           struct amf_client_result *result,
                                           struct proto_task *ret_task)
{
    const struct call call = {
        .method = "PUT",
        .path = "/v1/projects/{}/tasks/{}",
        .segments = {project, task->key},
        .request = &proto_task_shape,
        .object = task,
        .response = &proto_task_shape,
        .ret = ret_task,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_task_get(struct amf_client *client, const char *project,
                                           const char *key, struct amf_client_result *result,
                                           struct proto_task *ret_task)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects/{}/tasks/{}",
        .segments = {project, key},
        .response = &proto_task_shape,
        .ret = ret_task,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_task_list(struct amf_client *client, const char *project,
                                            const struct amf_client_page *page,
                                            struct amf_client_result *result,
                                            struct proto_task_list *ret_list)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects/{}/tasks",
        .segments = {project},
        .page = page,
        .response = &proto_task_list_shape,
        .ret = ret_list,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_task_delete(struct amf_client *client, const char *project,
                                              const char *key, struct amf_client_result *result)
{
    const struct call call = {
        .method = "DELETE",
        .path = "/v1/projects/{}/tasks/{}",
        .segments = {project, key},
    };

    return client_call(client, &call, result);
}
