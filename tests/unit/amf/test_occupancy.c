/* Importance weights by hand. */
#include <math.h>

#include <amf/occupancy.h>

#include "suite.h"

/* Three demonstrations, of tasks 0, 0 and 1; nobody demonstrated task 2. */
static const size_t own[] = {0, 0, 1};
static const double l[] = {-1, -3, -5, -2, -2, -9, -8, -1, -4};

static void weigh(enum amf_weights mode, double ess_target, double *ret_weights, double *ret_temper)
{
    ck_assert_int_eq(amf_occupancy_weigh(mode, l, own, 3, 3, ess_target, ret_weights, ret_temper),
                     AMF_OK);
}

START_TEST(raw_weights_compare_with_the_mixture)
{
    double w[9];

    weigh(AMF_WEIGHTS_RAW, 8, w, NULL);
    for (size_t i = 0; i < 3; i++) {
        const double *row = l + 3 * i;
        double mixture = (2 * exp(row[0]) + exp(row[1])) / 3;

        for (size_t c = 0; c < 3; c++)
            ck_assert_double_eq_tol(w[3 * i + c], exp(row[c]) / mixture, 1e-13 * w[3 * i + c]);
    }
}
END_TEST

START_TEST(normalized_weights_average_one)
{
    for (int mode = AMF_WEIGHTS_SELF_NORMALIZED; mode <= AMF_WEIGHTS_CALIBRATED; mode++) {
        double w[9];

        weigh((enum amf_weights)mode, 2, w, NULL);
        for (size_t c = 0; c < 3; c++)
            ck_assert_double_eq_tol(w[c] + w[3 + c] + w[6 + c], 3, 1e-13);
    }
}
END_TEST

START_TEST(tempering_reaches_its_target_and_no_more)
{
    double w[9], temper[3];

    weigh(AMF_WEIGHTS_TEMPERED, 1.9, w, temper);
    for (size_t c = 0; c < 3; c++) {
        double size = amf_occupancy_summarize(w, 3, 3, c).effective_sample_size;

        ck_assert_double_ge(size, 1.9 * (1 - 1e-12));
        if (temper[c] < 1)
            ck_assert_double_eq_tol(size, 1.9, 1e-9);
    }
    weigh(AMF_WEIGHTS_TEMPERED, 100, w, temper); /* more than there are: all alike */
    for (size_t c = 0; c < 3; c++) {
        ck_assert_double_eq(temper[c], 0);
        ck_assert_double_eq_tol(w[c], 1, 1e-15);
    }
}
END_TEST

/* Labels that the likelihoods tell perfectly want all of the likelihood; labels that they
 * contradict want none. */
START_TEST(calibration_trusts_likelihoods_as_far_as_they_tell_the_labels)
{
    const size_t tasks[] = {0, 1};
    const double right[] = {0, -50, -50, 0}, wrong[] = {-50, 0, 0, -50}, weak[] = {-4, 0, -4, 0};
    double w[4], temper[2];

    ck_assert_int_eq(amf_occupancy_weigh(AMF_WEIGHTS_CALIBRATED, right, tasks, 2, 2, 8, w, temper),
                     AMF_OK);
    ck_assert_double_eq(temper[0], 1);
    ck_assert_int_eq(amf_occupancy_weigh(AMF_WEIGHTS_CALIBRATED, wrong, tasks, 2, 2, 8, w, temper),
                     AMF_OK);
    ck_assert_double_eq_tol(temper[0], 0, 1e-12);
    /* Task 1 in one of two demonstrations, its likelihood always 4 nats above: best is an even
     * guess. */
    ck_assert_int_eq(amf_occupancy_weigh(AMF_WEIGHTS_CALIBRATED, weak, tasks, 2, 2, 8, w, temper),
                     AMF_OK);
    ck_assert_double_eq_tol(temper[0], 0, 1e-12);
    ck_assert_double_eq(temper[0], temper[1]);
}
END_TEST

/* Two of three labels agree with the likelihood: softmax(b 3) = 2/3 at b = log(2) / 3. */
START_TEST(calibration_finds_the_inner_optimum)
{
    const size_t tasks[] = {0, 0, 1};
    const double three[] = {3, 0, 3, 0, 3, 0};
    double w[6], temper[2];

    ck_assert_int_eq(amf_occupancy_weigh(AMF_WEIGHTS_CALIBRATED, three, tasks, 3, 2, 8, w, temper),
                     AMF_OK);
    ck_assert_double_eq_tol(temper[0], log(2) / 3, 1e-12);
}
END_TEST

START_TEST(own_task_and_uniform)
{
    double w[9];

    weigh(AMF_WEIGHTS_OWN_TASK_RAW, 8, w, NULL);
    ck_assert(w[0] == 1 && w[3] == 1 && w[6] == 0 && w[7] == 1 && w[1] == 0);
    ck_assert(w[2] == 0 && w[5] == 0 && w[8] == 0); /* nobody demonstrated it */
    weigh(AMF_WEIGHTS_OWN_TASK, 8, w, NULL);
    ck_assert(w[0] == 1.5 && w[7] == 3 && w[8] == 0);
    weigh(AMF_WEIGHTS_UNIFORM, 8, w, NULL);
    for (size_t i = 0; i < 9; i++)
        ck_assert_double_eq(w[i], 1);
}
END_TEST

