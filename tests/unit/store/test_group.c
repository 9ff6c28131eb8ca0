/* Group commit: many threads, one transaction, and who gets which answer.
 *
 * A group is made on purpose: one body holds the writer until the others have queued up. Whether
 * they have is seen in the writer's queue (store_private.h), not guessed with a sleep.
 */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <store_private.h>

enum { THREADS = 8, WRITES = 200 };

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

/* Everyone's next number of one shared project, touched on the writer thread only. */
struct shared {
    int64_t committed_seq, tentative_seq;
    int commits;
};

static void shared_committed(void *arg)
{
    struct shared *shared = arg;
    shared->committed_seq = shared->tentative_seq;
    shared->commits++;
}

static void shared_rolled_back(void *arg)
{
    struct shared *shared = arg;
    shared->tentative_seq = shared->committed_seq;
}

static int shared_body(struct store_tx *tx, void *arg)
{
    struct shared *shared = arg;
    struct store_event event = event_of("shared", shared->tentative_seq + 1);
    int status = store_tx_append(tx, &event);
    if (!status)
        shared->tentative_seq++;
    return status;
}

struct writer {
    pthread_t thread;
    char project[16];
    struct shared *shared;
};

static void *write_many(void *arg)
{
    struct writer *writer = arg;
    for (int64_t seq = 1; seq <= WRITES; seq++) {
        struct store_event event = event_of(writer->project, seq);
        event.blob = &seq;
        event.blob_bytes = sizeof(seq);
        char id[24];
        (void)snprintf(id, sizeof(id), "b%lld", (long long)seq);
        event.blob_id = id;
        ck_assert_int_eq(append(store, &event), STORE_OK);
        ck_assert_int_eq(store_write(store, shared_body, writer->shared), STORE_OK);
        ck_assert_int_ge(count_events(store, writer->project), seq);
    }
    return NULL;
}

START_TEST(many_threads_leave_no_gaps)
{
    struct shared shared = {0};
    struct writer writers[THREADS];
    const struct store_hooks hooks = {shared_committed, shared_rolled_back, &shared};
    store_set_hooks(store, &hooks);
    for (int i = 0; i < THREADS; i++) {
        writers[i].shared = &shared;
        (void)snprintf(writers[i].project, sizeof(writers[i].project), "p%d", i);
        ck_assert_int_eq(pthread_create(&writers[i].thread, NULL, write_many, &writers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(writers[i].thread, NULL), 0);
    ck_assert_int_eq(shared.committed_seq, THREADS * WRITES);
    store_close(store);
    store = open_or_fail(data);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(count_events(store, writers[i].project), WRITES);
    ck_assert_int_eq(count_events(store, "shared"), THREADS * WRITES);
    ck_assert_int_eq(count_events(store, NULL), 2 * THREADS * WRITES);
}
END_TEST

/* What happened on the writer thread, one letter each. Read as a whole after the writes have
 * returned; its length also before, when a group may have been taken in two. */
static char trace[64];
static pthread_mutex_t trace_mutex = PTHREAD_MUTEX_INITIALIZER;

static size_t trace_length(void)
{
    pthread_mutex_lock(&trace_mutex);
    size_t length = strlen(trace);
    pthread_mutex_unlock(&trace_mutex);
    return length;
}

static void note(char letter)
{
    pthread_mutex_lock(&trace_mutex);
    size_t length = strlen(trace);
    if (length + 1 < sizeof(trace))
        trace[length] = letter;
    pthread_mutex_unlock(&trace_mutex);
    ck_assert_uint_lt(length + 1, sizeof(trace));
}

static void note_committed(void *arg)
{
    (void)arg;
    note('C');
}

static void note_rolled_back(void *arg)
{
    (void)arg;
    note('R');
}

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool entered, open;
};

static int gate_body(struct store_tx *tx, void *arg)
{
    (void)tx;
    struct gate *gate = arg;
    pthread_mutex_lock(&gate->mutex);
    gate->entered = true;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
    note('g');
    return 0;
}

static void *gate_thread(void *arg)
{
    static int status;
    status = store_write(store, gate_body, arg);
    return &status;
}

struct member {
    pthread_t thread;
    char letter;
    const char *project;
    int64_t seq;
    int answer;       /* what the body says after appending */
    int status;       /* what store_write said */
    size_t trace_was; /* events on the writer thread before it returned */
};

static int member_body(struct store_tx *tx, void *arg)
{
    struct member *member = arg;
    note(member->letter);
    struct store_event event = event_of(member->project, member->seq);
    event.blob = member->project;
    event.blob_bytes = 1;
    event.blob_id = member->project;
    int status = store_tx_append(tx, &event);
    return status ? status : member->answer;
}

static void *member_thread(void *arg)
{
    struct member *member = arg;
    member->status = store_write(store, member_body, member);
    member->trace_was = trace_length();
    return NULL;
}

static struct store_request *last_queued(void)
{
    pthread_mutex_lock(&store->writer.mutex);
    struct store_request *last = store->writer.last;
    pthread_mutex_unlock(&store->writer.mutex);
    return last;
}

/* Runs the members in one transaction, in order. Answers what the gate's own write said. */
static int run_group(struct member *members, size_t count)
{
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};
    const struct store_hooks hooks = {note_committed, note_rolled_back, NULL};
    pthread_t thread;
    void *status;
    store_set_hooks(store, &hooks);
    memset(trace, 0, sizeof(trace));
    ck_assert_int_eq(pthread_create(&thread, NULL, gate_thread, &gate), 0);
    pthread_mutex_lock(&gate.mutex);
    while (!gate.entered)
        pthread_cond_wait(&gate.changed, &gate.mutex);
    pthread_mutex_unlock(&gate.mutex);
    for (size_t i = 0; i < count; i++) {
        struct store_request *before = last_queued();
        ck_assert_int_eq(pthread_create(&members[i].thread, NULL, member_thread, &members[i]), 0);
        while (last_queued() == before)
            sched_yield();
    }
    pthread_mutex_lock(&gate.mutex);
    gate.open = true;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(pthread_join(members[i].thread, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, &status), 0);
    return *(int *)status;
}

