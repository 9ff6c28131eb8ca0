/* Problem files that are wrong: each is refused at the place where it is wrong. And the verb's exit
 * codes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "score.h"
#include "suite.h"

/* A whole problem: two tasks, one demonstration each. */
static const char *const whole =
    "{\"kernel\": {\"type\": \"rbf\", \"variance\": 1, \"lengthscale_state\": 1, "
    "\"lengthscale_task\": 1}, \"noise\": 0.1, \"state_dim\": 2, \"action_dim\": 1, \"task_dim\": "
    "1, "
    "\"tasks\": [[0], [1]], \"conditioning\": \"all\", \"policy\": \"gp\", \"demonstrations\": "
    "[{\"task\": 0, \"states\": [[0, 1], [1, 2]], \"actions\": [[1], [2]]}, "
    "{\"task\": 1, \"states\": [[3, 1]], \"actions\": [[4]]}]}";

/* whole with the first occurrence of `from` replaced. */
static char *changed(const char *from, const char *to)
{
    const char *at = strstr(whole, from);
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    ck_assert_msg(at != NULL, "%s is not in the problem", from);
    fprintf(out, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
    fclose(out);
    return text;
}

static enum proto_code decode(const char *text, struct proto_error *error)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_case problem;

    return proto_case_decode(text, strlen(text), &arena, &problem, error);
}

START_TEST(defaults_fill_what_is_left_out)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_case problem;
    struct proto_error error;

    ck_assert_int_eq(proto_case_decode(whole, strlen(whole), &arena, &problem, &error),
                     PROTO_CODE_OK);
    ck_assert_uint_eq(problem.evaluation_count, 2);
    ck_assert_double_eq(problem.mu[0], problem.mu[1]);
    ck_assert_uint_eq(problem.pending_count, 0);
    ck_assert_uint_eq(problem.pretraining_count, 0);
    ck_assert_uint_eq(problem.demonstrations[0].states.rows, 2);
    ck_assert_double_eq(problem.demonstrations[1].states.data[0], 3);
    ck_assert_int_eq(problem.clip_scope, PROTO_CASE_CLIP_NONE);
    ck_assert_double_eq(problem.ess_target, 8);
}
END_TEST

