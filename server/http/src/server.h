/* What all requests of one server share. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <semaphore.h>
#include <stdatomic.h>

#include <http/http.h>

#include "acceptor.h"
#include "budget.h"
#include "connections.h"
#include "failures.h"
#include "held.h"
#include "metrics.h"

struct MHD_Daemon;
struct http_room;

struct http_server {
    struct http_config config;
    struct http_failures failures;
    struct http_metrics metrics;
    struct http_connections connections;
    struct MHD_Daemon *daemon;
    /* With certificates before the one in use; their connections are served to their end. */
    struct MHD_Daemon *retired[HTTP_RETIRED_MAX];
    struct http_acceptor acceptor;
    unsigned port;
    struct http_budget budget;  /* bodies of all requests under way, in memory */
    atomic_int archives;        /* bodies in the spool */
    struct http_room *room;     /* requests that wait */
    unsigned waiting_max;       /* how many it takes */
    struct http_held held;      /* and those over TLS */
    atomic_size_t streams;      /* answers that are being sent piece by piece */
    int64_t started_ms;         /* monotonic */
    sem_t decoding;             /* turns left; see HTTP_DECODING_MAX */
    int64_t replies_expired_ms; /* wall clock; touched on the writer thread only */
};

/* For api_ctx.look; door: a server. */
void http_server_look(void *door, struct api_door *ret_door);

#endif
