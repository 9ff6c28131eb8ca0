/* The endpoints about the server itself. All but the status are public: no token leaves the machine
 * for them. */
#include "call.h"

enum amf_client_status amf_client_server_status(struct amf_client *client,
                                                const struct amf_client_page *page,
                                                struct amf_client_result *result,
                                                struct proto_status *ret_status)
{
    const struct call call = {
        .method = "GET",
        .path = "/v1/status",
        .page = page,
        .response = &proto_status_shape,
        .ret = ret_status,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_healthz(struct amf_client *client,
                                          struct amf_client_result *result,
                                          struct proto_health *ret_health)
{
    const struct call call = {
        .method = "GET",
        .path = "/healthz",
        .public = true,
        .response = &proto_health_shape,
        .ret = ret_health,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_readyz(struct amf_client *client,
                                         struct amf_client_result *result,
                                         struct proto_health *ret_health)
{
    const struct call call = {
        .method = "GET",
        .path = "/readyz",
        .public = true,
        .response = &proto_health_shape,
        .ret = ret_health,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_version(struct amf_client *client,
                                          struct amf_client_result *result,
                                          struct proto_version *ret_version)
{
    const struct call call = {
        .method = "GET",
        .path = "/version",
        .public = true,
        .response = &proto_version_shape,
        .ret = ret_version,
    };

    return client_call(client, &call, result);
}

enum amf_client_status amf_client_metrics(struct amf_client *client,
                                          struct amf_client_result *result)
{
    const struct call call = {.method = "GET", .path = "/metrics", .accept = "text/plain"};

    return client_call(client, &call, result);
}