static const struct wrong {
    const char *from, *to;
    enum proto_code code;
    const char *at;
} wrongs[] = {
    {"\"noise\": 0.1", "\"noise\": 0.1, \"nois\": 1", PROTO_CODE_UNKNOWN_FIELD, "/nois"},
    {"\"noise\": 0.1, ", "", PROTO_CODE_MISSING_FIELD, "/noise"},
    {"0.1", "0", PROTO_CODE_INVALID_FIELD, "/noise"},
    {"0.1", "\"much\"", PROTO_CODE_INVALID_FIELD, "/noise"},
    {"0.1", "NaN", PROTO_CODE_MALFORMED_JSON, "/noise"},
    {"0.1", "1e999", PROTO_CODE_MALFORMED_JSON, NULL},
    {"rbf", "cosine", PROTO_CODE_INVALID_FIELD, "/kernel/type"},
    {"\"variance\": 1", "\"variance\": -1", PROTO_CODE_INVALID_FIELD, "/kernel/variance"},
    {"\"lengthscale_state\": 1", "\"lengthscale_state\": [1]", PROTO_CODE_WRONG_DIMENSION,
     "/kernel/lengthscale_state"},
    {"\"lengthscale_state\": 1", "\"lengthscale_state\": [1, 0]", PROTO_CODE_INVALID_FIELD,
     "/kernel/lengthscale_state/1"},
    {"\"lengthscale_task\": 1", "\"lambda\": 0.5", PROTO_CODE_UNKNOWN_FIELD, "/kernel/lambda"},
    {"\"lengthscale_task\": 1", "\"variance\": 1", PROTO_CODE_MALFORMED_JSON, ""},
    {"\"state_dim\": 2", "\"state_dim\": 0", PROTO_CODE_INVALID_FIELD, "/state_dim"},
    {"\"state_dim\": 2", "\"state_dim\": 1.5", PROTO_CODE_INVALID_FIELD, "/state_dim"},
    {"\"state_dim\": 2", "\"state_dim\": 3", PROTO_CODE_WRONG_DIMENSION,
     "/demonstrations/0/states/0"},
    {"[[0], [1]]", "[]", PROTO_CODE_INVALID_FIELD, "/tasks"},
    {"[[0], [1]]", "[[0], [1, 2]]", PROTO_CODE_WRONG_DIMENSION, "/tasks/1"},
    {"\"task\": 1", "\"task\": 2", PROTO_CODE_UNKNOWN_TASK, "/demonstrations/1/task"},
    {"\"task\": 1", "\"task\": -1", PROTO_CODE_UNKNOWN_TASK, "/demonstrations/1/task"},
    {"[[3, 1]]", "[]", PROTO_CODE_EMPTY_TRAJECTORY, "/demonstrations/1/states"},
    {"[[3, 1]]", "[[3, null]]", PROTO_CODE_INVALID_FIELD, "/demonstrations/1/states/0/1"},
    {"[[4]]", "[[4], [5]]", PROTO_CODE_WRONG_DIMENSION, "/demonstrations/1/actions"},
    {"[[4]]", "[[4]], \"operator\": \"a\"", PROTO_CODE_UNKNOWN_FIELD, "/demonstrations/1/operator"},
    {"\"all\"", "\"some\"", PROTO_CODE_INVALID_FIELD, "/conditioning"},
    {"\"gp\"", "\"deterministic\"", PROTO_CODE_MISSING_FIELD, "/policy_mean"},
    {"\"gp\"", "\"gp\", \"phi\": []", PROTO_CODE_INVALID_FIELD, "/phi"},
    {"\"gp\"", "\"gp\", \"pending_tasks\": [0, 7]", PROTO_CODE_UNKNOWN_TASK, "/pending_tasks/1"},
    {"\"gp\"", "\"gp\", \"mu\": [1]", PROTO_CODE_WRONG_DIMENSION, "/mu"},
    {"\"gp\"", "\"gp\", \"mu\": [1, -1]", PROTO_CODE_INVALID_FIELD, "/mu/1"},
    {"\"gp\"", "\"gp\", \"mu\": [0, 0]", PROTO_CODE_INVALID_FIELD, "/mu"},
    {"\"gp\"", "\"gp\", \"clip_scope\": \"step\"", PROTO_CODE_MISSING_FIELD, "/clip"},
    {"\"gp\"", "\"gp\", \"clip\": [0, -12], \"clip_scope\": \"step\"", PROTO_CODE_INVALID_FIELD,
     "/clip"},
    {"\"gp\"", "\"gp\", \"ess_target\": 0.5", PROTO_CODE_INVALID_FIELD, "/ess_target"},
    {"\"demonstrations\": [", "\"demonstrations\": 3, \"pretraining\": [", PROTO_CODE_INVALID_FIELD,
     "/demonstrations"},
    {"[[4]]}]}", "[[4]]}]", PROTO_CODE_MALFORMED_JSON, ""},
};

START_TEST(wrong_problems_are_refused_where_they_are_wrong)
{
    const struct wrong *wrong = &wrongs[_i];
    struct proto_error error;
    char *text = changed(wrong->from, wrong->to);
    enum proto_code code = decode(text, &error);

    ck_assert_msg(code == wrong->code, "%s: %s", wrong->to, proto_code_name(code));
    ck_assert_str_ne(error.detail, "");
    if (wrong->at)
        ck_assert_str_eq(error.at, wrong->at);
    free(text);
}
END_TEST

