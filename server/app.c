#include <errno.h>
#include <stdio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <amf/pool.h>
#include <http/http.h>
#include <proto/wire.h>
#include <state/feed.h>
#include <state/state.h>
#include <store/store.h>

#include "app.h"
#include "token.h"

#define WORKER_NICENESS 5

struct app {
    struct config config;
    struct log_sink log;
    struct store *store;
    struct amf_pool *pool;
    struct state *state;
    struct http_server *http;
    struct proto_version version;
    char token[TOKEN_BYTES], url[CONFIG_TEXT_BYTES + 32], spool[CONFIG_TEXT_BYTES + 16];
};

/* Where the command line of the same user looks for the daemon. Only a convenience: failing to
 * write it is no error. */
static void listening_path(const struct app *app, char ret_path[CONFIG_TEXT_BYTES + 16])
{
    snprintf(ret_path, CONFIG_TEXT_BYTES + 16, "%s/listening", app->config.data);
}

static void listening_write(const struct app *app)
{
    char path[CONFIG_TEXT_BYTES + 16];
    FILE *file;

    listening_path(app, path);
    file = fopen(path, "we");
    if (!file)
        return;
    fprintf(file, "%s\n", app->url);
    fclose(file);
}

static void listening_remove(const struct app *app)
{
    char path[CONFIG_TEXT_BYTES + 16];

    listening_path(app, path);
    unlink(path);
}

/* On a fresh account ~/.local/share is not there yet. What cannot be made is for store_open to
 * complain about. */
static void make_parents(const char *path)
{
    char parent[CONFIG_TEXT_BYTES];

    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
        (void)mkdir(parent, 0700);
    }
}

/* Linux has a niceness for each thread, and threads that one starts have its own. */
static void *start_pool(void *arg)
{
    struct app *app = arg;

    (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + WORKER_NICENESS);
    if (amf_pool_new((size_t)app->config.workers, &app->pool))
        app->pool = NULL;
    return NULL;
}

/* Workers are nicer than the threads that answer: an ask takes microseconds and must not wait
 * behind a ranking, which takes what is left. */
static int app_start_pool(struct app *app)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, start_pool, app))
        return -1;
    pthread_join(thread, NULL);
    return app->pool ? 0 : -1;
}

static int app_start_state(struct app *app, char ret_error[256])
{
    if (app->config.data_is_default)
        make_parents(app->config.data);
    if (store_open_begin(app->config.data, &app->store, ret_error) ||
        token_load(app->config.data, app->token, ret_error))
        return -1;
    if (app_start_pool(app)) {
        snprintf(ret_error, 256, "the worker threads cannot be started");
        return -1;
    }
    return state_new(&(struct state_config){.store = app->store,
                                            .pool = app->pool,
                                            .clock = clock_system,
                                            .admin_token = app->token,
                                            .log = app->log},
                     &app->state, ret_error);
}

/* For bodies too large for memory; its files have no names, so there is nothing to clear. */
static int make_spool(struct app *app, char ret_error[256])
{
    snprintf(app->spool, sizeof app->spool, "%s/spool", app->config.data);
    if (mkdir(app->spool, 0700) == 0 || errno == EEXIST)
        return 0;
    snprintf(ret_error, 256, "%.200s: %s", app->spool, strerror(errno));
    return -1;
}

static int app_start_http(struct app *app, char ret_error[256])
{
    bool ipv6 = strchr(app->config.address, ':') != NULL, tls = *app->config.tls_cert;

    app->version = (struct proto_version){.version = AMF_VERSION,
                                          .api = "v1",
                                          .blas_core = amf_pool_blas_core(),
                                          .sqlite = store_library(),
                                          .microhttpd = http_library()};
    if (make_spool(app, ret_error))
        return -1;
    if (http_server_new(&(struct http_config){.address = app->config.address,
                                              .port = app->config.port,
                                              .connections_per_address =
                                                  (unsigned)app->config.connections_per_address,
                                              .waiting_max = (unsigned)app->config.streams,
                                              .close_after_body = app->config.close_after_body,
                                              .tls_certificate = tls ? app->config.tls_cert : NULL,
                                              .tls_key = tls ? app->config.tls_key : NULL,
                                              .routes = api_routes,
                                              .route_count = api_route_count,
                                              .state = app->state,
                                              .store = app->store,
                                              .version = &app->version,
                                              .admit = api_admit,
                                              .watch = state_watch,
                                              .spool = app->spool,
                                              .log = app->log},
                        &app->http, ret_error))
        return -1;
    snprintf(app->url, sizeof app->url, ipv6 ? "http%s://[%s]:%u" : "http%s://%s:%u",
             tls ? "s" : "", app->config.address, http_server_port(app->http));
    listening_write(app);
    return 0;
}

int app_new(const struct config *config, const struct log_sink *log, struct app **ret_app,
            char ret_error[CONFIG_ERROR_BYTES])
{
    struct app *app = calloc(1, sizeof *app);

    if (!app) {
        snprintf(ret_error, CONFIG_ERROR_BYTES, "out of memory");
        return -1;
    }
    app->config = *config;
    app->log = *log;
    if (app_start_state(app, ret_error) || app_start_http(app, ret_error)) {
        app_free(app);
        return -1;
    }
    *ret_app = app;
    return 0;
}

void app_free(struct app *app)
{
    if (!app)
        return;
    if (app->http)
        listening_remove(app);
    if (app->state)
        state_end_waiting(app->state);
    http_server_free(app->http);
    state_free(app->state);
    amf_pool_free(app->pool);
    store_close(app->store);
    free(app);
}

int app_renew_certificate(struct app *app, char ret_error[256])
{
    return http_server_renew(app->http, ret_error);
}

const char *app_url(const struct app *app)
{
    return app->url;
}

const char *app_broken(const struct app *app)
{
    return store_latched(app->store);
}
