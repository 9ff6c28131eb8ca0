/* Intervals against numbers that can be worked out by hand. */
#include <math.h>

#include "suite.h"
#include "summary.h"

START_TEST(two_values_give_their_quarters)
{
    const double values[] = {0, 9, 1, 9}; /* every other one */
    struct lab_interval interval;

    /* The mean of two draws is 0, 1/2, 1 with chances 1/4, 1/2, 1/4: 5 % and 95 % are 0 and 1. */
    ck_assert_int_eq(lab_bootstrap(values, 2, 2, &interval), AMF_OK);
    ck_assert_double_eq(interval.mean, 0.5);
    ck_assert_double_eq(interval.low, 0);
    ck_assert_double_eq(interval.high, 1);
}
END_TEST

START_TEST(five_values_with_one_outlier)
{
    const double values[] = {0, 0, 0, 0, 5};
    struct lab_interval interval;

    /* The mean is the number of outliers drawn, binomial (5, 1/5): none with chance 0.33, at most
     * one 0.74, at most two 0.942, at most three 0.993. */
    ck_assert_int_eq(lab_bootstrap(values, 5, 1, &interval), AMF_OK);
    ck_assert_double_eq_tol(interval.mean, 1, 1e-15);
    ck_assert_double_eq_tol(interval.low, 0, 1e-12);
    ck_assert_double_eq_tol(interval.high, 3, 1e-12);
}
END_TEST

START_TEST(many_values_are_nearly_normal)
{
    double values[100], deviation = sqrt((100.0 * 100 - 1) / 12) / 10;
    struct lab_interval interval;

    for (size_t i = 0; i < 100; i++)
        values[i] = (double)i;
    ck_assert_int_eq(lab_bootstrap(values, 100, 1, &interval), AMF_OK);
    ck_assert_double_eq_tol(interval.mean, 49.5, 1e-12);
    ck_assert_double_eq_tol(interval.low, 49.5 - 1.645 * deviation, 0.3);
    ck_assert_double_eq_tol(interval.high, 49.5 + 1.645 * deviation, 0.3);
}
END_TEST

START_TEST(one_value_has_no_width_and_a_missing_one_no_interval)
{
    const double values[] = {3, NAN};
    struct lab_interval interval;

    ck_assert_int_eq(lab_bootstrap(values, 1, 1, &interval), AMF_OK);
    ck_assert(interval.mean == 3 && interval.low == 3 && interval.high == 3);
    ck_assert_int_eq(lab_bootstrap(values, 2, 1, &interval), AMF_OK);
    ck_assert(isnan(interval.mean) && isnan(interval.low) && isnan(interval.high));
}
END_TEST

START_TEST(areas_leave_out_the_start_and_differences_are_seed_by_seed)
{
    /* rule x metric x seed x (rounds + 1), the score only */
    double values[2 * LAB_METRIC_COUNT * 2 * 3] = {[0] = 100, 1, 3, 100, 5, 7};
    double *second = values + LAB_METRIC_COUNT * 2 * 3;
    struct lab_result result = {.settings = {.rule_count = 2, .rounds = 2, .seeds = 2},
                                .values = values};
    struct lab_interval area;

    second[1] = second[2] = 1;
    second[4] = second[5] = 5;
    ck_assert_int_eq(lab_area(&result, 0, 2, LAB_SCORE, &area), AMF_OK);
    ck_assert(area.mean == 4 && area.low == 2 && area.high == 6);
    ck_assert_int_eq(lab_area(&result, 0, 1, LAB_SCORE, &area), AMF_OK);
    ck_assert(area.mean == 1 && area.low == 1 && area.high == 1);
}
END_TEST

SUITE_MAIN("lab_summary", two_values_give_their_quarters, five_values_with_one_outlier,
           many_values_are_nearly_normal, one_value_has_no_width_and_a_missing_one_no_interval,
           areas_leave_out_the_start_and_differences_are_seed_by_seed)
