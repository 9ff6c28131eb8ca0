/* Importance weights by column of the n x task_count matrix of log ratios l, as exp(b (l - max l)).
 *
 * The effective sample size of exp(b l) never rises with b, and the label likelihood is concave in
 * b, so both are solved by bisection to the last bit. Logarithms of raw weights are cut at
 * RAW_LOG_LIMIT: beyond it a weight says nothing any more, and its square would leave the range of
 * a double.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include <amf/matrix.h>
#include <amf/occupancy.h>

#include "internal.h"

#define RAW_LOG_LIMIT 300
#define TIE_TOLERANCE 1e-12 /* relative */
#define BISECTIONS 200      /* more than the bits of a double in [0, 1] worth telling apart */

static double occupancy_cut(double term, const struct amf_clip *clip, size_t *clipped)
{
    if (!(term < clip->low) && !(term > clip->high))
        return term; /* a NaN too: it must not turn into a number */
    ++*clipped;
    return term < clip->low ? clip->low : clip->high;
}

double amf_occupancy_sum_steps(const double *terms, size_t step_count, const struct amf_clip *clip,
                               double *ret_clipped)
{
    double sum = 0;
    size_t clipped = 0;

    for (size_t t = 0; t < step_count; t++)
        sum += clip->scope == AMF_CLIP_STEP ? occupancy_cut(terms[t], clip, &clipped) : terms[t];
    if (clip->scope == AMF_CLIP_TRAJECTORY)
        sum = occupancy_cut(sum, clip, &clipped);
    *ret_clipped = clip->scope == AMF_CLIP_STEP && step_count ? (double)clipped / (double)step_count
                                                              : (double)clipped;
    return sum;
}

/* One task's column: n numbers a fixed stride apart. */
struct occupancy_column {
    const double *values;
    size_t n, stride;
};

static double column_at(const struct occupancy_column *column, size_t i)
{
    return column->values[i * column->stride];
}

static double column_largest(const struct occupancy_column *column)
{
    double largest = -INFINITY;

    for (size_t i = 0; i < column->n; i++)
        largest = fmax(largest, column_at(column, i));
    return largest;
}

/* exp(b (l - largest)); 0 for what is unavailable, whatever b. */
static double column_power(double value, double largest, double b)
{
    return isinf(value) ? 0 : exp(b * (value - largest));
}

static double column_effective_size(const struct occupancy_column *column, double largest, double b)
{
    double sum = 0, squares = 0;

    for (size_t i = 0; i < column->n; i++) {
        double w = column_power(column_at(column, i), largest, b);

        sum += w;
        squares += w * w;
    }
    return squares > 0 ? sum * sum / squares : 0;
}

static size_t column_available(const struct occupancy_column *column)
{
    size_t available = 0;

    for (size_t i = 0; i < column->n; i++)
        available += !isinf(column_at(column, i));
    return available;
}

