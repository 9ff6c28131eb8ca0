/* libmicrohttpd: start, callbacks, stop.
 *
 * One thread a connection, because a handler may wait for a commit or for a ranking. Per request
 * the library calls: on_uri (request line), on_request once with the headers, once per piece of the
 * body, once at the end, and on_completed, whatever became of it. An answer queued at the first of
 * these on_request calls closes the connection; normal answers go out at the last.
 */
#include <http/http.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <microhttpd.h>

#include "dispatch.h"
#include "limits.h"
#include "listener.h"
#include "request.h"
#include "request_log.h"
#include "server.h"
#include "stream.h"
#include "tls.h"
#include "waiting.h"

/* The newer library's stricter parser, where there is one. */
#if MHD_VERSION >= 0x00097701
#define STRICT_OPTION MHD_OPTION_CLIENT_DISCIPLINE_LVL
#else
#define STRICT_OPTION MHD_OPTION_STRICT_FOR_CLIENT
#endif

__attribute__((format(printf, 2, 0))) static void on_library_log(void *arg, const char *format,
                                                                 va_list arguments)
{
    const struct http_server *server = arg;
    char line[256];

    /* What it says of our own MHD_NO, which is no error of anybody's. */
    if (strncmp(format, "Application reported internal error", 35) == 0)
        return;
    vsnprintf(line, sizeof(line), format, arguments);
    line[strcspn(line, "\r\n")] = '\0';
    const struct log_field message = log_text("message", line);
    log_tell(&server->config.log, LOG_INFO, "libmicrohttpd", &message, 1);
}

/* Escapes stay as they are: http/percent decodes, after the path has been cut into segments. */
static size_t on_unescape(void *arg, struct MHD_Connection *connection, char *text)
{
    (void)arg;
    (void)connection;
    return strlen(text);
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = arg;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = info ? http_connections_take(&server->connections, info->connect_fd) : NULL;
    } else if (*context) {
        http_connection_remove(*context);
        *context = NULL;
    }
}

static void *on_uri(void *arg, const char *uri, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_connection *ours = info ? info->socket_context : NULL;

    if (!ours)
        return NULL;
    http_connection_enter(ours, HTTP_PHASE_HEADERS, 0);
    return http_request_new(arg, ours, uri);
}

/* Also where the library sees an empty body: it may have cut the length at a NUL. */
static bool ends_with_body(const struct http_request *request)
{
    return request->server->config.close_after_body &&
           (request->headers.content_length || request->headers.transfer_encoding);
}

static enum MHD_Result answer(struct http_request *request, struct MHD_Connection *connection)
{
    bool close = request->drained_bytes > 0 || ends_with_body(request) ||
                 http_connections_draining(&request->server->connections);

    request->sent_status = request->reply.status;
    request->sent_bytes = request->reply.body_bytes;
    /* A stream counts its bytes as it gives them. */
    http_connection_enter(request->connection, HTTP_PHASE_SENDING, request->sent_bytes);
    if (request->reply.stream)
        request->sent_bytes = (size_t)http_stream_bytes(request->reply.stream);
    return http_reply_send(&request->reply, connection, request->id, close);
}

/* A refusal that came up in the middle of the body. A client that listens stops sending; for others
 * the rest is read and thrown away. Where it cannot be sent now, it is when the body has ended. */
static void answer_early(struct http_request *request, struct MHD_Connection *connection)
{
    request->sent_early = http_reply_send_early(&request->reply, connection, request->id);
    if (!request->sent_early)
        return;
    request->sent_status = request->reply.status;
    request->sent_bytes = request->reply.body_bytes;
}

static enum MHD_Result refuse_waiting(struct http_request *request,
                                      struct MHD_Connection *connection)
{
    bool stopping = http_room_closed(request->server->room);

