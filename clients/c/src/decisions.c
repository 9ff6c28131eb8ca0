/* The endpoints that say why a task was chosen, and how far a project has come. */
#include "call.h"

enum amf_client_status amf_client_decision_list(struct amf_client *client, const char *project,
                                                const struct amf_client_page *page,
                                                struct amf_client_result *result,
                                                struct proto_decision_list *ret_list)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects/{}/decisions",
        .segments = {project},
        .page = page,
        .response = &proto_decision_list_shape,
        .ret = ret_list,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_decision_get(struct amf_client *client, const char *project,
                                               const char *id, struct amf_client_result *result,
                                               struct proto_decision *ret_decision)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects/{}/decisions/{}",
        .segments = {project, id},
        .response = &proto_decision_shape,
        .ret = ret_decision,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_report_get(struct amf_client *client, const char *project,
                                             struct amf_client_result *result,
                                             struct proto_report *ret_report)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects/{}/report",
        .segments = {project},
        .response = &proto_report_shape,
        .ret = ret_report,
    };

    return client_call(client, &call, result);
}
