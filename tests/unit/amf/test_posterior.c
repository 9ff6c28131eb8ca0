/* The posterior at points where it can be worked out by hand. */
#include <math.h>

#include <amf/posterior.h>

#include "suite.h"

static struct amf_kernel *line_kernel(struct amf_pool *pool, const double *states, size_t rows)
{
    static const double one = 1, vector = 0;
    struct amf_kernel_spec spec = {.kind = AMF_KERNEL_RBF,
                                   .variance = 1,
                                   .state_scale = &one,
                                   .state_scale_count = 1,
                                   .task_scale = &one,
                                   .task_scale_count = 1};
    struct amf_points points = {.row_count = rows,
                                .state_dim = 1,
                                .states = states,
                                .task_count = 1,
                                .task_dim = 1,
                                .task_vectors = &vector};
    struct amf_kernel *kernel = NULL;

    ck_assert_int_eq(amf_kernel_new(&spec, &points, pool, NULL, &kernel), AMF_OK);
    return kernel;
}

START_TEST(one_observation)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    const double states[] = {0, 1};
    AMF_KERNEL_CLEANUP struct amf_kernel *kernel = line_kernel(pool, states, 2);
    AMF_POSTERIOR_CLEANUP struct amf_posterior *posterior = NULL;
    const struct amf_block seen = {0, 1, 0}, both = {0, 2, 0};
    double action = 3, mean[2], variance[2], covariance[2], k = exp(-0.5);

    ck_assert_int_eq(amf_posterior_new(kernel, 0.5, &seen, 1, &action, 1, pool, NULL, &posterior),
                     0);
    ck_assert_uint_eq(amf_posterior_rows(posterior), 1);
    ck_assert_int_eq(amf_posterior_predict(posterior, &both, 1, pool, NULL, mean, variance), 0);
    ck_assert_double_eq_tol(mean[0], 3 / 1.25, 1e-14);
    ck_assert_double_eq_tol(mean[1], k * 3 / 1.25, 1e-14);
    ck_assert_double_eq_tol(variance[0], 1 - 1 / 1.25, 1e-14);
    ck_assert_double_eq_tol(variance[1], 1 - k * k / 1.25, 1e-14);
    ck_assert_int_eq(
        amf_posterior_covariance(posterior, &seen, 1, &both, 1, pool, NULL, covariance), 0);
    ck_assert_double_eq_tol(covariance[1], k - k / 1.25, 1e-14);
}
END_TEST

START_TEST(pending_work_moves_the_variance_and_not_the_mean)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    const double states[] = {0, 1};
    AMF_KERNEL_CLEANUP struct amf_kernel *kernel = line_kernel(pool, states, 2);
    AMF_POSTERIOR_CLEANUP struct amf_posterior *posterior = NULL, *pending = NULL, *more = NULL;
    const struct amf_block seen = {0, 1, 0}, other = {1, 1, 0};
    double action = 3, mean[2], variance[2];

    ck_assert_int_eq(amf_posterior_new(kernel, 0.5, &seen, 1, &action, 1, pool, NULL, &posterior),
                     0);
    ck_assert_int_eq(amf_posterior_extend(posterior, &other, 1, NULL, pool, NULL, &pending), 0);
    ck_assert_int_eq(amf_posterior_predict(posterior, &other, 1, pool, NULL, mean, variance), 0);
    ck_assert_int_eq(amf_posterior_predict(pending, &other, 1, pool, NULL, mean + 1, variance + 1),
                     0);
    ck_assert_double_eq(mean[1], mean[0]);
    ck_assert_double_eq_tol(variance[1],
                            variance[0] - variance[0] * variance[0] / (variance[0] + 0.25), 1e-14);
    ck_assert_int_eq(amf_posterior_extend(pending, &other, 1, &action, pool, NULL, &more),
                     AMF_BAD_ARGUMENT);
}
END_TEST

START_TEST(nothing_observed_is_the_prior)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    const double states[] = {0, 1};
    AMF_KERNEL_CLEANUP struct amf_kernel *kernel = line_kernel(pool, states, 2);
    AMF_POSTERIOR_CLEANUP struct amf_posterior *posterior = NULL;
    const struct amf_block both = {0, 2, 0};
    double variance[2], mean[2];

    ck_assert_int_eq(amf_posterior_new(kernel, 1, NULL, 0, NULL, 0, pool, NULL, &posterior), 0);
    ck_assert_int_eq(amf_posterior_predict(posterior, &both, 1, pool, NULL, NULL, variance), 0);
    ck_assert_double_eq(variance[0], 1);
    ck_assert_int_eq(amf_posterior_predict(posterior, &both, 1, pool, NULL, mean, variance),
                     AMF_BAD_ARGUMENT); /* there never were actions */
}
END_TEST

START_TEST(duplicates_without_noise_to_speak_of_need_jitter)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    const double states[40] = {0};
    AMF_KERNEL_CLEANUP struct amf_kernel *kernel = line_kernel(pool, states, 40);
    AMF_POSTERIOR_CLEANUP struct amf_posterior *posterior = NULL;
    const struct amf_block all = {0, 40, 0}, one = {0, 1, 0};
    double variance;

    ck_assert_int_eq(amf_posterior_new(kernel, 1e-12, &all, 1, NULL, 0, pool, NULL, &posterior), 0);
    ck_assert_double_gt(amf_posterior_jitter(posterior), 0);
    ck_assert_int_eq(amf_posterior_predict(posterior, &one, 1, pool, NULL, NULL, &variance), 0);
    ck_assert(variance >= 0 && variance < 1e-4);
}
END_TEST

START_TEST(wrong_input_is_refused)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    const double states[] = {0, 1};
    AMF_KERNEL_CLEANUP struct amf_kernel *kernel = line_kernel(pool, states, 2);
    struct amf_posterior *posterior = NULL;
    const struct amf_block seen = {0, 1, 0}, beyond = {1, 2, 0};
    double nan = NAN;

    ck_assert_int_eq(amf_posterior_new(kernel, 0, &seen, 1, NULL, 0, pool, NULL, &posterior),
                     AMF_BAD_ARGUMENT);
    ck_assert_int_eq(amf_posterior_new(kernel, NAN, &seen, 1, NULL, 0, pool, NULL, &posterior),
                     AMF_NOT_FINITE);
    ck_assert_int_eq(amf_posterior_new(kernel, 1, &beyond, 1, NULL, 0, pool, NULL, &posterior),
                     AMF_BAD_ARGUMENT);
    ck_assert_int_eq(amf_posterior_new(kernel, 1, &seen, 1, &nan, 1, pool, NULL, &posterior),
                     AMF_NOT_FINITE);
}
END_TEST

SUITE_MAIN("amf_posterior", one_observation, pending_work_moves_the_variance_and_not_the_mean,
           nothing_observed_is_the_prior, duplicates_without_noise_to_speak_of_need_jitter,
           wrong_input_is_refused)
