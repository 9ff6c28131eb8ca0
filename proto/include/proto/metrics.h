/* Figures about a running server, as Prometheus reads them (text format 0.0.4).
 *
 * A family is its head and, directly behind it, its samples. Names and labels are the caller's and
 * must be right; values of labels are escaped. Errors stick to the stream, as with stdio.
 */
#ifndef PROTO_METRICS_H
#define PROTO_METRICS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PROTO_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct proto_label {
    const char *name, *value; /* name NULL: no label */
};
#define PROTO_LABELS_MAX 4
struct proto_labels {
    struct proto_label items[PROTO_LABELS_MAX];
};

/* type: "counter", "gauge" or "histogram". help: one line. */
void proto_metrics_family(FILE *out, const char *name, const char *type, const char *help);
void proto_metrics_sample(FILE *out, const char *name, const struct proto_labels *labels,
                          double value);
/* A family of one sample without labels. */
void proto_metrics_single(FILE *out, const char *name, const char *type, const char *help,
                          double value);

/* How often something fell into (bounds[i - 1], bounds[i]]; counts has one more, for what is above
 * the last bound. At most PROTO_LABELS_MAX - 1 labels. */
struct proto_histogram {
    const double *bounds; /* ascending */
    const uint64_t *counts;
    size_t bound_count;
    double sum;
};
void proto_metrics_histogram(FILE *out, const char *name, const struct proto_labels *labels,
                             const struct proto_histogram *histogram);

#endif
