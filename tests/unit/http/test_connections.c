/* Who is admitted, and when a phase of a connection has lasted too long. */
#include <src/connections.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "suite.h"

static struct http_connections connections;

static void start(void)
{
    ck_assert_int_eq(http_connections_init(&connections, 4, 2), 0);
}

static void stop(void)
{
    http_connections_deinit(&connections);
}

static struct http_address address(const char *text)
{
    struct sockaddr_storage peer = {0};

    if (strchr(text, ':')) {
        peer.ss_family = AF_INET6;
        ck_assert_int_eq(inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)&peer)->sin6_addr), 1);
    } else {
        peer.ss_family = AF_INET;
        ck_assert_int_eq(inet_pton(AF_INET, text, &((struct sockaddr_in *)&peer)->sin_addr), 1);
    }
    return http_address_of((struct sockaddr *)&peer);
}

static bool same(const char *one, const char *other)
{
    struct http_address a = address(one), b = address(other);

    return memcmp(&a, &b, sizeof(a)) == 0;
}

START_TEST(an_address_is_a_host_of_ipv4_and_a_network_of_ipv6)
{
    ck_assert(same("10.0.0.1", "10.0.0.1"));
    ck_assert(!same("10.0.0.1", "10.0.0.2"));
    ck_assert(same("2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6"));
    ck_assert(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
    ck_assert(!same("::1", "10.0.0.1"));
}
END_TEST

static bool admit(int fd, const char *text)
{
    return http_connections_admit(&connections, fd, address(text));
}

START_TEST(so_many_for_an_address_and_so_many_in_all)
{
    ck_assert(admit(100, "10.0.0.1") && admit(101, "10.0.0.1"));
    ck_assert(!admit(102, "10.0.0.1"));
    ck_assert(admit(102, "10.0.0.2") && admit(103, "10.0.0.3"));
    ck_assert(!admit(104, "10.0.0.4"));
    struct http_connection *first = http_connections_take(&connections, 100);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(http_connections_take(&connections, 100));
    http_connection_remove(first);
    ck_assert(admit(104, "10.0.0.4"));
    for (int fd = 101; fd <= 104; fd++)
        http_connections_give_up(&connections, fd);
    ck_assert_ptr_null(connections.first);
}
END_TEST

/* The library closes a connection without a word where it has no thread for it. */
START_TEST(one_that_nobody_took_is_forgotten_when_its_number_comes_again)
{
    for (int i = 0; i < 10; i++)
        ck_assert(admit(100, "10.0.0.1"));
    http_connections_give_up(&connections, 100);
    ck_assert_ptr_null(connections.first);
}
END_TEST

START_TEST(a_body_has_time_for_its_size_and_a_handler_all_the_time)
{
    ck_assert_int_eq(http_phase_max_ms(HTTP_PHASE_HANDLING, 0), -1);
    ck_assert_int_gt(http_phase_max_ms(HTTP_PHASE_IDLE, 0), 0);
    ck_assert_int_gt(http_phase_max_ms(HTTP_PHASE_HEADERS, 0), 0);
    ck_assert_int_gt(http_phase_max_ms(HTTP_PHASE_BODY, 64 << 20),
                     http_phase_max_ms(HTTP_PHASE_BODY, 0) + 1000000);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_address_is_a_host_of_ipv4_and_a_network_of_ipv6,
        so_many_for_an_address_and_so_many_in_all,
        one_that_nobody_took_is_forgotten_when_its_number_comes_again,
        a_body_has_time_for_its_size_and_a_handler_all_the_time,
    };

    return SUITE_RUN_WITH("connections", tests, start, stop);
}
