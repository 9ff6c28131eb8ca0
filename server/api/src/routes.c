/* THE table. */
#include <proto/wire.h>

#include "verbs.h"

static void project_defaults(struct api_ctx *ctx, void *request)
{
    (void)ctx;
    proto_project_defaults(request);
}

static void demonstration_defaults(struct api_ctx *ctx, void *request)
{
    (void)ctx;
    proto_demonstration_defaults(request);
}

#define PROJECT "/v1/projects/{project}"

const struct api_route api_routes[] = {
    {.method = "GET", .template = "/v1/projects", .response = &proto_project_list_shape, .query = API_QUERY_PAGE,
     .handle = api_project_list},
    {.method = "POST", .template = "/v1/projects", .body = API_BODY_JSON, .writes = true,
     .request = &proto_project_shape, .response = &proto_project_shape,
     .request_defaults = project_defaults, .prepare = api_project_check_supported, .handle = api_project_create},
    {.method = "GET", .template = PROJECT, .response = &proto_project_shape, .handle = api_project_get},
    {.method = "PATCH", .template = PROJECT, .body = API_BODY_JSON, .writes = true,
     .request = &proto_project_shape, .response = &proto_project_shape,
     .request_defaults = api_project_update_defaults, .prepare = api_project_check_supported, .handle = api_project_update},
    {.method = "DELETE", .template = PROJECT, .writes = true, .handle = api_project_delete},

    {.method = "GET", .template = PROJECT "/tasks", .response = &proto_task_list_shape, .query = API_QUERY_PAGE,
     .handle = api_task_list},
    {.method = "GET", .template = PROJECT "/tasks/{task}", .response = &proto_task_shape,
     .handle = api_task_get},
    {.method = "PUT", .template = PROJECT "/tasks/{task}", .body = API_BODY_JSON, .body_optional = true,
     .writes = true, .request = &proto_task_shape, .response = &proto_task_shape,
     .request_defaults = api_task_put_defaults, .handle = api_task_put},
    {.method = "DELETE", .template = PROJECT "/tasks/{task}", .writes = true,
     .handle = api_task_delete},

    {.method = "GET", .template = PROJECT "/demonstrations",
     .response = &proto_demonstration_list_shape, .query = API_QUERY_PAGE, .handle = api_demonstration_list},
    {.method = "POST", .template = PROJECT "/demonstrations", .body = API_BODY_DEMONSTRATION,
     .writes = true, .request = &proto_demonstration_shape, .response = &proto_stored_shape,
     .request_defaults = demonstration_defaults, .prepare = api_demonstration_add_prepare,
     .handle = api_demonstration_add},
    {.method = "GET", .template = PROJECT "/demonstrations/{demonstration}",
     .response = &proto_demonstration_shape, .handle = api_demonstration_get,
     .other_type = "application/vnd.safetensors", .encode_other = api_demonstration_tensors},
    {.method = "DELETE", .template = PROJECT "/demonstrations/{demonstration}", .body = API_BODY_JSON,
     .body_optional = true, .writes = true, .request = &proto_retraction_shape,
     .handle = api_demonstration_retract},

    {.method = "GET", .template = PROJECT "/ranking", .query = API_QUERY_WAIT, .response = &proto_ranking_shape,
     .handle = api_ranking_get},

    {.method = "GET", .template = PROJECT "/assignments", .response = &proto_assignment_list_shape, .query = API_QUERY_PAGE,
     .handle = api_assignment_list},
    {.method = "POST", .template = PROJECT "/assignments", .body = API_BODY_JSON, .body_optional = true,
     .writes = true, .request = &proto_ask_shape, .response = &proto_asked_shape,
     .request_defaults = api_assignment_ask_defaults, .prepare = api_assignment_ask_prepare,
     .handle = api_assignment_ask, .other_type = "text/plain", .encode_other = api_asked_text},
    {.method = "GET", .template = PROJECT "/assignments/{assignment}",
     .response = &proto_assignment_shape, .handle = api_assignment_get},
    {.method = "POST", .template = PROJECT "/assignments/{assignment}/complete", .body = API_BODY_JSON,
     .writes = true, .request = &proto_complete_shape, .response = &proto_completed_shape,
     .prepare = api_assignment_complete_prepare, .handle = api_assignment_complete},

    {.method = "GET", .template = "/healthz", .auth = API_AUTH_PUBLIC, .response = &proto_health_shape,
     .handle = api_healthz},
    {.method = "GET", .template = "/readyz", .auth = API_AUTH_PUBLIC, .response = &proto_health_shape,
     .handle = api_readyz},
    {.method = "GET", .template = "/version", .auth = API_AUTH_PUBLIC,
     .response = &proto_version_shape, .handle = api_version},
    {.method = "GET", .template = "/openapi.yaml", .auth = API_AUTH_PUBLIC, .handle = api_openapi,
     .other_type = "application/yaml", .encode_other = api_openapi_text, .other_only = true},
};

const size_t api_route_count = sizeof api_routes / sizeof *api_routes;
