/* Replies kept for Idempotency-Key, against a store in memory. */
#include <src/idempotency.h>

#include <stdlib.h>
#include <string.h>

#include <store/store.h>

#include "fixture.h"
#include "suite.h"

/* What a store body is to do, and what it found. */
struct step {
    struct http_key key;
    struct http_reply reply;
    enum http_replay replay;
    int64_t expired_ms;
    int answer; /* of the body, when all went well */
    struct proto_arena arena;
};

static void hash(struct http_key *key, const char *method, const char *path, const char *body)
{
    http_key_begin(key, method, path);
    http_key_add(key, body, strlen(body) / 2);
    http_key_add(key, body + strlen(body) / 2, strlen(body) - strlen(body) / 2);
    http_key_end(key);
}

static struct step step_for(const char *owner, const char *key, const char *body)
{
    struct step step = {.key = {.text = key, .owner = owner}};

    hash(&step.key, "POST", "/v1/projects", body);
    return step;
}

static void step_deinit(struct step *step)
{
    http_reply_deinit(&step->reply);
    proto_arena_deinit(&step->arena);
}

static int find(struct store_tx *tx, void *arg)
{
    struct step *step = arg;

    return http_key_find(tx, &step->key, &step->arena, &step->reply, &step->replay);
}

static int keep(struct store_tx *tx, void *arg)
{
    struct step *step = arg;
    int status = http_key_keep(tx, &step->key, &step->reply, 1000, &step->expired_ms);

    return status < 0 ? status : step->answer;
}

static void keep_reply(struct store *store, const char *owner, const char *key, const char *body,
                       int answer)
{
    struct step step = step_for(owner, key, body);

    step.answer = answer;
    step.reply = (struct http_reply){201, "application/json", strdup("{\"a\":1}"), 7};
    ck_assert_int_eq(store_write(store, keep, &step), answer);
    step_deinit(&step);
}

static enum http_replay found(struct store *store, const char *owner, const char *key,
                              const char *body)
{
    struct step step = step_for(owner, key, body);

    ck_assert_int_eq(store_write(store, find, &step), STORE_OK);
    step_deinit(&step);
    return step.replay;
}

START_TEST(the_same_request_gets_the_same_bytes)
{
    struct store *store = fixture_store_new();
    struct step step = step_for("admin", "k", "body");

    keep_reply(store, "admin", "k", "body", 0);
    ck_assert_int_eq(store_write(store, find, &step), STORE_OK);
    ck_assert_int_eq(step.replay, HTTP_REPLAY_SAME);
    ck_assert_int_eq(step.reply.status, 201);
    ck_assert_str_eq(step.reply.content_type, "application/json");
    ck_assert_uint_eq(step.reply.body_bytes, 7);
    ck_assert_mem_eq(step.reply.body, "{\"a\":1}", 7);
    step_deinit(&step);
    fixture_store_free(store);
}
END_TEST

START_TEST(an_answer_without_body_is_one_too)
{
    struct store *store = fixture_store_new();
    struct step kept = step_for("admin", "k", ""), step = step_for("admin", "k", "");

    kept.reply.status = 204;
    ck_assert_int_eq(store_write(store, keep, &kept), STORE_OK);
    ck_assert_int_eq(store_write(store, find, &step), STORE_OK);
    ck_assert_int_eq(step.replay, HTTP_REPLAY_SAME);
    ck_assert_int_eq(step.reply.status, 204);
    ck_assert_ptr_null(step.reply.content_type);
    ck_assert_uint_eq(step.reply.body_bytes, 0);
    fixture_store_free(store);
}
END_TEST

START_TEST(another_request_with_the_key_is_told_apart)
{
    struct store *store = fixture_store_new();

    keep_reply(store, "admin", "k", "body", 0);
    ck_assert_int_eq(found(store, "admin", "k", "other"), HTTP_REPLAY_DIFFERS);
    ck_assert_int_eq(found(store, "admin", "l", "body"), HTTP_REPLAY_NONE);
    ck_assert_int_eq(found(store, "robot", "k", "other"), HTTP_REPLAY_NONE);
    fixture_store_free(store);
}
END_TEST

START_TEST(what_is_rolled_back_is_not_replayed)
{
    struct store *store = fixture_store_new();

    keep_reply(store, "admin", "k", "body", 9);
    ck_assert_int_eq(found(store, "admin", "k", "body"), HTTP_REPLAY_NONE);
    fixture_store_free(store);
}
END_TEST

static enum http_replay find_sealed(struct store *store, const char *bearer, struct step *step)
{
    *step = step_for("t1", "k", "body");
    step->key.bearer = bearer;
    ck_assert_int_eq(store_write(store, find, step), STORE_OK);
    return step->replay;
}

static int look_for_secret(struct store_tx *tx, void *arg)
{
    struct store_reply reply;

    ck_assert_int_eq(store_tx_reply_get(tx, "t1", "k", &reply), STORE_OK);
    *(bool *)arg = memmem(reply.body, reply.body_bytes, "secret", 6) != NULL;
    return STORE_OK;
}

