/* Information measures, and the one that needs a table: jensen_shannon.
 *
 * With r = v1 / v0, the expected Jensen-Shannon divergence of prior N(0, v0) and posterior N(m1,
 * v1), m1 ~ N(0, v0 - v1), is E_d E_z of log 2 - 1/2 [exp(-u) softplus(u) + softplus(-u)] with d ~
 * N(0, 1 - r), z ~ N(0, 1), x = d + sqrt(r) z and u = -1/2 log r - z^2/2 + x^2/2, the log-density
 * ratio at a draw of the posterior. A 64 x 64 Gauss-Hermite rule errs under 1e-10 but costs some 30
 * us, and a ranking asks for 1e5 values. The function is smooth in y = -log r, so it is tabulated
 * once as Chebyshev series on JS_PIECES intervals of y, to the rule's own accuracy.
 */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include <amf/measure.h>

#include "logs.h"

#define HERMITE_POINTS 64
#define HERMITE_NEGLIGIBLE 1e-18 /* product weight: beyond it a node cannot show in 1e-10 */
#define JS_PIECES 7
#define JS_TERMS 24
#define MEASURE_CHUNK 64
#define JS_LINEAR 1e-6 /* 1 - r below which the divergence is (1 - r) / 8 */

/* The last edge is beyond -log DBL_EPSILON, the largest y that q <= 1 - DBL_EPSILON allows. */
static const double js_edges[JS_PIECES + 1] = {0, 0.5, 1, 2, 4, 8, 16, 37};

struct amf_measure {
    enum amf_measure_kind kind;
    double noise_variance;
    double js[JS_PIECES][JS_TERMS]; /* Chebyshev coefficients in y = -log r; jensen_shannon only */
};

struct hermite_rule { /* for the weight exp(-x^2 / 2) / sqrt(2 pi) */
    double node[HERMITE_POINTS], weight[HERMITE_POINTS];
};

/* Orthonormal Hermite polynomial of order HERMITE_POINTS at x, and of one order less. */
static double hermite_value(double x, double *ret_before)
{
    double before = 0, value = 1;

    for (int k = 0; k < HERMITE_POINTS; k++) {
        double next = (x * value - sqrt((double)k) * before) / sqrt((double)(k + 1));

        before = value;
        value = next;
    }
    *ret_before = before;
    return value;
}

/* The rule's nodes are the roots: found by walking outwards in steps shorter than their spacing,
 * and bisecting. Slow beside Newton, but it cannot miss one, and it runs once. */
static void hermite_init(struct hermite_rule *rule)
{
    const double step = 0.01;
    double unused, order = HERMITE_POINTS;

    for (int i = HERMITE_POINTS / 2, k = 0; i < HERMITE_POINTS; k++) {
        double low = k * step, high = low + step, sign = hermite_value(low, &unused);

        if (sign * hermite_value(high, &unused) > 0)
            continue;
        for (int n = 0; n < 60; n++) {
            double middle = (low + high) / 2;

            if (sign * hermite_value(middle, &unused) > 0)
                low = middle;
            else
                high = middle;
        }
        hermite_value(low, &unused);
        rule->node[i] = low;
        rule->weight[i] = 1 / (order * unused * unused);
        rule->node[HERMITE_POINTS - 1 - i] = -low;
        rule->weight[HERMITE_POINTS - 1 - i] = rule->weight[i];
        i++;
    }
}

/* log 2 - 1/2 [exp(-u) softplus(u) + softplus(-u)] in forms that neither overflow nor cancel. */
static double js_integrand(double u)
{
    double e = exp(-fabs(u)), small = log1p(e);

    if (u < 0)
        return M_LN2 - (e > 0 ? small / e : 1) / 2 - (small - u) / 2;
    return M_LN2 - (e * (u + small) + small) / 2;
}

/* The rule is symmetric under (d, z) -> (-d, -z): half of the nodes d, twice. */
static double js_quadrature(const struct hermite_rule *rule, double y)
{
    double r = exp(-y), sum = 0;

    for (int i = HERMITE_POINTS / 2; i < HERMITE_POINTS; i++)
        for (int j = 0; j < HERMITE_POINTS; j++) {
            double weight = rule->weight[i] * rule->weight[j], z = rule->node[j];
            double x = sqrt(-expm1(-y)) * rule->node[i] + sqrt(r) * z;

            if (weight > HERMITE_NEGLIGIBLE)
                sum += 2 * weight * js_integrand((y - z * z + x * x) / 2);
        }
    return sum;
}

