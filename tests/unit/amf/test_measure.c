/* Information measures: printed values, limits, and what kl says against an integral. */
#include <float.h>
#include <math.h>

#include <amf/measure.h>

#include "suite.h"

static double gain(enum amf_measure_kind kind, double noise, double before, double reduction)
{
    AMF_MEASURE_CLEANUP struct amf_measure *measure = NULL;
    double value = NAN;

    ck_assert_int_eq(amf_measure_new(kind, noise, &measure), AMF_OK);
    amf_measure_gain(measure, &before, &reduction, 1, &value);
    return value;
}

START_TEST(closed_forms)
{
    ck_assert_double_eq_tol(gain(AMF_MEASURE_ENTROPY, 1, 2, 1.5), log(4) / 2, 1e-15);
    ck_assert_double_eq_tol(gain(AMF_MEASURE_NOISY_ENTROPY, 1, 2, 1.5), log(2) / 2, 1e-15);
    ck_assert_double_eq(gain(AMF_MEASURE_VARIANCE, 1, 2, 1.5), 1.5);
    ck_assert_double_eq_tol(gain(AMF_MEASURE_REVERSE_KL, 1, 2, 1.5), 3 - log(4) / 2, 1e-15);
    ck_assert_double_eq_tol(amf_measure_gaussian_entropy(2), log(4 * M_PI * M_E) / 2, 1e-15);
}
END_TEST

START_TEST(small_reductions_keep_their_digits)
{
    ck_assert_double_eq_tol(gain(AMF_MEASURE_ENTROPY, 1, 1, 1e-12), 5e-13, 1e-24);
    ck_assert_double_eq_tol(gain(AMF_MEASURE_NOISY_ENTROPY, 1, 1, 1e-12), 2.5e-13, 1e-24);
    ck_assert_double_eq_tol(gain(AMF_MEASURE_REVERSE_KL, 1, 1, 1e-12), 5e-13, 1e-24);
    ck_assert_double_eq_tol(gain(AMF_MEASURE_JENSEN_SHANNON, 1, 1, 1e-12), 1.25e-13, 1e-24);
}
END_TEST

/* Any count at once, over the whole range: each number that of long double, and of itself alone. */
START_TEST(many_at_once_are_each_what_they_are_alone)
{
    const enum amf_measure_kind kinds[] = {AMF_MEASURE_ENTROPY, AMF_MEASURE_NOISY_ENTROPY};
    double before[101], reduction[101], many[101];

    for (size_t k = 0; k < 101; k++) {
        before[k] = exp(0.9 * (double)k - 45);
        reduction[k] = before[k] * (k % 2 ? exp(-0.35 * (double)k) : 1 - exp(-0.3 * (double)k));
    }
    before[40] = before[41] = 0; /* no information */
    before[77] = 1e-310;
    reduction[77] = 5e-311;
    reduction[78] = 2 * before[78]; /* rounding: more than there was */
    for (size_t m = 0; m < 2; m++) {
        AMF_MEASURE_CLEANUP struct amf_measure *measure = NULL;

        ck_assert_int_eq(amf_measure_new(kinds[m], 0.5, &measure), AMF_OK);
        amf_measure_gain(measure, before, reduction, 101, many);
        for (size_t k = 0; k < 101; k++) {
            long double noise = m ? 0.25L : 0, v0 = before[k] + noise, d = reduction[k];
            long double kept = fminl(d, before[k] * (1 - (long double)DBL_EPSILON));
            long double wanted = -log1pl(-kept / v0) / 2;
            double left = (double)((v0 - kept) / v0);

            ck_assert_double_eq(gain(kinds[m], 0.5, before[k], reduction[k]), many[k]);
            if (!(before[k] > 0)) {
                ck_assert_double_eq(many[k], 0);
                continue;
            }
            ck_assert_double_eq_tol(many[k], (double)wanted,
                                    DBL_MIN + 4e-16 * (double)wanted +
                                        (k == 78 ? 0.5 : 3e-16 / left) * fmin(1, (double)(d / v0)));
        }
    }
}
END_TEST

START_TEST(what_is_not_a_number_stays_so)
{
    ck_assert(isnan(gain(AMF_MEASURE_ENTROPY, 1, 1, NAN)));
    ck_assert(!isfinite(gain(AMF_MEASURE_ENTROPY, 1, 1, INFINITY)));
    ck_assert_double_eq(gain(AMF_MEASURE_ENTROPY, 1, 0, NAN), 0);
}
END_TEST

