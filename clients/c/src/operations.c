/* The endpoints about the server itself; they are public, so no token leaves the machine for them.
 */
#include "call.h"

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
