/* Figures of the HTTP side: one set of counters a route, so there are as many as the table has
 * rows, whatever addresses come in. Adding takes no lock. */
#ifndef HTTP_METRICS_H
#define HTTP_METRICS_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

struct http_request;
struct http_server;

#define HTTP_METRIC_STATUSES 23
#define HTTP_METRIC_BOUNDS 12

struct http_route_metrics {
    atomic_uint_fast64_t statuses[HTTP_METRIC_STATUSES + 1]; /* the last: another, or no answer */
    atomic_uint_fast64_t counts[HTTP_METRIC_BOUNDS + 1], sum_us;
};

struct http_metrics {
    struct http_route_metrics *routes; /* of the table's rows; the last: of no route */
    atomic_size_t requests;            /* from the request line to the end of the answer */
    atomic_size_t waiting, following;  /* of them, long polls and streams */
};

/* 0, or -1: out of memory. */
__attribute__((warn_unused_result)) int http_metrics_init(struct http_metrics *metrics,
                                                          size_t route_count);
void http_metrics_deinit(struct http_metrics *metrics);
/* What counts a request that waits or follows, for as long as it does. */
atomic_size_t *http_request_gauge(struct http_request *request);
/* At the end of a request. */
void http_metrics_count(struct http_metrics *metrics, const struct http_request *request);
/* For api_ctx.door_metrics; door: a server. */
void http_metrics_write(void *door, FILE *out);

#endif
