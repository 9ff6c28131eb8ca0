/* A whole server through real sockets: what a client of any language relies on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pthread.h>

#include <src/connections.h>
#include <src/limits.h>
#include <store/store.h>

#include "client.h"
#include "fixture.h"
#include "suite.h"

static struct fixture fixture;

/* Everything the server logged, under its own lock: any thread may log. */
static struct {
    pthread_mutex_t lock;
    char text[16384];
} logged = {PTHREAD_MUTEX_INITIALIZER, ""};

static void collect(const struct log_record *record, void *arg)
{
    char line[LOG_LINE_BYTES];

    (void)arg;
    log_format(record, LOG_FORM_TEXT, "-", line);
    pthread_mutex_lock(&logged.lock);
    size_t used = strlen(logged.text);
    snprintf(logged.text + used, sizeof(logged.text) - used, "%s", line);
    pthread_mutex_unlock(&logged.lock);
}

static void start(void)
{
    fixture_start(&fixture, 0, (struct log_sink){collect, NULL});
}

static void stop(void)
{
    fixture_stop(&fixture);
}

static int64_t seq_of(const struct answer *answer)
{
    const char *at = strstr(answer->body, "\"seq\":");

    ck_assert_msg(at != NULL, "no seq in: %s", answer->body);
    return strtoll(at + 6, NULL, 10);
}

static void check_problem(const struct answer *answer, int status, const char *code)
{
    char value[256], text[64];

    ck_assert_int_eq(answer->status, status);
    ck_assert_str_eq(client_header(answer, "Content-Type", value), "application/problem+json");
    snprintf(text, sizeof(text), "\"code\":\"%s\"", code);
    ck_assert_msg(strstr(answer->body, text) != NULL, "%s is not in: %s", text, answer->body);
    ck_assert_ptr_nonnull(client_header(answer, "X-Request-Id", value));
    ck_assert_ptr_nonnull(strstr(answer->body, value));
}

START_TEST(answers_carry_their_headers)
{
    char value[256];
    struct answer answer = client_ask(fixture.port, "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n");

    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(client_header(&answer, "Content-Type", value), "application/json");
    ck_assert_str_eq(client_header(&answer, "Cache-Control", value), "no-store");
    ck_assert_str_eq(client_header(&answer, "X-Content-Type-Options", value), "nosniff");
    ck_assert_uint_eq(strlen(client_header(&answer, "X-Request-Id", value)), 32);
    ck_assert_ptr_null(client_header(&answer, "Server", value));
}
END_TEST

START_TEST(the_other_form_is_there_for_the_asking)
{
    char value[256];
    struct answer answer =
        client_ask(fixture.port, "GET /healthz HTTP/1.1\r\nHost: t\r\nAccept: text/plain\r\n\r\n");

    ck_assert_str_eq(client_header(&answer, "Content-Type", value), "text/plain");
    ck_assert_str_eq(answer.body, "ok");
}
END_TEST

START_TEST(one_connection_serves_many_requests)
{
    int fd = client_connect(fixture.port);

    for (int i = 0; i < 10; i++) {
        struct answer answer = client_call(fd, "POST", "/v1/projects", "", "{\"id\":\"a\"}");
        ck_assert_int_eq(answer.status, 201);
        answer = client_call(fd, "GET", "/nowhere", "", NULL);
        check_problem(&answer, 404, "route_not_found");
        answer = client_call(fd, "POST", "/v1/projects", "", "{\"id\":");
        check_problem(&answer, 400, "malformed_json");
        answer = client_call(fd, "DELETE", "/v1/projects/a", "", NULL);
        ck_assert_int_eq(answer.status, 204);
    }
    close(fd);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    int fd = client_connect(fixture.port);
    char text[8192] = "";
    size_t used = 0;

    for (int i = 0; i < 40; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "GET /v1/projects/p%d HTTP/1.1\r\nHost: t\r\nAuthorization: "
                                 "Bearer " FIXTURE_TOKEN "\r\n\r\n",
                                 i);
    client_send(fd, text, used);
    for (int i = 0; i < 40; i++) {
        char wanted[32];
        struct answer answer = client_read(fd, false);
        snprintf(wanted, sizeof(wanted), "{\"id\":\"p%d\",", i);
        ck_assert_msg(strncmp(answer.body, wanted, strlen(wanted)) == 0, "%s", answer.body);
    }
    close(fd);
}
END_TEST

