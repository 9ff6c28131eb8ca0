/* Counters of requests, and how they are told; metrics.h. */
#include "metrics.h"

#include <stdlib.h>

#include <proto/metrics.h>

#include "request.h"

/* All that proto/errors.json and the handlers' flavours have. */
static const int statuses[HTTP_METRIC_STATUSES] = {200, 201, 204, 400, 401, 403, 404, 405,
                                                   406, 409, 411, 413, 414, 415, 417, 422,
                                                   429, 431, 500, 501, 503, 505, 507};
static const double bounds_s[HTTP_METRIC_BOUNDS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                    0.1,   0.25,   0.5,   1,    2.5,   10};

int http_metrics_init(struct http_metrics *metrics, size_t route_count)
{
    *metrics = (struct http_metrics){.routes = calloc(route_count + 1, sizeof(*metrics->routes))};
    return metrics->routes ? 0 : -1;
}

void http_metrics_deinit(struct http_metrics *metrics)
{
    free(metrics->routes);
}

atomic_size_t *http_request_gauge(struct http_request *request)
{
    struct http_metrics *metrics = &request->server->metrics;

    return request->ctx.follows ? &metrics->following : &metrics->waiting;
}

static void add(atomic_uint_fast64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

static size_t status_place(int status)
{
    size_t place = 0;

    while (place < HTTP_METRIC_STATUSES && statuses[place] != status)
        place++;
    return place;
}

void http_metrics_count(struct http_metrics *metrics, const struct http_request *request)
{
    const struct http_config *config = &request->server->config;
    size_t place = request->match.route ? (size_t)(request->match.route - config->routes)
                                        : config->route_count;
    struct http_route_metrics *route = &metrics->routes[place];
    int64_t took_us = http_monotonic_us() - request->started_us;
    size_t bound = 0;

    add(&route->statuses[status_place(request->sent_status)], 1);
    if (request->waits) /* for somebody else: it says nothing about the server */
        return;
    while (bound < HTTP_METRIC_BOUNDS && 1e-6 * (double)took_us > bounds_s[bound])
        bound++;
    add(&route->counts[bound], 1);
    add(&route->sum_us, (uint64_t)took_us);
}

static uint64_t load(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static struct proto_labels labels_of(const struct http_server *server, size_t place)
{
    const struct api_route *route = &server->config.routes[place];

    if (place == server->config.route_count)
        return (struct proto_labels){{{"method", "other"}, {"route", "other"}}};
    return (struct proto_labels){{{"method", route->method}, {"route", route->template}}};
}

static void write_statuses(const struct http_server *server, size_t place, FILE *out)
{
    const struct http_route_metrics *route = &server->metrics.routes[place];
    struct proto_labels labels = labels_of(server, place);

    for (size_t i = 0; i <= HTTP_METRIC_STATUSES; i++) {
        char text[16] = "none";
        uint64_t count = load(&route->statuses[i]);

        if (count == 0)
            continue;
        if (i < HTTP_METRIC_STATUSES)
            snprintf(text, sizeof(text), "%d", statuses[i]);
        labels.items[2] = (struct proto_label){"status", text};
        proto_metrics_sample(out, "amf_http_requests_total", &labels, (double)count);
    }
}

static void write_latency(const struct http_server *server, size_t place, FILE *out)
{
    const struct http_route_metrics *route = &server->metrics.routes[place];
    const struct proto_labels labels = labels_of(server, place);
    uint64_t counts[HTTP_METRIC_BOUNDS + 1], all = 0;

    for (size_t i = 0; i <= HTTP_METRIC_BOUNDS; i++)
        all += counts[i] = load(&route->counts[i]);
    if (all > 0)
        proto_metrics_histogram(out, "amf_http_request_seconds", &labels,
                                &(struct proto_histogram){bounds_s, counts, HTTP_METRIC_BOUNDS,
                                                          1e-6 * (double)load(&route->sum_us)});
}

static void write_requests(const struct http_server *server, FILE *out)
{
    proto_metrics_family(out, "amf_http_requests_total", "counter",
                         "Requests that have ended, by route and status of the answer.");
    for (size_t i = 0; i <= server->config.route_count; i++)
        write_statuses(server, i, out);
    proto_metrics_family(out, "amf_http_request_seconds", "histogram",
                         "From the request line to the end of the answer, but for requests that "
                         "waited.");
    for (size_t i = 0; i <= server->config.route_count; i++)
        write_latency(server, i, out);
}

static void write_now(struct http_server *server, FILE *out)
{
    size_t all = atomic_load(&server->metrics.requests);
    size_t waiting = atomic_load(&server->metrics.waiting);
    size_t following = atomic_load(&server->metrics.following);
    size_t others = waiting + following < all ? all - waiting - following : 0;

    proto_metrics_single(out, "amf_http_requests_in_flight", "gauge",
                         "Requests under way, but for those that wait or follow.", (double)others);
    proto_metrics_single(out, "amf_http_waiting", "gauge", "Requests that wait (wait_s).",
                         (double)waiting);
    proto_metrics_single(out, "amf_http_streams", "gauge", "Event streams that are open.",
                         (double)following);
    proto_metrics_single(out, "amf_http_streams_max", "gauge",
                         "How many requests may wait or follow at once.",
                         (double)server->waiting_max);
    proto_metrics_single(out, "amf_http_connections", "gauge",
                         "Connections, but for those of requests that wait or follow.",
                         (double)http_connections_count(&server->connections));
    proto_metrics_single(out, "amf_http_connections_max", "gauge", "How many of them there may be.",
                         (double)server->connections.max);
    proto_metrics_single(out, "amf_http_turned_away_total", "counter",
                         "Connections that were one too many.",
                         (double)load(&server->acceptor.refused));
    proto_metrics_single(out, "amf_http_body_bytes", "gauge",
                         "Memory that bodies hold, over 4 KiB each.",
                         (double)http_budget_bytes(&server->budget));
    proto_metrics_single(out, "amf_http_body_bytes_max", "gauge", "What they may hold together.",
                         HTTP_BODIES_MAX_BYTES);
}

void http_metrics_write(void *arg, FILE *out)
{
    struct http_server *server = arg;

    write_requests(server, out);
    write_now(server, out);
}
