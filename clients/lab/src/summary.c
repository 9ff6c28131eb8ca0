/* The simple (percentile) bootstrap over seeds. The draws are the same for every round of a curve,
 * so that low and high are curves too and not noise of their own.
 */
#include "summary.h"

#include <math.h>

#include <amf/rng.h>

#include "internal.h"

static int summary_compare(const void *left, const void *right)
{
    const double *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

/* Linear between the order statistics. */
static double summary_percentile(const double *sorted, size_t count, double share)
{
    double place = share * (double)(count - 1);
    size_t below = (size_t)place;
    double above = sorted[below + 1 < count ? below + 1 : below];

    return sorted[below] + (place - (double)below) * (above - sorted[below]);
}

enum amf_status lab_bootstrap(const double *values, size_t count, size_t stride,
                              struct lab_interval *ret_interval)
{
    LAB_FREE_CLEANUP double *means = lab_new_rows(LAB_BOOTSTRAP_DRAWS, 1);
    struct lab_interval interval = {0, 0, 0};
    struct amf_rng rng;

    if (!means)
        return AMF_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        interval.mean += values[i * stride] / (double)count;
    if (!isfinite(interval.mean)) {
        *ret_interval = (struct lab_interval){NAN, NAN, NAN};
        return AMF_OK;
    }
    amf_rng_init(&rng, 0, LAB_STREAM_BOOTSTRAP);
    for (size_t draw = 0; draw < LAB_BOOTSTRAP_DRAWS; draw++)
        for (size_t i = 0; i < count; i++)
            means[draw] += values[amf_rng_below(&rng, count) * stride] / (double)count;
    qsort(means, LAB_BOOTSTRAP_DRAWS, sizeof(double), summary_compare);
    interval.low = summary_percentile(means, LAB_BOOTSTRAP_DRAWS, LAB_BOOTSTRAP_TAIL);
    interval.high = summary_percentile(means, LAB_BOOTSTRAP_DRAWS, 1 - LAB_BOOTSTRAP_TAIL);
    *ret_interval = interval;
    return AMF_OK;
}

/* seeds x (rounds + 1) */
static const double *summary_curves(const struct lab_result *result, size_t rule,
                                    enum lab_metric metric)
{
    const struct lab_settings *settings = &result->settings;

    return result->values +
           (rule * LAB_METRIC_COUNT + (size_t)metric) * settings->seeds * (settings->rounds + 1);
}

enum amf_status lab_curve(const struct lab_result *result, size_t rule, enum lab_metric metric,
                          struct lab_interval *ret_curve)
{
    size_t points = result->settings.rounds + 1;
    const double *curves = summary_curves(result, rule, metric);
    enum amf_status status = AMF_OK;

    for (size_t round = 0; !status && round < points; round++)
        status = lab_bootstrap(curves + round, result->settings.seeds, points, &ret_curve[round]);
    return status;
}

static double summary_area(const double *curve, size_t rounds)
{
    double sum = 0;

    for (size_t round = 1; round <= rounds; round++)
        sum += curve[round];
    return sum / (double)rounds;
}

void lab_areas(const struct lab_result *result, size_t rule, enum lab_metric metric,
               double *ret_areas)
{
    size_t rounds = result->settings.rounds;

    for (size_t seed = 0; seed < result->settings.seeds; seed++)
        ret_areas[seed] =
            summary_area(summary_curves(result, rule, metric) + seed * (rounds + 1), rounds);
}

enum amf_status lab_area(const struct lab_result *result, size_t rule, size_t against,
                         enum lab_metric metric, struct lab_interval *ret_area)
{
    size_t seeds = result->settings.seeds;
    LAB_FREE_CLEANUP double *areas = lab_new_rows(seeds, 1), *others = lab_new_rows(seeds, 1);

    if (!areas || !others)
        return AMF_NO_MEMORY;
    lab_areas(result, rule, metric, areas);
    if (against < result->settings.rule_count)
        lab_areas(result, against, metric, others);
    for (size_t seed = 0; seed < seeds; seed++)
        areas[seed] -= others[seed];
    return lab_bootstrap(areas, seeds, 1, ret_area);
}

double lab_asked(const struct lab_result *result, size_t rule, size_t task)
{
    size_t seeds = result->settings.seeds, tasks = result->world->task_count;
    double sum = 0;

    for (size_t seed = 0; seed < seeds; seed++)
        sum += result->asked[(rule * seeds + seed) * tasks + task];
    return sum / (double)seeds;
}
