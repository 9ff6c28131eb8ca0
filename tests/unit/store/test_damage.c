/* Bytes that are not what was written: rows that were changed behind the store's back, and a
 * write-ahead log with a bit turned in any of its frames. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

enum { COMMITS = 6 };

static char *data;

static void setup(void)
{
    data = scratch_new();
}

static void teardown(void)
{
    scratch_free(data);
}

static void execute(const char *sql)
{
    sqlite3 *db = NULL;
    char *path = scratch_file(data, "amf.db");
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    free(path);
}

static int put_reply(struct store_tx *tx, void *arg)
{
    const struct store_reply reply = {"00", 201, "application/json", arg, 2};
    return store_tx_reply_put(tx, "anna", "key", 5, &reply);
}

static int get_reply(struct store_tx *tx, void *arg)
{
    return store_tx_reply_get(tx, "anna", "key", arg);
}

/* One event with a blob and one kept reply, in a store that is closed again. */
static void store_one_of_each(void)
{
    char text[] = "{}";
    struct store *store = open_or_fail(data);
    struct store_event event = event_of("p", 1);
    event.blob = "nine bytes";
    event.blob_bytes = 9;
    event.blob_id = "d1";
    ck_assert_int_eq(append(store, &event), STORE_OK);
    ck_assert_int_eq(store_write(store, put_reply, text), STORE_OK);
    store_close(store);
}

static int nothing(const struct store_event *event, void *arg)
{
    (void)event;
    (void)arg;
    return 0;
}

static void expect_reads(int events, int blobs, int blob, int reply)
{
    struct store *store = open_or_fail(data);
    struct store_reply kept;
    unsigned char *bytes = NULL;
    size_t length = 0;
    ck_assert_int_eq(store_read_events(store, "p", 0, false, nothing, NULL), events);
    ck_assert_int_eq(store_read_events(store, NULL, 0, false, nothing, NULL), events);
    ck_assert_int_eq(store_read_events(store, "p", 0, true, nothing, NULL), blobs);
    ck_assert_int_eq(store_read_events(store, NULL, 0, true, nothing, NULL), blobs);
    ck_assert_int_eq(store_read_blob(store, "p", "d1", &bytes, &length), blob);
    ck_assert_int_eq(store_write(store, get_reply, &kept), reply);
    free(bytes);
    store_close(store);
}

START_TEST(what_is_whole_is_read)
{
    store_one_of_each();
    expect_reads(STORE_OK, STORE_OK, STORE_OK, STORE_OK);
}
END_TEST

START_TEST(a_changed_column_is_noticed)
{
    static const struct {
        const char *sql;
        int events, blobs, blob, reply;
    } changes[] = {
        {"UPDATE event SET body = '{ }'", STORE_CORRUPT, STORE_CORRUPT, 0, 0},
        {"UPDATE event SET type = 'noteD'", STORE_CORRUPT, STORE_CORRUPT, 0, 0},
        {"UPDATE event SET at_ms = at_ms + 1", STORE_CORRUPT, STORE_CORRUPT, 0, 0},
        {"UPDATE event SET seq = 2", STORE_CORRUPT, STORE_CORRUPT, 0, 0},
        {"UPDATE event SET blob_id = NULL", STORE_CORRUPT, STORE_CORRUPT, 0, 0},
        {"UPDATE event SET checksum = checksum + 1", STORE_CORRUPT, STORE_CORRUPT, 0, 0},
        {"UPDATE blob SET bytes = x'6e696e6520627975ff'", 0, STORE_CORRUPT, STORE_CORRUPT, 0},
        {"UPDATE blob SET bytes = x'6e'", 0, STORE_CORRUPT, STORE_CORRUPT, 0},
        {"UPDATE blob SET bytes = x''", 0, STORE_CORRUPT, STORE_CORRUPT, 0},
        {"UPDATE reply SET body = x'7b7c'", 0, 0, 0, STORE_REPLY_DAMAGED},
        {"UPDATE reply SET status = 200", 0, 0, 0, STORE_REPLY_DAMAGED},
        {"UPDATE reply SET request_sha256 = '01'", 0, 0, 0, STORE_REPLY_DAMAGED},
    };
    store_one_of_each();
    execute(changes[_i].sql);
    expect_reads(changes[_i].events, changes[_i].blobs, changes[_i].blob, changes[_i].reply);
}
END_TEST

static int get_and_append(struct store_tx *tx, void *arg)
{
    struct store_reply reply;
    ck_assert_int_eq(store_tx_reply_get(tx, "anna", "key", &reply), STORE_REPLY_DAMAGED);
    return store_tx_append(tx, arg);
}

START_TEST(a_damaged_reply_leaves_the_rest_of_its_group_alone)
{
    struct store_event event = event_of("p", 2);
    store_one_of_each();
    execute("UPDATE reply SET status = 200");
    struct store *store = open_or_fail(data);
    ck_assert_int_eq(store_write(store, get_and_append, &event), STORE_OK);
    ck_assert_ptr_null(store_latched(store));
    store_close(store);
}
END_TEST

