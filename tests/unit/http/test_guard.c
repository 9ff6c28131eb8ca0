/* The header rules: what is let through, and each way to be turned away. */
#include <src/guard.h>

#include <string.h>

#include "suite.h"

static void add(struct http_headers *headers, const char *name, const char *value)
{
    http_headers_add(headers, name, strlen(name), value, strlen(value));
}

static enum proto_code check(const struct http_headers *headers)
{
    struct proto_error error;

    return http_guard_check(headers, "POST", "HTTP/1.1", "/v1/projects?limit=3", &error);
}

/* The verdict on a request with Host and these two headers; NULL: not sent. */
static enum proto_code verdict(const char *name, const char *value, const char *name2,
                               const char *value2)
{
    struct http_headers headers = {0};

    add(&headers, "Host", "localhost:7667");
    if (name)
        add(&headers, name, value);
    if (name2)
        add(&headers, name2, value2);
    return check(&headers);
}

static enum proto_code line(const char *method, const char *version, const char *uri)
{
    struct http_headers headers = {0};
    struct proto_error error;

    add(&headers, "Host", "t");
    return http_guard_check(&headers, method, version, uri, &error);
}

START_TEST(plain_requests_pass)
{
    ck_assert_int_eq(verdict(NULL, NULL, NULL, NULL), PROTO_CODE_OK);
    ck_assert_int_eq(verdict("Content-Length", "12", "Expect", "100-Continue"), PROTO_CODE_OK);
    ck_assert_int_eq(verdict("transfer-encoding", "Chunked", "X-A", "caf\xc3\xa9\t1"),
                     PROTO_CODE_OK);
    ck_assert_int_eq(verdict("Accept", "a/b", "Accept-Encoding", "gzip"), PROTO_CODE_OK);
}
END_TEST

