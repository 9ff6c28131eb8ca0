/* The text format; proto/metrics.h says what it is for. */
#include <proto/metrics.h>

#include <math.h>

#include "text.h"

void proto_metrics_family(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_label(FILE *out, const struct proto_label *label, char before)
{
    fprintf(out, "%c%s=\"", before, label->name);
    for (const char *c = label->value; *c; c++) {
        if (*c == '\\' || *c == '"')
            fputc('\\', out);
        if (*c == '\n')
            fputs("\\n", out);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

static void write_labels(FILE *out, const struct proto_labels *labels)
{
    size_t count = 0;

    while (labels && count < PROTO_LABELS_MAX && labels->items[count].name) {
        write_label(out, &labels->items[count], count ? ',' : '{');
        count++;
    }
    if (count)
        fputc('}', out);
}

static void write_value(FILE *out, double value)
{
    char text[PROTO_REAL_BYTES];

    if (isnan(value)) {
        fputs(" NaN\n", out);
    } else if (isinf(value)) {
        fputs(value > 0 ? " +Inf\n" : " -Inf\n", out);
    } else {
        proto_real_format(text, value);
        fprintf(out, " %s\n", text);
    }
}

void proto_metrics_sample(FILE *out, const char *name, const struct proto_labels *labels,
                          double value)
{
    fputs(name, out);
    write_labels(out, labels);
    write_value(out, value);
}

void proto_metrics_single(FILE *out, const char *name, const char *type, const char *help,
                          double value)
{
    proto_metrics_family(out, name, type, help);
    proto_metrics_sample(out, name, NULL, value);
}

static void write_bucket(FILE *out, const char *name, const struct proto_labels *labels,
                         const char *bound, uint64_t count)
{
    struct proto_labels with = labels ? *labels : (struct proto_labels){0};
    size_t last = 0;

    while (last < PROTO_LABELS_MAX - 1 && with.items[last].name)
        last++;
    with.items[last] = (struct proto_label){"le", bound};
    fprintf(out, "%s_bucket", name);
    write_labels(out, &with);
    write_value(out, (double)count);
}

void proto_metrics_histogram(FILE *out, const char *name, const struct proto_labels *labels,
                             const struct proto_histogram *histogram)
{
    char bound[PROTO_REAL_BYTES];
    uint64_t count = 0;

    for (size_t i = 0; i < histogram->bound_count; i++) {
        count += histogram->counts[i];
        proto_real_format(bound, histogram->bounds[i]);
        write_bucket(out, name, labels, bound, count);
    }
    count += histogram->counts[histogram->bound_count];
    write_bucket(out, name, labels, "+Inf", count);
    fprintf(out, "%s_sum", name);
    write_labels(out, labels);
    write_value(out, histogram->sum);
    fprintf(out, "%s_count", name);
    write_labels(out, labels);
    write_value(out, (double)count);
}
