/* What snapshots promise each other: sharing without seeing each other's changes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <state/cell.h>
#include <state/clock.h>
#include <state/roll.h>

#include "hashes.h"

static int *number_new(int value)
{
    int *number = cell_new(sizeof *number);

    ck_assert_ptr_nonnull(number);
    *number = value;
    return number;
}

static void append(struct roll *roll, int value)
{
    int *number = number_new(value);

    ck_assert_int_eq(roll_append(roll, number), 0);
    cell_unref(number);
}

static int at(const struct roll *roll, size_t index)
{
    return *(int *)roll_get(roll, index);
}

START_TEST(test_a_copy_does_not_see_later_appends)
{
    struct roll newest = ROLL_NULL, copies[20];

    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 77; i++)
            append(&newest, round * 77 + i);
        ck_assert_int_eq(roll_copy(&newest, &copies[round]), 0);
    }
    for (int round = 0; round < 20; round++) {
        ck_assert_uint_eq(copies[round].count, (size_t)(round + 1) * 77);
        for (size_t i = 0; i < copies[round].count; i++)
            ck_assert_int_eq(at(&copies[round], i), (int)i);
    }
    roll_deinit(&newest); /* the copies hold what they need */
    ck_assert_int_eq(at(&copies[19], 20 * 77 - 1), 20 * 77 - 1);
    for (int round = 0; round < 20; round++)
        roll_deinit(&copies[round]);
}
END_TEST

START_TEST(test_an_older_copy_that_grows_leaves_the_newer_one_alone)
{
    struct roll newer = ROLL_NULL, older;

    append(&newer, 1);
    ck_assert_int_eq(roll_copy(&newer, &older), 0);
    append(&newer, 2);
    append(&older, 3); /* what a rolled-back transaction does */
    append(&newer, 4);
    ck_assert_int_eq(at(&newer, 1), 2);
    ck_assert_int_eq(at(&newer, 2), 4);
    ck_assert_int_eq(at(&older, 1), 3);
    ck_assert_uint_eq(older.count, 2);
    ck_assert(!roll_same(&older, &newer));
    roll_deinit(&newer);
    roll_deinit(&older);
}
END_TEST

START_TEST(test_changes_in_the_middle_are_private)
{
    struct roll roll = ROLL_NULL, copy;
    int *number = number_new(-1);

    for (int i = 0; i < 600; i++)
        append(&roll, i);
    ck_assert_int_eq(roll_copy(&roll, &copy), 0);
    ck_assert_int_eq(roll_replace(&roll, 300, number), 0);
    ck_assert_int_eq(roll_insert(&roll, 10, number), 0);
    ck_assert_int_eq(roll_remove(&roll, 0), 0);
    ck_assert_uint_eq(roll.count, 600);
    ck_assert_int_eq(at(&roll, 0), 1);
    ck_assert_int_eq(at(&roll, 9), -1);
    ck_assert_int_eq(at(&roll, 300), -1);
    ck_assert_int_eq(at(&roll, 599), 599);
    for (size_t i = 0; i < 600; i++)
        ck_assert_int_eq(at(&copy, i), (int)i);
    cell_unref(number);
    roll_deinit(&roll);
    roll_deinit(&copy);
}
END_TEST

START_TEST(test_a_copy_is_the_same_until_one_of_both_changes)
{
    struct roll roll = ROLL_NULL, copy, empty = ROLL_NULL;
    int *number = number_new(-1);

    ck_assert(roll_same(&roll, &empty));
    for (int i = 0; i < 300; i++)
        append(&roll, i);
    ck_assert_int_eq(roll_copy(&roll, &copy), 0);
    ck_assert(roll_same(&roll, &copy));
    append(&roll, 300);
    ck_assert(!roll_same(&roll, &copy));
    ck_assert_int_eq(roll_remove(&roll, 300), 0); /* the same items, but nobody can tell */
    ck_assert(!roll_same(&roll, &copy));
    roll_deinit(&copy);
    ck_assert_int_eq(roll_copy(&roll, &copy), 0);
    ck_assert_int_eq(roll_replace(&roll, 7, number), 0);
    ck_assert(!roll_same(&roll, &copy));
    cell_unref(number);
    roll_deinit(&roll);
    roll_deinit(&copy);
}
END_TEST

static struct demonstration *demonstration_new(unsigned value)
{
    struct demonstration *demonstration = cell_new(sizeof *demonstration);
    char hex[65];

    ck_assert_ptr_nonnull(demonstration);
    /* Few different beginnings, so that probes run into each other. */
    snprintf(hex, sizeof hex, "%016x%048u", value % 7, value);
    demonstration->meta.sha256 = proto_arena_strdup(cell_arena(demonstration), hex);
    return demonstration;
}

START_TEST(test_hashes_find_what_is_held_through_collisions_and_removals)
{
    enum { COUNT = 500 };
    struct demonstration *all[COUNT];
    bool held[COUNT] = {false};
    struct roll none = ROLL_NULL;
    struct hashes *hashes = hashes_new(&none);

    ck_assert_ptr_nonnull(hashes);
    for (unsigned i = 0; i < COUNT; i++)
        all[i] = demonstration_new(i);
    for (unsigned step = 0; step < 20 * COUNT; step++) {
        unsigned i = step * 7919 % COUNT;

        if (held[i])
            hashes_remove(hashes, all[i]->meta.sha256);
        else
            ck_assert_int_eq(hashes_add(hashes, all[i]), 0);
        held[i] = !held[i];
        for (unsigned k = step % 50; k < COUNT; k += 50)
            ck_assert_ptr_eq(hashes_find(hashes, all[k]->meta.sha256), held[k] ? all[k] : NULL);
    }
    hashes_free(hashes);
    for (unsigned i = 0; i < COUNT; i++)
        cell_unref(all[i]);
}
END_TEST

START_TEST(test_times_are_told_in_utc)
{
    char text[CLOCK_TEXT_BYTES];

    clock_format(1795255398250, text);
    ck_assert_str_eq(text, "2026-11-21T10:03:18.250Z");
    clock_format(0, text);
    ck_assert_str_eq(text, "1970-01-01T00:00:00.000Z");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state");
    TCase *tests = tcase_create("snapshots");
    SRunner *runner;

    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 120); /* the default, 4 s, is short on a busy machine */
    tcase_add_test(tests, test_a_copy_does_not_see_later_appends);
    tcase_add_test(tests, test_an_older_copy_that_grows_leaves_the_newer_one_alone);
    tcase_add_test(tests, test_a_copy_is_the_same_until_one_of_both_changes);
    tcase_add_test(tests, test_changes_in_the_middle_are_private);
    tcase_add_test(tests, test_hashes_find_what_is_held_through_collisions_and_removals);
    tcase_add_test(tests, test_times_are_told_in_utc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0;
}
