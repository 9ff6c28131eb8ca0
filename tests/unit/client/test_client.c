/* What a caller of the C client relies on: requests, results, retries. The transport is a fake one.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <amf_client/client.h>

#include "fake_transport.h"

static struct amf_client *client;
static struct amf_client_result result;

static void set_up(void)
{
    fake_reset();
    ck_assert_int_eq(amf_client_new("http://127.0.0.1:7667/", "secret", &client), AMF_CLIENT_OK);
    amf_client_set_retries(client, 3, 0.001);
    result = (struct amf_client_result)AMF_CLIENT_RESULT_NULL;
}

static void tear_down(void)
{
    amf_client_result_deinit(&result);
    amf_client_free(client);
}

static const char problem[] =
    "{\"type\":\"about:blank\",\"title\":\"t\",\"status\":422,\"code\":\"unknown_task\",\"detail\":"
    "\"there is no task pour\",\"at\":\"/task\",\"request_id\":\"r1\"}";

START_TEST(an_address_has_a_scheme_and_a_host)
{
    static const char *const bad[] = {"",          "127.0.0.1",  "ftp://host",   "http://",
                                      "http:///",  "http://a b", "http://a?b=c", "http://a#b",
                                      "http://\n", "http://a\"b"};
    struct amf_client *other = NULL;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(amf_client_new(bad[i], NULL, &other) == AMF_CLIENT_BAD_ARGUMENT, "%s",
                      bad[i]);
    ck_assert_int_eq(amf_client_new("http://h", "a\r\nX: y", &other), AMF_CLIENT_BAD_ARGUMENT);
    ck_assert_int_eq(amf_client_new("http://h", "", &other), AMF_CLIENT_BAD_ARGUMENT);
    ck_assert_ptr_null(other);
}
END_TEST

START_TEST(names_in_paths_are_encoded)
{
    struct proto_task task;

    fake_answer(404, problem);
    ck_assert_int_eq(amf_client_task_get(client, "a/b", "\xc3\xbc ?#%..", &result, &task),
                     AMF_CLIENT_REFUSED);
    ck_assert_str_eq(fake_requests[0].url,
                     "http://127.0.0.1:7667/v1/projects/a%2Fb/tasks/%C3%BC%20%3F%23%25..");
}
END_TEST

START_TEST(names_that_are_no_names_are_refused_before_sending)
{
    static const char *const bad[] = {"", ".", ".."};

    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(amf_client_project_get(client, bad[i], &result, NULL),
                         AMF_CLIENT_BAD_ARGUMENT);
        ck_assert_int_eq(amf_client_task_delete(client, "p", bad[i], &result),
                         AMF_CLIENT_BAD_ARGUMENT);
    }
    ck_assert_uint_eq(fake_request_count, 0);
}
END_TEST

START_TEST(a_create_sends_only_the_fields_that_were_named)
{
    const char *names[] = {"id", "kernel.variance", "selection"};
    const struct proto_strings fields = {names, 3};
    struct proto_project project;

    proto_project_defaults(&project);
    project.id = "kitchen";
    project.kernel.variance = 2;
    fake_answer(201, "{}");
    ck_assert_int_eq(amf_client_project_create(client, &project, &fields, NULL, &result, NULL),
                     AMF_CLIENT_OK);
    ck_assert_ptr_nonnull(strstr(
        fake_requests[0].body, "{\"id\":\"kitchen\",\"kernel\":{\"variance\":2},\"selection\":{"));
    ck_assert_ptr_nonnull(strstr(fake_requests[0].body, "\"lease_s\":900"));
    ck_assert_ptr_null(strstr(fake_requests[0].body, "title"));
    ck_assert_ptr_null(strstr(fake_requests[0].body, "seq"));
}
END_TEST

START_TEST(what_is_the_servers_to_say_is_never_sent)
{
    struct proto_task task;

    proto_task_defaults(&task);
    task.key = "pour";
    task.demonstrations = 7;
    fake_answer(201, "{}");
    ck_assert_int_eq(amf_client_task_put(client, "kitchen", &task, &result, NULL), AMF_CLIENT_OK);
    ck_assert_str_eq(fake_requests[0].method, "PUT");
    ck_assert_ptr_null(strstr(fake_requests[0].body, "pending"));
    ck_assert_ptr_null(strstr(fake_requests[0].body, "\"demonstrations\""));
    ck_assert_ptr_nonnull(strstr(fake_requests[0].body, "\"max_demonstrations\":null"));
}
END_TEST

START_TEST(a_completion_carries_its_demonstration)
{
    double states[] = {0, 0.5}, actions[] = {1, 2};
    struct proto_demonstration demonstration;
    struct proto_complete complete = {.fence = 3, .demonstration = &demonstration};

    proto_demonstration_defaults(&demonstration);
    demonstration.task = "pour";
    demonstration.states = (struct proto_matrix){states, 2, 1};
    demonstration.actions = (struct proto_matrix){actions, 2, 1};
    fake_answer(200, "{}");
    ck_assert_int_eq(
        amf_client_assignment_complete(client, "kitchen", "a1", &complete, "my-key", &result, NULL),
        AMF_CLIENT_OK);
    ck_assert_str_eq(fake_requests[0].key, "my-key");
    ck_assert_ptr_nonnull(strstr(fake_requests[0].body, "\"fence\":3"));
    ck_assert_ptr_nonnull(strstr(fake_requests[0].body, "\"states\":[[0],[0.5]]"));
    ck_assert_ptr_null(strstr(fake_requests[0].body, "sha256"));
    ck_assert_ptr_null(strstr(fake_requests[0].body, "demonstration_id"));
}
END_TEST

START_TEST(an_answer_comes_as_struct_and_as_bytes)
{
    static const char body[] =
        "{\"seq\":9,\"revision\":\"gp\",\"age_s\":0.5,\"reason\":null,\"from_the_future\":1,"
        "\"assignments\":[{\"id\":\"a1\",\"task\":\"pour\",\"instruction\":\"x\",\"state\":"
        "\"open\","
        "\"fence\":4,\"operator\":\"anna\",\"robot\":null,\"opened_at\":\"t\",\"expires_at\":\"t\","
        "\"rule\":\"warm_start\",\"gain\":null,\"margin\":null,\"why\":\"because\","
        "\"demonstration\":null}]}";
    struct proto_ask ask;
    struct proto_asked asked;
    const struct proto_assignment *assignment;

    proto_ask_defaults(&ask);
    ask.operator_ = "anna";
    fake_answer(201, body);
    ck_assert_int_eq(amf_client_assignment_ask(client, "kitchen", &ask, NULL, &result, &asked),
                     AMF_CLIENT_OK);
    ck_assert_int_eq(result.http_status, 201);
    ck_assert_str_eq(result.body, body);
    ck_assert_uint_eq(asked.assignments.count, 1);
    assignment = asked.assignments.items;
    ck_assert_str_eq(assignment->task, "pour");
    ck_assert_int_eq(assignment->rule, PROTO_RULE_WARM_START);
    ck_assert(isnan(assignment->gain));
    ck_assert_ptr_null(asked.reason);
}
END_TEST

START_TEST(a_refusal_is_a_problem)
{
    struct proto_stored stored = {.id = "untouched"};

    fake_answer(422, problem);
    ck_assert_int_eq(amf_client_demonstration_post_tensors(client, "kitchen",
                                                           (const unsigned char *)"xyz", 3, NULL,
                                                           &result, &stored),
                     AMF_CLIENT_REFUSED);
    ck_assert_str_eq(fake_requests[0].content_type, "application/vnd.safetensors");
    ck_assert_str_eq(fake_requests[0].body, "xyz");
    ck_assert_str_eq(result.problem.code, "unknown_task");
    ck_assert_str_eq(result.problem.at, "/task");
    ck_assert_str_eq(stored.id, "untouched");
}
END_TEST

START_TEST(an_error_of_another_program_has_its_status_as_code)
{
    fake_answer(502, "<html>");
    fake_answers[0].content_type = "text/html";
    ck_assert_int_eq(amf_client_project_list(client, NULL, &result, NULL), AMF_CLIENT_REFUSED);
    ck_assert_str_eq(result.problem.code, "http_502");
    ck_assert_int_eq(result.problem.status, 502);
}
END_TEST

START_TEST(an_answer_that_breaks_the_contract_is_told_apart)
{
    struct proto_project project;

    fake_answer(200, "hello");
    ck_assert_int_eq(amf_client_project_get(client, "p", &result, &project), AMF_CLIENT_BAD_ANSWER);
    ck_assert_ptr_nonnull(strstr(result.error, "Project"));
    ck_assert_str_eq(result.body, "hello");

    fake_reset();
    fake_answer(302, "");
    ck_assert_int_eq(amf_client_project_get(client, "p", &result, NULL), AMF_CLIENT_BAD_ANSWER);

    fake_reset(); /* JSON where a safetensors file was asked for */
    fake_answer(200, "{}");
    ck_assert_int_eq(amf_client_demonstration_get_tensors(client, "p", "d", &result),
                     AMF_CLIENT_BAD_ANSWER);
}
END_TEST

