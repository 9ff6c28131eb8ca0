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
           kl_averages_the_divergence_of_posterior_from_prior,
           jensen_shannon_has_its_printed_values, jensen_shannon_rises_from_nothing_to_log_two,
           jensen_shannon_is_linear_where_it_joins,
           no_variance_is_no_information_and_all_of_it_is_finite, wrong_settings_are_refused)
