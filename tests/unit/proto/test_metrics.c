/* Figures as text: numbers, escapes, histograms. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <proto/metrics.h>

#include "support.h"

static char *text;
static size_t length;
static FILE *out;

static void setup(void)
{
    out = open_memstream(&text, &length);
    ck_assert_ptr_nonnull(out);
}

static void is(const char *expected)
{
    fclose(out);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(a_family_has_its_head)
{
    proto_metrics_single(out, "a_total", "counter", "What it is.", 3);
    is("# HELP a_total What it is.\n# TYPE a_total counter\na_total 3\n");
}
END_TEST

START_TEST(labels_are_escaped)
{
    proto_metrics_sample(out, "a", &(struct proto_labels){{{"x", "q\"b\\s\nn"}, {"y", ""}}}, 0.25);
    is("a{x=\"q\\\"b\\\\s\\nn\",y=\"\"} 0.25\n");
}
END_TEST

START_TEST(numbers_that_are_none_have_words)
{
    proto_metrics_sample(out, "a", NULL, NAN);
    proto_metrics_sample(out, "a", NULL, INFINITY);
    proto_metrics_sample(out, "a", NULL, -INFINITY);
    proto_metrics_sample(out, "a", NULL, 1e300);
    is("a NaN\na +Inf\na -Inf\na 1e+300\n");
}
END_TEST

START_TEST(buckets_add_up)
{
    const double bounds[] = {0.5, 1};
    const uint64_t counts[] = {2, 0, 3};

    proto_metrics_histogram(out, "h", &(struct proto_labels){{{"x", "y"}}},
                            &(struct proto_histogram){bounds, counts, 2, 7.5});
    is("h_bucket{x=\"y\",le=\"0.5\"} 2\nh_bucket{x=\"y\",le=\"1\"} 2\n"
       "h_bucket{x=\"y\",le=\"+Inf\"} 5\nh_sum{x=\"y\"} 7.5\nh_count{x=\"y\"} 5\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tests = tcase_create("metrics");

    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, a_family_has_its_head);
    tcase_add_test(tests, labels_are_escaped);
    tcase_add_test(tests, numbers_that_are_none_have_words);
    tcase_add_test(tests, buckets_add_up);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
