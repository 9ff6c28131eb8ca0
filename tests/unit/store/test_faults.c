/* A disk that is full, does not write, or does not sync.
 *
 * Writes fail through SQLite's own test hook (xSetSystemCall); syncs through a definition of
 * fdatasync here, which the dynamic linker gives to the SQLite library as well. Both count calls,
 * so that the sweep can fail each one in turn.
 */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <store_private.h>

enum kind { WRITES, SYNCS };

/* countdown[kind] reaches 0 at the call that fails; below 0 nothing does. Touched by the thread
 * that opens and the writer thread, never at once. */
static struct {
    int countdown[2];
    int error;
    bool persistent;
    int hits;
} fault;

static bool call_fails(enum kind kind)
{
    int *countdown = &fault.countdown[kind];
    if (*countdown < 0 || --*countdown > 0)
        return false;
    *countdown = fault.persistent ? 1 : -1;
    fault.hits++;
    errno = fault.error;
    return true;
}

static void arm(enum kind kind, int nth, int error, bool persistent)
{
    fault.countdown[WRITES] = fault.countdown[SYNCS] = -1;
    fault.countdown[kind] = nth;
    fault.error = error;
    fault.persistent = persistent;
    fault.hits = 0;
}

static void disarm(void)
{
    fault.countdown[WRITES] = fault.countdown[SYNCS] = -1;
}

int fdatasync(int fd)
{
    return call_fails(SYNCS) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

static ssize_t faulty_pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    return call_fails(WRITES) ? -1 : pwrite(fd, bytes, length, offset);
}

static char *data;
static struct store *store;
static int commits, roll_backs;

static void committed(void *arg)
{
    (void)arg;
    commits++;
}

static void rolled_back(void *arg)
{
    (void)arg;
    roll_backs++;
}

static void setup(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    int replaced = 0;
    disarm();
    static const char *const names[] = {"pwrite", "pwrite64"};
    for (size_t i = 0; i < 2; i++)
        replaced +=
            vfs->xSetSystemCall(vfs, names[i], (sqlite3_syscall_ptr)faulty_pwrite) == SQLITE_OK;
    ck_assert_int_gt(replaced, 0);
    data = scratch_new();
    store = open_or_fail(data);
    const struct store_hooks hooks = {committed, rolled_back, NULL};
    store_set_hooks(store, &hooks);
}

static void teardown(void)
{
    disarm();
    store_close(store);
    check_integrity(data);
    scratch_free(data);
}

/* A body large enough that one commit takes several writes. */
static int append_large(int64_t seq)
{
    char body[10000];
    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    struct store_event event = event_of("p", seq);
    event.body = body;
    return append(store, &event);
}

/* What the figures say of commits that succeeded and of groups that did not. */
static void figures_are(uint64_t succeeded, uint64_t full, uint64_t failed)
{
    struct store_metrics metrics;
    uint64_t timed = 0, grouped = 0;

    store_metrics_read(store, &metrics);
    for (size_t i = 0; i <= STORE_COMMIT_BOUNDS; i++)
        timed += metrics.commit_counts[i];
    for (size_t i = 0; i <= STORE_GROUP_BOUNDS; i++)
        grouped += metrics.group_counts[i];
    ck_assert_uint_eq(timed, succeeded);
    ck_assert_uint_eq(grouped, succeeded);
    ck_assert_uint_eq(metrics.full, full);
    ck_assert_uint_eq(metrics.failed, failed);
}

START_TEST(a_full_disk_stores_nothing_and_writes_resume_when_there_is_space)
{
    ck_assert_int_eq(append_large(1), STORE_OK);
    arm(WRITES, 1 + _i, ENOSPC, true);
    ck_assert_int_eq(append_large(2), STORE_FULL);
    ck_assert_int_eq(append_large(2), STORE_FULL);
    ck_assert_int_gt(fault.hits, 0);
    ck_assert_int_eq(roll_backs, 2);
    ck_assert_int_eq(commits, 1);
    ck_assert_ptr_null(store_latched(store));
    ck_assert_int_eq(count_events(store, "p"), 1);
    disarm();
    ck_assert_int_eq(append_large(2), STORE_OK);
    ck_assert_int_eq(commits, 2);
    ck_assert_int_eq(count_events(store, "p"), 2);
    figures_are(2, 2, 0);
}
END_TEST

static int body_that_must_not_run(struct store_tx *tx, void *arg)
{
    (void)tx;
    *(bool *)arg = true;
    return 0;
}

