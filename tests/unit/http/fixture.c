/* The route table of the fixture: one route of each kind, with the paths of the real daemon where
 * tests/api/http_raw uses them. Project ids that begin with "fail-" stand for what can go wrong.
 */
#include "fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <proto/wire.h>
#include <store/store.h>

struct project {
    const char *id;
};

static const struct proto_field project_fields[] = {
    {"id", PROTO_STRING, offsetof(struct project, id), PROTO_REQUIRED},
};
static const struct proto_shape project_shape = {
    .name = "Project", .size = sizeof(struct project), .fields = project_fields, .field_count = 1};

/* An answer that tells effects apart: the count of writes so far. Writers hold the store's lock. */
static int64_t writes;

static atomic_int waiting;

void fixture_await_request(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};

    while (atomic_load(&waiting) == 0)
        nanosleep(&moment, NULL);
}

/* Stand in for server/api: nothing is kept here. */
int api_outcome(const struct api_ctx *ctx, enum proto_code code)
{
    (void)code;
    return ctx->store_failure;
}

void api_release(struct api_ctx *ctx)
{
    (void)ctx;
}

int api_incarnation(struct api_ctx *ctx, const char **ret_incarnation)
{
    *ret_incarnation = ctx->incarnation;
    return 0;
}

static enum proto_code get_health(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_health *health = response;

    (void)ctx;
    (void)request;
    health->status = "ok";
    return PROTO_CODE_OK;
}

static int health_text(const void *response, char **ret_bytes, size_t *ret_length)
{
    const struct proto_health *health = response;

    *ret_bytes = strdup(health->status);
    *ret_length = strlen(health->status);
    return *ret_bytes ? 0 : -1;
}

static enum proto_code list_projects(struct api_ctx *ctx, const void *request, void *response)
{
    (void)ctx;
    (void)request;
    (void)response;
    return PROTO_CODE_OK;
}

/* Waits as long as ?wait_s= says, so that a test can catch a request under way. */
static enum proto_code get_project(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_stored *stored = response;
    struct timespec wait = {.tv_sec = (time_t)ctx->wait_s,
                            .tv_nsec = (long)((ctx->wait_s - (double)(time_t)ctx->wait_s) * 1e9)};

    (void)request;
    atomic_fetch_add(&waiting, 1);
    nanosleep(&wait, NULL);
    stored->id = stored->sha256 = ctx->params[0];
    return PROTO_CODE_OK;
}

/* Whom the next look at the token turns away. */
#define REVOKED "revoked"

static enum proto_code prepare_project(struct api_ctx *ctx, void *request)
{
    const struct project *project = request;

    if (strcmp(project->id, "revoked-meanwhile") == 0)
        strcpy(ctx->principal.id, REVOKED);
    if (strcmp(project->id, "fail-prepare") != 0)
        return PROTO_CODE_OK;
    return proto_error_set(&ctx->error, PROTO_CODE_PROJECT_NOT_FOUND, "/id", "refused early");
}

static enum proto_code write_project(struct api_ctx *ctx, const void *request, void *response)
{
    const struct project *project = request;
    struct proto_stored *stored = response;

    if (!ctx->tx)
        return proto_error_set(&ctx->error, PROTO_CODE_INTERNAL, "", "no transaction");
    if (strcmp(project->id, "fail-exists") == 0)
        return proto_error_set(&ctx->error, PROTO_CODE_PROJECT_EXISTS, "/id", "it exists");
    if (strcmp(project->id, "fail-full") == 0)
        ctx->store_failure = STORE_FULL;
    stored->id = stored->sha256 = project->id;
    stored->seq = ++writes;
    ctx->status = API_CREATED;
    return PROTO_CODE_OK;
}

static enum proto_code put_task(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_stored *stored = response;

    (void)request;
    stored->id = ctx->params[0];
    stored->sha256 = ctx->params[1];
    stored->seq = ++writes;
    return PROTO_CODE_OK;
}

static enum proto_code delete_project(struct api_ctx *ctx, const void *request, void *response)
{
    (void)request;
    (void)response;
    writes++;
    ctx->status = API_NO_CONTENT;
    return PROTO_CODE_OK;
}

static void demonstration_defaults(struct api_ctx *ctx, void *request)
{
    (void)ctx;
    proto_demonstration_defaults(request);
}

static enum proto_code add_demonstration(struct api_ctx *ctx, const void *request, void *response)
{
    const struct proto_demonstration *demonstration = request;
    struct proto_stored *stored = response;

