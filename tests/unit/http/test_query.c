/* The query string: a few parameters, nothing else. */
#include <api/api.h>
#include <src/limits.h>
#include <src/query.h>

#include <string.h>

#include "suite.h"

static struct proto_arena arena;

static enum proto_code parse(const char *text, struct http_query *query)
{
    struct proto_error error;

    return http_query_parse(text, API_QUERY_WAIT | API_QUERY_PAGE, &arena, query, &error);
}

START_TEST(nothing_means_defaults)
{
    static const char *const empty[] = {NULL, ""};

    for (size_t i = 0; i < 2; i++) {
        struct http_query query;
        ck_assert_int_eq(parse(empty[i], &query), PROTO_CODE_OK);
        ck_assert_double_eq(query.wait_s, 0);
        ck_assert_int_eq(query.limit, HTTP_LIMIT_DEFAULT);
        ck_assert_ptr_null(query.cursor);
    }
}
END_TEST

START_TEST(all_three_are_read)
{
    struct http_query query;

    ck_assert_int_eq(parse("wait_s=2.5&cursor=a%2Db%3d&limit=500", &query), PROTO_CODE_OK);
    ck_assert_double_eq(query.wait_s, 2.5);
    ck_assert_int_eq(query.limit, 500);
    ck_assert_str_eq(query.cursor, "a-b=");
    ck_assert_int_eq(parse("wait_s=28.145019427451533", &query), PROTO_CODE_OK);
    ck_assert_double_eq_tol(query.wait_s, 28.145019427451533, 1e-12);
    ck_assert_int_eq(parse("wait_s=1.5e+1", &query), PROTO_CODE_OK);
    ck_assert_double_eq(query.wait_s, 15);
    ck_assert_int_eq(parse("wait_s=2E-320", &query), PROTO_CODE_OK);
    ck_assert_double_ge(query.wait_s, 0);
    ck_assert_int_eq(parse("wait_s=30", &query), PROTO_CODE_OK);
    ck_assert_double_eq(query.wait_s, 30);
    ck_assert_int_eq(parse("limit=1", &query), PROTO_CODE_OK);
    ck_assert_int_eq(query.limit, 1);
}
END_TEST

START_TEST(a_place_in_the_log_is_a_number)
{
    static const char *const bad[] = {"after=",
                                      "after",
                                      "after=-1",
                                      "after=+1",
                                      "after=1.0",
                                      "after=0x1",
                                      "after=1e3",
                                      "after=9007199254740992",
                                      "after=1&after=1",
                                      "cursor=a",
                                      "after=99999999999999999999"};
    struct http_query query;
    struct proto_error error;

    ck_assert_int_eq(
        http_query_parse("limit=7&after=0042", API_QUERY_AFTER, &arena, &query, &error),
        PROTO_CODE_OK);
    ck_assert_int_eq(query.after, 42);
    ck_assert_int_eq(query.limit, 7);
    ck_assert_int_eq(
        http_query_parse("after=9007199254740991", API_QUERY_AFTER, &arena, &query, &error),
        PROTO_CODE_OK);
    ck_assert_int_eq(query.after, 9007199254740991);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        ck_assert_msg(http_query_parse(bad[i], API_QUERY_AFTER, &arena, &query, &error) ==
                          PROTO_CODE_INVALID_QUERY,
                      "%s", bad[i]);
}
END_TEST

START_TEST(anything_else_is_refused)
{
    static const char *const bad[] = {
        "limit=0",    "limit=501",       "limit=-1",     "limit=+1",       "limit=10abc",
        "limit=1.0",  "limit=",          "limit",        "limit=1e2",      "limit=0x10",
        "limit= 1",   "limit=1&limit=2", "limit=1&",     "&limit=1",       "limit=1&&wait_s=1",
        "wait_s=-1",  "wait_s=30.001",   "wait_s=31",    "wait_s=1e2",     "wait_s=nan",
        "wait_s=inf", "wait_s=.5",       "wait_s=1.",    "wait_s=1.2.3",   "wait_s=1e999",
        "wait_s=1,5", "wait_s=1e",       "wait_s=1e+",   "wait_s=0x1p3",   "cursor=",
        "cursor=%00", "cursor=a%",       "cursor=a%20b", "access_token=x", "Limit=1",
        "limit%3d1",  "limi%74=1",       "=1",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct http_query query;
        ck_assert_msg(parse(bad[i], &query) == PROTO_CODE_INVALID_QUERY, "%s passed", bad[i]);
    }
}
END_TEST

START_TEST(the_error_names_the_parameter)
{
    struct http_query query;
    struct proto_error error;

    ck_assert_int_eq(http_query_parse("cursor=a&limit=501", API_QUERY_PAGE, &arena, &query, &error),
                     PROTO_CODE_INVALID_QUERY);
    ck_assert_str_eq(error.at, "limit");
    ck_assert_ptr_nonnull(strstr(error.detail, "500"));
}
END_TEST

START_TEST(a_route_knows_its_own_parameters_only)
{
    struct http_query query;
    struct proto_error error;

    ck_assert_int_eq(http_query_parse("limit=1", API_QUERY_WAIT, &arena, &query, &error),
                     PROTO_CODE_INVALID_QUERY);
    ck_assert_ptr_nonnull(strstr(error.detail, "wait_s"));
    ck_assert_int_eq(http_query_parse("wait_s=1", API_QUERY_PAGE, &arena, &query, &error),
                     PROTO_CODE_INVALID_QUERY);
    ck_assert_int_eq(http_query_parse("", API_QUERY_NONE, &arena, &query, &error), PROTO_CODE_OK);
    ck_assert_int_eq(http_query_parse("cursor=a", API_QUERY_NONE, &arena, &query, &error),
                     PROTO_CODE_INVALID_QUERY);
}
END_TEST

START_TEST(a_cursor_has_an_end)
{
    char text[16 + HTTP_CURSOR_MAX_BYTES] = "cursor=";
    struct http_query query;

    memset(text + 7, 'a', HTTP_CURSOR_MAX_BYTES);
    ck_assert_int_eq(parse(text, &query), PROTO_CODE_OK);
    text[7 + HTTP_CURSOR_MAX_BYTES] = 'a';
    ck_assert_int_eq(parse(text, &query), PROTO_CODE_INVALID_QUERY);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nothing_means_defaults,
        all_three_are_read,
        a_place_in_the_log_is_a_number,
        anything_else_is_refused,
        the_error_names_the_parameter,
        a_route_knows_its_own_parameters_only,
        a_cursor_has_an_end,
    };
    int status = SUITE_RUN("query", tests);

    proto_arena_deinit(&arena);
    return status;
}