START_TEST(a_post_is_repeated_with_the_same_key)
{
    fake_outcome(TRANSPORT_NOT_SENT);
    fake_outcome(TRANSPORT_BROKEN);
    fake_answer(503, problem);
    fake_answer(201, "{}");
    ck_assert_int_eq(amf_client_demonstration_post_tensors(client, "p", (const unsigned char *)"x",
                                                           1, NULL, &result, NULL),
                     AMF_CLIENT_OK);
    ck_assert_uint_eq(result.attempts, 4);
    ck_assert_uint_eq(strlen(result.key), 32);
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(fake_requests[i].key, result.key);
}
END_TEST

START_TEST(two_posts_have_two_keys)
{
    char first[65];

    fake_answer(201, "{}");
    ck_assert_int_eq(amf_client_demonstration_post_tensors(client, "p", (const unsigned char *)"x",
                                                           1, NULL, &result, NULL),
                     AMF_CLIENT_OK);
    memcpy(first, result.key, sizeof(first));
    ck_assert_int_eq(amf_client_demonstration_post_tensors(client, "p", (const unsigned char *)"x",
                                                           1, NULL, &result, NULL),
                     AMF_CLIENT_OK);
    ck_assert_str_ne(first, result.key);
}
END_TEST

START_TEST(repeats_end)
{
    fake_answer(503, problem);
    ck_assert_int_eq(amf_client_project_list(client, NULL, &result, NULL), AMF_CLIENT_REFUSED);
    ck_assert_uint_eq(fake_request_count, 4);

    fake_reset();
    fake_outcome(TRANSPORT_NOT_SENT);
    ck_assert_int_eq(amf_client_project_list(client, NULL, &result, NULL), AMF_CLIENT_UNREACHABLE);
    ck_assert_uint_eq(fake_request_count, 4);
    ck_assert_int_eq(result.http_status, 0);
}
END_TEST

