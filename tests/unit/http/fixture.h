/* A whole HTTP server over a small route table and a store in memory: what the tests of server/http
 * drive through real sockets, and what http_fixture serves to tests/api/http_raw.
 */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include <http/http.h>

#define FIXTURE_TOKEN "fixture-token-0123456789"   /* may do everything */
#define FIXTURE_READER "fixture-reader-0123456789" /* may not write */

/* The store's five functions are defined beside this. */
struct store *fixture_store_new(void);
void fixture_store_free(struct store *store);
size_t fixture_store_replies(struct store *store);
/* The next write whose body succeeds answers this instead, and keeps no reply. */
void fixture_store_fail_next(struct store *store, int status);

struct fixture {
    struct store *store;
    struct http_server *server;
    unsigned port;
};

/* Aborts the test program when the server does not start. */
void fixture_start(struct fixture *fixture, unsigned port, struct log_sink log);
/* Returns when a handler has begun to wait for ?wait_s=. */
void fixture_await_request(void);
void fixture_stop(struct fixture *fixture);

#endif