START_TEST(a_secret_is_kept_sealed)
{
    struct store *store = fixture_store_new();
    struct step step = step_for("t1", "k", "body");
    bool seen = true;

    step.key.bearer = "token one";
    step.reply = (struct http_reply){201, "application/json", strdup("a secret"), 8};
    ck_assert_int_eq(store_write(store, keep, &step), 0);
    step_deinit(&step);
    ck_assert_int_eq(store_write(store, look_for_secret, &seen), STORE_OK);
    ck_assert(!seen);
    ck_assert_int_eq(find_sealed(store, "token one", &step), HTTP_REPLAY_SAME);
    ck_assert_uint_eq(step.reply.body_bytes, 8);
    ck_assert_mem_eq(step.reply.body, "a secret", 8);
    step_deinit(&step);
    ck_assert_int_eq(find_sealed(store, "token two", &step), HTTP_REPLAY_SEALED);
    ck_assert_int_eq(step.reply.status, 0);
    step_deinit(&step);
    fixture_store_free(store);
}
END_TEST

static enum http_replay found_in(struct store *store, const char *incarnation, const char *body)
{
    struct step step = step_for("admin", "k", body);

    step.key.incarnation = incarnation;
    ck_assert_int_eq(store_write(store, find, &step), STORE_OK);
    step_deinit(&step);
    return step.replay;
}

static void keep_in(struct store *store, const char *incarnation)
{
    struct step step = step_for("admin", "k", "body");

    step.key.incarnation = incarnation;
    step.reply.status = 204;
    ck_assert_int_eq(store_write(store, keep, &step), STORE_OK);
    step_deinit(&step);
}

START_TEST(an_answer_holds_for_its_project)
{
    static const char *const others[] = {"p~1", "p~12", "p", "q", ""};

    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        struct store *store = fixture_store_new();

        keep_in(store, "p~2");
        ck_assert_int_eq(found_in(store, "p~2", "body"), HTTP_REPLAY_SAME);
        ck_assert_int_eq(found_in(store, others[i], "other"), HTTP_REPLAY_DIFFERS);
        ck_assert_int_eq(found_in(store, others[i], "body"), HTTP_REPLAY_NONE);
        keep_in(store, others[i]);
        ck_assert_int_eq(found_in(store, others[i], "body"), HTTP_REPLAY_SAME);
        fixture_store_free(store);
    }
}
END_TEST

START_TEST(an_answer_of_no_project_holds_for_any)
{
    static const char *const none[] = {NULL, ""};

    for (size_t i = 0; i < 2; i++) {
        struct store *store = fixture_store_new();

        keep_in(store, none[i]);
        ck_assert_int_eq(found_in(store, "p", "body"), HTTP_REPLAY_SAME);
        ck_assert_int_eq(found_in(store, NULL, "body"), HTTP_REPLAY_SAME);
        fixture_store_free(store);
    }
}
END_TEST

START_TEST(the_hash_covers_every_part)
{
    static const char *const others[][3] = {
        {"POST", "/ab", ""}, {"PUT", "/a", "b"}, {"POST", "/a", "c"}, {"POST", "/a", "bb"}};
    struct http_key one, other;

    hash(&one, "POST", "/a", "b");
    ck_assert_uint_eq(strlen(one.request_sha256), 64);
    hash(&other, "POST", "/a", "b");
    ck_assert_str_eq(one.request_sha256, other.request_sha256);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        hash(&other, others[i][0], others[i][1], others[i][2]);
        ck_assert_str_ne(one.request_sha256, other.request_sha256);
    }
}
END_TEST

START_TEST(keys_are_words)
{
    char key[HTTP_KEY_MAX_BYTES + 2];

    memset(key, 'k', sizeof(key));
    key[HTTP_KEY_MAX_BYTES] = '\0';
    ck_assert(http_key_valid(key));
    key[HTTP_KEY_MAX_BYTES] = 'k';
    key[HTTP_KEY_MAX_BYTES + 1] = '\0';
    ck_assert(!http_key_valid(key));
    ck_assert(http_key_valid("2f1c9d4e-0b7a-4f39-9d55-1f0e2b3c4d5e"));
    ck_assert(!http_key_valid(""));
    ck_assert(!http_key_valid("\"a\""));
    ck_assert(!http_key_valid("a b"));
    ck_assert(!http_key_valid("caf\xc3\xa9"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_same_request_gets_the_same_bytes,
        an_answer_without_body_is_one_too,
        another_request_with_the_key_is_told_apart,
        what_is_rolled_back_is_not_replayed,
        a_secret_is_kept_sealed,
        an_answer_holds_for_its_project,
        an_answer_of_no_project_holds_for_any,
        the_hash_covers_every_part,
        keys_are_words,
    };

    return SUITE_RUN("idempotency", tests);
}
