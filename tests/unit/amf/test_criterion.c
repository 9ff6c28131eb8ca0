/* One block against a few test pairs, by hand. */
#include <math.h>
#include <stdint.h>

#include <amf/criterion.h>

#include "suite.h"

struct call {
    const struct amf_measure *measure;
    double cross[2], sums[2];
    size_t without;
};

static enum amf_status run(void *arg, size_t task, size_t worker)
{
    struct call *call = arg;
    const double before[] = {1, 2}, weight[] = {0.5, 3}, factor[] = {2};
    const size_t target[] = {0, 1}, source[] = {7, 8};
    const struct amf_criterion_pairs pairs = {2, before, weight, target, source};
    double work[4];

    (void)task;
    (void)worker;
    amf_criterion_block(call->measure, factor, 1, call->cross, 2, &pairs, call->without, work,
                        call->sums);
    return AMF_OK;
}

START_TEST(a_block_of_one_row)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    AMF_MEASURE_CLEANUP struct amf_measure *measure = NULL;
    struct call call = {.cross = {1, 2}, .without = SIZE_MAX};

    ck_assert_int_eq(amf_measure_new(AMF_MEASURE_VARIANCE, 1, &measure), AMF_OK);
    call.measure = measure;
    ck_assert_int_eq(amf_pool_run(pool, 1, run, &call, NULL), AMF_OK);
    ck_assert_double_eq(call.sums[0], 0.5 * 0.25); /* (1 / 2)^2 explained, weighted */
    ck_assert_double_eq(call.sums[1], 3 * 1.0);
}
END_TEST

START_TEST(exclude_self_leaves_one_source_out)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    AMF_MEASURE_CLEANUP struct amf_measure *measure = NULL;
    struct call call = {.cross = {1, 2}, .without = 8};

    ck_assert_int_eq(amf_measure_new(AMF_MEASURE_VARIANCE, 1, &measure), AMF_OK);
    call.measure = measure;
    ck_assert_int_eq(amf_pool_run(pool, 1, run, &call, NULL), AMF_OK);
    ck_assert_double_gt(call.sums[0], 0);
    ck_assert_double_eq(call.sums[1], 0);
}
END_TEST

START_TEST(gains_are_scaled_by_outputs_and_demonstrations)
{
    const double weights[] = {1, 2}, sums[] = {10, -1, 20, -1};

    ck_assert_double_eq(amf_criterion_sum(weights, sums, 2, 2), 50);
    ck_assert_double_eq(amf_criterion_sum(NULL, NULL, 0, 1), 0);
    ck_assert_double_eq(amf_criterion_gain(50, 5, 3), 3.0 / 25 * 50);
    ck_assert_double_eq(amf_criterion_gain(1, 0, 3), 0);
}
END_TEST

SUITE_MAIN("amf_criterion", a_block_of_one_row, exclude_self_leaves_one_source_out,
           gains_are_scaled_by_outputs_and_demonstrations)
