#include "leases_world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- clocks ---- */

static int64_t tell_wall(void *arg)
{
    return ((struct world *)arg)->wall_ms;
}

static int64_t tell_boot(void *arg)
{
    return ((struct world *)arg)->boot_ms;
}

void world_turn_clocks(struct world *world)
{
    world->wall_ms = world->model.now + world->model.wall_offset;
    world->boot_ms = world->sabotage == SABOTAGE_WALL_CLOCK
                         ? world->wall_ms
                         : world->model.now - world->boot_started;
}

void world_tell_start(void *arg, char ret_id[CLOCK_BOOT_ID_BYTES])
{
    snprintf(ret_id, CLOCK_BOOT_ID_BYTES, "boot-%d", ((const struct world *)arg)->boot);
}

/* ---- the server ---- */

void server_start(struct world *world)
{
    char error[256] = "";

    world_turn_clocks(world);
    ck_assert_msg(store_open(world->directory, &world->store, error) == 0, "%s", error);
    ck_assert_msg(
        state_new(&(struct state_config){.store = world->store,
                                         .pool = world->pool,
                                         .clock = {tell_wall, tell_boot, world_tell_start, world}},
                  &world->state, error) == 0,
        "%s", error);
}

void server_stop(struct world *world)
{
    state_free(world->state);
    store_close(world->store);
}

struct call {
    struct world *world;
    const struct api_route *route;
    struct api_ctx ctx;
    void *request, *response; /* response: room for the route's struct, copied into the arena */
};

static const struct api_route *route_find(const char *method, const char *template)
{
    for (size_t i = 0; i < api_route_count; i++)
        if (!strcmp(api_routes[i].method, method) && !strcmp(api_routes[i].template, template))
            return &api_routes[i];
    ck_abort_msg("there is no route %s %s", method, template);
    return NULL;
}

static int call_body(struct store_tx *tx, void *arg)
{
    struct call *call = arg;
    const struct proto_shape *shape = call->route->response;
    void *response = proto_arena_alloc(call->ctx.arena, 1, shape->size);
    enum proto_code code;
    int outcome;

    ck_assert_ptr_nonnull(response);
    call->ctx.tx = tx;
    code = call->route->handle(&call->ctx, call->request, response);
    outcome = api_outcome(&call->ctx, code);
    if (!outcome && !code)
        ck_assert_int_eq(proto_copy(shape, response, call->ctx.arena, call->response), 0);
    api_release(&call->ctx);
    return outcome ? outcome : (int)code;
}

enum proto_code server_call(struct world *world, struct proto_arena *arena, const char *method,
                            const char *template, const char *last, void *request, void *response)
{
    struct call call = {.world = world,
                        .route = route_find(method, template),
                        .ctx = {.state = world->state, .arena = arena, .params = {PROJECT, last}},
                        .request = request,
                        .response = response};
    bool waits = strcmp(template, "/v1/projects/{project}/assignments") == 0;
    enum proto_code code =
        call.route->prepare && !waits ? call.route->prepare(&call.ctx, request) : PROTO_CODE_OK;

    if (code)
        return code;
    return (enum proto_code)store_write(world->store, call_body, &call);
}
