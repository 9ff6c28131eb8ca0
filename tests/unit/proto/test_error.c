/* Errors: texts are always whole UTF-8, and the registry has a row for every code. */
#include <string.h>

#include <proto/error.h>
#include <proto/openapi.h>

#include "support.h"

START_TEST(set_returns_the_code_and_fills_the_error)
{
    struct proto_error error;
    enum proto_code code =
        proto_error_set(&error, PROTO_CODE_UNKNOWN_TASK, "/task", "no task \"%s\"", "x");
    ck_assert_int_eq(code, PROTO_CODE_UNKNOWN_TASK);
    ck_assert_int_eq(error.code, PROTO_CODE_UNKNOWN_TASK);
    ck_assert_str_eq(error.at, "/task");
    ck_assert_str_eq(error.detail, "no task \"x\"");
}
END_TEST

START_TEST(a_cut_text_ends_in_dots_and_is_whole_utf8)
{
    /* Shifted by 0..3 bytes, so that the cut falls on every byte of a four-byte character. */
    for (size_t shift = 0; shift < 4; shift++) {
        char text[600] = "";
        memset(text, 'a', shift);
        for (size_t i = 0; i < 100; i++)
            strcat(text, "\xF0\x9F\x8D\x8C");
        struct proto_error error;
        proto_error_set(&error, PROTO_CODE_INVALID_FIELD, text, "%s", text);
        size_t length = strlen(error.at), kept = length - 3 - shift;
        ck_assert_str_eq(error.at + length - 3, "...");
        ck_assert_uint_eq(kept % 4, 0);
        ck_assert_uint_gt(length, sizeof(error.at) - 8);
        ck_assert_str_eq(error.detail + strlen(error.detail) - 3, "...");
    }
}
END_TEST

START_TEST(bytes_that_are_not_utf8_do_not_get_out)
{
    struct proto_error error;
    proto_error_set(&error, PROTO_CODE_INVALID_FIELD, "a\xFF",
                    "\xC0\xAF b \xED\xA0\x80 \xC3\xBC \xE2\x82");
    ck_assert_str_eq(error.at, "a?");
    ck_assert_str_eq(error.detail, "?? b ??? \xC3\xBC ??");
}
END_TEST

START_TEST(every_code_has_a_name_a_status_and_a_title)
{
    for (int code = PROTO_CODE_OK + 1; code < PROTO_CODE_COUNT; code++) {
        ck_assert_str_ne(proto_code_name((enum proto_code)code), "");
        ck_assert_str_ne(proto_code_title((enum proto_code)code), "");
        ck_assert_int_ge(proto_code_status((enum proto_code)code), 400);
        ck_assert_int_le(proto_code_status((enum proto_code)code), 599);
    }
    ck_assert_str_eq(proto_code_name(PROTO_CODE_EMPTY_TRAJECTORY), "empty_trajectory");
    ck_assert_int_eq(proto_code_status(PROTO_CODE_EMPTY_TRAJECTORY), 422);
}
END_TEST

START_TEST(the_contract_is_in_the_program)
{
    ck_assert_uint_eq(strlen(proto_openapi_text), proto_openapi_bytes);
    ck_assert_ptr_nonnull(strstr(proto_openapi_text, "openapi: "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *tests = tcase_create("error");
    tcase_add_test(tests, set_returns_the_code_and_fills_the_error);
    tcase_add_test(tests, a_cut_text_ends_in_dots_and_is_whole_utf8);
    tcase_add_test(tests, bytes_that_are_not_utf8_do_not_get_out);
    tcase_add_test(tests, every_code_has_a_name_a_status_and_a_title);
    tcase_add_test(tests, the_contract_is_in_the_program);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
