/* Encoding and copying: the exact text, numbers that survive, and what cannot be said. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static void free_text(char **text)
{
    free(*text);
}
#define TEXT_CLEANUP __attribute__((cleanup(free_text)))

START_TEST(a_new_project_shows_every_default)
{
    TEXT_CLEANUP char *text = NULL;
    size_t length;
    struct proto_project project;
    proto_project_defaults(&project);
    project.id = "kitchen";
    ck_assert_int_eq(proto_encode(&proto_project_shape, &project, &text, &length), 0);
    ck_assert_str_eq(
        text,
        "{\"id\":\"kitchen\",\"title\":\"\",\"state_dim\":null,\"action_dim\":null,"
        "\"policy\":{\"kind\":\"gp\"},"
        "\"kernel\":{\"kind\":\"rbf\",\"variance\":1,\"state_scale\":\"median\",\"task\":"
        "\"discrete\","
        "\"task_correlation\":0.25,\"task_scale\":\"median\"},"
        "\"noise_std\":0.8,\"noise_relative\":null,\"standardize\":true,\"fit_after\":null,"
        "\"criterion\":{\"measure\":\"auto\",\"weights\":\"tempered\",\"occupancy\":\"auto\","
        "\"target\":\"weights\",\"rollouts_per_task\":3,\"clip\":null,\"clip_scope\":"
        "\"trajectory\","
        "\"conditioning\":\"auto\",\"exclude_self\":false,\"ess_target\":8,\"weight_floor\":0.0001,"
        "\"max_steps\":16,\"occupancy_limit\":256,\"blocks_per_task\":16,\"test_pair_limit\":1024,"
        "\"conditioning_limit\":4096},"
        "\"selection\":{\"rule\":\"criterion\",\"warm_start\":\"auto\",\"explore_share\":0,"
        "\"cost_exponent\":0,\"stop_gain\":0,\"stop\":\"soft\",\"budget\":null,\"seed\":0,"
        "\"lease_s\":900},\"scales\":null,\"seq\":0}");
    ck_assert_uint_eq(length, strlen(text));
}
END_TEST

START_TEST(doubles_survive_bit_for_bit)
{
    static const double numbers[] = {0.1,    0.3,       1.0 / 3,   5e-324,    DBL_MIN,
                                     1e-6,   -0.0,      0.0,       999999.9,  1e6,
                                     123456, 0.1 + 0.2, 1 - 1e-16, 1 + 1e-15, -2.5e-10};
    double data[sizeof(numbers) / sizeof(numbers[0])];
    memcpy(data, numbers, sizeof(numbers));
    const size_t count = sizeof(numbers) / sizeof(numbers[0]);
    struct proto_demonstration sent, got;
    proto_demonstration_defaults(&sent);
    proto_demonstration_defaults(&got);
    sent.task = "a";
    sent.states = sent.actions = (struct proto_matrix){data, 1, count};
    TEXT_CLEANUP char *text = NULL;
    size_t length;
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_error error;
    ck_assert_int_eq(proto_encode(&proto_demonstration_shape, &sent, &text, &length), 0);
    ck_assert_int_eq(
        proto_decode(&proto_demonstration_shape, text, length, true, &arena, &got, &error),
        PROTO_CODE_OK);
    ck_assert_uint_eq(got.states.cols, count);
    ck_assert_mem_eq(got.states.data, numbers, sizeof(numbers));
}
END_TEST

START_TEST(strings_are_escaped)
{
    struct proto_problem problem = {
        .title = "a\"b\\c\n\t\x01\x7f/", .status = 422, .code = "x", .detail = "gr\xC3\xBCn"};
    TEXT_CLEANUP char *text = NULL;
    size_t length;
    ck_assert_int_eq(proto_encode(&proto_problem_shape, &problem, &text, &length), 0);
    ck_assert_str_eq(text,
                     "{\"title\":\"a\\\"b\\\\c\\n\\t\\u0001\x7f/\",\"status\":422,\"code\":\"x\","
                     "\"detail\":\"gr\xC3\xBCn\"}");
}
END_TEST

START_TEST(null_reals_are_null_and_lists_are_lists)
{
    struct proto_candidate candidate = {.task = "a",
                                        .gain = NAN,
                                        .effective_sample_size = NAN,
                                        .largest_weight_share = 0.5,
                                        .clipped_share = NAN,
                                        .posterior_entropy = NAN,
                                        .skipped_share = 0};
    struct proto_ranking ranking = {.candidates = {&candidate, 1}};
    TEXT_CLEANUP char *text = NULL, *empty = NULL;
    size_t length;
    ck_assert_int_eq(proto_encode(&proto_ranking_shape, &ranking, &text, &length), 0);
    ck_assert_ptr_nonnull(strstr(text, "\"candidates\":[{\"task\":\"a\",\"gain\":null,"));
    ck_assert_ptr_nonnull(strstr(text, "\"largest_weight_share\":0.5,\"clipped_share\":null"));
    ranking.candidates.count = 0;
    ck_assert_int_eq(proto_encode(&proto_ranking_shape, &ranking, &empty, &length), 0);
    ck_assert_ptr_nonnull(strstr(empty, "\"candidates\":[],"));
}
END_TEST

struct one {
    double number;
};
static const struct proto_field one_fields[] = {
    {"n", PROTO_REAL, offsetof(struct one, number)},
};
static const struct proto_shape one_shape = {
    .name = "one", .size = sizeof(struct one), .fields = one_fields, .field_count = 1};

static char *written(double number)
{
    struct one one = {number};
    char *text;
    size_t length;
    ck_assert_int_eq(proto_encode(&one_shape, &one, &text, &length), 0);
    return text;
}

static void expect_written(double number, const char *wanted)
{
    TEXT_CLEANUP char *text = written(number);
    char whole[64];
    snprintf(whole, sizeof(whole), "{\"n\":%s}", wanted);
    ck_assert_str_eq(text, whole);
}

START_TEST(reals_are_as_short_as_they_can_be)
{
    expect_written(0, "0");
    expect_written(-0.0, "-0.0");
    expect_written(100000, "100000");
    expect_written(0.1, "0.1");
    expect_written(0.1 + 0.2, "0.30000000000000004");
    expect_written(-1.5, "-1.5");
    expect_written(1e-5, "0.00001");
    expect_written(9.5e-6, "9.5e-06");
    expect_written(999999999999999, "999999999999999");
    expect_written(1e15, "1e+15");
    expect_written(DBL_MAX, "1.7976931348623157e+308");
    expect_written(DBL_TRUE_MIN, "5e-324");
}
END_TEST

START_TEST(reals_come_back_to_the_bit)
{
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        double number, back;
        memcpy(&number, &bits, sizeof(number));
        if (!isfinite(number))
            continue;
        TEXT_CLEANUP char *text = written(number);
        back = strtod(text + strlen("{\"n\":"), NULL);
        ck_assert_msg(memcmp(&back, &number, sizeof(back)) == 0, "%a became %s", number, text);
    }
}
END_TEST

START_TEST(what_json_cannot_say_is_an_error)
{
    char *text = NULL;
    size_t length;
    struct proto_project project;
    proto_project_defaults(&project);
    ck_assert_int_eq(proto_encode(&proto_project_shape, &project, &text, &length), 1); /* no id */
    project.id = "\xFF";
    ck_assert_int_eq(proto_encode(&proto_project_shape, &project, &text, &length), 1);
    project.id = "k";
    project.noise_std = NAN;
    ck_assert_int_eq(proto_encode(&proto_project_shape, &project, &text, &length), 1);
    project.noise_std = 1;
    project.noise_relative = INFINITY;
    ck_assert_int_eq(proto_encode(&proto_project_shape, &project, &text, &length), 1);
    project.noise_relative = 1;
    project.policy.kind = 99;
    ck_assert_int_eq(proto_encode(&proto_project_shape, &project, &text, &length), 1);
    ck_assert_ptr_null(text);
}
END_TEST