/* KL(N(m1, v1) || N(0, v0)) averaged over m1 ~ N(0, v0 - v1), by the trapezoid rule. */
START_TEST(kl_averages_the_divergence_of_posterior_from_prior)
{
    const double v0 = 1.7, v1 = 0.4, spread = sqrt(v0 - v1), step = 1e-3;
    double sum = 0;

    for (double z = -10; z <= 10; z += step) {
        double m1 = spread * z;

        sum += step * exp(-z * z / 2) / sqrt(2 * M_PI) *
               (v1 / v0 + m1 * m1 / v0 - 1 + log(v0 / v1)) / 2;
    }
    ck_assert_double_eq_tol(gain(AMF_MEASURE_KL, 1, v0, v0 - v1), sum, 1e-9);
    ck_assert_double_eq(gain(AMF_MEASURE_KL, 1, v0, v0 - v1),
                        gain(AMF_MEASURE_ENTROPY, 1, v0, v0 - v1));
}
END_TEST

START_TEST(jensen_shannon_has_its_printed_values)
{
    const double r[] = {0.9, 0.5, 0.1, 0.01, 1e-4};
    const double printed[] = {0.0133245946, 0.0904374969, 0.2892741987, 0.4906468283, 0.6536031498};

    for (size_t i = 0; i < 5; i++)
        ck_assert_double_eq_tol(gain(AMF_MEASURE_JENSEN_SHANNON, 1, 1, 1 - r[i]), printed[i],
                                1.5e-10);
}
END_TEST

START_TEST(jensen_shannon_rises_from_nothing_to_log_two)
{
    double last = 0;

    for (double y = 1e-7; y < 40; y *= 1.1) {
        double value = gain(AMF_MEASURE_JENSEN_SHANNON, 1, 1, -expm1(-y));

        ck_assert_double_ge(value, last - 1e-10);
        last = value;
    }
    ck_assert(last <= M_LN2 + 1e-10 && last > M_LN2 - 1e-3);
}
END_TEST

START_TEST(jensen_shannon_is_linear_where_it_joins)
{
    ck_assert_double_eq_tol(gain(AMF_MEASURE_JENSEN_SHANNON, 1, 1, 0.999e-6),
                            gain(AMF_MEASURE_JENSEN_SHANNON, 1, 1, 1.001e-6), 1e-9);
    ck_assert_double_eq_tol(gain(AMF_MEASURE_JENSEN_SHANNON, 1, 1, 1e-3), 1e-3 / 8, 1e-6);
}
END_TEST

START_TEST(no_variance_is_no_information_and_all_of_it_is_finite)
{
    for (int kind = AMF_MEASURE_ENTROPY; kind <= AMF_MEASURE_JENSEN_SHANNON; kind++) {
        ck_assert_double_eq(gain((enum amf_measure_kind)kind, 1, 0, 1e-20), 0);
        ck_assert(isfinite(gain((enum amf_measure_kind)kind, 1e-9, 1, 1)));
        ck_assert(isfinite(gain((enum amf_measure_kind)kind, 1e-9, 1, 1 + 1e-9)));
        ck_assert_double_eq(gain((enum amf_measure_kind)kind, 1, 1, 0), 0);
    }
    ck_assert(isfinite(amf_measure_gaussian_entropy(0)));
}
END_TEST

START_TEST(wrong_settings_are_refused)
{
    struct amf_measure *measure = NULL;

    ck_assert_int_eq(amf_measure_new(AMF_MEASURE_ENTROPY, 0, &measure), AMF_BAD_ARGUMENT);
    ck_assert_int_eq(amf_measure_new(AMF_MEASURE_ENTROPY, NAN, &measure), AMF_NOT_FINITE);
    ck_assert_int_eq(amf_measure_new((enum amf_measure_kind)99, 1, &measure), AMF_BAD_ARGUMENT);
}
END_TEST

SUITE_MAIN("amf_measure", closed_forms, small_reductions_keep_their_digits,
           many_at_once_are_each_what_they_are_alone, what_is_not_a_number_stays_so,
           kl_averages_the_divergence_of_posterior_from_prior,
           jensen_shannon_has_its_printed_values, jensen_shannon_rises_from_nothing_to_log_two,
           jensen_shannon_is_linear_where_it_joins,
           no_variance_is_no_information_and_all_of_it_is_finite, wrong_settings_are_refused)