    if (stopping && !request->ctx.follows) {
        request->ctx.wait.over = true;
        http_dispatch_again(request);
        return answer(request, connection);
    }
    http_reply_deinit(&request->reply);
    (void)proto_error_set(&request->ctx.error,
                          stopping ? PROTO_CODE_NOT_READY : PROTO_CODE_OVERLOADED, "", "%s",
                          stopping ? "The server is stopping."
                                   : "Too many requests are waiting; try again shortly, or without "
                                     "wait_s.");
    http_request_refuse(request);
    return answer(request, connection);
}

/* The request goes where it can wait. MHD_NO ends its connection as far as the library knows. */
static enum MHD_Result wait_elsewhere(struct http_request *request,
                                      struct MHD_Connection *connection, void **context)
{
    struct http_server *server = request->server;
    const union MHD_ConnectionInfo *tls =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (tls && tls->tls_session) {
        if (!http_held_wait(&server->held, request))
            return refuse_waiting(request, connection);
        return answer(request, connection);
    }
    if (!fd || !http_room_take(server->room, request, fd->connect_fd))
        return refuse_waiting(request, connection);
    *context = NULL;
    return MHD_NO;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_size, void **context)
{
    struct http_request *request = *context;

    (void)arg;
    (void)url;
    if (!request)
        return MHD_NO;
    if (!request->begun) {
        http_connection_enter(request->connection, HTTP_PHASE_BODY, 0);
        if (http_request_begin(request, connection, method, version))
            return answer(request, connection);
        return MHD_YES;
    }
    if (*upload_data_size > 0) {
        bool go_on = http_request_add_body(request, upload_data, *upload_data_size);
        *upload_data_size = 0;
        if (request->drained_bytes > 0 && request->sent_status == 0)
            answer_early(request, connection);
        return go_on ? MHD_YES : MHD_NO;
    }
    if (request->sent_early)
        return MHD_NO;
    http_connection_enter(request->connection, HTTP_PHASE_HANDLING, 0);
    if (request->reply.status == 0)
        http_dispatch(request);
    /* Now, because who has read the answer may send the next body at once. */
    http_request_release_body(request);
    return request->waits && (request->reply.status == 0 || request->ctx.follows)
               ? wait_elsewhere(request, connection, context)
               : answer(request, connection);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode why)
{
    struct http_request *request = *context;

    (void)arg;
    (void)connection;
    if (!request)
        return;
    http_request_end(request, why == MHD_REQUEST_TERMINATED_COMPLETED_OK || request->sent_early);
    http_connection_enter(request->connection, HTTP_PHASE_IDLE, 0);
    http_request_free(request);
    *context = NULL;
}

/* Every connection and everyone that waits costs a descriptor; some are kept back for the database.
 * 0: too few. */
static unsigned descriptor_limit(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur == RLIM_INFINITY ||
        files.rlim_cur > INT32_MAX)
        return INT32_MAX;
    return files.rlim_cur > HTTP_DESCRIPTORS_RESERVED
               ? (unsigned)files.rlim_cur - HTTP_DESCRIPTORS_RESERVED
               : 0;
}

static unsigned connection_limit(void)
{
    unsigned limit = descriptor_limit();

    return limit < HTTP_CONNECTIONS_MAX ? limit : HTTP_CONNECTIONS_MAX;
}

static struct MHD_Daemon *start_daemon(struct http_server *server, const struct http_tls *tls)
{
    const unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                           MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ITC | MHD_USE_ERROR_LOG |
                           MHD_USE_NO_LISTEN_SOCKET | (tls->key ? MHD_USE_TLS : 0);
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, tls->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (char *)(size_t)HTTP_TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };

    /* The logger comes first: the library wants to complain about the other options. */
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_library_log,
        server, MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)HTTP_CONNECTION_MEMORY_STEP_BYTES,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)HTTP_STACK_BYTES, STRICT_OPTION, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_uri,
        server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, server, MHD_OPTION_ARRAY, tls->key ? options : options + 3, MHD_OPTION_END);
}