static const char everything[] =
    "{\"fence\":3,\"demonstration\":{\"task\":\"a\",\"success\":false,\"role\":\"rollout\","
    "\"operator\":\"anna\",\"robot\":null,\"duration_s\":1.5,\"source\":\"s\",\"metadata\":{\"b\":["
    "1,"
    "null,true,0.1],\"a\":{}},\"assignment\":\"x\",\"states\":[[1,2],[3,4]],\"actions\":[[5],[6]]}"
    "}";

START_TEST(a_copy_lives_on_its_own)
{
    struct proto_arena source = PROTO_ARENA_NULL;
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_complete complete = {0}, copy;
    struct proto_error error;
    ck_assert_int_eq(proto_decode(&proto_complete_shape, everything, sizeof(everything) - 1, false,
                                  &source, &complete, &error),
                     PROTO_CODE_OK);
    TEXT_CLEANUP char *before = NULL, *after = NULL;
    size_t length;
    ck_assert_int_eq(proto_encode(&proto_complete_shape, &complete, &before, &length), 0);
    ck_assert_int_eq(proto_copy(&proto_complete_shape, &complete, &arena, &copy), 0);
    memset(complete.demonstration->states.data, 0xFF, 4 * sizeof(double));
    memset(complete.demonstration, 0xFF, sizeof(*complete.demonstration));
    proto_arena_deinit(&source);
    ck_assert_int_eq(proto_encode(&proto_complete_shape, &copy, &after, &length), 0);
    ck_assert_str_eq(after, before);
}
END_TEST

