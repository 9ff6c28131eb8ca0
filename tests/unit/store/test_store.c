/* Events, blobs and replies: what is appended is read back, what is wrong is refused whole. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static char *data;
static struct store *store;

static void setup(void)
{
    data = scratch_new();
    store = open_or_fail(data);
}

static void teardown(void)
{
    store_close(store);
    check_integrity(data);
    scratch_free(data);
}

static void reopen(void)
{
    store_close(store);
    store = open_or_fail(data);
}

/* Compares what is read with a list, in order. */
struct comparison {
    const struct store_event *next;
    size_t left;
    bool with_blobs;
};

static int compare(const struct store_event *event, void *arg)
{
    struct comparison *comparison = arg;
    ck_assert_uint_gt(comparison->left, 0);
    const struct store_event *want = comparison->next;
    ck_assert_str_eq(event->project, want->project);
    ck_assert_int_eq(event->seq, want->seq);
    ck_assert_int_eq(event->at_ms, want->at_ms);
    ck_assert_str_eq(event->type, want->type);
    ck_assert_str_eq(event->body, want->body);
    ck_assert_pstr_eq(event->blob_id, want->blob_id);
    if (comparison->with_blobs && want->blob_id) {
        ck_assert_uint_eq(event->blob_bytes, want->blob_bytes);
        ck_assert_ptr_nonnull(event->blob);
        ck_assert_int_eq(memcmp(event->blob, want->blob, want->blob_bytes), 0);
    } else {
        ck_assert_ptr_null(event->blob);
        ck_assert_uint_eq(event->blob_bytes, want->blob_id ? want->blob_bytes : 0);
    }
    comparison->next++;
    comparison->left--;
    return 0;
}

static void expect_events(const char *project, int64_t after, bool with_blobs,
                          const struct store_event *events, size_t count)
{
    struct comparison comparison = {events, count, with_blobs};
    ck_assert_int_eq(store_read_events(store, project, after, with_blobs, compare, &comparison),
                     STORE_OK);
    ck_assert_uint_eq(comparison.left, 0);
}

START_TEST(events_come_back_as_they_were_after_a_reopen_too)
{
    const struct store_event events[] = {
        {"p", 1, 0, "project_created", "{\"name\":\"K\303\274che\"}", NULL, 0, NULL},
        {"p", 2, INT64_MAX, "demonstration_added", "", "\0bytes\377", 7, "d1"},
        {"p", 3, -1, "noted", "{}", "", 0, "empty"},
        {"p", 4, 5, "demonstration_retracted", "{}", NULL, 0, NULL},
    };
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(append(store, &events[i]), STORE_OK);
    for (int again = 0; again < 2; again++) {
        expect_events("p", 0, true, events, 4);
        expect_events("p", 0, false, events, 4);
        expect_events("p", 2, true, events + 2, 2);
        expect_events("p", 4, true, NULL, 0);
        expect_events("p", INT64_MAX, true, NULL, 0);
        expect_events("other", 0, true, NULL, 0);
        expect_events(NULL, 0, true, events, 4);
        reopen();
    }
}
END_TEST

START_TEST(all_projects_are_read_in_the_order_of_commit)
{
    const struct store_event events[] = {
        {"z", 1, 9, "a", "1", "zz", 2, "same"}, {"a", 1, 8, "b", "2", NULL, 0, NULL},
        {"z", 2, 7, "c", "3", NULL, 0, NULL},   {"m", 1, 6, "d", "4", "mmm", 3, "same"},
        {"a", 2, 5, "e", "5", NULL, 0, NULL},
    };
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(append(store, &events[i]), STORE_OK);
    expect_events(NULL, 0, false, events, 5);
    reopen();
    expect_events(NULL, 0, true, events, 5);
    ck_assert_int_eq(store_read_events(store, NULL, 1, false, compare, NULL), STORE_INVALID);
}
END_TEST

static int stop_at_two(const struct store_event *event, void *arg)
{
    ++*(int *)arg;
    return event->seq == 2 ? 77 : 0;
}

START_TEST(reading_stops_when_told)
{
    int calls = 0;
    for (int64_t seq = 1; seq <= 3; seq++) {
        struct store_event event = event_of("p", seq);
        ck_assert_int_eq(append(store, &event), STORE_OK);
    }
    ck_assert_int_eq(store_read_events(store, "p", 0, false, stop_at_two, &calls), 77);
    ck_assert_int_eq(calls, 2);
    ck_assert_int_eq(count_events(store, "p"), 3);
}
END_TEST