START_TEST(tables_are_checked_step_by_step)
{
    static const char *const features[][2] = {
        {"[[[[1], [2]], [[3], [4]]], [[[5]], [[6]]]]", NULL},
        {"[[[[1], [2]], [[3], [4]]]]", "/phi"},
        {"[[[[1], [2]]], [[[5]], [[6]]]]", "/phi/0"},
        {"[[[[1], [2]], [[3], [4]]], [[[5], [5]], [[6]]]]", "/phi/1/0"},
        {"[[[[1], [2]], [[3], [4]]], [[[5]], [[6, 7]]]]", "/phi/1/1/0"},
        {"[[[[], []], [[], []]], [[[]], [[]]]]", "/phi"},
        {"[]", "/phi"},
    };

    for (size_t k = 0; k < sizeof(features) / sizeof(features[0]); k++) {
        struct proto_error error;
        char *text = changed("\"type\": \"rbf\", \"variance\": 1, \"lengthscale_state\": 1, "
                             "\"lengthscale_task\": 1}",
                             "\"type\": \"embedding\", \"variance\": 1}, \"phi\": ");
        char *at = strstr(text, "\"phi\": ") + strlen("\"phi\": "), *complete = NULL;
        size_t length;
        FILE *out = open_memstream(&complete, &length);
        enum proto_code code;

        fprintf(out, "%.*s%s%s", (int)(at - text), text, features[k][0], at);
        fclose(out);
        code = decode(complete, &error);
        ck_assert_int_eq(code, features[k][1] ? PROTO_CODE_WRONG_DIMENSION : PROTO_CODE_OK);
        if (code)
            ck_assert_str_eq(error.at, features[k][1]);
        free(complete);
        free(text);
    }
}
END_TEST

/* Every beginning of a problem is refused, none is read beyond its end. */
START_TEST(cut_off_problems_are_refused)
{
    struct proto_error error;

    for (size_t length = 0; length < strlen(whole); length++) {
        PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
        struct proto_case problem;
        char *text = malloc(length + 1);

        memcpy(text, whole, length);
        ck_assert_int_ne(proto_case_decode(text, length, &arena, &problem, &error), PROTO_CODE_OK);
        free(text);
    }
}
END_TEST

static int run(const char *path, char **ret_out, char **ret_err)
{
    size_t out_length, err_length;
    FILE *out = open_memstream(ret_out, &out_length), *err = open_memstream(ret_err, &err_length);
    int code = cli_score_run(path, true, out, err);

    fclose(out);
    fclose(err);
    return code;
}

START_TEST(exit_codes)
{
    char *out, *err;

    ck_assert_int_eq(run(NULL, &out, &err), 2);
    ck_assert_str_eq(out, "");
    free(out);
    free(err);
    ck_assert_int_eq(run(GOLDEN_DIR "/no such file.json", &out, &err), 4);
    ck_assert_ptr_nonnull(strstr(err, "no such file.json"));
    free(out);
    free(err);
    ck_assert_int_eq(run(GOLDEN_DIR "/meson.build", &out, &err), 4);
    ck_assert_ptr_eq(strchr(err, '\n'), err + strlen(err) - 1); /* one line */
    ck_assert_str_eq(out, "");
    free(out);
    free(err);
    ck_assert_int_eq(run(GOLDEN_DIR "/rbf_small.json", &out, &err), 0);
    ck_assert_str_eq(err, "");
    free(out);
    free(err);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("problem");
    TCase *cases = tcase_create("problem");
    SRunner *runner;

    tcase_add_test(cases, defaults_fill_what_is_left_out);
    tcase_add_loop_test(cases, wrong_problems_are_refused_where_they_are_wrong, 0,
                        (int)(sizeof(wrongs) / sizeof(wrongs[0])));
    tcase_add_test(cases, tables_are_checked_step_by_step);
    tcase_add_test(cases, cut_off_problems_are_refused);
    tcase_add_test(cases, exit_codes);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0;
}
