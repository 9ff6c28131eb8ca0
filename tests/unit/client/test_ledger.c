/* What `amf simulate` takes for a broken promise: a server that keeps them all never shows it. */
#include <check.h>
#include <string.h>

#include "simulate/ledger.h"

static struct ledger ledger;

static void set_up(void)
{
    ck_assert_int_eq(ledger_init(&ledger, 2), 0);
}

static void tear_down(void)
{
    ledger_deinit(&ledger);
}

static size_t give(size_t to, size_t task, const char *id, int64_t fence)
{
    static const char *const names[] = {"anna", "boris", "carla"};
    const struct proto_assignment assignment = {
        .id = id, .operator_ = names[to], .fence = fence, .why = "because"};

    return ledger_given(&ledger, to, names[to], task, &assignment);
}

static void assert_broken(size_t count, const char *word)
{
    ck_assert_uint_eq(ledger.broken_count, count);
    if (count > 0)
        ck_assert_ptr_nonnull(strstr(ledger.broken[count - 1], word));
}

START_TEST(the_same_assignment_again_is_no_breach)
{
    size_t first = give(0, 0, "a1", 7);

    ck_assert_uint_eq(give(0, 0, "a1", 7), first);
    ledger_renewed(&ledger, first, 9);
    ck_assert_uint_eq(give(0, 0, "a1", 9), first);
    give(1, 1, "a2", 8);
    assert_broken(0, "");
    ck_assert_uint_eq(ledger.given_count, 2);
}
END_TEST

START_TEST(a_lease_in_two_hands_is_one)
{
    give(0, 0, "a1", 7);
    give(1, 0, "a1", 7);
    assert_broken(1, "two hands");
}
END_TEST

START_TEST(somebody_elses_assignment_is_one)
{
    const struct proto_assignment of_anna = {.id = "a1", .operator_ = "anna", .fence = 7};

    ledger_given(&ledger, 1, "boris", 0, &of_anna);
    assert_broken(1, "anna");
}
END_TEST

START_TEST(a_fence_given_twice_is_one)
{
    give(0, 0, "a1", 7);
    give(1, 1, "a2", 7);
    assert_broken(1, "fence 7");
}
END_TEST

START_TEST(a_fence_that_does_not_rise_is_one)
{
    size_t given = give(0, 0, "a1", 7);

    ledger_renewed(&ledger, given, 6);
    assert_broken(1, "did not rise");
}
END_TEST

START_TEST(a_mistake_of_the_server_is_one_and_a_full_hand_is_not)
{
    struct amf_client_result result = {.http_status = 500, .problem = {.code = "internal"}};

    ledger_answer(&ledger, CALL_ASK, AMF_CLIENT_REFUSED, &result, 0, true);
    assert_broken(1, "internal");
    result = (struct amf_client_result){.http_status = 503, .problem = {.code = "overloaded"}};
    ledger_answer(&ledger, CALL_ASK, AMF_CLIENT_REFUSED, &result, 0, true);
    ledger_answer(&ledger, CALL_ASK, AMF_CLIENT_REFUSED, &result, 0, false);
    assert_broken(1, "internal");
    ck_assert_uint_eq(ledger.fault_count, 2);
    ck_assert_uint_eq(ledger.faults[1].count, 2);
}
END_TEST

START_TEST(who_is_at_work_decides_what_a_repeat_is)
{
    size_t first = give(0, 0, "a1", 1);

    give(1, 0, "a2", 2); /* task 1 was free */
    give(2, 1, "a3", 3);
    give(0, 1, "a4", 4); /* each had somebody */
    ck_assert_uint_eq(ledger.spread.alone, 1);
    ck_assert_uint_eq(ledger.spread.chosen, 1);
    ck_assert_uint_eq(ledger.spread.apart, 1);
    ck_assert_uint_eq(ledger.spread.forced, 1);
    ck_assert_str_eq(ledger.spread.why, "because");
    ledger_ended(&ledger, first, PROTO_ASSIGNMENT_COMPLETED, "d1");
    ck_assert_uint_eq(ledger.busy[0], 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ledger");
    TCase *tests = tcase_create("ledger");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_same_assignment_again_is_no_breach);
    tcase_add_test(tests, a_lease_in_two_hands_is_one);
    tcase_add_test(tests, somebody_elses_assignment_is_one);
    tcase_add_test(tests, a_fence_given_twice_is_one);
    tcase_add_test(tests, a_fence_that_does_not_rise_is_one);
    tcase_add_test(tests, a_mistake_of_the_server_is_one_and_a_full_hand_is_not);
    tcase_add_test(tests, who_is_at_work_decides_what_a_repeat_is);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    failed = srunner_has_tap(runner) ? 0 : srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}
