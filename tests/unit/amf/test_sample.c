/* Thinning, stratified, largest and systematic samples. */
#include <math.h>

#include <amf/rng.h>
#include <amf/sample.h>

#include "suite.h"

START_TEST(thinning_keeps_first_and_last)
{
    ck_assert_uint_eq(amf_sample_thin_count(50, 0), 50);
    ck_assert_uint_eq(amf_sample_thin_count(50, 16), 16);
    ck_assert_uint_eq(amf_sample_thin_count(5, 16), 5);
    for (size_t kept = 2; kept <= 16; kept++) {
        ck_assert_uint_eq(amf_sample_thin_index(50, kept, 0), 0);
        ck_assert_uint_eq(amf_sample_thin_index(50, kept, kept - 1), 49);
        for (size_t i = 1; i < kept; i++)
            ck_assert_uint_gt(amf_sample_thin_index(50, kept, i),
                              amf_sample_thin_index(50, kept, i - 1));
    }
    ck_assert_uint_eq(amf_sample_thin_index(8, 3, 1), 4); /* 3.5 rounds up */
    ck_assert_uint_eq(amf_sample_thin_index(8, 1, 0), 0);
}
END_TEST

START_TEST(strata_are_served_in_turn_newest_first)
{
    const size_t task[] = {0, 0, 0, 0, 1, 2, 0};
    unsigned char chosen[7];
    const unsigned char expected[] = {0, 0, 0, 1, 1, 1, 1};

    ck_assert_int_eq(amf_sample_stratified(task, NULL, 7, 3, 4, chosen), AMF_OK);
    ck_assert_mem_eq(chosen, expected, 7);
    ck_assert_int_eq(amf_sample_stratified(task, NULL, 7, 3, 0, chosen), AMF_OK);
    for (size_t i = 0; i < 7; i++)
        ck_assert_uint_eq(chosen[i], 1);
    ck_assert_int_eq(amf_sample_stratified(task, NULL, 7, 2, 4, chosen), AMF_BAD_ARGUMENT);
}
END_TEST

START_TEST(what_does_not_fit_is_passed_over)
{
    const size_t task[] = {0, 0, 1}, size[] = {2, 9, 3};
    unsigned char chosen[3];
    const unsigned char expected[] = {1, 0, 1};

    ck_assert_int_eq(amf_sample_stratified(task, size, 3, 2, 6, chosen), AMF_OK);
    ck_assert_mem_eq(chosen, expected, 3);
}
END_TEST

START_TEST(the_largest_weights_win_and_ties_go_to_the_lowest_index)
{
    const double weights[] = {1, 3, 3, 0, 2};
    unsigned char chosen[5];
    const unsigned char one[] = {0, 1, 0, 0, 0}, all[] = {1, 1, 1, 0, 1};
    double share;

    ck_assert_int_eq(amf_sample_largest(weights, 5, 1, chosen, &share), AMF_OK);
    ck_assert_mem_eq(chosen, one, 5);
    ck_assert_double_eq_tol(share, 3.0 / 9, 1e-15);
    ck_assert_int_eq(amf_sample_largest(weights, 5, 0, chosen, &share), AMF_OK);
    ck_assert_mem_eq(chosen, all, 5);
    ck_assert_double_eq(share, 1);
}
END_TEST

START_TEST(systematic_draws_follow_the_mass)
{
    const double mass[] = {1, 0, 5, 2, 2};

    for (uint64_t seed = 0; seed < 50; seed++) {
        unsigned draws[5], sum = 0;

        amf_sample_systematic(mass, 5, 20, seed, draws);
        for (size_t i = 0; i < 5; i++) {
            ck_assert_double_le(fabs(draws[i] - 2 * mass[i]), 1);
            sum += draws[i];
        }
        ck_assert_uint_eq(sum, 20);
        ck_assert_uint_eq(draws[1], 0);
    }
}
END_TEST

START_TEST(seeds_change_only_at_powers_of_two)
{
    ck_assert_uint_eq(amf_sample_seed(5, 8), amf_sample_seed(5, 15));
    ck_assert_uint_ne(amf_sample_seed(5, 15), amf_sample_seed(5, 16));
    ck_assert_uint_ne(amf_sample_seed(5, 8), amf_sample_seed(6, 8));
    ck_assert_uint_ne(amf_sample_seed(5, 0), amf_sample_seed(5, 1));
}
END_TEST

START_TEST(random_numbers_are_repeatable_and_spread)
{
    struct amf_rng a, b;
    double mean = 0, square = 0, uniform = 0;

    amf_rng_init(&a, 3, 1);
    amf_rng_init(&b, 3, 1);
    ck_assert_uint_eq(amf_rng_next(&a), amf_rng_next(&b));
    amf_rng_init(&b, 3, 2);
    ck_assert_uint_ne(amf_rng_next(&a), amf_rng_next(&b));
    for (int i = 0; i < 100000; i++) {
        double z = amf_rng_normal(&a);

        mean += z / 100000;
        square += z * z / 100000;
        uniform += amf_rng_uniform(&a) / 100000;
        ck_assert_uint_lt(amf_rng_below(&a, 7), 7);
    }
    ck_assert_double_eq_tol(mean, 0, 0.02);
    ck_assert_double_eq_tol(square, 1, 0.03);
    ck_assert_double_eq_tol(uniform, 0.5, 0.01);
    ck_assert_uint_eq(amf_rng_below(&a, 0), 0);
}
END_TEST

SUITE_MAIN("amf_sample", thinning_keeps_first_and_last, strata_are_served_in_turn_newest_first,
           what_does_not_fit_is_passed_over,
           the_largest_weights_win_and_ties_go_to_the_lowest_index,
           systematic_draws_follow_the_mass, seeds_change_only_at_powers_of_two,
           random_numbers_are_repeatable_and_spread)
