/* The server of the tests of leases: its handlers on a store on disk, without HTTP, and clocks that
 * the model turns.
 */
#ifndef TESTS_PROPERTY_LEASES_WORLD_H
#define TESTS_PROPERTY_LEASES_WORLD_H

#include <amf/pool.h>
#include <amf/rng.h>
#include <api/api.h>
#include <state/state.h>
#include <store/store.h>

#include "leases.h"

#define PROJECT "kitchen"

/* What is broken on purpose, to see that it is seen. */
enum sabotage {
    SABOTAGE_NONE,
    SABOTAGE_WALL_CLOCK,    /* leases go by the wall clock */
    SABOTAGE_STALE_FENCE,   /* a stale fence renews */
    SABOTAGE_BEYOND_BUDGET, /* one more is opened than may be */
    SABOTAGE_LOSS,          /* a demonstration is gone */
    SABOTAGE_COUNT
};

struct world {
    struct leases model;
    struct amf_rng rng;
    enum sabotage sabotage;
    char directory[64];
    struct amf_pool *pool;
    struct store *store;
    struct state *state;
    int64_t boot_started;             /* true time */
    _Atomic int64_t wall_ms, boot_ms; /* what the server is told, also on its own threads */
    int boot;
    int content; /* of the next demonstration */
    int held;    /* how many demonstrations there should be */
    int steps, credited, late, refused, nothing;
    int64_t wall_jumps;
};

/* Which start of the machine it is. */
void world_tell_start(void *world, char ret_id[CLOCK_BOOT_ID_BYTES]);

/* After the model's time has changed. */
void world_turn_clocks(struct world *world);

/* On the directory of the world. */
void server_start(struct world *world);
void server_stop(struct world *world);

/* A request as server/http makes it, but for the wait of an ask for a fresher ranking. last: the
 * path's last parameter, or NULL. *response is a copy in the arena. */
enum proto_code server_call(struct world *world, struct proto_arena *arena, const char *method,
                            const char *template, const char *last, void *request, void *response);

#endif
