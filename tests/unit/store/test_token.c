/* Tokens: what is added is read back, a number is given once, a database of version 1 learns them.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <store_private.h>

static char *data;
static struct store *store;
static uint8_t digest[32];

static void setup(void)
{
    data = scratch_new();
    for (size_t i = 0; i < sizeof(digest); i++)
        digest[i] = (uint8_t)(255 - i);
}

static void teardown(void)
{
    store_close(store);
    check_integrity(data);
    scratch_free(data);
}

static int add(struct store_tx *tx, void *arg)
{
    const struct store_token *token = arg;
    int64_t number = 0;
    int status = store_tx_token_next(tx, &number);

    if (status)
        return status;
    ck_assert_int_eq(number, token->number);
    status = store_tx_token_add(tx, token);
    return status ? status : token->created_at_ms == 13 ? 13 : 0;
}

static int delete (struct store_tx *tx, void *arg)
{
    return store_tx_token_delete(tx, *(int64_t *)arg);
}

static struct store_token token_of(int64_t number)
{
    return (struct store_token){.number = number,
                                .name = "franka-1",
                                .role = "robot",
                                .project = number % 2 ? "kitchen" : NULL,
                                .created_at_ms = 1000 + number,
                                .expires_at_ms = number % 3 ? INT64_MAX : 5000,
                                .sha256 = digest};
}

struct reading {
    int64_t numbers[8];
    size_t count;
};

static int read_one(const struct store_token *token, void *arg)
{
    struct reading *reading = arg;
    struct store_token wanted = token_of(token->number);

    ck_assert_str_eq(token->name, wanted.name);
    ck_assert_str_eq(token->role, wanted.role);
    ck_assert_pstr_eq(token->project, wanted.project);
    ck_assert_int_eq(token->created_at_ms, wanted.created_at_ms);
    ck_assert_int_eq(token->expires_at_ms, wanted.expires_at_ms);
    ck_assert_mem_eq(token->sha256, digest, sizeof(digest));
    reading->numbers[reading->count++] = token->number;
    return 0;
}

static struct reading read_all(void)
{
    struct reading reading = {.count = 0};

    ck_assert_int_eq(store_read_tokens(store, read_one, &reading), 0);
    return reading;
}

START_TEST(tokens_come_back_and_numbers_are_given_once)
{
    struct store_token token;
    struct reading reading;

    store = open_or_fail(data);
    for (int64_t number = 1; number <= 4; number++) {
        token = token_of(number);
        ck_assert_int_eq(store_write(store, add, &token), 0);
    }
    ck_assert_int_eq(store_write(store, delete, &(int64_t){4}), 0);
    ck_assert_int_eq(store_write(store, delete, &(int64_t){2}), 0);
    ck_assert_int_eq(store_write(store, delete, &(int64_t){99}), 0);
    store_close(store);
    store = open_or_fail(data);
    reading = read_all();
    ck_assert_uint_eq(reading.count, 2);
    ck_assert_int_eq(reading.numbers[0], 1);
    ck_assert_int_eq(reading.numbers[1], 3);
    token = token_of(5); /* 4 was deleted, and stays used */
    ck_assert_int_eq(store_write(store, add, &token), 0);
}
END_TEST

START_TEST(what_is_taken_back_leaves_no_token)
{
    struct store_token token = token_of(1);

    store = open_or_fail(data);
    token.created_at_ms = 13; /* the body refuses after adding */
    ck_assert_int_eq(store_write(store, add, &token), 13);
    ck_assert_uint_eq(read_all().count, 0);
    token = token_of(1);
    ck_assert_int_eq(store_write(store, add, &token), 0);
}
END_TEST

static int add_wrong(struct store_tx *tx, void *arg)
{
    return store_tx_token_add(tx, arg);
}

START_TEST(wrong_tokens_are_refused)
{
    struct store_token wrong[] = {token_of(2), token_of(0), token_of(1), token_of(1), token_of(1)};

    store = open_or_fail(data);
    wrong[2].name = "";
    wrong[3].role = NULL;
    wrong[4].sha256 = NULL;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        ck_assert_int_eq(store_write(store, add_wrong, &wrong[i]), STORE_INVALID);
    ck_assert_uint_eq(read_all().count, 0);
}
END_TEST

static int find_reply(struct store_tx *tx, void *arg)
{
    struct store_reply reply;

    return store_tx_reply_get(tx, arg, "key", &reply);
}

START_TEST(a_database_of_version_1_is_brought_up_to_date)
{
    sqlite3 *db = NULL;
    char *path = scratch_file(data, "amf.db");

    ck_assert_int_eq(mkdir(data, 0700), 0);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, store_migrations[0], NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db,
                                  "INSERT INTO event VALUES (1, 'p', 1, 0, 't', '{}', NULL);"
                                  "INSERT INTO reply VALUES ('admin', 'key', 0, '', 200, '', X'')",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    free(path);
    store = open_or_fail(data);
    ck_assert_int_eq(count_events(store, NULL), 1);
    ck_assert_uint_eq(read_all().count, 0);
    ck_assert_int_eq(store_write(store, find_reply, (char[]){"admin"}), STORE_NOT_FOUND);
    ck_assert_int_eq(store_write(store, find_reply, (char[]){"t0000000000"}), STORE_OK);
}
END_TEST

static TCase *tokens(void)
{
    TCase *tests = tcase_create("tokens");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, tokens_come_back_and_numbers_are_given_once);
    tcase_add_test(tests, what_is_taken_back_leaves_no_token);
    tcase_add_test(tests, wrong_tokens_are_refused);
    tcase_add_test(tests, a_database_of_version_1_is_brought_up_to_date);
    return tests;
}

int main(void)
{
    return run_tests((TCase *(*const[])(void)){tokens, NULL}, "token");
}
