/* Opening: what is made, with which rights, and what is refused without being touched. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

static char *data;

static void setup(void)
{
    data = scratch_new();
}

static void teardown(void)
{
    scratch_free(data);
}

static void expect_refused(int status, const char *part)
{
    char error[256] = "";
    struct store *store = NULL;
    ck_assert_int_eq(store_open(data, &store, error), status);
    ck_assert_ptr_null(store);
    ck_assert_msg(strstr(error, part), "'%s' does not say '%s'", error, part);
    ck_assert_ptr_null(strchr(error, '\n'));
}

static unsigned mode_of(const char *name)
{
    struct stat info;
    char *path = scratch_file(data, name);
    ck_assert_msg(stat(path, &info) == 0, "%s is missing", path);
    free(path);
    return info.st_mode & 07777;
}

START_TEST(open_makes_private_files_whatever_the_umask)
{
    static const mode_t masks[] = {0, 077, 0777};
    umask(masks[_i]);
    struct store *store = open_or_fail(data);
    struct store_event event = event_of("p", 1);
    ck_assert_int_eq(append(store, &event), STORE_OK);
    ck_assert_uint_eq(mode_of("."), 0700);
    ck_assert_uint_eq(mode_of("lock"), 0600);
    ck_assert_uint_eq(mode_of("amf.db"), 0600);
    ck_assert_uint_eq(mode_of("amf.db-wal"), 0600);
    ck_assert_uint_eq(mode_of("amf.db-shm"), 0600);
    store_close(store);
}
END_TEST

START_TEST(open_takes_an_existing_directory_and_leaves_its_mode)
{
    ck_assert_int_eq(mkdir(data, 0755), 0);
    ck_assert_int_eq(chmod(data, 0755), 0);
    store_close(open_or_fail(data));
    ck_assert_uint_eq(mode_of("."), 0755);
    ck_assert_uint_eq(mode_of("amf.db"), 0600);
}
END_TEST

START_TEST(close_leaves_one_file_that_holds_everything)
{
    struct store_event event = event_of("p", 1);
    struct store *store = open_or_fail(data);
    ck_assert_int_eq(append(store, &event), STORE_OK);
    store_close(store);
    char *wal = scratch_file(data, "amf.db-wal");
    ck_assert_int_ne(access(wal, F_OK), 0);
    free(wal);
    store = open_or_fail(data);
    ck_assert_int_eq(count_events(store, "p"), 1);
    store_close(store);
    check_integrity(data);
}
END_TEST

static void make_file(const char *name, const char *content)
{
    char *path = scratch_file(data, name);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(content, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    free(path);
}

static bool is_there(const char *name)
{
    char *path = scratch_file(data, name);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

START_TEST(what_a_kill_left_of_a_backup_goes_away_and_nothing_else)
{
    static const char *const others[] = {"backup-aB3dE", "backup-aB3dE60", "backup-aB3.E6", "b"};
    store_close(open_or_fail(data));
    make_file("backup-aB3dE6", "");
    make_file("backup-aB3dE7", "somebody's");
    for (size_t i = 0; i < 4; i++)
        make_file(others[i], "");
    store_close(open_or_fail(data));
    ck_assert(!is_there("backup-aB3dE6"));
    ck_assert(is_there("backup-aB3dE7"));
    for (size_t i = 0; i < 4; i++)
        ck_assert(is_there(others[i]));
}
END_TEST

START_TEST(a_symbolic_link_to_the_directory_is_followed)
{
    ck_assert_int_eq(mkdir(data, 0700), 0);
    char link[4096];
    (void)snprintf(link, sizeof(link), "%s-link", data);
    ck_assert_int_eq(symlink(data, link), 0);
    store_close(open_or_fail(link));
    ck_assert_uint_eq(mode_of("amf.db"), 0600);
}
END_TEST

START_TEST(a_second_open_is_refused_until_the_first_is_closed)
{
    char pid[32];
    (void)snprintf(pid, sizeof(pid), "(%ld)", (long)getpid());
    struct store *store = open_or_fail(data);
    expect_refused(STORE_INVALID, "in use");
    expect_refused(STORE_INVALID, pid);
    store_close(store);
    store_close(open_or_fail(data));
}
END_TEST

START_TEST(a_missing_parent_is_refused)
{
    char *child = scratch_file(data, "child");
    free(data);
    data = child;
    expect_refused(STORE_INVALID, "No such file or directory");
    *strrchr(data, '/') = '\0';
}
END_TEST

START_TEST(a_file_in_place_of_the_directory_is_refused)
{
    int fd = open(data, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    expect_refused(STORE_INVALID, "Not a directory");
}
END_TEST

START_TEST(a_directory_others_can_write_to_is_refused)
{
    ck_assert_int_eq(mkdir(data, 0700), 0);
    ck_assert_int_eq(chmod(data, _i ? 0770 : 0707), 0);
    expect_refused(STORE_INVALID, "other users can write");
}
END_TEST

/* The file's bytes, malloc'ed. */
static char *read_database(size_t *ret_length)
{
    char *path = scratch_file(data, "amf.db");
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    char *bytes = malloc(1 << 20);
    ck_assert_ptr_nonnull(bytes);
    *ret_length = fread(bytes, 1, 1 << 20, file);
    ck_assert_int_eq(fclose(file), 0);
    free(path);
    return bytes;
}

static void write_database(const char *bytes, size_t length)
{
    char *path = scratch_file(data, "amf.db");
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    free(path);
}

