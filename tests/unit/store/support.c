#include "support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

char *scratch_file(const char *data, const char *name)
{
    size_t bytes = strlen(data) + strlen(name) + 2;
    char *path = malloc(bytes);
    ck_assert_ptr_nonnull(path);
    (void)snprintf(path, bytes, "%s/%s", data, name);
    return path;
}

char *scratch_new(void)
{
    const char *base = getenv("TMPDIR");
    char *template = scratch_file(base ? base : "/tmp", "amf-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(template));
    char *data = scratch_file(template, "data");
    free(template);
    return data;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

void scratch_free(char *path)
{
    *strrchr(path, '/') = '\0';
    ck_assert_int_eq(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(path);
}

struct store *open_or_fail(const char *data)
{
    char error[256] = "";
    struct store *store = NULL;
    int status = store_open(data, &store, error);
    ck_assert_msg(status == STORE_OK, "store_open: %d: %s", status, error);
    return store;
}

int append_body(struct store_tx *tx, void *arg)
{
    const struct expected *expected = arg;
    int status = store_tx_append(tx, expected->event);
    return status ? status : expected->status;
}

int append(struct store *store, const struct store_event *event)
{
    struct expected expected = {.event = event};
    return store_write(store, append_body, &expected);
}

struct store_event event_of(const char *project, int64_t seq)
{
    return (struct store_event){.project = project,
                                .seq = seq,
                                .at_ms = 1700000000000 + seq,
                                .type = "noted",
                                .body = "{}"};
}

struct counter {
    const char *project;
    int64_t count;
};

static int count_one(const struct store_event *event, void *arg)
{
    struct counter *counter = arg;
    counter->count++;
    if (counter->project)
        ck_assert_int_eq(event->seq, counter->count);
    return 0;
}

int64_t count_events(struct store *store, const char *project)
{
    struct counter counter = {.project = project};
    ck_assert_int_eq(store_read_events(store, project, 0, false, count_one, &counter), STORE_OK);
    return counter.count;
}

static int expect_ok(void *arg, int columns, char **values, char **names)
{
    (void)names;
    int *rows = arg;
    ++*rows;
    ck_assert_int_ge(columns, 1);
    ck_assert_str_eq(values[0], "ok");
    return 0;
}

void check_integrity(const char *data)
{
    int checked = 0, orphans = 0;
    sqlite3 *db = NULL;
    char *path = scratch_file(data, "amf.db");
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA integrity_check", expect_ok, &checked, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA foreign_key_check", expect_ok, &orphans, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(checked, 1);
    ck_assert_int_eq(orphans, 0);
    sqlite3_close(db);
    free(path);
}

int run_tests(TCase *(*const cases[])(void), const char *name)
{
    Suite *suite = suite_create(name);
    for (; *cases; cases++)
        suite_add_tcase(suite, (*cases)());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0; /* the TAP output carries the verdict */
}
