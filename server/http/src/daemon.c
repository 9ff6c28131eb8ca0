/* libmicrohttpd: start, callbacks, stop.
 *
 * One thread a connection, because a handler may wait for a commit or for a ranking. Per request
 * the library calls: on_uri (request line), on_request once with the headers, once per piece of the
 * body, once at the end, and on_completed, whatever became of it. An answer queued at the first of
 * these on_request calls closes the connection; normal answers go out at the last.
 */
#include <http/http.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "dispatch.h"
#include "limits.h"
#include "listener.h"
#include "request.h"
#include "server.h"

/* The newer library's stricter parser, where there is one. */
#if MHD_VERSION >= 0x00097701
#define STRICT_OPTION MHD_OPTION_CLIENT_DISCIPLINE_LVL
#else
#define STRICT_OPTION MHD_OPTION_STRICT_FOR_CLIENT
#endif

void http_log(const struct http_server *server, const char *format, ...)
{
    char line[512];
    va_list arguments;

    if (!server->config.log)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    for (char *c = line; *c; c++)
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
    server->config.log(line, server->config.log_arg);
}

__attribute__((format(printf, 2, 0))) static void on_library_log(void *arg, const char *format,
                                                                 va_list arguments)
{
    char line[256];

    vsnprintf(line, sizeof(line), format, arguments);
    line[strcspn(line, "\r\n")] = '\0';
    http_log(arg, "libmicrohttpd: %s", line);
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
        *context = info ? http_connections_add(&server->connections, info->connect_fd) : NULL;
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

static enum MHD_Result answer(struct http_request *request, struct MHD_Connection *connection)
{
    bool close =
        request->drained_bytes > 0 || http_connections_draining(&request->server->connections);

    request->sent_status = request->reply.status;
    request->sent_bytes = request->reply.body_bytes;
    http_connection_enter(request->connection, HTTP_PHASE_SENDING, request->sent_bytes);
    return http_reply_send(&request->reply, connection, request->id, close);
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
        return go_on ? MHD_YES : MHD_NO;
    }
    http_connection_enter(request->connection, HTTP_PHASE_HANDLING, 0);
    if (request->reply.status == 0)
        http_dispatch(request);
    return answer(request, connection);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode why)
{
    struct http_request *request = *context;

    (void)connection;
    if (!request)
        return;
    /* The query stays out of the log: a client may have put there what it should not. */
    http_log(arg, "%.16s %.*s status=%d bytes=%zu ms=%lld token=%s request=%s%s",
             request->method ? request->method : "-", (int)strcspn(request->uri, "?"), request->uri,
             request->sent_status, request->sent_bytes,
             (long long)(http_monotonic_ms() - request->started_ms),
             *request->ctx.principal.id ? request->ctx.principal.id : "-", request->id,
             why == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "" : " broken off");
    http_connection_enter(request->connection, HTTP_PHASE_IDLE, 0);
    http_request_free(request);
    *context = NULL;
}

/* Each connection costs a descriptor; some are kept back for the database. 0: too few. */
static unsigned connection_limit(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur == RLIM_INFINITY ||
        files.rlim_cur >= HTTP_CONNECTIONS_MAX + HTTP_DESCRIPTORS_RESERVED)
        return HTTP_CONNECTIONS_MAX;
    return files.rlim_cur > HTTP_DESCRIPTORS_RESERVED
               ? (unsigned)files.rlim_cur - HTTP_DESCRIPTORS_RESERVED
               : 0;
}

static struct MHD_Daemon *start_daemon(struct http_server *server, int fd, unsigned connections)
{
    const unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                           MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ITC | MHD_USE_ERROR_LOG;

    /* The logger comes first: the library wants to complain about the other options. */
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_library_log,
        server, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd, MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_PER_ADDRESS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)HTTP_CONNECTION_MEMORY_STEP_BYTES,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)HTTP_STACK_BYTES, STRICT_OPTION, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_uri,
        server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, server, MHD_OPTION_END);
}

static int listen_and_start(struct http_server *server, char ret_error[256])
{
    unsigned connections = connection_limit();
    int fd = -1;

    if (connections == 0) {
        snprintf(ret_error, 256, "the limit of open files is too low: at least %d are needed",
                 HTTP_DESCRIPTORS_RESERVED + 1);
        return -1;
    }
    if (http_listener_open(server->config.address, server->config.port, &fd, &server->port,
                           ret_error) < 0)
        return -1;
    server->daemon = start_daemon(server, fd, connections);
    if (server->daemon)
        return 0;
    snprintf(ret_error, 256, "libmicrohttpd %s does not start", http_library());
    close(fd);
    return -1;
}

int http_server_new(const struct http_config *config, struct http_server **ret_server,
                    char ret_error[256])
{
    struct http_server *server = calloc(1, sizeof(*server));

    if (!server || http_connections_init(&server->connections) < 0) {
        snprintf(ret_error, 256, "no memory or no thread to start the HTTP server");
        free(server);
        return -1;
    }
    server->config = *config;
    http_failures_init(&server->failures);
    if (listen_and_start(server, ret_error) < 0) {
        http_connections_deinit(&server->connections);
        http_failures_deinit(&server->failures);
        free(server);
        return -1;
    }
    server->config.address = NULL;
    *ret_server = server;
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

/* Takes in who has connected already, then refuses: a reset would leave a client guessing. */
static void close_door(struct http_server *server, int fd)
{
    struct sockaddr_storage address;

    for (int i = 0; i < HTTP_BACKLOG; i++) {
        socklen_t length = sizeof(address);
        int client = accept4(fd, (struct sockaddr *)&address, &length, SOCK_CLOEXEC);
        if (client < 0)
            break;
        /* The library closes the socket where it cannot take it. */
        (void)MHD_add_connection(server->daemon, client, (struct sockaddr *)&address, length);
    }
    shutdown(fd, SHUT_RD);
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    MHD_socket fd = MHD_quiesce_daemon(server->daemon);
    if (fd != MHD_INVALID_SOCKET)
        close_door(server, fd);
    size_t left = http_connections_drain(&server->connections, HTTP_DRAIN_MAX_MS);
    if (left > 0)
        http_log(server, "stopping: %zu connections are cut in the middle of a request", left);
    MHD_stop_daemon(server->daemon);
    /* Closed last: the library may poll it until it has stopped. */
    if (fd != MHD_INVALID_SOCKET)
        close(fd);
    http_connections_deinit(&server->connections);
    http_failures_deinit(&server->failures);
    free(server);
}