static void expect_refused_untouched(int status, const char *part)
{
    size_t before_length, after_length;
    char *before = read_database(&before_length);
    expect_refused(status, part);
    char *after = read_database(&after_length);
    ck_assert_uint_eq(before_length, after_length);
    ck_assert_mem_eq(before, after, before_length);
    free(before);
    free(after);
    static const char *const extra[] = {"amf.db-wal", "amf.db-shm", "amf.db-journal"};
    for (size_t i = 0; i < sizeof(extra) / sizeof(*extra); i++) {
        char *path = scratch_file(data, extra[i]);
        ck_assert_msg(access(path, F_OK) != 0, "%s was made", path);
        free(path);
    }
}

START_TEST(a_text_file_as_database_is_refused_untouched)
{
    static const size_t lengths[] = {1, 15, 100, 511, 512, 5000};
    char text[5000];
    memset(text, 'a', sizeof(text));
    ck_assert_int_eq(mkdir(data, 0700), 0);
    umask(022);
    write_database(text, lengths[_i]);
    expect_refused_untouched(STORE_INVALID, "not a database");
    ck_assert_uint_eq(mode_of("amf.db"), 0644);
}
END_TEST

static void execute(const char *sql)
{
    sqlite3 *db = NULL;
    char *path = scratch_file(data, "amf.db");
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    free(path);
}

START_TEST(a_database_of_another_program_is_refused_untouched)
{
    ck_assert_int_eq(mkdir(data, 0700), 0);
    umask(022);
    execute("CREATE TABLE event (a); INSERT INTO event VALUES (1)");
    expect_refused_untouched(STORE_INVALID, "another program");
    ck_assert_uint_eq(mode_of("amf.db"), 0644);
}
END_TEST

START_TEST(a_newer_schema_is_refused_untouched)
{
    store_close(open_or_fail(data));
    execute("PRAGMA journal_mode = DELETE; PRAGMA user_version = 1000");
    expect_refused_untouched(STORE_INVALID, "schema version 1000, newer than");
}
END_TEST

START_TEST(a_symbolic_link_as_database_is_refused)
{
    ck_assert_int_eq(mkdir(data, 0700), 0);
    char *path = scratch_file(data, "amf.db");
    ck_assert_int_eq(symlink("elsewhere.db", path), 0);
    free(path);
    expect_refused(STORE_INVALID, "amf.db");
}
END_TEST

START_TEST(an_interrupted_first_start_is_completed)
{
    ck_assert_int_eq(mkdir(data, 0700), 0);
    if (_i == 0)
        write_database("", 0); /* the file was made, nothing else */
    else
        execute("PRAGMA journal_mode = WAL"); /* made and set to WAL, no schema yet */
    struct store *store = open_or_fail(data);
    struct store_event event = event_of("p", 1);
    ck_assert_int_eq(append(store, &event), STORE_OK);
    store_close(store);
}
END_TEST

static int take_one(const struct store_event *event, void *arg)
{
    (void)event;
    ++*(int *)arg;
    return 0;
}

/* Whatever is damaged: an answer, never a crash and never more rows than there were. */
START_TEST(a_damaged_database_is_an_answer)
{
    char body[2000];
    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    struct store *store = open_or_fail(data);
    for (int64_t seq = 1; seq <= 20; seq++) {
        struct store_event event = event_of("p", seq);
        event.body = body;
        event.blob = body;
        event.blob_bytes = sizeof(body);
        event.blob_id = "b";
        ck_assert_int_eq(append(store, &event), STORE_OK);
    }
    store_close(store);

    size_t length;
    char *bytes = read_database(&length);
    size_t page = 4096 * (size_t)_i;
    ck_assert_uint_lt(page + 4096, length);
    memset(bytes + page, 0xa5, 4096);
    write_database(bytes, length);
    free(bytes);

    char error[256] = "";
    int rows = 0;
    int status = store_open(data, &store, error);
    if (status) {
        ck_assert_msg(status == STORE_CORRUPT || status == STORE_INVALID, "%d: %s", status, error);
        return;
    }
    status = store_read_events(store, NULL, 0, true, take_one, &rows);
    ck_assert_msg(status == STORE_OK || status == STORE_CORRUPT, "%d", status);
    ck_assert_int_le(rows, 20);
    store_close(store);
}
END_TEST

static TCase *opening(void)
{
    TCase *tests = tcase_create("open");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, open_makes_private_files_whatever_the_umask, 0, 3);
    tcase_add_test(tests, open_takes_an_existing_directory_and_leaves_its_mode);
    tcase_add_test(tests, close_leaves_one_file_that_holds_everything);
    tcase_add_test(tests, what_a_kill_left_of_a_backup_goes_away_and_nothing_else);
    tcase_add_test(tests, a_symbolic_link_to_the_directory_is_followed);
    tcase_add_test(tests, an_interrupted_first_start_is_completed);
    return tests;
}

static TCase *refusing(void)
{
    TCase *tests = tcase_create("refuse");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_second_open_is_refused_until_the_first_is_closed);
    tcase_add_test(tests, a_missing_parent_is_refused);
    tcase_add_test(tests, a_file_in_place_of_the_directory_is_refused);
    tcase_add_loop_test(tests, a_directory_others_can_write_to_is_refused, 0, 2);
    tcase_add_loop_test(tests, a_text_file_as_database_is_refused_untouched, 0, 6);
    tcase_add_test(tests, a_database_of_another_program_is_refused_untouched);
    tcase_add_test(tests, a_newer_schema_is_refused_untouched);
    tcase_add_test(tests, a_symbolic_link_as_database_is_refused);
    tcase_add_loop_test(tests, a_damaged_database_is_an_answer, 0, 8);
    return tests;
}

int main(void)
{
    return run_tests((TCase *(*const[])(void)){opening, refusing, NULL}, "store open");
}
