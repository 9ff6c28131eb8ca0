/* The endpoints that say what to do next: the ranking and the assignments. */
#include "call.h"

enum amf_client_status amf_client_ranking_get(struct amf_client *client, const char *project,
                                              double wait_s, struct amf_client_result *result,
                                              struct proto_ranking *ret_ranking)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects/{}/ranking",
        .segments = {project},
        .wait_s = wait_s,
        .response = &proto_ranking_shape,
        .ret = ret_ranking,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_assignment_ask(struct amf_client *client, const char *project,
                                                 const struct proto_ask *ask, const char *key,
                                                 struct amf_client_result *result,
                                                 struct proto_asked *ret_asked)
{
    const struct call call = {
        .method = "POST",
        .path = "/v1/projects/{}/assignments",
        .segments = {project},
        .request = &proto_ask_shape,
        .object = ask,
        .key = key,
        .response = &proto_asked_shape,
        .ret = ret_asked,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_assignment_list(struct amf_client *client, const char *project,
                                                  const struct amf_client_page *page,
                                                  struct amf_client_result *result,
                                                  struct proto_assignment_list *ret_list)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects/{}/assignments",
        .segments = {project},
        .page = page,
        .response = &proto_assignment_list_shape,
        .ret = ret_list,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_assignment_get(struct amf_client *client, const char *project,
                                                 const char *id, struct amf_client_result *result,
                                                 struct proto_assignment *ret_assignment)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects/{}/assignments/{}",
        .segments = {project, id},
        .response = &proto_assignment_shape,
        .ret = ret_assignment,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_assignment_complete(struct amf_client *client,
                                                      const char *project, const char *id,
                                                      const struct proto_complete *complete,
                                                      const char *key,
                                                      struct amf_client_result *result,
                                                      struct proto_completed *ret_completed)
{
    const struct call call = {
        .method = "POST",
        .path = "/v1/projects/{}/assignments/{}/complete",
        .segments = {project, id},
        .request = &proto_complete_shape,
        .object = complete,
        .key = key,
        .response = &proto_completed_shape,
        .ret = ret_completed,
    };

    return client_call(client, &call, result);
}

/* What is said of an assignment and answered with it. */
static enum amf_client_status tell(struct amf_client *client, const char *project, const char *id,
                                   const char *path, const struct proto_shape *shape,
                                   const void *object, const char *key,
                                   struct amf_client_result *result,
                                   struct proto_assignment *ret_assignment)
{
    const struct call call = {
        .method = "POST",
        .path = path,
        .segments = {project, id},
        .request = shape,
        .object = object,
        .key = key,
        .response = &proto_assignment_shape,
        .ret = ret_assignment,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_assignment_renew(struct amf_client *client, const char *project,
                                                   const char *id, const struct proto_renew *renew,
                                                   const char *key,
                                                   struct amf_client_result *result,
                                                   struct proto_assignment *ret_assignment)
{
    return tell(client, project, id, "/v1/projects/{}/assignments/{}/renew", &proto_renew_shape,
                renew, key, result, ret_assignment);
}

enum amf_client_status amf_client_assignment_skip(struct amf_client *client, const char *project,
                                                  const char *id, const struct proto_end *skip,
                                                  const char *key, struct amf_client_result *result,
                                                  struct proto_assignment *ret_assignment)
{
    return tell(client, project, id, "/v1/projects/{}/assignments/{}/skip", &proto_skip_shape, skip,
                key, result, ret_assignment);
}

enum amf_client_status amf_client_assignment_fail(struct amf_client *client, const char *project,
                                                  const char *id, const struct proto_end *end,
                                                  const char *key, struct amf_client_result *result,
                                                  struct proto_assignment *ret_assignment)
{
    return tell(client, project, id, "/v1/projects/{}/assignments/{}/fail", &proto_end_shape, end,
                key, result, ret_assignment);
}

enum amf_client_status amf_client_assignment_release(struct amf_client *client, const char *project,
                                                     const char *id, const struct proto_end *end,
                                                     const char *key,
                                                     struct amf_client_result *result,
                                                     struct proto_assignment *ret_assignment)
{
    return tell(client, project, id, "/v1/projects/{}/assignments/{}/release", &proto_end_shape,
                end, key, result, ret_assignment);
}
