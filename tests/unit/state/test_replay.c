/* The log as the start reads it: every event once, in the order of commit, up to the first fault.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <sqlite3.h>

#include "replay.h"

enum { EVENTS = 1000, LARGE_EVERY = 100, LARGE_BYTES = 600000 }; /* many batches, of both kinds */

static char directory[64], data[80];

static void setup(void)
{
    snprintf(directory, sizeof directory, "/tmp/amf-replay-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(data, sizeof data, "%s/data", directory);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static void teardown(void)
{
    ck_assert_int_eq(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static struct store *open_store(void)
{
    char error[256] = "";
    struct store *store = NULL;

    ck_assert_msg(store_open(data, &store, error) == 0, "%s", error);
    return store;
}

static const char *project_of(int number)
{
    return number % 3 ? "p" : "q";
}

static int append(struct store_tx *tx, const char *project, int64_t seq, const char *body)
{
    return store_tx_append(
        tx, &(struct store_event){
                .project = project, .seq = seq, .at_ms = seq, .type = "task_put", .body = body});
}

/* Tasks with the keys t1, t2 ... of two projects in turns; the one of that number cannot be read.
 */
static int append_all(struct store_tx *tx, void *wrong)
{
    int64_t seqs[2] = {0, 0};
    int status = 0;
    char *body = malloc(LARGE_BYTES + 100);

    ck_assert_ptr_nonnull(body);
    for (int i = 1; i <= EVENTS && !status; i++) {
        const char *project = project_of(i);

        sprintf(body, "{\"key\":\"t%d\"%*s%s", i, i % LARGE_EVERY ? 1 : LARGE_BYTES, "",
                i == *(int *)wrong ? "" : "}");
        status = append(tx, project, ++seqs[*project == 'q'], body);
    }
    free(body);
    return status;
}

static struct store *store_with_events(int wrong)
{
    struct store *store = open_store();

    ck_assert_int_eq(store_write(store, append_all, &wrong), 0);
    return store;
}

struct seen {
    int count, stop_at, answer;
    int status; /* that came last */
};

static int look(const struct store_event *stored, int status, const struct event *event, void *arg)
{
    struct seen *seen = arg;
    char key[16];

    snprintf(key, sizeof key, "t%d", ++seen->count);
    ck_assert_str_eq(stored->project, project_of(seen->count));
    seen->status = status;
    if (status)
        return status;
    ck_assert_str_eq(event->body.task.key, key);
    ck_assert_int_eq(event->head.seq, stored->seq);
    return seen->count == seen->stop_at ? seen->answer : 0;
}

START_TEST(test_every_event_comes_once_and_in_order)
{
    struct store *store = store_with_events(0);
    struct seen seen = {0};

    ck_assert_int_eq(replay(store, look, &seen), 0);
    ck_assert_int_eq(seen.count, EVENTS);
    store_close(store);
}
END_TEST

START_TEST(test_an_empty_log_is_read)
{
    struct store *store = open_store();
    struct seen seen = {0};

    ck_assert_int_eq(replay(store, look, &seen), 0);
    ck_assert_int_eq(seen.count, 0);
    store_close(store);
}
END_TEST

static const int places[] = {1, 2, 64, 65, 500, EVENTS - 1, EVENTS};

START_TEST(test_nothing_comes_after_an_answer_that_stops)
{
    struct store *store = store_with_events(0);
    struct seen seen = {.stop_at = places[_i], .answer = STORE_NO_MEMORY};

    ck_assert_int_eq(replay(store, look, &seen), STORE_NO_MEMORY);
    ck_assert_int_eq(seen.count, places[_i]);
    store_close(store);
}
END_TEST

START_TEST(test_an_event_that_cannot_be_decoded_is_told_in_its_turn)
{
    struct store *store = store_with_events(places[_i]);
    struct seen seen = {0};

    ck_assert_int_eq(replay(store, look, &seen), STORE_CORRUPT);
    ck_assert_int_eq(seen.count, places[_i]);
    ck_assert_int_eq(seen.status, STORE_CORRUPT);
    store_close(store);
}
END_TEST

START_TEST(test_what_stands_before_a_damaged_row_comes_first)
{
    sqlite3 *db = NULL;
    char path[128], sql[128];
    struct store *store = store_with_events(0);
    struct seen seen = {0};

    store_close(store);
    snprintf(path, sizeof path, "%s/amf.db", data);
    snprintf(sql, sizeof sql, "UPDATE event SET at_ms = at_ms + 1 WHERE position = %d", places[_i]);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    store = open_store();
    ck_assert_int_eq(replay(store, look, &seen), STORE_CORRUPT);
    ck_assert_int_eq(seen.count, places[_i] - 1);
    ck_assert_int_eq(seen.status, 0);
    store_close(store);
}
END_TEST

int main(void)
{
    enum { PLACES = sizeof places / sizeof *places };
    Suite *suite = suite_create("replay");
    TCase *tests = tcase_create("replay");
    SRunner *runner;

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_every_event_comes_once_and_in_order);
    tcase_add_test(tests, test_an_empty_log_is_read);
    tcase_add_loop_test(tests, test_nothing_comes_after_an_answer_that_stops, 0, PLACES);
    tcase_add_loop_test(tests, test_an_event_that_cannot_be_decoded_is_told_in_its_turn, 0, PLACES);
    tcase_add_loop_test(tests, test_what_stands_before_a_damaged_row_comes_first, 0, PLACES);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0;
}
