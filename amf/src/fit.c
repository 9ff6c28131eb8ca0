/* Moments in two passes, so that a large mean does not eat the digits of a small deviation; the
 * median distance by sorting. */
#include <math.h>
#include <stdbool.h>

#include <amf/fit.h>
#include <amf/rng.h>

#include "internal.h"

static size_t fit_count_rows(const struct amf_span *spans, size_t span_count)
{
    size_t rows = 0;

    for (size_t s = 0; s < span_count; s++)
        rows += spans[s].row_count;
    return rows;
}

/* ret[d] = mean over all rows of x_d (center NULL) or (x_d - center_d)^2. */
static void fit_average(const struct amf_span *spans, size_t span_count, size_t dim,
                        const double *center, double *ret)
{
    size_t rows = fit_count_rows(spans, span_count);

    for (size_t d = 0; d < dim; d++)
        ret[d] = 0;
    for (size_t s = 0; s < span_count; s++)
        for (size_t i = 0; i < spans[s].row_count * dim; i++) {
            double x = spans[s].data[i] - (center ? center[i % dim] : 0);

            ret[i % dim] += center ? x * x : x;
        }
    for (size_t d = 0; rows && d < dim; d++)
        ret[d] /= (double)rows;
}

enum amf_status amf_fit_moments(const struct amf_span *spans, size_t span_count, size_t dim,
                                double *ret_mean, double *ret_deviation)
{
    AMF_FREE_CLEANUP double *mean = amf_new_array(dim, sizeof(double));
    AMF_FREE_CLEANUP double *variance = amf_new_array(dim, sizeof(double));

    if (!mean || !variance)
        return AMF_NO_MEMORY;
    fit_average(spans, span_count, dim, NULL, mean);
    fit_average(spans, span_count, dim, mean, variance);
    for (size_t d = 0; d < dim; d++)
        if (!isfinite(mean[d]) || !isfinite(variance[d]))
            return AMF_NOT_FINITE;
    for (size_t d = 0; d < dim; d++) {
        double deviation = sqrt(variance[d]);

        ret_mean[d] = mean[d];
        ret_deviation[d] = deviation < AMF_FIT_MIN_DEVIATION ? 1 : deviation;
    }
    return AMF_OK;
}

struct fit_rows {
    const struct amf_span *spans;
    size_t dim;
    const double *deviation;
};

static const double *fit_row(const struct fit_rows *rows, size_t index)
{
    const struct amf_span *span = rows->spans;

    while (index >= span->row_count)
        index -= span++->row_count;
    return span->data + index * rows->dim;
}

static double fit_distance(const struct fit_rows *rows, size_t i, size_t j)
{
    const double *a = fit_row(rows, i), *b = fit_row(rows, j);
    double sum = 0;

    for (size_t d = 0; d < rows->dim; d++) {
        double x = (a[d] - b[d]) / (rows->deviation ? rows->deviation[d] : 1);

        sum += x * x;
    }
    return sqrt(sum);
}

static int fit_compare(const void *left, const void *right)
{
    const double *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

static size_t fit_all_distances(const struct fit_rows *rows, size_t count, double *ret_distances)
{
    size_t used = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            ret_distances[used++] = fit_distance(rows, i, j);
    return used;
}

static size_t fit_seeded_distances(const struct fit_rows *rows, size_t count, uint64_t seed,
                                   double *ret_distances)
{
    struct amf_rng rng;

    amf_rng_init(&rng, seed, 0);
    for (size_t k = 0; k < AMF_FIT_PAIRS; k++) {
        size_t i = amf_rng_below(&rng, count), j = amf_rng_below(&rng, count - 1);

        ret_distances[k] = fit_distance(rows, i, j < i ? j : j + 1);
    }
    return AMF_FIT_PAIRS;
}

enum amf_status amf_fit_median_distance(const struct amf_span *spans, size_t span_count, size_t dim,
                                        const double *deviation, uint64_t seed, double *ret_median)
{
    AMF_FREE_CLEANUP double *distances = amf_new_array(AMF_FIT_PAIRS, sizeof(double));
    struct fit_rows rows = {spans, dim, deviation};
    size_t count = fit_count_rows(spans, span_count), pairs;
    double median;

    if (!distances)
        return AMF_NO_MEMORY;
    if (count < 2) {
        *ret_median = 1;
        return AMF_OK;
    }
    /* count (count - 1) / 2 <= AMF_FIT_PAIRS, without overflow */
    pairs = count - 1 <= 2 * AMF_FIT_PAIRS / count
                ? fit_all_distances(&rows, count, distances)
                : fit_seeded_distances(&rows, count, seed, distances);
    for (size_t k = 0; k < pairs; k++)
        if (!isfinite(distances[k]))
            return AMF_NOT_FINITE;
    qsort(distances, pairs, sizeof(double), fit_compare);
    median = (distances[(pairs - 1) / 2] + distances[pairs / 2]) / 2;
    *ret_median = median > 0 ? median : 1;
    return AMF_OK;
}