START_TEST(head_is_get_without_the_body)
{
    int fd = client_connect(fixture.port);
    char length[256], length2[256];
    struct answer get = client_call(fd, "GET", "/healthz", "", NULL);
    struct answer head = client_call(fd, "HEAD", "/healthz", "", NULL);

    ck_assert_int_eq(head.status, 200);
    ck_assert_str_eq(client_header(&head, "Content-Length", length),
                     client_header(&get, "Content-Length", length2));
    get = client_call(fd, "GET", "/healthz", "", NULL);
    ck_assert_int_eq(get.status, 200);
    close(fd);
}
END_TEST

START_TEST(a_wrong_method_is_told_the_right_ones)
{
    char value[256];
    int fd = client_connect(fixture.port);
    struct answer answer = client_call(fd, "PATCH", "/v1/projects/a", "", NULL);

    check_problem(&answer, 405, "method_not_allowed");
    ck_assert_str_eq(client_header(&answer, "Allow", value), "GET, HEAD, DELETE");
    close(fd);
}
END_TEST

START_TEST(without_a_token_nothing_is_read)
{
    char value[256];
    struct answer answer = client_ask(
        fixture.port, "POST /v1/projects/a/demonstrations HTTP/1.1\r\nHost: t\r\n"
                      "Content-Type: application/vnd.safetensors\r\nContent-Length: 60000000\r\n"
                      "Expect: 100-continue\r\n\r\n");

    check_problem(&answer, 401, "unauthorized");
    ck_assert_str_eq(client_header(&answer, "WWW-Authenticate", value), "Bearer");
}
END_TEST

START_TEST(bodies_are_capped_by_their_kind)
{
    static const char *const declared[][2] = {{"application/json", "1048577"},
                                              {"application/vnd.safetensors", "67108865"}};
    char text[512];

    for (size_t i = 0; i < 2; i++) {
        snprintf(text, sizeof(text),
                 "POST /v1/projects/a/demonstrations HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer "
                 "%s\r\nContent-Type: %s\r\nContent-Length: %s\r\n\r\n",
                 FIXTURE_TOKEN, declared[i][0], declared[i][1]);
        struct answer answer = client_ask(fixture.port, text);
        check_problem(&answer, 413, "body_too_large");
    }
}
END_TEST

/* A chunked POST of JSON with so many bytes of spaces in front of it. */
static struct answer post_chunked(int fd, size_t spaces)
{
    static const char head[] =
        "POST /v1/projects HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " FIXTURE_TOKEN
        "\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n";
    static const char tail[] = "\r\nA\r\n{\"id\":\"c\"}\r\n0\r\n\r\n";
    char size[32], *filler = malloc(spaces);

    ck_assert_ptr_nonnull(filler);
    memset(filler, ' ', spaces);
    client_send(fd, head, sizeof(head) - 1);
    client_send(fd, size, (size_t)snprintf(size, sizeof(size), "%zx\r\n", spaces));
    client_send(fd, filler, spaces);
    client_send(fd, tail, sizeof(tail) - 1);
    free(filler);
    return client_read(fd, false);
}

START_TEST(a_chunked_body_is_counted)
{
    int fd = client_connect(fixture.port);
    struct answer answer = post_chunked(fd, HTTP_JSON_MAX_BYTES - 10);

    ck_assert_int_eq(answer.status, 201);
    answer = post_chunked(fd, HTTP_JSON_MAX_BYTES - 9);
    check_problem(&answer, 413, "body_too_large");
    ck_assert(client_ended(fd));
    close(fd);
}
END_TEST

