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
    struct http_acceptor acceptor;
    unsigned port;
    struct http_budget budget;  /* bodies of all requests under way, in memory */
    atomic_int archives;        /* bodies in the spool */
    struct http_room *room;     /* requests that wait */
    unsigned waiting_max;       /* how many it takes */
    struct http_held held;      /* and those over TLS */
    sem_t decoding;             /* turns left; see HTTP_DECODING_MAX */
    int64_t replies_expired_ms; /* wall clock; touched on the writer thread only */
};

/* One line to config.log, cut at 512 bytes; bytes that do not print become '?'. */
__attribute__((format(printf, 2, 3))) void http_log(const struct http_server *server,
                                                    const char *format, ...);

#endif
