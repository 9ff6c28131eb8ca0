/* Lines of the log: what they look like, and that no byte of a client can break out of one. */
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <jansson.h>

#include <log/log.h>

#define AT "2026-11-21T10:03:18.250Z"

static size_t format(enum log_form form, const struct log_field *fields, size_t count,
                     char ret_line[LOG_LINE_BYTES])
{
    const struct log_record record = {LOG_WARNING, "request", fields, count};
    size_t length = log_format(&record, form, AT, ret_line);

    ck_assert_uint_lt(length, LOG_LINE_BYTES);
    ck_assert_uint_eq(strlen(ret_line), length);
    ck_assert_ptr_eq(strchr(ret_line, '\n'), ret_line + length - 1);
    for (size_t i = 0; i + 1 < length; i++)
        ck_assert_msg(ret_line[i] >= 0x20 && ret_line[i] < 0x7f, "byte %d in: %s", ret_line[i],
                      ret_line);
    return length;
}

static json_t *format_json(const struct log_field *fields, size_t count)
{
    char line[LOG_LINE_BYTES];
    json_error_t error;
    json_t *object;

    format(LOG_FORM_JSON, fields, count, line);
    object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(json_is_object(object), "%s: %s", error.text, line);
    return object;
}

START_TEST(a_record_reads_as_text_and_as_json)
{
    const struct log_field fields[] = {log_text("method", "GET"), log_number("status", 200),
                                       log_text("why", "no space = \"full\""),
                                       log_text("project", NULL), log_number("seq", INT64_MIN)};
    char line[LOG_LINE_BYTES];

    format(LOG_FORM_TEXT, fields, 5, line);
    ck_assert_str_eq(line, AT " warning request method=GET status=200 why=\"no space = "
                              "\\\"full\\\"\" project=\"\" seq=-9223372036854775808\n");
    format(LOG_FORM_JSON, fields, 5, line);
    ck_assert_str_eq(line, "{\"time\":\"" AT "\",\"level\":\"warning\",\"what\":\"request\","
                           "\"method\":\"GET\",\"status\":200,\"why\":\"no space = \\\"full\\\"\","
                           "\"project\":\"\",\"seq\":-9223372036854775808}\n");
}
END_TEST

START_TEST(every_byte_stays_inside_its_value)
{
    for (int byte = 1; byte < 256; byte++) {
        const char text[] = {'a', (char)byte, '\xff', '\n', 'b', '\0'};
        const struct log_field fields[] = {log_text("path", text), log_number("status", 404)};
        char line[LOG_LINE_BYTES];
        json_t *object = format_json(fields, 2);

        ck_assert_int_eq(json_integer_value(json_object_get(object, "status")), 404);
        ck_assert_uint_eq(json_object_size(object), 5);
        json_decref(object);
        format(LOG_FORM_TEXT, fields, 2, line);
        ck_assert_ptr_nonnull(strstr(line, "\\xff\\nb"));
    }
}
END_TEST

/* Two texts are never written alike: who reads an escape knows which byte it was. */
START_TEST(escapes_are_not_ambiguous)
{
    const struct log_field byte = log_text("path", "\n"), spelt = log_text("path", "\\n");
    char first[LOG_LINE_BYTES], second[LOG_LINE_BYTES];

    for (int form = LOG_FORM_TEXT; form <= LOG_FORM_JSON; form++) {
        format((enum log_form)form, &byte, 1, first);
        format((enum log_form)form, &spelt, 1, second);
        ck_assert_str_ne(first, second);
    }
    json_t *object = format_json(&byte, 1);
    ck_assert_str_eq(json_string_value(json_object_get(object, "path")), "\\n");
    json_decref(object);
}
END_TEST

START_TEST(long_values_are_cut_and_long_lines_say_so)
{
    char text[20000];
    struct log_field fields[40];
    json_t *object;

    for (int byte = 0x1f; byte <= 0x20; byte++) { /* once as four bytes, once as one */
        memset(text, byte, sizeof text - 1);
        text[sizeof text - 1] = '\0';
        for (size_t i = 0; i < 40; i++)
            fields[i] = log_text("path", text);
        object = format_json(fields, 1);
        const char *value = json_string_value(json_object_get(object, "path"));
        ck_assert_uint_le(strlen(value), LOG_VALUE_BYTES);
        ck_assert_str_eq(value + strlen(value) - 3, "...");
        ck_assert_ptr_null(json_object_get(object, "cut"));
        json_decref(object);
        char line[LOG_LINE_BYTES];
        format(LOG_FORM_JSON, fields, 40, line);
        ck_assert_ptr_nonnull(strstr(line, "\",\"cut\":true}\n"));
        format(LOG_FORM_TEXT, fields, 40, line);
        ck_assert_ptr_nonnull(strstr(line, " cut=true\n"));
    }
}
END_TEST

/* A field beyond the room does not take a later, smaller one with it. */
START_TEST(what_fits_is_kept)
{
    char text[600];
    struct log_field fields[12];
    json_t *object;

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t i = 0; i < 11; i++) {
        static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"};
        fields[i] = log_text(names[i], text);
    }
    fields[11] = log_text("request_id", "0123");
    object = format_json(fields, 12);
    ck_assert_str_eq(json_string_value(json_object_get(object, "request_id")), "0123");
    ck_assert_ptr_null(json_object_get(object, "k"));
    ck_assert(json_is_true(json_object_get(object, "cut")));
    json_decref(object);
}
END_TEST

START_TEST(nobody_listens)
{
    const struct log_sink sink = {NULL, NULL};

    log_tell(&sink, LOG_ERROR, "said to nobody", NULL, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *lines = tcase_create("lines");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, lines);
    tcase_add_test(lines, a_record_reads_as_text_and_as_json);
    tcase_add_test(lines, every_byte_stays_inside_its_value);
    tcase_add_test(lines, escapes_are_not_ambiguous);
    tcase_add_test(lines, long_values_are_cut_and_long_lines_say_so);
    tcase_add_test(lines, what_fits_is_kept);
    tcase_add_test(lines, nobody_listens);
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0; /* the report says what failed */
}