START_TEST(only_known_types_are_read)
{
    static const char *const types[] = {"text/plain", "application/json; charset=latin-1",
                                        "application/vnd.safetensors"};
    char text[512];

    for (size_t i = 0; i < 3; i++) {
        snprintf(text, sizeof(text),
                 "POST /v1/projects HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer %s\r\n"
                 "Content-Type: %s\r\nContent-Length: 2\r\n\r\n{}",
                 FIXTURE_TOKEN, types[i]);
        struct answer answer = client_ask(fixture.port, text);
        check_problem(&answer, 415, "unsupported_media_type");
    }
}
END_TEST

START_TEST(octets_must_look_like_tensors)
{
    struct answer answer = client_ask(
        fixture.port, "POST /v1/projects/a/demonstrations HTTP/1.1\r\nHost: t\r\n"
                      "Authorization: Bearer " FIXTURE_TOKEN "\r\n"
                      "Content-Type: application/octet-stream\r\nContent-Length: 12\r\n\r\n"
                      "PK\3\4aaaaaaaa");

    check_problem(&answer, 415, "unsupported_media_type");
}
END_TEST

START_TEST(a_demonstration_may_come_as_json)
{
    int fd = client_connect(fixture.port);
    struct answer answer = client_call(fd, "POST", "/v1/projects/a/demonstrations", "",
                                       "{\"task\":\"t\",\"success\":true,\"states\":[[1,2],[3,4]],"
                                       "\"actions\":[[1],[2]]}");

    ck_assert_msg(answer.status == 201, "%s", answer.body);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"steps\":2"));
    close(fd);
}
END_TEST

START_TEST(an_optional_body_may_be_left_out)
{
    int fd = client_connect(fixture.port);
    struct answer answer = client_call(fd, "DELETE", "/v1/projects/a/demonstrations/d", "", NULL);

    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "no reason"));
    answer = client_call(fd, "DELETE", "/v1/projects/a/demonstrations/d", "",
                         "{\"reason\":\"spilled\"}");
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "spilled"));
    answer = client_call(fd, "DELETE", "/v1/projects/a", "", "{}");
    check_problem(&answer, 415, "unsupported_media_type");
    close(fd);
}
END_TEST

START_TEST(a_retry_with_its_key_changes_nothing)
{
    int fd = client_connect(fixture.port);
    const char *key = "Idempotency-Key: one\r\n";
    struct answer first = client_call(fd, "POST", "/v1/projects", key, "{\"id\":\"a\"}");
    struct answer again = client_call(fd, "POST", "/v1/projects", key, "{\"id\":\"a\"}");
    struct answer fresh = client_call(fd, "POST", "/v1/projects", "", "{\"id\":\"a\"}");

    ck_assert_int_eq(first.status, 201);
    ck_assert_int_eq(again.status, 201);
    ck_assert_str_eq(again.body, first.body);
    ck_assert_int_eq(seq_of(&fresh), seq_of(&first) + 1);
    again = client_call(fd, "POST", "/v1/projects", key, "{\"id\":\"b\"}");
    check_problem(&again, 422, "key_reused");
    close(fd);
}
END_TEST

START_TEST(only_success_is_kept_under_a_key)
{
    int fd = client_connect(fixture.port);
    const char *key = "Idempotency-Key: two\r\n";
    struct answer answer = client_call(fd, "POST", "/v1/projects", key, "{\"id\":\"fail-exists\"}");

    check_problem(&answer, 409, "project_exists");
    answer = client_call(fd, "POST", "/v1/projects", key, "{\"id\":\"fail-prepare\"}");
    check_problem(&answer, 404, "project_not_found");
    answer = client_call(fd, "POST", "/v1/projects", key, "{\"nonsense\":1}");
    check_problem(&answer, 422, "unknown_field");
    ck_assert_uint_eq(fixture_store_replies(fixture.store), 0);
    answer = client_call(fd, "POST", "/v1/projects", key, "{\"id\":\"a\"}");
    ck_assert_int_eq(answer.status, 201);
    close(fd);
}
END_TEST