static void js_fit_piece(const struct hermite_rule *rule, double low, double high,
                         double *ret_coefficients)
{
    double values[JS_TERMS];

    for (int k = 0; k < JS_TERMS; k++)
        values[k] =
            js_quadrature(rule, low + (high - low) / 2 * (1 + cos(M_PI * (k + 0.5) / JS_TERMS)));
    for (int j = 0; j < JS_TERMS; j++) {
        double sum = 0;

        for (int k = 0; k < JS_TERMS; k++)
            sum += values[k] * cos(M_PI * j * (k + 0.5) / JS_TERMS);
        ret_coefficients[j] = sum * (j ? 2 : 1) / JS_TERMS;
    }
}

/* Clenshaw's recurrence. */
static double js_evaluate(const struct amf_measure *measure, double y)
{
    int piece = 0;
    double x, one = 0, two = 0;

    while (piece < JS_PIECES - 1 && y > js_edges[piece + 1])
        piece++;
    x = 2 * (y - js_edges[piece]) / (js_edges[piece + 1] - js_edges[piece]) - 1;
    for (int j = JS_TERMS - 1; j > 0; j--) {
        double next = 2 * x * one - two + measure->js[piece][j];

        two = one;
        one = next;
    }
    return x * one - two + measure->js[piece][0];
}

enum amf_status amf_measure_new(enum amf_measure_kind kind, double noise,
                                struct amf_measure **ret_measure)
{
    struct amf_measure *measure;
    struct hermite_rule rule;

    if (!isfinite(noise))
        return AMF_NOT_FINITE;
    if ((unsigned)kind > AMF_MEASURE_PRIOR_ENTROPY || !(noise > 0))
        return AMF_BAD_ARGUMENT;
    measure = calloc(1, sizeof(*measure));
    if (!measure)
        return AMF_NO_MEMORY;
    measure->kind = kind;
    measure->noise_variance = noise * noise;
    if (kind == AMF_MEASURE_JENSEN_SHANNON) {
        hermite_init(&rule);
        for (int piece = 0; piece < JS_PIECES; piece++)
            js_fit_piece(&rule, js_edges[piece], js_edges[piece + 1], measure->js[piece]);
    }
    *ret_measure = measure;
    return AMF_OK;
}

void amf_measure_free(struct amf_measure *measure)
{
    free(measure);
}

static double measure_jensen_shannon(const struct amf_measure *measure, double q)
{
    return q < JS_LINEAR ? q / 8 : js_evaluate(measure, -log1p(-q));
}

/* v0 > 0, 0 <= d; what logs.h does not do. */
static double measure_one(const struct amf_measure *measure, double v0, double d)
{
    double q = fmin(d / v0, 1 - DBL_EPSILON);

    switch (measure->kind) {
    case AMF_MEASURE_VARIANCE:
        return q * v0;
    case AMF_MEASURE_REVERSE_KL:
        return q / (1 - q) + log1p(-q) / 2;
    case AMF_MEASURE_JENSEN_SHANNON:
        return measure_jensen_shannon(measure, q);
    default:
        return 0;
    }
}

/* v0 and d of the noisy action: the noise is on top of both variances. */
static void measure_noisy(const struct amf_measure *measure, const double *before,
                          const double *reduction, size_t count, double *ret_gain)
{
    double noisy[MEASURE_CHUNK], kept[MEASURE_CHUNK];

    for (size_t first = 0; first < count; first += MEASURE_CHUNK) {
        size_t size = count - first < MEASURE_CHUNK ? count - first : MEASURE_CHUNK;

        for (size_t k = 0; k < size; k++) {
            double v0 = before[first + k], most = v0 * (1 - DBL_EPSILON);

            noisy[k] = v0 > 0 ? v0 + measure->noise_variance : 0;
            kept[k] = reduction[first + k] > most ? most : reduction[first + k];
        }
        amf_logs_half_ratio(noisy, kept, size, ret_gain + first);
    }
}

void amf_measure_gain(const struct amf_measure *measure, const double *before,
                      const double *reduction, size_t count, double *ret_gain)
{
    if (measure->kind == AMF_MEASURE_ENTROPY || measure->kind == AMF_MEASURE_KL)
        amf_logs_half_ratio(before, reduction, count, ret_gain);
    else if (measure->kind == AMF_MEASURE_NOISY_ENTROPY)
        measure_noisy(measure, before, reduction, count, ret_gain);
    else
        for (size_t k = 0; k < count; k++)
            ret_gain[k] =
                before[k] > 0 ? fmax(measure_one(measure, before[k], reduction[k]), 0) : 0;
}

double amf_measure_gaussian_entropy(double variance)
{
    return (log(2 * M_PI) + 1 + log(fmax(variance, DBL_MIN))) / 2;
}