static struct store_event event_with_blob(int64_t seq, const char *id, const void *bytes, size_t n)
{
    struct store_event event = event_of("p", seq);
    event.blob_id = id;
    event.blob = bytes;
    event.blob_bytes = n;
    return event;
}

static void expect_blob(const char *project, const char *id, const void *bytes, size_t length)
{
    unsigned char *got = NULL;
    size_t got_length = 0;
    ck_assert_int_eq(store_read_blob(store, project, id, &got, &got_length), STORE_OK);
    ck_assert_uint_eq(got_length, length);
    ck_assert_int_eq(memcmp(got, bytes, length), 0);
    free(got);
}

START_TEST(blobs_up_to_the_limit_are_kept)
{
    size_t limit = STORE_BLOB_MAX_BYTES;
    unsigned char *bytes = malloc(limit + 1);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i <= limit; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 13);
    struct store_event largest = event_with_blob(1, "largest", bytes, limit);
    struct store_event beyond = event_with_blob(2, "beyond", bytes, limit + 1);
    struct store_event small = event_with_blob(2, "small", bytes, 5);
    ck_assert_int_eq(append(store, &largest), STORE_OK);
    ck_assert_int_eq(append(store, &beyond), STORE_INVALID);
    ck_assert_int_eq(append(store, &small), STORE_OK);
    reopen();
    expect_blob("p", "largest", bytes, limit);
    expect_blob("p", "small", bytes, 5);
    free(bytes);

    unsigned char *got = NULL;
    ck_assert_int_eq(store_read_blob(store, "p", "beyond", &got, &limit), STORE_NOT_FOUND);
    ck_assert_int_eq(store_read_blob(store, "q", "small", &got, &limit), STORE_NOT_FOUND);
    ck_assert_ptr_null(got);
    ck_assert_uint_eq(limit, STORE_BLOB_MAX_BYTES);
}
END_TEST

START_TEST(a_blob_id_names_the_same_bytes_for_good)
{
    struct store_event first = event_with_blob(1, "b", "abc", 3);
    struct store_event same = event_with_blob(2, "b", "abc", 3);
    struct store_event reference = event_with_blob(3, "b", NULL, 0);
    struct store_event other = event_with_blob(4, "b", "abd", 3);
    struct store_event longer = event_with_blob(4, "b", "abcd", 4);
    struct store_event unknown = event_with_blob(4, "c", NULL, 0);
    ck_assert_int_eq(append(store, &first), STORE_OK);
    ck_assert_int_eq(append(store, &same), STORE_OK);
    ck_assert_int_eq(append(store, &reference), STORE_OK);
    ck_assert_int_eq(append(store, &other), STORE_INVALID);
    ck_assert_int_eq(append(store, &longer), STORE_INVALID);
    ck_assert_int_eq(append(store, &unknown), STORE_INVALID);
    ck_assert_int_eq(count_events(store, "p"), 3);
    expect_blob("p", "b", "abc", 3);
}
END_TEST

START_TEST(wrong_events_are_refused_and_leave_nothing)
{
    struct store_event good = event_of("p", 1);
    struct store_event wrong[12];
    for (size_t i = 0; i < 12; i++)
        wrong[i] = event_with_blob(2, "b", "x", 1);
    wrong[0].project = NULL;
    wrong[1].project = "";
    wrong[2].type = NULL;
    wrong[3].type = "";
    wrong[4].body = NULL;
    wrong[5].blob_id = NULL;
    wrong[6].blob_id = "";
    wrong[7].blob = NULL;
    wrong[8].seq = 0;
    wrong[9].seq = 1;
    wrong[10].seq = 3;
    wrong[11].seq = INT64_MIN;
    ck_assert_int_eq(append(store, &good), STORE_OK);
    ck_assert_int_eq(append(store, &wrong[_i]), STORE_INVALID);
    ck_assert_ptr_null(store_latched(store));
    ck_assert_int_eq(count_events(store, NULL), 1);
    unsigned char *bytes = NULL;
    size_t length = 0;
    ck_assert_int_eq(store_read_blob(store, "p", "b", &bytes, &length), STORE_NOT_FOUND);
    struct store_event next = event_of("p", 2);
    ck_assert_int_eq(append(store, &next), STORE_OK);
}
END_TEST