START_TEST(a_token_that_ends_before_the_transaction_writes_nothing)
{
    static const char *const keys[] = {"", "Idempotency-Key: late\r\n"};
    int fd = client_connect(fixture.port);
    struct answer before = client_call(fd, "POST", "/v1/projects", "", "{\"id\":\"a\"}");
    char value[256];

    for (size_t i = 0; i < 2; i++) {
        struct answer answer =
            client_call(fd, "POST", "/v1/projects", keys[i], "{\"id\":\"revoked-meanwhile\"}");

        check_problem(&answer, 401, "unauthorized");
        ck_assert_str_eq(client_header(&answer, "WWW-Authenticate", value),
                         "Bearer error=\"invalid_token\"");
    }
    ck_assert_uint_eq(fixture_store_replies(fixture.store), 0);
    struct answer after = client_call(fd, "POST", "/v1/projects", "", "{\"id\":\"a\"}");
    ck_assert_int_eq(seq_of(&after), seq_of(&before) + 1);
    close(fd);
}
END_TEST

START_TEST(a_known_key_counts_more_than_a_bad_body)
{
    int fd = client_connect(fixture.port);
    const char *key = "Idempotency-Key: three\r\n";
    struct answer answer = client_call(fd, "POST", "/v1/projects", key, "{\"id\":\"a\"}");

    ck_assert_int_eq(answer.status, 201);
    answer = client_call(fd, "POST", "/v1/projects", key, "{\"id\":\"fail-prepare\"}");
    check_problem(&answer, 422, "key_reused");
    close(fd);
}
END_TEST

static void *post_with_one_key(void *arg)
{
    struct answer *answer = arg;
    int fd = client_connect(fixture.port);

    *answer =
        client_call(fd, "POST", "/v1/projects", "Idempotency-Key: race\r\n", "{\"id\":\"a\"}");
    close(fd);
    return NULL;
}

START_TEST(retries_that_race_have_one_effect)
{
    enum { CLIENTS = 16 };
    static struct answer answers[CLIENTS];
    pthread_t threads[CLIENTS];

    for (int i = 0; i < CLIENTS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, post_with_one_key, &answers[i]), 0);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < CLIENTS; i++) {
        ck_assert_int_eq(answers[i].status, 201);
        ck_assert_str_eq(answers[i].body, answers[0].body);
    }
    ck_assert_uint_eq(fixture_store_replies(fixture.store), 1);
}
END_TEST

START_TEST(a_failed_commit_is_never_a_success)
{
    static const struct {
        int store;
        int status;
        const char *code;
    } rows[] = {{STORE_UNKNOWN, 503, "outcome_unknown"},
                {STORE_FULL, 507, "disk_full"},
                {STORE_NO_MEMORY, 503, "no_memory"},
                {STORE_BUSY, 503, "not_ready"},
                {STORE_CORRUPT, 500, "damaged"}};
    int fd = client_connect(fixture.port);

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        fixture_store_fail_next(fixture.store, rows[i].store);
        struct answer answer =
            client_call(fd, "POST", "/v1/projects", "Idempotency-Key: four\r\n", "{\"id\":\"a\"}");
        check_problem(&answer, rows[i].status, rows[i].code);
    }
    struct answer answer = client_call(fd, "POST", "/v1/projects", "", "{\"id\":\"fail-full\"}");
    check_problem(&answer, 507, "disk_full");
    answer = client_call(fd, "POST", "/v1/projects", "Idempotency-Key: four\r\n", "{\"id\":\"a\"}");
    ck_assert_int_eq(answer.status, 201);
    close(fd);
}
END_TEST

START_TEST(the_log_tells_requests_but_no_secrets)
{
    int fd = client_connect(fixture.port);

    (void)client_call(fd, "GET", "/v1/projects?access_token=" FIXTURE_TOKEN, "", NULL);
    (void)client_call(fd, "GET", "/v1/projects", "", NULL);
    close(fd);
    fixture_stop(&fixture);
    ck_assert_ptr_nonnull(strstr(
        logged.text, " request method=GET path=/v1/projects route=/v1/projects status=400 "));
    ck_assert_ptr_nonnull(strstr(
        logged.text, " request method=GET path=/v1/projects route=/v1/projects status=200 "));
    ck_assert_ptr_null(strstr(logged.text, FIXTURE_TOKEN));
    start();
}
END_TEST