START_TEST(what_could_do_harm_twice_is_not_repeated)
{
    fake_outcome(TRANSPORT_BROKEN);
    ck_assert_int_eq(amf_client_demonstration_delete(client, "p", "d", "why", &result),
                     AMF_CLIENT_UNREACHABLE);
    ck_assert_uint_eq(fake_request_count, 1);
    ck_assert_str_eq(fake_requests[0].body, "{\"reason\":\"why\"}");

    fake_reset();
    fake_outcome(TRANSPORT_NOT_SENT);
    fake_answer(204, "");
    ck_assert_int_eq(amf_client_project_delete(client, "p", &result), AMF_CLIENT_OK);
    ck_assert_uint_eq(fake_request_count, 2);
}
END_TEST

START_TEST(refusals_are_not_repeated)
{
    static const long statuses[] = {400, 401, 404, 409, 413, 422, 500, 507};

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        fake_reset();
        fake_answer(statuses[i], problem);
        ck_assert_int_eq(amf_client_project_list(client, NULL, &result, NULL), AMF_CLIENT_REFUSED);
        ck_assert_uint_eq(fake_request_count, 1);
    }
}
END_TEST

START_TEST(lists_are_asked_for_by_page)
{
    const struct amf_client_page page = {.limit = 5, .cursor = "a&b=c"};
    struct proto_demonstration_list list;

    fake_answer(200, "{\"demonstrations\":[],\"next_cursor\":\"x\"}");
    ck_assert_int_eq(amf_client_demonstration_list(client, "p", &page, &result, &list),
                     AMF_CLIENT_OK);
    ck_assert_str_eq(fake_requests[0].url,
                     "http://127.0.0.1:7667/v1/projects/p/demonstrations?limit=5&cursor=a%26b%3Dc");
    ck_assert_str_eq(list.next_cursor, "x");
}
END_TEST

