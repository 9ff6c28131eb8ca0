/* Moments as text: ours go round, those of others are read. */
#include <proto/time.h>

#include <check.h>

#include "support.h"

START_TEST(moments_go_round)
{
    const int64_t moments[] = {0, 1, 999, 951782400000, 1795255398250, 253402300799999};
    char text[PROTO_TIME_BYTES];
    int64_t again = 0;

    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        ck_assert_int_eq(proto_time_format(moments[i], text), 0);
        ck_assert_int_eq(proto_time_parse(text, &again), 0);
        ck_assert_int_eq(again, moments[i]);
    }
    ck_assert_str_eq(text, "9999-12-31T23:59:59.999Z");
    ck_assert_int_eq(proto_time_format(-1, text), -1);
    ck_assert_int_eq(proto_time_format(253402300800000, text), -1);
}
END_TEST

START_TEST(only_our_own_form_is_parsed)
{
    static const char *const others[] = {
        "2026-11-21T10:03:18Z",          "2026-11-21T10:03:18.25Z",
        "2026-11-21T10:03:18.2500Z",     "2026-11-21T10:03:18.250z",
        "2026-11-21T10:03:18.250+00:00", "2026-02-30T10:03:18.250Z",
        "2026-11-21T10:03:18.250Z ",     "",
    };
    int64_t ms = -1;

    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        ck_assert_msg(proto_time_parse(others[i], &ms) == -1, "%s", others[i]);
    ck_assert_int_eq(ms, -1);
}
END_TEST

START_TEST(any_offset_is_read)
{
    static const struct {
        const char *text;
        int64_t ms;
    } right[] = {
        {"2026-11-21T10:03:18.250Z", 1795255398250},
        {"2026-11-21T10:03:18Z", 1795255398000},
        {"2026-11-21T11:03:18.25+01:00", 1795255398250},
        {"2026-11-21T00:33:18.2509-09:30", 1795255398250},
        {"1970-01-01T00:00:00z", 0},
        {"2028-02-29T00:00:00Z", 1835395200000},
    };
    static const char *const wrong[] = {
        "",
        "2026-11-21",
        "2026-11-21T10:03:18",
        "2026-11-21 10:03:18Z",
        "2026-13-21T10:03:18Z",
        "2026-02-29T10:03:18Z",
        "2026-11-21T24:03:18Z",
        "2026-11-21T10:60:18Z",
        "2026-11-21T10:03:60Z",
        "2026-11-21T10:03:18.Z",
        "2026-11-21T10:03:18Zx",
        "2026-11-21T10:03:18+1:00",
        "2026-11-21T10:03:18+24:00",
        "26-11-21T10:03:18Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "2026-1-21T10:03:18Z",
        "+026-11-21T10:03:18Z",
    };
    int64_t ms = -1;

    for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
        ck_assert_msg(proto_time_read(right[i].text, &ms) == 0, "%s", right[i].text);
        ck_assert_int_eq(ms, right[i].ms);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        ck_assert_msg(proto_time_read(wrong[i], &ms) == -1, "%s", wrong[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("time");
    TCase *tests = tcase_create("time");

    tcase_add_test(tests, moments_go_round);
    tcase_add_test(tests, only_our_own_form_is_parsed);
    tcase_add_test(tests, any_offset_is_read);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