static void *ask_slowly(void *arg)
{
    struct answer *answer = arg;
    int fd = client_connect(fixture.port);

    *answer = client_call(fd, "GET", "/v1/projects/a?wait_s=1", "", NULL);
    if (!client_ended(fd))
        answer->status = -1;
    close(fd);
    return NULL;
}

/* What a handler waits for must not be cut by a stop, and a client that only keeps its connection
 * must not hold the stop up. */
START_TEST(a_stop_waits_for_requests_and_for_nobody_else)
{
    struct answer slow = {0};
    pthread_t asker;
    int idle = client_connect(fixture.port);
    struct answer answer = client_call(idle, "GET", "/healthz", "", NULL);

    ck_assert_int_eq(answer.status, 200);
    ck_assert_int_eq(pthread_create(&asker, NULL, ask_slowly, &slow), 0);
    fixture_await_request();
    fixture_stop(&fixture);
    ck_assert_ptr_null(strstr(logged.text, "cut in the middle"));
    pthread_join(asker, NULL);
    ck_assert_int_eq(slow.status, 200);
    ck_assert(client_ended(idle));
    close(idle);
    start();
}
END_TEST

START_TEST(every_phase_but_ours_has_a_deadline)
{
    ck_assert_int_eq(http_phase_max_ms(HTTP_PHASE_HANDLING, 0), -1);
    ck_assert_int_eq(http_phase_max_ms(HTTP_PHASE_IDLE, 1u << 30), HTTP_IDLE_MAX_MS);
    ck_assert_int_eq(http_phase_max_ms(HTTP_PHASE_HEADERS, 1u << 30), HTTP_HEADERS_MAX_MS);
    ck_assert_int_eq(http_phase_max_ms(HTTP_PHASE_BODY, 0), HTTP_TRANSFER_MAX_MS);
    ck_assert_int_ge(http_phase_max_ms(HTTP_PHASE_SENDING, HTTP_TENSORS_MAX_BYTES),
                     HTTP_TRANSFER_MAX_MS +
                         1000 * (HTTP_TENSORS_MAX_BYTES / HTTP_TRANSFER_MIN_RATE));
}
END_TEST

START_TEST(a_port_that_is_taken_is_named)
{
    struct http_server *server = NULL;
    const struct http_config config = {.address = "127.0.0.1", .port = fixture.port};
    struct http_config nonsense = config;
    char error[256] = "";

    ck_assert_int_eq(http_server_new(&config, &server, error), -1);
    ck_assert_ptr_nonnull(strstr(error, "Address already in use"));
    nonsense.address = "localhost";
    ck_assert_int_eq(http_server_new(&nonsense, &server, error), -1);
    ck_assert_ptr_nonnull(strstr(error, "localhost"));
    ck_assert_ptr_null(server);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        answers_carry_their_headers,
        the_other_form_is_there_for_the_asking,
        one_connection_serves_many_requests,
        pipelined_requests_are_answered_in_order,
        head_is_get_without_the_body,
        a_wrong_method_is_told_the_right_ones,
        without_a_token_nothing_is_read,
        bodies_are_capped_by_their_kind,
        a_chunked_body_is_counted,
        only_known_types_are_read,
        octets_must_look_like_tensors,
        a_demonstration_may_come_as_json,
        an_optional_body_may_be_left_out,
        a_retry_with_its_key_changes_nothing,
        only_success_is_kept_under_a_key,
        a_token_that_ends_before_the_transaction_writes_nothing,
        a_known_key_counts_more_than_a_bad_body,
        retries_that_race_have_one_effect,
        a_failed_commit_is_never_a_success,
        the_log_tells_requests_but_no_secrets,
        a_stop_waits_for_requests_and_for_nobody_else,
        every_phase_but_ours_has_a_deadline,
        a_port_that_is_taken_is_named,
    };

    return SUITE_RUN_WITH("server", tests, start, stop);
}
