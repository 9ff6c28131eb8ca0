/* Paths find their route, and nothing else does. */
#include <src/route.h>

#include <stdio.h>

#include "suite.h"

static const struct api_route table[] = {
    {.method = "GET", .template = "/healthz"},
    {.method = "GET", .template = "/v1/projects"},
    {.method = "POST", .template = "/v1/projects"},
    {.method = "GET", .template = "/v1/projects/{project}"},
    {.method = "GET", .template = "/v1/projects/import"},
    {.method = "PUT", .template = "/v1/projects/{project}/tasks/{task}"},
    {.method = "POST", .template = "/v1/projects/{project}/assignments/{id}/complete"},
};

static enum proto_code find(const char *method, const char *path, struct proto_arena *arena,
                            struct http_match *match)
{
    struct proto_error error;

    return http_route_match(table, sizeof(table) / sizeof(*table), method, path, arena, match,
                            &error);
}

/* The index of the route, or minus the code. */
static int found(const char *method, const char *path)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = {0};
    struct http_match match;
    enum proto_code code = find(method, path, &arena, &match);

    return code == PROTO_CODE_OK ? (int)(match.route - table) : -(int)code;
}

START_TEST(each_route_is_found)
{
    ck_assert_int_eq(found("GET", "/healthz"), 0);
    ck_assert_int_eq(found("GET", "/v1/projects"), 1);
    ck_assert_int_eq(found("POST", "/v1/projects"), 2);
    ck_assert_int_eq(found("GET", "/v1/projects/a"), 3);
    ck_assert_int_eq(found("PUT", "/v1/projects/a/tasks/b"), 5);
    ck_assert_int_eq(found("POST", "/v1/projects/a/assignments/b/complete"), 6);
}
END_TEST

START_TEST(head_takes_the_route_of_get)
{
    ck_assert_int_eq(found("HEAD", "/v1/projects"), 1);
    ck_assert_int_eq(found("HEAD", "/v1/projects/a/tasks/b"), -PROTO_CODE_METHOD_NOT_ALLOWED);
}
END_TEST

START_TEST(a_literal_wins_over_a_parameter)
{
    ck_assert_int_eq(found("GET", "/v1/projects/import"), 4);
    ck_assert_int_eq(found("GET", "/v1/projects/imports"), 3);
}
END_TEST

START_TEST(parameters_are_decoded_one_by_one)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = {0};
    struct http_match match;

    ck_assert_int_eq(find("PUT", "/v1/projects/k%2Ditchen/tasks/pick.%42%5f1", &arena, &match),
                     PROTO_CODE_OK);
    ck_assert_str_eq(match.params[0], "k-itchen");
    ck_assert_str_eq(match.params[1], "pick.B_1");
    ck_assert_ptr_null(match.params[2]);
}
END_TEST

START_TEST(no_escape_reaches_another_route)
{
    static const char *const bad[] = {"a%2fb",  "a%2Fb", "a%00",   "%", "%4",  "%zz",  "a%4",
                                      "%c3%a9", "..",    "%2e%2e", ".", "%20", "a%7f", "%0a"};
    char path[64];

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        snprintf(path, sizeof(path), "/v1/projects/%s", bad[i]);
        ck_assert_msg(found("GET", path) == -PROTO_CODE_MALFORMED_REQUEST, "%s passed", path);
    }
}
END_TEST

START_TEST(near_misses_are_not_found)
{
    static const char *const paths[] = {
        "/",
        "/v1",
        "/v1/",
        "/v1/projects/",
        "//v1/projects",
        "/v1//projects",
        "/v1/./projects",
        "/v1/../healthz",
        "/healthz/",
        "/Healthz",
        "/healthz;a",
        "/%68ealthz",
        "/v1%2fprojects",
        "/v1/projects/a/tasks/",
        "/v1/projects//tasks/b",
        "/v1/projects/a/tasks/b/c",
        "",
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        ck_assert_msg(found("GET", paths[i]) == -PROTO_CODE_ROUTE_NOT_FOUND, "%s was found",
                      paths[i]);
}
END_TEST

START_TEST(a_wrong_method_learns_the_right_ones)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = {0};
    struct http_match match;

    ck_assert_int_eq(find("DELETE", "/v1/projects", &arena, &match), PROTO_CODE_METHOD_NOT_ALLOWED);
    ck_assert_str_eq(match.allow, "GET, HEAD, POST");
    ck_assert_int_eq(find("POST", "/v1/projects/import", &arena, &match),
                     PROTO_CODE_METHOD_NOT_ALLOWED);
    ck_assert_str_eq(match.allow, "GET, HEAD");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_route_is_found,
        head_takes_the_route_of_get,
        a_literal_wins_over_a_parameter,
        parameters_are_decoded_one_by_one,
        no_escape_reaches_another_route,
        near_misses_are_not_found,
        a_wrong_method_learns_the_right_ones,
    };

    return SUITE_RUN("route", tests);
}