    stored->id = stored->sha256 = demonstration->task;
    stored->steps = (int64_t)demonstration->states.rows;
    stored->seq = ++writes;
    ctx->status = API_CREATED;
    return PROTO_CODE_OK;
}

static enum proto_code retract(struct api_ctx *ctx, const void *request, void *response)
{
    const struct proto_retraction *retraction = request;
    struct proto_stored *stored = response;

    stored->id = ctx->params[1];
    stored->sha256 = retraction->reason ? retraction->reason : "no reason";
    stored->seq = ++writes;
    return PROTO_CODE_OK;
}

static enum proto_code literal(struct api_ctx *ctx, const void *request, void *response)
{
    struct proto_stored *stored = response;

    (void)ctx;
    (void)request;
    stored->id = stored->sha256 = "literal";
    return PROTO_CODE_OK;
}

/* Stands in for api_admit. */
static enum proto_code admit(struct api_ctx *ctx, const struct api_route *route, const char *bearer)
{
    if (!bearer || (strcmp(bearer, FIXTURE_TOKEN) != 0 && strcmp(bearer, FIXTURE_READER) != 0))
        return proto_error_set(&ctx->error, PROTO_CODE_UNAUTHORIZED, "", "no such token");
    if (strcmp(ctx->principal.id, REVOKED) == 0)
        return proto_error_set(&ctx->error, PROTO_CODE_UNAUTHORIZED, "", "revoked meanwhile");
    strcpy(ctx->principal.id, strcmp(bearer, FIXTURE_READER) == 0 ? "t2" : "t1");
    if (route->writes && strcmp(bearer, FIXTURE_READER) == 0)
        return proto_error_set(&ctx->error, PROTO_CODE_INSUFFICIENT_SCOPE, "", "for writers");
    return PROTO_CODE_OK;
}

static const struct api_route routes[] = {
    {.method = "GET",
     .template = "/healthz",
     .roles = API_PUBLIC,
     .handle = get_health,
     .response = &proto_health_shape,
     .other_type = "text/plain",
     .encode_other = health_text},
    {.method = "GET",
     .template = "/v1/projects",
     .query = API_QUERY_PAGE,
     .handle = list_projects,
     .response = &proto_project_list_shape},
    {.method = "POST",
     .template = "/v1/projects",
     .body = API_BODY_JSON,
     .writes = true,
     .request = &project_shape,
     .response = &proto_stored_shape,
     .prepare = prepare_project,
     .handle = write_project},
    {.method = "GET",
     .template = "/v1/projects/{project}",
     .query = API_QUERY_WAIT,
     .handle = get_project,
     .response = &proto_stored_shape},
    {.method = "DELETE",
     .template = "/v1/projects/{project}",
     .writes = true,
     .handle = delete_project},
    {.method = "GET",
     .template = "/v1/projects/literal",
     .handle = literal,
     .response = &proto_stored_shape},
    {.method = "PUT",
     .template = "/v1/projects/{project}/tasks/{task}",
     .body = API_BODY_JSON,
     .body_optional = true,
     .writes = true,
     .request = &proto_retraction_shape,
     .response = &proto_stored_shape,
     .handle = put_task},
    {.method = "POST",
     .template = "/v1/projects/{project}/demonstrations",
     .body = API_BODY_DEMONSTRATION,
     .writes = true,
     .request = &proto_demonstration_shape,
     .response = &proto_stored_shape,
     .request_defaults = demonstration_defaults,
     .handle = add_demonstration},
    {.method = "DELETE",
     .template = "/v1/projects/{project}/demonstrations/{id}",
     .body = API_BODY_JSON,
     .body_optional = true,
     .writes = true,
     .request = &proto_retraction_shape,
     .response = &proto_stored_shape,
     .handle = retract},
};

void fixture_start(struct fixture *fixture, unsigned port, struct log_sink log)
{
    char error[256];

    fixture->store = fixture_store_new();
    const struct http_config config = {
        .address = "127.0.0.1",
        .port = port,
        .routes = routes,
        .route_count = sizeof(routes) / sizeof(*routes),
        .store = fixture->store,
        .admit = admit,
        .log = log,
    };
    if (http_server_new(&config, &fixture->server, error) < 0) {
        fprintf(stderr, "%s\n", error);
        abort();
    }
    fixture->port = http_server_port(fixture->server);
}

void fixture_stop(struct fixture *fixture)
{
    http_server_free(fixture->server);
    fixture_store_free(fixture->store);
}