START_TEST(a_database_without_checksums_gets_them)
{
    store_one_of_each();
    execute("ALTER TABLE event DROP COLUMN checksum; ALTER TABLE blob DROP COLUMN checksum;"
            "ALTER TABLE reply DROP COLUMN checksum; ALTER TABLE token DROP COLUMN checksum;"
            "PRAGMA user_version = 2");
    expect_reads(STORE_OK, STORE_OK, STORE_OK, STORE_OK);
    execute("UPDATE event SET body = '{ }'");
    expect_reads(STORE_CORRUPT, STORE_CORRUPT, STORE_OK, STORE_OK);
}
END_TEST

static unsigned char *file_read(const char *name, size_t *ret_length)
{
    char *path = scratch_file(data, name);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    unsigned char *bytes = malloc(1 << 20);
    ck_assert_ptr_nonnull(bytes);
    *ret_length = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    free(path);
    return bytes;
}

static void file_write(const char *folder, const char *name, const unsigned char *bytes,
                       size_t length)
{
    char *path = scratch_file(folder, name);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    free(path);
}

/* A database and its log as a kill leaves them: copied from under a store that is open. */
struct left {
    unsigned char *database, *log;
    size_t database_bytes, log_bytes, frame_bytes, frames;
    size_t last; /* the first frame of the last commit */
};

static unsigned long number_at(const unsigned char *bytes)
{
    return (unsigned long)bytes[0] << 24 | (unsigned long)bytes[1] << 16 |
           (unsigned long)bytes[2] << 8 | bytes[3];
}

static const unsigned char *frame_at(const struct left *left, size_t number)
{
    return left->log + 32 + number * left->frame_bytes;
}

/* Behind what `first` - 1 commits have left in the database. */
static struct left leave_from(int64_t first)
{
    struct left left = {.last = 0};
    struct store *store = open_or_fail(data);
    for (int64_t seq = first; seq <= COMMITS; seq++) {
        struct store_event event = event_of("p", seq);
        ck_assert_int_eq(append(store, &event), STORE_OK);
    }
    left.database = file_read("amf.db", &left.database_bytes);
    left.log = file_read("amf.db-wal", &left.log_bytes);
    store_close(store);
    left.frame_bytes = 24 + number_at(left.log + 8);
    left.frames = (left.log_bytes - 32) / left.frame_bytes;
    for (size_t i = 0; i + 1 < left.frames; i++)
        if (number_at(frame_at(&left, i) + 4) != 0)
            left.last = i + 1;
    return left;
}

static struct left leave(void)
{
    return leave_from(1);
}

/* Opens a copy of what was left, with the first log_bytes of its log; answers store_open's status
 * and the number of events that are there. */
static int open_copy(const struct left *left, size_t log_bytes, int64_t *ret_events)
{
    char error[256] = "";
    struct store *store = NULL;
    char *folder = scratch_new();
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    file_write(folder, "amf.db", left->database, left->database_bytes);
    file_write(folder, "amf.db-wal", left->log, log_bytes);
    int status = store_open(folder, &store, error);
    if (status == STORE_OK)
        *ret_events = count_events(store, "p");
    else
        ck_assert_msg(strstr(error, "amf.db-wal is damaged"), "%s", error);
    store_close(store);
    scratch_free(folder);
    return status;
}

static void left_free(struct left *left)
{
    free(left->database);
    free(left->log);
}

START_TEST(a_turned_bit_in_the_log_is_refused_unless_a_crash_may_have_torn_it)
{
    static const size_t places[] = {0, 9, 17, 24, 1000, 4100}; /* head, salts, sums, page */
    struct left left = leave();
    int64_t events = 0;
    ck_assert_int_eq(open_copy(&left, left.log_bytes, &events), STORE_OK);
    ck_assert_int_eq(events, COMMITS);
    ck_assert_uint_gt(left.last, COMMITS);
    for (size_t i = 0; i < left.frames; i++) {
        unsigned char *byte = left.log + 32 + i * left.frame_bytes + places[_i];
        *byte ^= 0x10;
        int status = open_copy(&left, left.log_bytes, &events);
        *byte ^= 0x10;
        ck_assert_int_eq(status, i < left.last ? STORE_CORRUPT : STORE_OK);
        if (status == STORE_OK)
            ck_assert_int_eq(events, COMMITS - 1);
    }
    left_free(&left);
}
END_TEST

START_TEST(a_log_without_its_head_is_refused)
{
    struct left left = leave();
    int64_t events = 0;
    left.log[_i] ^= 1;
    ck_assert_int_eq(open_copy(&left, left.log_bytes, &events), STORE_CORRUPT);
    left_free(&left);
}
END_TEST