static double column_temper(const struct occupancy_column *column, double ess_target)
{
    double largest = column_largest(column), available = (double)column_available(column);
    double target = fmin(ess_target, available), low = 0, high = 1;

    if (column_effective_size(column, largest, 1) >= target * (1 - TIE_TOLERANCE))
        return 1;
    if (target >= available)
        return 0;
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = low + (high - low) / 2;

        if (middle == low || middle == high)
            break;
        if (column_effective_size(column, largest, middle) >= target)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* n exp(b l_i) / sum_j exp(b l_j) */
static void column_normalize(const struct occupancy_column *column, double b, double *ret_weights)
{
    double largest = column_largest(column), sum = 0;

    for (size_t i = 0; i < column->n; i++) {
        ret_weights[i * column->stride] = column_power(column_at(column, i), largest, b);
        sum += ret_weights[i * column->stride];
    }
    for (size_t i = 0; sum > 0 && i < column->n; i++)
        ret_weights[i * column->stride] *= (double)column->n / sum;
}

/* What every mode works on. */
struct occupancy_input {
    const double *log_likelihood; /* n x task_count */
    const size_t *own_task;
    size_t n, task_count;
};

/* log sum_j exp l_i(c_j) of one demonstration i; -infinity when none of those is available. */
static double occupancy_log_mixture(const struct occupancy_input *in, const double *l)
{
    double largest = -INFINITY, sum = 0;

    for (size_t j = 0; j < in->n; j++)
        largest = fmax(largest, l[in->own_task[j]]);
    if (isinf(largest))
        return largest;
    for (size_t j = 0; j < in->n; j++)
        sum += exp(l[in->own_task[j]] - largest);
    return largest + log(sum);
}

/* log(r_i(c) / n); -infinity where it is unavailable. */
static void occupancy_log_ratios(const struct occupancy_input *in, double *ret_ratios)
{
    for (size_t i = 0; i < in->n; i++) {
        const double *l = in->log_likelihood + i * in->task_count;
        double mixture = occupancy_log_mixture(in, l);

        for (size_t c = 0; c < in->task_count; c++)
            ret_ratios[i * in->task_count + c] = isinf(mixture) ? -INFINITY : l[c] - mixture;
    }
}

static void occupancy_weigh_raw(const struct occupancy_input *in, const double *ratios,
                                double *ret_weights)
{
    for (size_t i = 0; i < in->n * in->task_count; i++)
        ret_weights[i] = (double)in->n * exp(fmin(ratios[i], RAW_LOG_LIMIT));
}

/* d/db of log softmax_c(b l(c))[own] for one demonstration: l(own) minus its expectation. */
static double occupancy_label_slope(const double *l, size_t task_count, size_t own, double b)
{
    double largest = -INFINITY, sum = 0, expected = 0;

    if (isinf(l[own]))
        return 0;
    for (size_t c = 0; c < task_count; c++)
        largest = fmax(largest, l[c]);
    for (size_t c = 0; c < task_count; c++) {
        double p = column_power(l[c], largest, b);

        sum += p;
        expected += p > 0 ? p * (l[c] - l[own]) : 0;
    }
    return -expected / sum;
}

static double occupancy_calibrate(const struct occupancy_input *in)
{
    double low = 0, high = 1, middle = 1;

    for (int i = 0; i < BISECTIONS; i++) {
        double slope = 0;

        for (size_t j = 0; j < in->n; j++)
            slope += occupancy_label_slope(in->log_likelihood + j * in->task_count, in->task_count,
                                           in->own_task[j], middle);
        if (slope >= 0)
            low = middle;
        else
            high = middle;
        middle = low + (high - low) / 2;
        if (low == 1 || middle == low || middle == high)
            break;
    }
    return low;
}

static void occupancy_weigh_own(const struct occupancy_input *in, bool normalized,
                                double *ret_weights)
{
    for (size_t task = 0; task < in->task_count; task++) {
        size_t held = 0;

        for (size_t i = 0; i < in->n; i++) {
            size_t at = i * in->task_count + task;
            bool own = in->own_task[i] == task && !isinf(in->log_likelihood[at]);

            ret_weights[at] = own;
            held += own;
        }
        for (size_t i = 0; normalized && held && i < in->n; i++)
            ret_weights[i * in->task_count + task] *= (double)in->n / (double)held;
    }
}

static enum amf_status occupancy_check(const struct occupancy_input *in, enum amf_weights mode,
                                       double ess_target)
{
    if ((unsigned)mode > AMF_WEIGHTS_UNIFORM)
        return AMF_BAD_ARGUMENT;
    if (mode == AMF_WEIGHTS_TEMPERED && !(ess_target >= 1))
        return isnan(ess_target) ? AMF_NOT_FINITE : AMF_BAD_ARGUMENT;
    for (size_t i = 0; i < in->n; i++)
        if (in->own_task[i] >= in->task_count)
            return AMF_BAD_ARGUMENT;
    for (size_t i = 0; i < in->n * in->task_count; i++)
        if (!isfinite(in->log_likelihood[i]) && in->log_likelihood[i] != -INFINITY)
            return AMF_NOT_FINITE;
    return AMF_OK;
}

static void occupancy_weigh_normalized(const struct occupancy_input *in, const double *ratios,
                                       enum amf_weights mode, double ess_target,
                                       double *ret_weights, double *ret_temper)
{
    double shared = mode == AMF_WEIGHTS_CALIBRATED ? occupancy_calibrate(in) : 1;

    for (size_t task = 0; task < in->task_count; task++) {
        struct occupancy_column column = {ratios + task, in->n, in->task_count};
        double b = mode == AMF_WEIGHTS_TEMPERED ? column_temper(&column, ess_target) : shared;

        column_normalize(&column, b, ret_weights + task);
        if (ret_temper)
            ret_temper[task] = b;
    }
}

static void occupancy_weigh_uniform(const struct occupancy_input *in, double *ret_weights)
{
    for (size_t i = 0; i < in->n * in->task_count; i++)
        ret_weights[i] = !isinf(in->log_likelihood[i]);
}

enum amf_status amf_occupancy_weigh(enum amf_weights mode, const double *log_likelihood,
                                    const size_t *own_task, size_t n, size_t task_count,
                                    double ess_target, double *ret_weights, double *ret_temper)
{
    struct occupancy_input in = {log_likelihood, own_task, n, task_count};
    AMF_MATRIX_CLEANUP struct amf_matrix ratios = AMF_MATRIX_NULL;
    enum amf_status status = occupancy_check(&in, mode, ess_target);

    if (!status)
        status = amf_matrix_init(&ratios, n, task_count);
    if (status)
        return status;
    occupancy_log_ratios(&in, ratios.data);
    for (size_t task = 0; ret_temper && task < task_count; task++)
        ret_temper[task] = 1;
    switch (mode) {
    case AMF_WEIGHTS_RAW:
        occupancy_weigh_raw(&in, ratios.data, ret_weights);
        break;
    case AMF_WEIGHTS_OWN_TASK_RAW:
    case AMF_WEIGHTS_OWN_TASK:
        occupancy_weigh_own(&in, mode == AMF_WEIGHTS_OWN_TASK, ret_weights);
        break;
    case AMF_WEIGHTS_UNIFORM:
        occupancy_weigh_uniform(&in, ret_weights);
        break;
    case AMF_WEIGHTS_SELF_NORMALIZED:
    case AMF_WEIGHTS_TEMPERED:
    case AMF_WEIGHTS_CALIBRATED:
        occupancy_weigh_normalized(&in, ratios.data, mode, ess_target, ret_weights, ret_temper);
        break;
    }
    return AMF_OK;
}

struct amf_occupancy_summary amf_occupancy_summarize(const double *weights, size_t n,
                                                     size_t task_count, size_t task)
{
    struct amf_occupancy_summary summary = {0};
    double squares = 0, largest = 0;

    for (size_t i = 0; i < n; i++) {
        double w = weights[i * task_count + task];

        summary.sum += w;
        squares += w * w;
        largest = fmax(largest, w);
    }
    while (summary.largest < n &&
           weights[summary.largest * task_count + task] < largest * (1 - TIE_TOLERANCE))
        summary.largest++;
    if (squares > 0) {
        summary.effective_sample_size = summary.sum * summary.sum / squares;
        summary.largest_share = largest / summary.sum;
    }
    return summary;
}
