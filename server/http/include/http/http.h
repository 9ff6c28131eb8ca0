/* The HTTP side of the daemon, on libmicrohttpd. The only folder that sees it.
 *
 * One thread a connection: handlers may wait for a commit. Every request goes guard (header rules
 * against request smuggling) -> route -> token -> query -> body (capped) -> decode -> prepare ->
 * handle -> encode -> reply. What can be refused without the body is refused before it is read.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include <api/api.h>
#include <log/log.h>

struct store;
struct http_server;

struct http_config {
    const char *address;                   /* numeric IPv4 or IPv6 */
    unsigned port;                         /* 0: any free one */
    const char *tls_certificate, *tls_key; /* files; NULL, both: no TLS */
    unsigned connections_per_address;      /* 0: all but the last few */
    unsigned waiting_max; /* requests that may wait at once (?wait_s=, event streams) */
    /* A connection ends after each request that says it has a body; see docs/security.md. */
    bool close_after_body;
    const struct api_route *routes;
    size_t route_count;
    struct state *state;
    struct store *store;                 /* for store_write and the replies it keeps */
    const struct proto_version *version; /* handed on to handlers */
    const char *spool; /* folder for bodies too large for memory; NULL: such routes answer 500 */
    /* api_admit: whether the bearer token that was sent (NULL: none) opens the route. */
    enum proto_code (*admit)(struct api_ctx *ctx, const struct api_route *route,
                             const char *bearer);
    /* state_watch: calls changed(arg) after anything was published that a request may wait for;
     * with NULL: not any more. */
    void (*watch)(struct state *state, void (*changed)(void *arg), void *arg);
    /* Told of each request when it has ended (docs/operations.md lists the fields), and of events
     * of the library; never with a token's secret, a query or a body in it. */
    struct log_sink log;
};

/* Starts listening. Borrowed pointers in config must outlive the server, but not the address. 0, or
 * -1 with one line in ret_error. */
__attribute__((warn_unused_result)) int http_server_new(const struct http_config *config,
                                                        struct http_server **ret_server,
                                                        char ret_error[256]);
/* Version of the library in use, such as "0.9.75". */
const char *http_library(void);
/* Reads the files of certificate and key again; who connects from now on is shown the new one.
 * Connections there are go on as they began. 0, or -1 with one line in ret_error: then the old one
 * stays. One thread at a time. */
__attribute__((warn_unused_result)) int http_server_renew(struct http_server *server,
                                                          char ret_error[256]);
unsigned http_server_port(const struct http_server *server);
/* Stops accepting, lets requests under way finish (at most 10 s), frees. */
void http_server_free(struct http_server *server);

#endif
