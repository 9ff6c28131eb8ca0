/* Moments and median distances. */
#include <math.h>

#include <amf/fit.h>
#include <amf/rng.h>

#include "suite.h"

START_TEST(moments_over_all_spans)
{
    const double a[] = {1, 5, 3, 5}, b[] = {8, 5};
    const struct amf_span spans[] = {{a, 2}, {b, 1}};
    double mean[2], deviation[2];

    ck_assert_int_eq(amf_fit_moments(spans, 2, 2, mean, deviation), AMF_OK);
    ck_assert_double_eq_tol(mean[0], 4, 1e-15);
    ck_assert_double_eq_tol(deviation[0], sqrt(26.0 / 3), 1e-15);
    ck_assert_double_eq(mean[1], 5);
    ck_assert_double_eq(deviation[1], 1); /* constant */
}
END_TEST

START_TEST(a_large_mean_does_not_eat_the_deviation)
{
    const double a[] = {1e9 + 1, 1e9 - 1};
    const struct amf_span span = {a, 2};
    double mean, deviation;

    ck_assert_int_eq(amf_fit_moments(&span, 1, 1, &mean, &deviation), AMF_OK);
    ck_assert_double_eq_tol(deviation, 1, 1e-12);
}
END_TEST

START_TEST(median_of_all_pairs)
{
    const double a[] = {0, 0, 3, 4}, b[] = {0, 8};
    const struct amf_span spans[] = {{a, 2}, {b, 1}};
    const double deviation[] = {1, 2};
    double median;

    ck_assert_int_eq(amf_fit_median_distance(spans, 2, 2, NULL, 0, &median), AMF_OK);
    ck_assert_double_eq_tol(median, 5, 1e-15); /* 5, 5, 8 */
    ck_assert_int_eq(amf_fit_median_distance(spans, 2, 2, deviation, 0, &median), AMF_OK);
    ck_assert_double_eq_tol(median, sqrt(13), 1e-15); /* sqrt 13, sqrt 13, 4 */
}
END_TEST

START_TEST(median_of_a_seeded_sample)
{
    double rows[5000], one, two, other;
    const struct amf_span span = {rows, 5000};
    struct amf_rng rng;

    amf_rng_init(&rng, 1, 0);
    for (size_t i = 0; i < 5000; i++)
        rows[i] = amf_rng_normal(&rng);
    ck_assert_int_eq(amf_fit_median_distance(&span, 1, 1, NULL, 4, &one), AMF_OK);
    ck_assert_int_eq(amf_fit_median_distance(&span, 1, 1, NULL, 4, &two), AMF_OK);
    ck_assert_int_eq(amf_fit_median_distance(&span, 1, 1, NULL, 5, &other), AMF_OK);
    ck_assert_double_eq(one, two);
    ck_assert_double_ne(one, other);
    ck_assert_double_eq_tol(one, 0.6745 * sqrt(2), 0.15); /* |N(0, 2)| */
}
END_TEST

START_TEST(degenerate_data_gives_one)
{
    const double same[] = {2, 2, 2};
    const struct amf_span span = {same, 3}, single = {same, 1};
    double median, mean, deviation;

    ck_assert_int_eq(amf_fit_median_distance(&span, 1, 1, NULL, 0, &median), AMF_OK);
    ck_assert_double_eq(median, 1);
    ck_assert_int_eq(amf_fit_median_distance(&single, 1, 1, NULL, 0, &median), AMF_OK);
    ck_assert_double_eq(median, 1);
    ck_assert_int_eq(amf_fit_moments(NULL, 0, 1, &mean, &deviation), AMF_OK);
    ck_assert(mean == 0 && deviation == 1);
}
END_TEST

START_TEST(numbers_that_are_none_are_refused)
{
    const double nan[] = {0, NAN};
    const struct amf_span span = {nan, 2};
    double median, mean, deviation;

    ck_assert_int_eq(amf_fit_median_distance(&span, 1, 1, NULL, 0, &median), AMF_NOT_FINITE);
    ck_assert_int_eq(amf_fit_moments(&span, 1, 1, &mean, &deviation), AMF_NOT_FINITE);
}
END_TEST

SUITE_MAIN("amf_fit", moments_over_all_spans, a_large_mean_does_not_eat_the_deviation,
           median_of_all_pairs, median_of_a_seeded_sample, degenerate_data_gives_one,
           numbers_that_are_none_are_refused)
