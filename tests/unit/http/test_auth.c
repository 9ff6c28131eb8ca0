/* The Authorization header, what is answered to it, and the brake on guessing. */
#include <src/auth.h>
#include <src/failures.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

START_TEST(the_token_is_taken_out_of_the_header)
{
    ck_assert_str_eq(http_auth_bearer("Bearer s3cret-token"), "s3cret-token");
    ck_assert_str_eq(http_auth_bearer("bearer   s3cret-token"), "s3cret-token");
    /* Whatever else is in it belongs to the token and makes it a wrong one. */
    ck_assert_str_eq(http_auth_bearer("Bearer s3cret-token,s3cret-token"),
                     "s3cret-token,s3cret-token");
    ck_assert_str_eq(http_auth_bearer("Bearer s3cret-token x"), "s3cret-token x");
}
END_TEST

START_TEST(what_is_no_bearer_token_is_none)
{
    static const char *const none[] = {
        NULL, "", "Bearer", "Bearer ", "s3cret-token", "Basic s3cret-token", "Bearers3cret-token",
    };
    char longer[HTTP_TOKEN_MAX_BYTES + 16] = "Bearer ";

    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
        ck_assert_msg(http_auth_bearer(none[i]) == NULL, "%s is taken", none[i]);
    memset(longer + 7, 'a', HTTP_TOKEN_MAX_BYTES + 1);
    ck_assert_ptr_null(http_auth_bearer(longer));
    longer[7 + HTTP_TOKEN_MAX_BYTES] = '\0';
    ck_assert_ptr_nonnull(http_auth_bearer(longer));
}
END_TEST

START_TEST(a_refusal_says_why_as_rfc_6750_does)
{
    const struct api_route asks = {.roles = API_OPERATOR}, admins = {.roles = API_ADMIN_ONLY};
    const struct api_route reads = {.roles = API_ANY_ROLE};
    char text[HTTP_CHALLENGE_BYTES];

    http_auth_challenge(PROTO_CODE_UNAUTHORIZED, false, &asks, text);
    ck_assert_str_eq(text, "Bearer");
    http_auth_challenge(PROTO_CODE_UNAUTHORIZED, true, &asks, text);
    ck_assert_str_eq(text, "Bearer error=\"invalid_token\"");
    http_auth_challenge(PROTO_CODE_TOKEN_EXPIRED, true, &asks, text);
    ck_assert_str_eq(text, "Bearer error=\"invalid_token\"");
    http_auth_challenge(PROTO_CODE_INSUFFICIENT_SCOPE, true, &asks, text);
    ck_assert_str_eq(text, "Bearer error=\"insufficient_scope\", scope=\"admin operator\"");
    http_auth_challenge(PROTO_CODE_INSUFFICIENT_SCOPE, true, &admins, text);
    ck_assert_str_eq(text, "Bearer error=\"insufficient_scope\", scope=\"admin\"");
    http_auth_challenge(PROTO_CODE_INSUFFICIENT_SCOPE, true, &reads, text);
    ck_assert_str_eq(text,
                     "Bearer error=\"insufficient_scope\", scope=\"admin operator robot reader\"");
}
END_TEST

static struct http_failures failures; /* begun anew by each test that uses it */

static unsigned fail_ipv4(const char *address, int64_t now_ms)
{
    struct sockaddr_in from = {.sin_family = AF_INET};

    ck_assert_int_eq(inet_pton(AF_INET, address, &from.sin_addr), 1);
    return http_failures_add(&failures, (const struct sockaddr *)&from, now_ms);
}

static unsigned fail_ipv6(const char *address, int64_t now_ms)
{
    struct sockaddr_in6 from = {.sin6_family = AF_INET6};

    ck_assert_int_eq(inet_pton(AF_INET6, address, &from.sin6_addr), 1);
    return http_failures_add(&failures, (const struct sockaddr *)&from, now_ms);
}

START_TEST(the_eleventh_failure_of_a_minute_is_too_many)
{
    http_failures_init(&failures);
    for (int i = 0; i < HTTP_FAILURES_MAX; i++)
        ck_assert_uint_eq(fail_ipv4("10.0.0.7", 1000 + i), 0);
    ck_assert_uint_eq(fail_ipv4("10.0.0.7", 1500), 60);
    ck_assert_uint_eq(fail_ipv4("10.0.0.7", 1000 + HTTP_FAILURE_PERIOD_MS - 1), 1);
    ck_assert_uint_eq(fail_ipv4("10.0.0.8", 1500), 0);
    ck_assert_uint_eq(fail_ipv4("10.0.0.7", 1000 + HTTP_FAILURE_PERIOD_MS), 0);
    http_failures_deinit(&failures);
}
END_TEST

START_TEST(an_ipv6_customer_is_one_address)
{
    http_failures_init(&failures);
    for (int i = 0; i < HTTP_FAILURES_MAX; i++)
        ck_assert_uint_eq(fail_ipv6(i % 2 ? "2001:db8:0:1::1" : "2001:db8:0:1:ffff::2", 0), 0);
    ck_assert_uint_eq(fail_ipv6("2001:db8:0:1::3", 0), 60);
    ck_assert_uint_eq(fail_ipv6("2001:db8:0:2::3", 0), 0);
    for (int i = 0; i < HTTP_FAILURES_MAX; i++)
        ck_assert_uint_eq(fail_ipv6("::ffff:10.0.0.7", 0), 0);
    ck_assert_uint_eq(fail_ipv4("10.0.0.7", 0), 60); /* the same machine */
    ck_assert_uint_eq(fail_ipv6("::ffff:10.0.0.8", 0), 0);
    http_failures_deinit(&failures);
}
END_TEST

START_TEST(a_flood_of_addresses_stays_in_its_table)
{
    char address[32];

    http_failures_init(&failures);
    for (int i = 0; i < 200 * HTTP_FAILURE_ADDRESSES_MAX; i++) {
        snprintf(address, sizeof(address), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        ck_assert_uint_eq(fail_ipv4(address, i), 0);
    }
    /* Who goes on is still braked: its slot is younger than those of the flood. */
    for (int i = 0; i < HTTP_FAILURES_MAX; i++)
        ck_assert_uint_eq(fail_ipv4("192.0.2.1", 250000), 0);
    ck_assert_uint_eq(fail_ipv4("192.0.2.1", 250000), 60);
    http_failures_deinit(&failures);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_token_is_taken_out_of_the_header, what_is_no_bearer_token_is_none,
        a_refusal_says_why_as_rfc_6750_does,  the_eleventh_failure_of_a_minute_is_too_many,
        an_ipv6_customer_is_one_address,      a_flood_of_addresses_stays_in_its_table,
    };

    return SUITE_RUN("auth", tests);
}