START_TEST(a_decision_comes_with_what_it_was_made_of)
{
    static const char body[] =
        "{\"id\":\"a1\",\"task\":\"t\",\"state\":\"open\",\"rule\":\"criterion\",\"gain\":1.5,"
        "\"basis\":{\"revision\":\"gp\",\"scores\":{\"tasks\":[\"t\",\"u\"],\"values\":[1.5,1],"
        "\"total\":9}}}";
    struct proto_decision decision = {0};

    fake_answer(200, body);
    ck_assert_int_eq(amf_client_decision_get(client, "p", "a1", &result, &decision), AMF_CLIENT_OK);
    ck_assert_str_eq(fake_requests[0].url, "http://127.0.0.1:7667/v1/projects/p/decisions/a1");
    ck_assert_int_eq(decision.rule, PROTO_RULE_CRITERION);
    ck_assert_str_eq(decision.basis->scores->tasks.items[1], "u");
    ck_assert_double_eq(decision.basis->scores->values.items[0], 1.5);
    ck_assert_int_eq(decision.basis->scores->total, 9);
    ck_assert_ptr_null(decision.basis->pending);
}
END_TEST

START_TEST(a_report_is_asked_for_by_project)
{
    struct proto_report report = {0};

    fake_answer(200, "{\"decisions\":3,\"rounds\":[{\"round\":3,\"id\":\"a9\",\"gain\":null}]}");
    ck_assert_int_eq(amf_client_report_get(client, "p", &result, &report), AMF_CLIENT_OK);
    ck_assert_str_eq(fake_requests[0].url, "http://127.0.0.1:7667/v1/projects/p/report");
    ck_assert_int_eq(report.decisions, 3);
    ck_assert(isnan(((const struct proto_round *)report.rounds.items)->gain));
}
END_TEST

START_TEST(events_are_asked_for_by_the_last_that_is_known)
{
    struct proto_event_list list;
    const struct proto_event *event;

    fake_answer(200, "{\"events\":[{\"seq\":8,\"at\":\"2026-11-21T00:00:00.000Z\",\"type\":"
                     "\"of_a_later_version\",\"id\":\"x\",\"more\":{}}],\"seq\":9}");
    ck_assert_int_eq(amf_client_event_list(client, "p", 7, 1, 2.5, &result, &list), AMF_CLIENT_OK);
    ck_assert_str_eq(fake_requests[0].url,
                     "http://127.0.0.1:7667/v1/projects/p/events?limit=1&after=7&wait_s=2.500");
    ck_assert_uint_eq(list.events.count, 1);
    event = list.events.items;
    ck_assert_int_eq(event->seq, 8);
    ck_assert_str_eq(event->type, "of_a_later_version");
    ck_assert_ptr_null(event->task);
    ck_assert_int_eq(list.seq, 9);
    ck_assert_int_eq(amf_client_event_list(client, "p", 0, 0, 0, &result, NULL), AMF_CLIENT_OK);
    ck_assert_str_eq(fake_requests[1].url, "http://127.0.0.1:7667/v1/projects/p/events");
}
END_TEST