START_TEST(a_refusal_is_returned_and_leaves_nothing)
{
    struct store_event event = event_with_blob(1, "b", "x", 1);
    struct expected refused = {.event = &event, .status = 409};
    ck_assert_int_eq(store_write(store, append_body, &refused), 409);
    ck_assert_int_eq(count_events(store, "p"), 0);
    ck_assert_int_eq(append(store, &event), STORE_OK);
}
END_TEST

/* Appends a good event, then one with a wrong seq, and pretends that all is well. */
static int careless_body(struct store_tx *tx, void *arg)
{
    struct store_event good = event_of("p", 1), bad = event_of("p", 3), next = event_of("p", 2);
    ck_assert_int_eq(store_tx_append(tx, &good), STORE_OK);
    ck_assert_int_eq(store_tx_append(tx, &bad), STORE_INVALID);
    ck_assert_int_eq(store_tx_append(tx, &next), STORE_INVALID);
    ck_assert_int_eq(store_tx_reply_expire(tx, 0), STORE_INVALID);
    return *(int *)arg;
}

START_TEST(a_failed_call_fails_the_transaction_whatever_the_body_says)
{
    int answer = _i;
    ck_assert_int_eq(store_write(store, careless_body, &answer), STORE_INVALID);
    ck_assert_int_eq(count_events(store, "p"), 0);
}
END_TEST

static int nested_body(struct store_tx *tx, void *arg)
{
    (void)tx;
    struct store_event event = event_of("p", 1);
    *(int *)arg = append(store, &event);
    return 0;
}

START_TEST(a_write_from_within_a_body_is_refused)
{
    int inner = 0;
    ck_assert_int_eq(store_write(store, nested_body, &inner), STORE_OK);
    ck_assert_int_eq(inner, STORE_INVALID);
}
END_TEST

static int reading_body(struct store_tx *tx, void *arg)
{
    struct store_event event = event_of("p", 1);
    ck_assert_int_eq(store_tx_append(tx, &event), STORE_OK);
    *(int64_t *)arg = count_events(store, "p");
    return 0;
}

START_TEST(a_body_may_read_and_sees_what_is_committed)
{
    int64_t seen = -1;
    ck_assert_int_eq(store_write(store, reading_body, &seen), STORE_OK);
    ck_assert_int_eq(seen, 0);
    ck_assert_int_eq(count_events(store, "p"), 1);
}
END_TEST

static const struct store_reply binary_reply = {"aa11", 201, "application/json", "{\0}\n", 4};
static const struct store_reply empty_reply = {"bb22", 204, NULL, NULL, 0};

static void expect_reply(const struct store_reply *got, const struct store_reply *want)
{
    ck_assert_str_eq(got->request_sha256, want->request_sha256);
    ck_assert_int_eq(got->status, want->status);
    ck_assert_pstr_eq(got->content_type, want->content_type);
    ck_assert_uint_eq(got->body_bytes, want->body_bytes);
    if (want->body) {
        ck_assert_mem_eq(got->body, want->body, want->body_bytes);
        ck_assert_int_eq(got->body[got->body_bytes], '\0');
    } else {
        ck_assert_ptr_null(got->body);
    }
}

static int put_and_get_body(struct store_tx *tx, void *arg)
{
    struct store_reply first, second, none;
    ck_assert_int_eq(store_tx_reply_get(tx, "ann", "k1", &none), STORE_NOT_FOUND);
    ck_assert_int_eq(store_tx_reply_put(tx, "ann", "k1", 1000, &binary_reply), STORE_OK);
    ck_assert_int_eq(store_tx_reply_put(tx, "ann", "k2", 2000, &empty_reply), STORE_OK);
    ck_assert_int_eq(store_tx_reply_get(tx, "ann", "k1", &first), STORE_OK);
    ck_assert_int_eq(store_tx_reply_get(tx, "ann", "k2", &second), STORE_OK);
    ck_assert_int_eq(store_tx_reply_get(tx, "bob", "k1", &none), STORE_NOT_FOUND);
    expect_reply(&first, &binary_reply); /* still there after the second */
    expect_reply(&second, &empty_reply);
    return *(int *)arg;
}

