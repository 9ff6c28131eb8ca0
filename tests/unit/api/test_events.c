/* Server-sent events as bytes: what EventSource would read out of an answer of the feed. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <src/verbs.h>

static void streams_as(const struct proto_event_list *list, const char *expected)
{
    char *bytes;
    size_t length;

    ck_assert_int_eq(api_event_stream(list, &bytes, &length), 0);
    ck_assert_uint_eq(length, strlen(expected));
    ck_assert_mem_eq(bytes, expected, length);
    free(bytes);
}

START_TEST(events_have_their_number_as_id)
{
    struct proto_event events[] = {{.seq = 7, .text = "{\"seq\":7}"},
                                   {.seq = 9007199254740991, .text = "{\"a\":\"\\n\\r\"}"}};
    const struct proto_event_list list = {.events = {events, 2}};

    streams_as(&list, "id: 7\ndata: {\"seq\":7}\n\n"
                      "id: 9007199254740991\ndata: {\"a\":\"\\n\\r\"}\n\n");
}
END_TEST

START_TEST(a_ranking_is_named_and_has_no_id)
{
    const struct proto_ranking_notice notice = {.seq = 3, .rule = PROTO_RULE_CRITERION};
    const struct proto_event_list list = {.ranking = &notice};

    streams_as(&list, "event: ranking\ndata: {\"seq\":3,\"rule\":\"criterion\",\"choice\":null,"
                      "\"provisional\":false}\n\n");
}
END_TEST

START_TEST(nothing_is_no_bytes)
{
    streams_as(&(struct proto_event_list){0}, "");
}
END_TEST

/* A line break would end the field, and what follows it would be read as another. */
START_TEST(no_text_breaks_the_line)
{
    struct proto_event event = {.seq = 1,
                                .at = "2026-11-21T00:00:00.000Z",
                                .type = "task_deleted",
                                .id = "a",
                                .reason = "one\ntwo\rthree\xe2\x80\xa8\nid: 9\n\ndata: x"};
    char *text;
    size_t length;

    ck_assert_int_eq(proto_encode(&proto_event_shape, &event, &text, &length), 0);
    ck_assert_uint_eq(strcspn(text, "\r\n"), length);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api events");
    TCase *tests = tcase_create("stream");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tests, events_have_their_number_as_id);
    tcase_add_test(tests, a_ranking_is_named_and_has_no_id);
    tcase_add_test(tests, nothing_is_no_bytes);
    tcase_add_test(tests, no_text_breaks_the_line);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0;
}