START_TEST(figures_come_as_text_and_need_the_token)
{
    fake_answers[fake_answer_count++] = (struct fake_answer){
        .status = 200, .content_type = "text/plain; version=0.0.4; charset=utf-8", .body = "a 1\n"};
    ck_assert_int_eq(amf_client_metrics(client, &result), AMF_CLIENT_OK);
    ck_assert_str_eq(result.body, "a 1\n");
    ck_assert_str_eq(fake_requests[0].url, "http://127.0.0.1:7667/metrics");
    ck_assert_str_eq(fake_requests[0].accept, "text/plain");
    ck_assert_str_eq(fake_requests[0].token, "secret");
}
END_TEST

START_TEST(the_token_stays_at_home_for_public_endpoints)
{
    fake_answer(200, "{}");
    ck_assert_int_eq(amf_client_healthz(client, &result, NULL), AMF_CLIENT_OK);
    ck_assert_int_eq(amf_client_readyz(client, &result, NULL), AMF_CLIENT_OK);
    ck_assert_int_eq(amf_client_version(client, &result, NULL), AMF_CLIENT_OK);
    ck_assert_int_eq(amf_client_project_list(client, NULL, &result, NULL), AMF_CLIENT_OK);
    for (size_t i = 0; i < 3; i++)
        ck_assert_str_eq(fake_requests[i].token, "");
    ck_assert_str_eq(fake_requests[3].token, "secret");
}
END_TEST

START_TEST(keys_that_cannot_be_sent_are_refused)
{
    static const char *const bad[] = {
        "", "a b", "a\nb", "\xc3\xbc",
        "12345678901234567890123456789012345678901234567890123456789012345"};
    struct proto_ask ask;

    proto_ask_defaults(&ask);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(amf_client_assignment_ask(client, "p", &ask, bad[i], &result, NULL),
                         AMF_CLIENT_BAD_ARGUMENT);
    ck_assert_uint_eq(fake_request_count, 0);
}
END_TEST

START_TEST(numbers_that_json_cannot_say_are_refused)
{
    struct proto_task task;

    proto_task_defaults(&task);
    task.key = "pour";
    task.weight = NAN;
    ck_assert_int_eq(amf_client_task_put(client, "p", &task, &result, NULL),
                     AMF_CLIENT_BAD_ARGUMENT);
    ck_assert_uint_eq(fake_request_count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client");
    TCase *tests = tcase_create("client");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, an_address_has_a_scheme_and_a_host);
    tcase_add_test(tests, names_in_paths_are_encoded);
    tcase_add_test(tests, names_that_are_no_names_are_refused_before_sending);
    tcase_add_test(tests, a_create_sends_only_the_fields_that_were_named);
    tcase_add_test(tests, what_is_the_servers_to_say_is_never_sent);
    tcase_add_test(tests, a_completion_carries_its_demonstration);
    tcase_add_test(tests, an_answer_comes_as_struct_and_as_bytes);
    tcase_add_test(tests, a_refusal_is_a_problem);
    tcase_add_test(tests, an_error_of_another_program_has_its_status_as_code);
    tcase_add_test(tests, an_answer_that_breaks_the_contract_is_told_apart);
    tcase_add_test(tests, a_post_is_repeated_with_the_same_key);
    tcase_add_test(tests, two_posts_have_two_keys);
    tcase_add_test(tests, repeats_end);
    tcase_add_test(tests, what_could_do_harm_twice_is_not_repeated);
    tcase_add_test(tests, refusals_are_not_repeated);
    tcase_add_test(tests, lists_are_asked_for_by_page);
    tcase_add_test(tests, a_decision_comes_with_what_it_was_made_of);
    tcase_add_test(tests, a_report_is_asked_for_by_project);
    tcase_add_test(tests, events_are_asked_for_by_the_last_that_is_known);
    tcase_add_test(tests, figures_come_as_text_and_need_the_token);
    tcase_add_test(tests, the_token_stays_at_home_for_public_endpoints);
    tcase_add_test(tests, keys_that_cannot_be_sent_are_refused);
    tcase_add_test(tests, numbers_that_json_cannot_say_are_refused);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    failed = srunner_has_tap(runner) ? 0 : srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}