START_TEST(a_failed_sync_latches_until_the_next_start)
{
    bool ran = false;
    ck_assert_int_eq(append_large(1), STORE_OK);
    arm(SYNCS, 1, EIO, false);
    ck_assert_int_eq(append_large(2), STORE_UNKNOWN);
    ck_assert_int_eq(fault.hits, 1);
    ck_assert_int_eq(roll_backs, 1);
    ck_assert_ptr_nonnull(strstr(store_latched(store), "no more writes"));
    ck_assert_int_eq(store_write(store, body_that_must_not_run, &ran), STORE_UNKNOWN);
    ck_assert(!ran);
    figures_are(1, 0, 2);
    ck_assert_int_eq(roll_backs, 1); /* nothing was done that could be undone */
    ck_assert_int_eq(count_events(store, "p"), 1);
    store_close(store);
    store = open_or_fail(data);
    ck_assert_ptr_null(store_latched(store));
    int64_t kept = count_events(store, "p");
    ck_assert_msg(kept == 1 || kept == 2, "%lld", (long long)kept);
    ck_assert_int_eq(append_large(kept + 1), STORE_OK);
}
END_TEST

START_TEST(a_failed_write_latches)
{
    arm(WRITES, 1, EIO, false);
    ck_assert_int_eq(append_large(1), STORE_UNKNOWN);
    ck_assert_ptr_nonnull(store_latched(store));
}
END_TEST

START_TEST(a_database_held_by_another_program_is_busy_and_not_latched)
{
    sqlite3 *other = NULL;
    char *path = scratch_file(data, "amf.db");
    ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_busy_timeout(store->writer.db, 10); /* instead of seconds */
    ck_assert_int_eq(append_large(1), STORE_BUSY);
    ck_assert_ptr_null(store_latched(store));
    ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(append_large(1), STORE_OK);
    sqlite3_close(other);
    free(path);
}
END_TEST

/* Fails the nth call while six events are written and the store is closed and opened again. Answers
 * whether the call was reached. */
static bool sweep_once(enum kind kind, int nth, int error, bool persistent)
{
    int64_t acknowledged = 0;
    int64_t attempted = 0;
    arm(kind, nth, error, persistent);
    for (int64_t i = 1; i <= 6; i++) {
        int status = append_large(acknowledged + 1);
        if (status == STORE_OK)
            acknowledged++;
        else if (status == STORE_UNKNOWN && attempted == 0)
            attempted = acknowledged + 1;
        else
            ck_assert_msg(status == STORE_UNKNOWN || status == STORE_FULL, "%d", status);
        ck_assert_int_eq(count_events(store, "p"), acknowledged);
    }
    ck_assert(!attempted == !store_latched(store));
    store_close(store);
    bool reached = fault.hits > 0;
    disarm();
    store = open_or_fail(data);
    int64_t kept = count_events(store, "p");
    ck_assert_msg(kept == acknowledged || kept == attempted, "%lld of %lld acknowledged",
                  (long long)kept, (long long)acknowledged);
    return reached;
}

START_TEST(no_acknowledged_event_is_lost_whichever_call_fails)
{
    static const struct {
        enum kind kind;
        int error;
        bool persistent;
    } sweeps[] = {{WRITES, ENOSPC, false}, {WRITES, ENOSPC, true}, {WRITES, EIO, false},
                  {WRITES, EIO, true},     {SYNCS, EIO, false},    {SYNCS, EIO, true}};
    int nth = 1;
    while (sweep_once(sweeps[_i].kind, nth, sweeps[_i].error, sweeps[_i].persistent)) {
        store_close(store);
        check_integrity(data);
        scratch_free(data);
        data = scratch_new();
        store = open_or_fail(data);
        nth++;
    }
    ck_assert_int_gt(nth, 6); /* at least one call for each event */
}
END_TEST

/* The same while the database is made: refused with a line, and the next start is clean. */
START_TEST(a_first_start_that_fails_can_be_repeated)
{
    enum kind kind = _i ? SYNCS : WRITES;
    bool reached = true;
    store_close(store);
    for (int nth = 1; reached; nth++) {
        scratch_free(data);
        data = scratch_new();
        char error[256] = "";
        arm(kind, nth, EIO, false);
        int status = store_open(data, &store, error);
        if (status) {
            ck_assert_int_lt(status, 0);
            ck_assert_msg(strstr(error, "amf.db"), "%s", error);
        } else {
            store_close(store);
        }
        reached = fault.hits > 0;
        disarm();
        store = open_or_fail(data);
        ck_assert_int_eq(append_large(1), STORE_OK);
        if (reached)
            store_close(store);
    }
}
END_TEST

static TCase *failures(void)
{
    TCase *tests = tcase_create("failures");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, a_full_disk_stores_nothing_and_writes_resume_when_there_is_space, 0,
                        4);
    tcase_add_test(tests, a_failed_sync_latches_until_the_next_start);
    tcase_add_test(tests, a_failed_write_latches);
    tcase_add_test(tests, a_database_held_by_another_program_is_busy_and_not_latched);
    tcase_add_loop_test(tests, no_acknowledged_event_is_lost_whichever_call_fails, 0, 6);
    tcase_add_loop_test(tests, a_first_start_that_fails_can_be_repeated, 0, 2);
    return tests;
}

int main(void)
{
    return run_tests((TCase *(*const[])(void)){failures, NULL}, "store faults");
}