START_TEST(a_group_is_one_commit_and_its_hook_comes_before_any_answer)
{
    struct member members[] = {
        {.letter = '1', .project = "a", .seq = 1},
        {.letter = '2', .project = "b", .seq = 1},
        {.letter = '3', .project = "a", .seq = 2},
    };
    ck_assert_int_eq(run_group(members, 3), STORE_OK);
    ck_assert_str_eq(trace, "g123C");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(members[i].status, STORE_OK);
        ck_assert_uint_eq(members[i].trace_was, 5);
    }
    ck_assert_int_eq(count_events(store, "a"), 2);
    ck_assert_int_eq(count_events(store, "b"), 1);
}
END_TEST

START_TEST(a_refusal_in_a_group_undoes_only_itself)
{
    struct member members[] = {
        {.letter = '1', .project = "a", .seq = 1},
        {.letter = '2', .project = "refused", .seq = 1, .answer = 422},
        {.letter = '3', .project = "a", .seq = 2, .answer = 409},
        {.letter = '4', .project = "a", .seq = 2},
    };
    ck_assert_int_eq(run_group(members, 4), STORE_OK);
    ck_assert_str_eq(trace, "g1234C");
    ck_assert_int_eq(members[0].status, STORE_OK);
    ck_assert_int_eq(members[1].status, 422);
    ck_assert_int_eq(members[2].status, 409);
    ck_assert_int_eq(members[3].status, STORE_OK);
    ck_assert_int_eq(count_events(store, "a"), 2);
    ck_assert_int_eq(count_events(store, "refused"), 0);
    unsigned char *bytes = NULL;
    size_t length = 0;
    ck_assert_int_eq(store_read_blob(store, "refused", "refused", &bytes, &length),
                     STORE_NOT_FOUND);
}
END_TEST

START_TEST(a_failure_in_a_group_fails_it_whole_and_the_next_one_works)
{
    struct member members[] = {
        {.letter = '1', .project = "a", .seq = 1},
        {.letter = '2', .project = "b", .seq = 1, .answer = 409},
        {.letter = '3', .project = "a", .seq = 7},
        {.letter = '4', .project = "c", .seq = 1},
    };
    ck_assert_int_eq(run_group(members, 4), STORE_INVALID);
    ck_assert_str_eq(trace, "g123R4C"); /* the fourth had not been taken yet */
    ck_assert_int_eq(members[0].status, STORE_INVALID);
    ck_assert_int_eq(members[1].status, STORE_INVALID); /* it may have seen what is gone */
    ck_assert_int_eq(members[2].status, STORE_INVALID);
    ck_assert_int_eq(members[3].status, STORE_OK);
    ck_assert_int_eq(count_events(store, NULL), 1);
    ck_assert_int_eq(count_events(store, "c"), 1);
    ck_assert_ptr_null(store_latched(store));
}
END_TEST

/* More reading threads than connections are lent, each seeing whole prefixes only. */
static void *read_many(void *arg)
{
    (void)arg;
    int64_t seen = 0;
    while (seen < WRITES) {
        int64_t now = count_events(store, "p");
        ck_assert_int_ge(now, seen);
        seen = now;
    }
    return NULL;
}

START_TEST(readers_see_whole_commits_while_others_write)
{
    enum { READERS = 24 };
    pthread_t readers[READERS];
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_create(&readers[i], NULL, read_many, NULL), 0);
    for (int64_t seq = 1; seq <= WRITES; seq++) {
        struct store_event event = event_of("p", seq);
        ck_assert_int_eq(append(store, &event), STORE_OK);
    }
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_join(readers[i], NULL), 0);
}
END_TEST

static TCase *threads(void)
{
    TCase *tests = tcase_create("threads");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, many_threads_leave_no_gaps);
    tcase_add_test(tests, readers_see_whole_commits_while_others_write);
    return tests;
}

static TCase *groups(void)
{
    TCase *tests = tcase_create("groups");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_group_is_one_commit_and_its_hook_comes_before_any_answer);
    tcase_add_test(tests, a_refusal_in_a_group_undoes_only_itself);
    tcase_add_test(tests, a_failure_in_a_group_fails_it_whole_and_the_next_one_works);
    return tests;
}

int main(void)
{
    return run_tests((TCase *(*const[])(void)){threads, groups, NULL}, "store group commit");
}