static int expire_body(struct store_tx *tx, void *arg)
{
    (void)arg;
    struct store_reply reply;
    ck_assert_int_eq(store_tx_reply_get(tx, "ann", "k1", &reply), STORE_OK);
    ck_assert_int_eq(store_tx_reply_expire(tx, 2000), STORE_OK);
    expect_reply(&reply, &binary_reply); /* the copy outlives the row */
    ck_assert_int_eq(store_tx_reply_get(tx, "ann", "k1", &reply), STORE_NOT_FOUND);
    ck_assert_int_eq(store_tx_reply_get(tx, "ann", "k2", &reply), STORE_OK);
    return store_tx_reply_put(tx, "ann", "k1", 3000, &empty_reply);
}

static int delete_body(struct store_tx *tx, void *arg)
{
    (void)arg;
    struct store_reply reply;
    ck_assert_int_eq(store_tx_reply_delete(tx, "bob", "k1"), STORE_OK); /* not his */
    ck_assert_int_eq(store_tx_reply_get(tx, "ann", "k1", &reply), STORE_OK);
    ck_assert_int_eq(store_tx_reply_delete(tx, "ann", "k1"), STORE_OK);
    expect_reply(&reply, &empty_reply); /* the copy outlives the row */
    ck_assert_int_eq(store_tx_reply_get(tx, "ann", "k1", &reply), STORE_NOT_FOUND);
    ck_assert_int_eq(store_tx_reply_get(tx, "ann", "k2", &reply), STORE_OK);
    return store_tx_reply_put(tx, "ann", "k1", 3000, &binary_reply);
}

static int put_again_body(struct store_tx *tx, void *arg)
{
    (void)arg;
    return store_tx_reply_put(tx, "ann", "k1", 1, &binary_reply);
}

static int put_wrong_body(struct store_tx *tx, void *arg)
{
    return store_tx_reply_put(tx, "ann", "k9", 1, arg);
}

START_TEST(replies_are_kept_found_and_dropped)
{
    int refuse = 409, commit = 0;
    ck_assert_int_eq(store_write(store, put_and_get_body, &refuse), 409);
    ck_assert_int_eq(store_write(store, put_and_get_body, &commit), STORE_OK);
    reopen();
    ck_assert_int_eq(store_write(store, put_again_body, NULL), STORE_INVALID);
    ck_assert_int_eq(store_write(store, expire_body, NULL), STORE_OK);
    ck_assert_int_eq(store_write(store, delete_body, NULL), STORE_OK);
}
END_TEST

START_TEST(wrong_replies_are_refused)
{
    struct store_reply wrong[] = {{NULL, 200, NULL, NULL, 0},
                                  {"aa", 99, NULL, NULL, 0},
                                  {"aa", 600, NULL, NULL, 0},
                                  {"aa", 200, NULL, NULL, 1},
                                  {"aa", 200, NULL, "x", (size_t)STORE_TEXT_MAX_BYTES + 1}};
    ck_assert_int_eq(store_write(store, put_wrong_body, &wrong[_i]), STORE_INVALID);
    ck_assert_ptr_null(store_latched(store));
}
END_TEST

static TCase *events(void)
{
    TCase *tests = tcase_create("events");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, events_come_back_as_they_were_after_a_reopen_too);
    tcase_add_test(tests, all_projects_are_read_in_the_order_of_commit);
    tcase_add_test(tests, reading_stops_when_told);
    tcase_add_test(tests, blobs_up_to_the_limit_are_kept);
    tcase_add_test(tests, a_blob_id_names_the_same_bytes_for_good);
    tcase_add_loop_test(tests, wrong_events_are_refused_and_leave_nothing, 0, 12);
    return tests;
}

static TCase *bodies(void)
{
    TCase *tests = tcase_create("bodies");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_refusal_is_returned_and_leaves_nothing);
    tcase_add_loop_test(tests, a_failed_call_fails_the_transaction_whatever_the_body_says, 0, 2);
    tcase_add_test(tests, a_write_from_within_a_body_is_refused);
    tcase_add_test(tests, a_body_may_read_and_sees_what_is_committed);
    return tests;
}

static TCase *replies(void)
{
    TCase *tests = tcase_create("replies");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, replies_are_kept_found_and_dropped);
    tcase_add_loop_test(tests, wrong_replies_are_refused, 0, 5);
    return tests;
}

int main(void)
{
    return run_tests((TCase *(*const[])(void)){events, bodies, replies, NULL}, "store");
}
