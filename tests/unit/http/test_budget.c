/* How memory for bodies is shared between tokens, and between large and small bodies. */
#include <src/budget.h>

#include <stdio.h>

#include "suite.h"

#define LARGE HTTP_TENSORS_MAX_BYTES
#define SMALL HTTP_JSON_MAX_BYTES

static struct http_budget budget;
static struct http_holding holdings[HTTP_CONNECTIONS_MAX];

static void start(void)
{
    budget = (struct http_budget){0};
    http_budget_init(&budget);
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
        holdings[i] = (struct http_holding){0};
}

static void stop(void)
{
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
        http_budget_release(&budget, &holdings[i]);
    ck_assert_uint_eq(budget.bytes, 0);
    http_budget_deinit(&budget);
}

/* Bodies of bytes, one holding each from first on, until there is no room; how many that makes. */
static size_t fill(size_t first, const char *token, size_t bytes)
{
    size_t i = first;

    while (i < HTTP_CONNECTIONS_MAX && http_budget_hold(&budget, &holdings[i], token, bytes))
        i++;
    return i - first;
}

START_TEST(one_token_gets_half)
{
    size_t held = fill(0, "t1", LARGE);

    ck_assert_uint_eq(held, 4);
    ck_assert_uint_eq(fill(held, "t1", SMALL), 0);
    ck_assert(http_budget_hold(&budget, &holdings[held], "t2", LARGE));
}
END_TEST

START_TEST(large_bodies_leave_room_for_small_ones)
{
    size_t held = fill(0, "t1", LARGE);

    held += fill(held, "t2", LARGE);
    ck_assert_uint_eq(held, 7);
    ck_assert_uint_eq(fill(held, "t3", SMALL + 1), 0);
    ck_assert_uint_eq(fill(held, "t3", SMALL), 64);
}
END_TEST

START_TEST(a_body_that_grows_is_counted_once_and_stays_where_it_was_when_refused)
{
    for (size_t bytes = 1; bytes <= LARGE; bytes *= 2)
        ck_assert(http_budget_hold(&budget, &holdings[0], "t1", bytes));
    ck_assert_uint_eq(budget.bytes, LARGE);
    ck_assert(!http_budget_hold(&budget, &holdings[0], "t1", HTTP_BODIES_TOKEN_MAX_BYTES + 1));
    ck_assert_uint_eq(holdings[0].bytes, LARGE);
    ck_assert_uint_eq(budget.bytes, LARGE);
}
END_TEST

START_TEST(the_smallest_find_room_when_there_is_none)
{
    size_t held = fill(0, "t1", SMALL);

    held += fill(held, "t2", SMALL);
    ck_assert_uint_eq(budget.bytes, HTTP_BODIES_MAX_BYTES);
    http_budget_release(&budget, &holdings[--held]);
    ck_assert_uint_eq(fill(held, "t3", SMALL), 1);
    ck_assert_uint_eq(fill(0, "t1", HTTP_BODY_FREE_BYTES), HTTP_CONNECTIONS_MAX);
}
END_TEST

START_TEST(every_connection_may_have_a_token_of_its_own)
{
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        char token[PROTO_TOKEN_ID_BYTES];

        snprintf(token, sizeof(token), "t%zu", i);
        ck_assert(http_budget_hold(&budget, &holdings[i], token, HTTP_BODY_FREE_BYTES + 1));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_token_gets_half,
        large_bodies_leave_room_for_small_ones,
        a_body_that_grows_is_counted_once_and_stays_where_it_was_when_refused,
        the_smallest_find_room_when_there_is_none,
        every_connection_may_have_a_token_of_its_own,
    };

    return SUITE_RUN_WITH("http budget", tests, start, stop);
}
