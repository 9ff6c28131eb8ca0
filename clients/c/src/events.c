/* The event feed. */
#include "call.h"

enum amf_client_status amf_client_event_list(struct amf_client *client, const char *project,
                                             int64_t after, int64_t limit, double wait_s,
                                             struct amf_client_result *result,
                                             struct proto_event_list *ret_list)
{
    const struct amf_client_page page = {.limit = limit};
    const struct call call = {
        .method = "GET",
        .path = "/v1/projects/{}/events",
        .segments = {project},
        .page = &page,
        .after = after,
        .wait_s = wait_s,
        .response = &proto_event_list_shape,
        .ret = ret_list,
    };

    return client_call(client, &call, result);
}