static int load_tls(const struct http_config *config, struct http_tls *ret_tls, char ret_error[256])
{
    *ret_tls = (struct http_tls){0};
    if (!config->tls_certificate)
        return 0;
    return http_tls_load(config->tls_certificate, config->tls_key, ret_tls, ret_error);
}

static int start_accepting(struct http_server *server, int fd, const struct http_tls *tls,
                           char ret_error[256])
{
    server->daemon = start_daemon(server, tls);
    if (!server->daemon) {
        snprintf(ret_error, 256, "libmicrohttpd %s does not start", http_library());
        return -1;
    }
    if (http_acceptor_start(&server->acceptor, &server->connections, server->daemon, fd,
                            tls->key != NULL) == 0)
        return 0;
    snprintf(ret_error, 256, "no thread to accept connections with");
    MHD_stop_daemon(server->daemon);
    return -1;
}

static int listen_and_start(struct http_server *server, char ret_error[256])
{
    struct http_tls tls;
    int fd = -1, status = -1;

    if (load_tls(&server->config, &tls, ret_error) < 0)
        return -1;
    if (http_listener_open(server->config.address, server->config.port, &fd, &server->port,
                           ret_error) == 0) {
        status = start_accepting(server, fd, &tls, ret_error);
        if (status < 0)
            close(fd);
    }
    http_tls_deinit(&tls);
    return status;
}

static int start_connections(struct http_server *server, char ret_error[256])
{
    unsigned max = connection_limit(), wanted = server->config.connections_per_address;
    unsigned kept = HTTP_CONNECTIONS_KEPT < max / 2 ? HTTP_CONNECTIONS_KEPT : max / 2;

    if (max == 0)
        snprintf(ret_error, 256, "the limit of open files is too low: at least %d are needed",
                 HTTP_DESCRIPTORS_RESERVED + 1);
    else if (http_connections_init(&server->connections, max, wanted ? wanted : max - kept) == 0)
        return 0;
    else
        snprintf(ret_error, 256, "no thread to start the HTTP server with");
    return -1;
}

static void on_change(void *arg)
{
    struct http_server *server = arg;

    http_room_wake(server->room);
    http_held_wake(&server->held);
}

/* The connections have their descriptors first. */
static int start_waiting(struct http_server *server, char ret_error[256])
{
    unsigned left = descriptor_limit() - connection_limit(), max = server->config.waiting_max;
    unsigned wanted = server->config.connections_per_address;

    if (left < max) {
        const struct log_field fields[] = {log_number("wanted", max), log_number("room", left)};

        log_tell(&server->config.log, LOG_WARNING,
                 "the limit of open files leaves room for fewer requests that wait", fields, 2);
        max = left;
    }
    server->waiting_max = max;
    unsigned kept = HTTP_WAITING_KEPT < max / 2 ? HTTP_WAITING_KEPT : max / 2;
    http_held_init(&server->held);
    server->room = http_room_new(server, max, wanted && wanted < max - kept ? wanted : max - kept);
    if (server->room) {
        if (server->config.watch)
            server->config.watch(server->config.state, on_change, server);
        return 0;
    }
    http_held_deinit(&server->held);
    snprintf(ret_error, 256, "no thread to start the HTTP server with");
    return -1;
}

static void stop_waiting(struct http_server *server)
{
    if (server->config.watch)
        server->config.watch(server->config.state, NULL, NULL);
    http_room_free(server->room);
    http_held_deinit(&server->held);
}