START_TEST(a_project_with_everything_is_copied)
{
    static const char text[] =
        "{\"id\":\"k\",\"kernel\":{\"state_scale\":[1,2],\"task_scale\":0.5,\"task\":\"graph\","
        "\"graph\":{"
        "\"nodes\":[\"a\",\"b\"],\"edges\":[[0,1,1]]}},\"criterion\":{\"clip\":[-12,0]}}";
    PROTO_ARENA_CLEANUP struct proto_arena source = PROTO_ARENA_NULL, arena = PROTO_ARENA_NULL;
    struct proto_project project, copy;
    struct proto_error error;
    proto_project_defaults(&project);
    ck_assert_int_eq(proto_decode(&proto_project_shape, text, sizeof(text) - 1, false, &source,
                                  &project, &error),
                     PROTO_CODE_OK);
    ck_assert_int_eq(proto_copy(&proto_project_shape, &project, &arena, &copy), 0);
    TEXT_CLEANUP char *before = NULL, *after = NULL;
    size_t length;
    ck_assert_int_eq(proto_encode(&proto_project_shape, &project, &before, &length), 0);
    proto_arena_deinit(&source);
    ck_assert_int_eq(proto_encode(&proto_project_shape, &copy, &after, &length), 0);
    ck_assert_str_eq(after, before);
    ck_assert_ptr_nonnull(strstr(after, "\"state_scale\":[1,2]"));
    ck_assert_ptr_nonnull(strstr(after, "\"task_scale\":0.5"));
}
END_TEST

START_TEST(a_summary_copy_has_no_trajectory)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    double numbers[] = {1};
    struct proto_demonstration demonstration, copy;
    proto_demonstration_defaults(&demonstration);
    demonstration.task = "a";
    demonstration.states = demonstration.actions = (struct proto_matrix){numbers, 1, 1};
    ck_assert_int_eq(proto_copy(&proto_demonstration_summary_shape, &demonstration, &arena, &copy),
                     0);
    ck_assert_str_eq(copy.task, "a");
    ck_assert_ptr_null(copy.states.data);
    ck_assert_uint_eq(copy.actions.rows, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("encode");
    TCase *tests = tcase_create("encode");
    tcase_add_test(tests, a_new_project_shows_every_default);
    tcase_add_test(tests, doubles_survive_bit_for_bit);
    tcase_add_test(tests, strings_are_escaped);
    tcase_add_test(tests, null_reals_are_null_and_lists_are_lists);
    tcase_add_test(tests, reals_are_as_short_as_they_can_be);
    tcase_add_test(tests, reals_come_back_to_the_bit);
    tcase_add_test(tests, what_json_cannot_say_is_an_error);
    tcase_add_test(tests, a_copy_lives_on_its_own);
    tcase_add_test(tests, a_project_with_everything_is_copied);
    tcase_add_test(tests, a_summary_copy_has_no_trajectory);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
