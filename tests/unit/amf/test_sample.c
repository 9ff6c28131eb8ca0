/* Thinning, stratified, largest and systematic samples. */
#include <math.h>
#include <string.h>

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

static size_t sum_chosen(const size_t *sizes, const unsigned char *chosen, size_t from, size_t to)
{
    size_t sum = 0;

    for (size_t i = from; i < to; i++)
        sum += chosen[i] ? sizes[i] : 0;
    return sum;
}

START_TEST(an_epoch_keeps_half_and_takes_in_half)
{
    size_t task[] = {0, 0, 0, 1, 0, 0, 0, 0}, sizes[] = {1, 1, 1, 1, 1, 1, 1, 1};
    struct amf_sample_set set = {sizes, 4, 0};
    /* Half of what was before 6 is the newest of each task. */
    const unsigned char all[] = {1, 1, 1, 1}, cut[] = {0, 0, 0, 1, 0, 1, 1, 1};
    unsigned char chosen[8];

    ck_assert_uint_eq(amf_sample_epoch(&set, 1, 4), 2);
    ck_assert_int_eq(amf_sample_sticky(&set, task, 4, 2, 2, chosen), AMF_OK);
    ck_assert_mem_eq(chosen, all, 4);
    ck_assert_uint_eq(amf_sample_epoch(&set, 1, 7), 6);
    ck_assert_int_eq(amf_sample_sticky(&set, task, 7, 2, 6, chosen), AMF_OK);
    ck_assert_mem_eq(chosen, cut, 7);
    ck_assert_uint_eq(amf_sample_epoch(&set, 1, 8), 6);
    ck_assert_int_eq(amf_sample_sticky(&set, task, 8, 2, 6, chosen), AMF_OK);
    ck_assert_mem_eq(chosen, cut, 8);
    set.limit = 0;
    ck_assert_uint_eq(amf_sample_epoch(&set, 1, 8), 0);
}
END_TEST

/* Larger than half a limit, and than all of one. */
START_TEST(a_large_item_makes_room_for_itself)
{
    size_t task[] = {0, 0, 0, 0, 0}, sizes[] = {2, 2, 2, 7, 11};
    struct amf_sample_set set = {sizes, 10, 0};
    const unsigned char large[] = {0, 0, 1, 1};
    unsigned char chosen[5];

    ck_assert_uint_eq(amf_sample_epoch(&set, 1, 4), 3);
    ck_assert_int_eq(amf_sample_sticky(&set, task, 4, 1, 3, chosen), AMF_OK);
    ck_assert_mem_eq(chosen, large, 4);
    ck_assert_uint_eq(amf_sample_epoch(&set, 1, 5), 3);
    ck_assert_int_eq(amf_sample_sticky(&set, task, 5, 1, 3, chosen), AMF_OK);
    ck_assert_mem_eq(chosen, large, 4);
    ck_assert_uint_eq(chosen[4], 0);
    set.limit = 7;
    ck_assert_uint_eq(amf_sample_epoch(&set, 1, 4), 3);
    ck_assert_int_eq(amf_sample_sticky(&set, task, 4, 1, 3, chosen), AMF_OK);
    ck_assert_uint_eq(sum_chosen(sizes, chosen, 0, 4), 7);
}
END_TEST

enum { ARRIVALS = 300 };

/* Item after item: limits hold, the newest is in, and between cuts nothing else changes. */
START_TEST(arrivals_are_appended_until_an_epoch_is_full)
{
    static size_t task[ARRIVALS], sizes[2][ARRIVALS];
    static unsigned char before[2][ARRIVALS], chosen[2][ARRIVALS];
    size_t last = 0, cuts = 0, total[2] = {0, 0};
    struct amf_sample_set sets[2] = {{sizes[0], 200, 0}, {sizes[1], 30, 0}};
    struct amf_rng rng;

    amf_rng_init(&rng, 4, 0);
    for (size_t n = 1; n <= ARRIVALS; n++) {
        size_t i = n - 1, epoch;

        task[i] = amf_rng_below(&rng, 3) ? 0 : amf_rng_below(&rng, 5);
        sizes[0][i] = amf_rng_below(&rng, 17);
        sizes[1][i] = amf_rng_below(&rng, 4) > 0;
        epoch = amf_sample_epoch(sets, 2, n);
        for (size_t s = 0; s < 2; s++) {
            ck_assert_int_eq(amf_sample_sticky(&sets[s], task, n, 5, epoch, chosen[s]), AMF_OK);
            ck_assert_uint_le(sum_chosen(sizes[s], chosen[s], 0, n), sets[s].limit);
            ck_assert_uint_eq(chosen[s][i], sizes[s][i] > 0);
            if (epoch == last && total[s] > sets[s].limit)
                ck_assert_mem_eq(chosen[s], before[s], i);
            total[s] += sizes[s][i];
            cuts += memcmp(chosen[s], before[s], i) != 0;
            memcpy(before[s], chosen[s], n);
        }
        last = epoch;
    }
    ck_assert_uint_ge(cuts, 4);
    ck_assert_uint_le(cuts, 2 * ARRIVALS / 10); /* an epoch here is 12 items and more */
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
           what_does_not_fit_is_passed_over, an_epoch_keeps_half_and_takes_in_half,
           a_large_item_makes_room_for_itself, arrivals_are_appended_until_an_epoch_is_full,
           the_largest_weights_win_and_ties_go_to_the_lowest_index,
           systematic_draws_follow_the_mass, seeds_change_only_at_powers_of_two,
           random_numbers_are_repeatable_and_spread)
