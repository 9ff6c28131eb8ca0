/* The line that each request leaves in the log: who asked for what, and what became of it. A query
 * and a body are never in it, and of an address nothing from where a token seems to begin.
 */
#include "request_log.h"

#include <stdio.h>
#include <string.h>

#include "connections.h"

enum { PATH_BYTES = 200 };

/* Neither the query nor what begins like a token, where a client may have put what it should not.
 */
static void copy_path(const char *uri, char ret_path[PATH_BYTES])
{
    size_t length = strcspn(uri, "?");
    const char *token = strstr(uri, "amf_t");

    if (token && (size_t)(token - uri) < length)
        length = (size_t)(token - uri);
    snprintf(ret_path, PATH_BYTES, "%.*s", (int)length, uri);
}

/* Who watches a server asks it every few seconds: not worth a line unless something is wrong. */
static bool is_probe(const struct api_route *route)
{
    return route && route->roles & API_PUBLIC;
}

static enum log_level level_of(const struct http_request *request, bool whole)
{
    int status = request->sent_status;

    if (status == MHD_HTTP_INTERNAL_SERVER_ERROR)
        return LOG_ERROR;
    if (status > MHD_HTTP_INTERNAL_SERVER_ERROR)
        return LOG_WARNING;
    return is_probe(request->match.route) && status < 400 && whole ? LOG_DEBUG : LOG_INFO;
}

/* Of one that is there: what else stands in its place may be anything, a secret even. */
static const char *project_of(const struct http_request *request)
{
    const char *incarnation = request->ctx.incarnation;

    return incarnation && *incarnation ? request->ctx.params[0] : NULL;
}

static void log_request(const struct http_request *request, bool whole)
{
    const struct api_route *route = request->match.route;
    const struct api_principal *principal = &request->ctx.principal;
    const char *project = project_of(request);
    struct log_field fields[12];
    char path[PATH_BYTES], method[17];
    size_t count = 0;

    copy_path(request->uri, path);
    snprintf(method, sizeof method, "%s", request->method ? request->method : "-");
    fields[count++] = log_text("method", method);
    fields[count++] = log_text("path", path);
    if (route)
        fields[count++] = log_text("route", route->template);
    fields[count++] = log_number("status", request->sent_status);
    fields[count++] = log_number("bytes", (int64_t)request->sent_bytes);
    fields[count++] = log_number("ms", (http_monotonic_us() - request->started_us) / 1000);
    if (*principal->id) {
        fields[count++] = log_text("token", principal->id);
        fields[count++] = log_text("name", principal->name);
    }
    if (project)
        fields[count++] = log_text("project", project);
    if (!whole)
        fields[count++] = log_text("broken_off", "yes");
    fields[count++] = log_text("request_id", request->id);
    log_tell(&request->server->config.log, level_of(request, whole), "request", fields, count);
}

void http_request_end(const struct http_request *request, bool whole)
{
    http_metrics_count(&request->server->metrics, request);
    log_request(request, whole);
}