START_TEST(unavailable_pairs_weigh_nothing_in_any_mode)
{
    const double gaps[] = {-1, -INFINITY, -INFINITY, -2, -2, -INFINITY, -8, -1, -INFINITY};

    for (int mode = AMF_WEIGHTS_RAW; mode <= AMF_WEIGHTS_UNIFORM; mode++) {
        double w[9];

        ck_assert_int_eq(amf_occupancy_weigh((enum amf_weights)mode, gaps, own, 3, 3, 8, w, NULL),
                         AMF_OK);
        for (size_t i = 0; i < 9; i++) {
            ck_assert(isfinite(w[i]) && w[i] >= 0);
            if (isinf(gaps[i]))
                ck_assert_double_eq(w[i], 0);
        }
        ck_assert_double_eq(amf_occupancy_summarize(w, 3, 3, 2).effective_sample_size, 0);
    }
}
END_TEST

START_TEST(extreme_likelihoods_stay_finite)
{
    const double far[] = {-1e6, 1e6, 0, -1e6, 1e6, 0, -1e6, -1e6, 0};

    for (int mode = AMF_WEIGHTS_RAW; mode <= AMF_WEIGHTS_UNIFORM; mode++) {
        double w[9];

        ck_assert_int_eq(amf_occupancy_weigh((enum amf_weights)mode, far, own, 3, 3, 2, w, NULL),
                         AMF_OK);
        for (size_t c = 0; c < 3; c++) {
            struct amf_occupancy_summary summary = amf_occupancy_summarize(w, 3, 3, c);

            ck_assert(isfinite(summary.effective_sample_size) && isfinite(summary.largest_share));
        }
    }
}
END_TEST

START_TEST(clips)
{
    const double terms[] = {-5, 1, -1};
    const struct amf_clip none = {AMF_CLIP_NONE, 0, 0}, sum = {AMF_CLIP_TRAJECTORY, -4, 0},
                          step = {AMF_CLIP_STEP, -4, 0};
    double clipped;

    ck_assert_double_eq(amf_occupancy_sum_steps(terms, 3, &none, &clipped), -5);
    ck_assert_double_eq(clipped, 0);
    ck_assert_double_eq(amf_occupancy_sum_steps(terms, 3, &sum, &clipped), -4);
    ck_assert_double_eq(clipped, 1);
    ck_assert_double_eq(amf_occupancy_sum_steps(terms, 3, &step, &clipped), -5);
    ck_assert_double_eq(clipped, 2.0 / 3);
}
END_TEST

START_TEST(summaries)
{
    const double w[] = {1, 2, 3 - 1e-13, 3};
    struct amf_occupancy_summary summary = amf_occupancy_summarize(w, 4, 1, 0);

    ck_assert_double_eq_tol(summary.effective_sample_size, 81.0 / 23, 1e-10);
    ck_assert_double_eq_tol(summary.largest_share, 1.0 / 3, 1e-12);
    ck_assert_uint_eq(summary.largest, 2); /* a tie: the lower index */
}
END_TEST

START_TEST(wrong_input_is_refused)
{
    const double nan[] = {NAN}, infinite[] = {INFINITY}, fine[] = {0};
    const size_t beyond[] = {1}, zero[] = {0};
    double w[1];

    ck_assert_int_eq(amf_occupancy_weigh(AMF_WEIGHTS_RAW, nan, zero, 1, 1, 8, w, NULL),
                     AMF_NOT_FINITE);
    ck_assert_int_eq(amf_occupancy_weigh(AMF_WEIGHTS_RAW, infinite, zero, 1, 1, 8, w, NULL),
                     AMF_NOT_FINITE);
    ck_assert_int_eq(amf_occupancy_weigh(AMF_WEIGHTS_RAW, fine, beyond, 1, 1, 8, w, NULL),
                     AMF_BAD_ARGUMENT);
    ck_assert_int_eq(amf_occupancy_weigh(AMF_WEIGHTS_TEMPERED, fine, zero, 1, 1, 0, w, NULL),
                     AMF_BAD_ARGUMENT);
    ck_assert_int_eq(amf_occupancy_weigh(AMF_WEIGHTS_TEMPERED, NULL, NULL, 0, 1, 8, w, NULL),
                     AMF_OK);
}
END_TEST

SUITE_MAIN("amf_occupancy", raw_weights_compare_with_the_mixture, normalized_weights_average_one,
           tempering_reaches_its_target_and_no_more,
           calibration_trusts_likelihoods_as_far_as_they_tell_the_labels,
           calibration_finds_the_inner_optimum, own_task_and_uniform,
           unavailable_pairs_weigh_nothing_in_any_mode, extreme_likelihoods_stay_finite, clips,
           summaries, wrong_input_is_refused)