START_TEST(ambiguous_framing_is_refused)
{
    static const char *const pairs[][4] = {
        {"Content-Length", "4", "Transfer-Encoding", "chunked"},
        {"Content-Length", "4", "Content-Length", "4"},
        {"Transfer-Encoding", "chunked", "transfer-encoding", "chunked"},
        {"Transfer-Encoding", "gzip, chunked", NULL, NULL},
        {"Transfer-Encoding", "chunked ", NULL, NULL},
        {"Transfer-Encoding ", "chunked", NULL, NULL},
        {"Transfer-Encoding",
         "\x0b"
         "chunked",
         NULL, NULL},
        {"Content-Length31", "", NULL, NULL}, /* how a folded line arrives */
        {"Content-Length", "+3", NULL, NULL},
        {"Content-Length", "", NULL, NULL},
        {"Authorizationtok", "", NULL, NULL},
        {"Host", "b", NULL, NULL},
        {"Idempotency-Key", "a", "Idempotency-Key", "b"},
        {"Idempotency-Keya", "", NULL, NULL},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
        ck_assert_msg(verdict(pairs[i][0], pairs[i][1], pairs[i][2], pairs[i][3]) ==
                          PROTO_CODE_MALFORMED_REQUEST,
                      "row %zu, %s, passed", i, pairs[i][0]);
}
END_TEST

START_TEST(names_and_values_are_clean)
{
    ck_assert_int_eq(verdict("X A", "1", NULL, NULL), PROTO_CODE_MALFORMED_REQUEST);
    ck_assert_int_eq(verdict("", "1", NULL, NULL), PROTO_CODE_MALFORMED_REQUEST);
    ck_assert_int_eq(verdict("X-A", "a\rb", NULL, NULL), PROTO_CODE_MALFORMED_REQUEST);
    ck_assert_int_eq(verdict("X-A", "a\x7f", NULL, NULL), PROTO_CODE_MALFORMED_REQUEST);

    struct http_headers headers = {0};
    add(&headers, "Host", "t");
    http_headers_add(&headers, "X-A", 3, "a\0b", 3);
    ck_assert_int_eq(check(&headers), PROTO_CODE_MALFORMED_REQUEST);
}
END_TEST

START_TEST(the_host_is_one_host)
{
    static const char *const good[] = {"a",     "a.example:80", "127.0.0.1:7667",
                                       "[::1]", "[::1]:80",     "a:"};
    static const char *const bad[] = {"", "a:b:c", "a/b", "a b", "[::1", "[]", "[::1]x", "u@a"};

    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        struct http_headers headers = {0};
        add(&headers, "Host", good[i]);
        ck_assert_msg(check(&headers) == PROTO_CODE_OK, "%s was refused", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct http_headers headers = {0};
        add(&headers, "Host", bad[i]);
        ck_assert_msg(check(&headers) == PROTO_CODE_MALFORMED_REQUEST, "%s passed", bad[i]);
    }
    ck_assert_int_eq(check(&(struct http_headers){0}), PROTO_CODE_MALFORMED_REQUEST);
}
END_TEST

START_TEST(the_request_line_is_checked)
{
    char uri[HTTP_URI_MAX_BYTES + 2];

    memset(uri, 'a', sizeof(uri));
    uri[0] = '/';
    uri[HTTP_URI_MAX_BYTES] = '\0';
    ck_assert_int_eq(line("GET", "HTTP/1.1", uri), PROTO_CODE_OK);
    uri[HTTP_URI_MAX_BYTES] = 'a';
    uri[HTTP_URI_MAX_BYTES + 1] = '\0';
    ck_assert_int_eq(line("GET", "HTTP/1.1", uri), PROTO_CODE_URI_TOO_LONG);
    ck_assert_int_eq(line("GET", "HTTP/1.0", "/"), PROTO_CODE_VERSION_UNSUPPORTED);
    ck_assert_int_eq(line("get", "HTTP/1.1", "/"), PROTO_CODE_METHOD_UNKNOWN);
    ck_assert_int_eq(line("FOO", "HTTP/1.1", "/"), PROTO_CODE_METHOD_UNKNOWN);
    ck_assert_int_eq(line("OPTIONS", "HTTP/1.1", "*"), PROTO_CODE_MALFORMED_REQUEST);
    ck_assert_int_eq(line("GET", "HTTP/1.1", "http://a/"), PROTO_CODE_MALFORMED_REQUEST);
    ck_assert_int_eq(line("GET", "HTTP/1.1", "/a#b"), PROTO_CODE_MALFORMED_REQUEST);
    ck_assert_int_eq(line("GET", "HTTP/1.1", "/\xe9"), PROTO_CODE_MALFORMED_REQUEST);
}
END_TEST

START_TEST(there_is_an_end_to_headers)
{
    struct http_headers headers = {0};

    add(&headers, "Host", "t");
    for (int i = 1; i < HTTP_HEADERS_MAX; i++)
        add(&headers, "X-A", "1");
    ck_assert_int_eq(check(&headers), PROTO_CODE_OK);
    add(&headers, "X-A", "1");
    ck_assert_int_eq(check(&headers), PROTO_CODE_TOO_MANY_HEADERS);
}
END_TEST

START_TEST(accept_lines_are_joined_within_their_cap)
{
    struct http_headers headers = {0};
    char half[HTTP_ACCEPT_MAX_BYTES / 2 + 1];

    add(&headers, "Host", "t");
    add(&headers, "Accept", "text/plain");
    add(&headers, "accept", "*/*;q=0.1");
    ck_assert_str_eq(headers.accept, "text/plain,*/*;q=0.1");
    memset(half, 'a', sizeof(half) - 1);
    half[sizeof(half) - 1] = '\0';
    add(&headers, "Accept", half);
    ck_assert_int_eq(check(&headers), PROTO_CODE_OK);
    add(&headers, "Accept", half);
    ck_assert_int_eq(check(&headers), PROTO_CODE_TOO_MANY_HEADERS);
}
END_TEST

START_TEST(only_one_expectation_is_known)
{
    ck_assert_int_eq(verdict("Expect", "200-maybe", NULL, NULL), PROTO_CODE_EXPECTATION_FAILED);
}
END_TEST

START_TEST(lengths_never_wrap)
{
    struct http_headers headers = {.content_length = "18446744073709551616"};

    ck_assert(http_headers_body_bytes(&headers) == UINT64_MAX);
    headers.content_length = "1048576";
    ck_assert(http_headers_body_bytes(&headers) == 1048576);
    ck_assert(http_headers_have_body(&headers));
    headers.content_length = "0";
    ck_assert(!http_headers_have_body(&headers));
    ck_assert(!http_headers_have_body(&(struct http_headers){0}));
    ck_assert(http_headers_have_body(&(struct http_headers){.transfer_encoding = "chunked"}));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        plain_requests_pass,
        ambiguous_framing_is_refused,
        names_and_values_are_clean,
        the_host_is_one_host,
        the_request_line_is_checked,
        there_is_an_end_to_headers,
        accept_lines_are_joined_within_their_cap,
        only_one_expectation_is_known,
        lengths_never_wrap,
    };

    return SUITE_RUN("guard", tests);
}