int http_server_new(const struct http_config *config, struct http_server **ret_server,
                    char ret_error[256])
{
    struct http_server *server = calloc(1, sizeof(*server));

    if (!server) {
        snprintf(ret_error, 256, "no memory to start the HTTP server with");
        return -1;
    }
    server->config = *config;
    server->started_ms = http_monotonic_ms();
    if (http_metrics_init(&server->metrics, config->route_count) < 0 ||
        start_connections(server, ret_error) < 0) {
        http_metrics_deinit(&server->metrics);
        free(server);
        return -1;
    }
    http_failures_init(&server->failures);
    http_budget_init(&server->budget);
    (void)sem_init(&server->decoding, 0, HTTP_DECODING_MAX); /* cannot fail: small, not shared */
    int status = start_waiting(server, ret_error);
    if (status == 0) {
        status = listen_and_start(server, ret_error);
        if (status < 0)
            stop_waiting(server);
    }
    if (status < 0) {
        http_connections_deinit(&server->connections);
        http_failures_deinit(&server->failures);
        http_budget_deinit(&server->budget);
        http_metrics_deinit(&server->metrics);
        free(server);
        return -1;
    }
    server->config.address = NULL; /* not needed any more */
    *ret_server = server;
    return 0;
}

void http_server_look(void *door, struct api_door *ret_door)
{
    struct http_server *server = door;

    *ret_door = (struct api_door){
        .draining = http_connections_draining(&server->connections),
        .connections = http_connections_count(&server->connections),
        .connections_max = server->connections.max,
        .streams = atomic_load(&server->streams) + atomic_load(&server->metrics.following),
        .uptime_s = (double)(http_monotonic_ms() - server->started_ms) / 1000,
    };
}

/* A place for the daemon that is in use now; those that have no connections left make room. NULL:
 * there is none. */
static struct MHD_Daemon **find_retirement(struct http_server *server)
{
    struct MHD_Daemon **place = NULL;

    for (size_t i = 0; i < HTTP_RETIRED_MAX; i++) {
        struct MHD_Daemon **retired = &server->retired[i];
        const union MHD_DaemonInfo *info =
            *retired ? MHD_get_daemon_info(*retired, MHD_DAEMON_INFO_CURRENT_CONNECTIONS) : NULL;

        if (info && info->num_connections == 0) {
            MHD_stop_daemon(*retired);
            *retired = NULL;
        }
        place = *retired ? place : retired;
    }
    return place;
}

int http_server_renew(struct http_server *server, char ret_error[256])
{
    struct MHD_Daemon **retirement = find_retirement(server), *renewed = NULL;
    struct http_tls tls;

    if (!server->config.tls_certificate)
        snprintf(ret_error, 256, "there is no certificate: TLS is not in use");
    else if (!retirement)
        snprintf(ret_error, 256, "connections of %d certificates before are still open",
                 HTTP_RETIRED_MAX);
    else if (load_tls(&server->config, &tls, ret_error) == 0) {
        renewed = start_daemon(server, &tls);
        if (!renewed)
            snprintf(ret_error, 256, "libmicrohttpd %s does not start", http_library());
        http_tls_deinit(&tls);
    }
    if (!renewed)
        return -1;
    *retirement = http_acceptor_switch(&server->acceptor, renewed);
    server->daemon = renewed;
    return 0;
}

const char *http_library(void)
{
    return MHD_get_version();
}

unsigned http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    http_connections_announce_drain(&server->connections);
    http_acceptor_stop(&server->acceptor);
    http_held_close(&server->held);
    http_room_close(server->room);
    size_t left = http_connections_drain(&server->connections, HTTP_DRAIN_MAX_MS);
    const struct log_field cut = log_number("connections", (int64_t)left);
    if (left > 0)
        log_tell(&server->config.log, LOG_WARNING,
                 "stopping: connections cut in the middle of a request", &cut, 1);
    MHD_stop_daemon(server->daemon);
    for (size_t i = 0; i < HTTP_RETIRED_MAX; i++)
        if (server->retired[i])
            MHD_stop_daemon(server->retired[i]);
    stop_waiting(server);
    sem_destroy(&server->decoding);
    http_connections_deinit(&server->connections);
    http_failures_deinit(&server->failures);
    http_budget_deinit(&server->budget);
    http_metrics_deinit(&server->metrics);
    free(server);
}