START_TEST(a_log_that_a_crash_cut_is_read_to_the_last_whole_commit)
{
    struct left left = leave();
    int64_t events = 0;
    for (size_t cut = 0; cut < left.frame_bytes; cut += 111) {
        ck_assert_int_eq(open_copy(&left, left.log_bytes - 1 - cut, &events), STORE_OK);
        ck_assert_int_eq(events, COMMITS - 1);
    }
    left_free(&left);
}
END_TEST

/* Puts what was left back, as it was when the process was killed. */
static void put_back(const struct left *left)
{
    file_write(data, "amf.db", left->database, left->database_bytes);
    file_write(data, "amf.db-wal", left->log, left->log_bytes);
}

static void expect_untouched(const struct left *left)
{
    size_t length = 0;
    unsigned char *bytes = file_read("amf.db", &length);
    ck_assert_uint_eq(length, left->database_bytes);
    ck_assert_int_eq(memcmp(bytes, left->database, length), 0);
    free(bytes);
    bytes = file_read("amf.db-wal", &length);
    ck_assert_uint_eq(length, left->log_bytes);
    ck_assert_int_eq(memcmp(bytes, left->log, length), 0);
    free(bytes);
}

static struct store *begin_to_open(void)
{
    char error[256] = "";
    struct store *store = NULL;
    ck_assert_msg(store_open_begin(data, &store, error) == STORE_OK, "%s", error);
    return store;
}

START_TEST(between_the_halves_of_opening_there_is_only_reading)
{
    char error[256] = "";
    struct left left = leave();
    struct store_event event = event_of("p", COMMITS + 1);
    struct store_backup *backup = NULL;
    put_back(&left);
    struct store *store = begin_to_open();
    ck_assert_int_eq(count_events(store, "p"), COMMITS);
    ck_assert_int_eq(append(store, &event), STORE_INVALID);
    ck_assert_int_eq(store_backup_new(store, &backup), STORE_BUSY);
    expect_untouched(&left);
    ck_assert_int_eq(store_open_end(store, error), STORE_OK);
    ck_assert_int_eq(append(store, &event), STORE_OK);
    ck_assert_int_eq(store_backup_new(store, &backup), STORE_OK);
    store_backup_free(backup);
    store_close(store);
    left_free(&left);
}
END_TEST

START_TEST(a_store_may_be_closed_between_the_halves_of_opening)
{
    struct left left = leave();
    put_back(&left);
    store_close(begin_to_open());
    expect_untouched(&left);
    struct store *store = open_or_fail(data);
    ck_assert_int_eq(count_events(store, "p"), COMMITS);
    store_close(store);
    left_free(&left);
}
END_TEST

static size_t root_page_of(const char *table)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    char *path = scratch_file(data, "amf.db");
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = ?1",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    size_t page = (size_t)sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    free(path);
    return page;
}

/* After a kill the kept answers are looked at too, which nobody reads at the start. */
START_TEST(damage_that_reading_does_not_meet_refuses_the_second_half)
{
    char error[256] = "";
    store_one_of_each();
    size_t page = root_page_of("reply"), page_bytes = 4096;
    struct left left = leave_from(2);
    ck_assert_uint_le(page * page_bytes, left.database_bytes);
    memset(left.database + (page - 1) * page_bytes, 0xa5, page_bytes);
    put_back(&left);
    struct store *store = begin_to_open();
    struct store_event event = event_of("p", COMMITS + 1);
    ck_assert_int_eq(count_events(store, "p"), COMMITS);
    ck_assert_int_eq(store_open_end(store, error), STORE_CORRUPT);
    ck_assert_msg(strstr(error, "does not belong to the amf.db-wal beside it; nothing has been"),
                  "%s", error);
    ck_assert_int_eq(append(store, &event), STORE_INVALID);
    store_close(store);
    expect_untouched(&left);
    left_free(&left);
}
END_TEST

static TCase *damage(void)
{
    TCase *tests = tcase_create("damage");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_is_whole_is_read);
    tcase_add_loop_test(tests, a_changed_column_is_noticed, 0, 12);
    tcase_add_test(tests, a_damaged_reply_leaves_the_rest_of_its_group_alone);
    tcase_add_test(tests, a_database_without_checksums_gets_them);
    tcase_add_loop_test(tests, a_turned_bit_in_the_log_is_refused_unless_a_crash_may_have_torn_it,
                        0, 6);
    tcase_add_loop_test(tests, a_log_without_its_head_is_refused, 0, 32);
    tcase_add_test(tests, a_log_that_a_crash_cut_is_read_to_the_last_whole_commit);
    tcase_add_test(tests, between_the_halves_of_opening_there_is_only_reading);
    tcase_add_test(tests, a_store_may_be_closed_between_the_halves_of_opening);
    tcase_add_test(tests, damage_that_reading_does_not_meet_refuses_the_second_half);
    return tests;
}

int main(void)
{
    return run_tests((TCase *(*const[])(void)){damage, NULL}, "store damage");
}
