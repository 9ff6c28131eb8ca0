/* Archives of projects: what is written is read, and nothing else is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proto/archive.h>

#include "support.h"

static const struct proto_archive_event events[] = {
    {1, 0, "project_created", "{\"id\":\"k\"}", NULL},
    {2, 1795262598250, "demonstration_added", "{\"id\":\"d0000000002\"}", "d0000000002"},
    {3, 253402300799999, "demonstration_added", "{}", "d0000000003"},
};
#define EVENT_COUNT (sizeof(events) / sizeof(events[0]))

struct archive {
    unsigned char bytes[16384];
    size_t length;
};

static void put_entry(struct proto_archive_writer *writer, const char *name, const void *bytes,
                      size_t length)
{
    ck_assert_int_eq(proto_archive_begin(writer, name, length), 0);
    ck_assert_int_eq(proto_archive_put(writer, bytes, length), 0);
    ck_assert_int_eq(proto_archive_end(writer), 0);
}

static void put_head(struct proto_archive_writer *writer, size_t events_bytes, int format)
{
    char head[512];

    snprintf(head, sizeof(head),
             "{\"format\":%d,\"project\":\"k\",\"seq\":3,\"at\":\"2026-11-21T10:03:18.250Z\","
             "\"version\":\"7.7.7\",\"events_bytes\":%zu,\"demonstrations\":2,"
             "\"demonstration_bytes\":601,\"leases\":[],\"from_the_future\":1}",
             format, events_bytes);
    put_entry(writer, "export.json", head, strlen(head));
}

static struct archive make_archive(int format)
{
    struct proto_archive_writer *writer = proto_archive_writer_new();
    struct archive archive = {.length = 0};
    char blob[600];
    size_t bytes = 0;

    ck_assert_ptr_nonnull(writer);
    memset(blob, 'x', sizeof(blob));
    for (size_t i = 0; i < EVENT_COUNT; i++)
        bytes += proto_archive_event_bytes(&events[i]);
    put_head(writer, bytes, format);
    ck_assert_int_eq(proto_archive_begin(writer, "events.jsonl", bytes), 0);
    for (size_t i = 0; i < EVENT_COUNT; i++)
        ck_assert_int_eq(proto_archive_put_event(writer, &events[i]), 0);
    ck_assert_int_eq(proto_archive_end(writer), 0);
    put_entry(writer, "demonstrations/d0000000002.safetensors", blob, sizeof(blob));
    put_entry(writer, "demonstrations/d0000000003.safetensors", "y", 1);
    ck_assert_int_eq(proto_archive_finish(writer), 0);
    while (proto_archive_waiting(writer)) /* in pieces that fit nothing */
        archive.length += proto_archive_take(writer, archive.bytes + archive.length, 77);
    proto_archive_writer_free(writer);
    return archive;
}

static enum proto_code read_all(const struct archive *archive, size_t piece,
                                const struct proto_archive_sink *sink, struct proto_error *error)
{
    const struct proto_archive_sink nothing = {NULL, NULL, NULL};
    struct proto_archive_reader *reader = proto_archive_reader_new(sink ? sink : &nothing);
    enum proto_code code = PROTO_CODE_OK;

    ck_assert_ptr_nonnull(reader);
    for (size_t at = 0; at < archive->length && code == PROTO_CODE_OK; at += piece)
        code =
            proto_archive_read(reader, archive->bytes + at,
                               piece < archive->length - at ? piece : archive->length - at, error);
    if (code == PROTO_CODE_OK)
        code = proto_archive_read_end(reader, error);
    if (code == PROTO_CODE_OK)
        ck_assert_int_eq(proto_archive_head(reader)->seq, 3);
    proto_archive_reader_free(reader);
    return code;
}

struct seen {
    char names[512];
    uint64_t bytes;
    const struct archive *archive;
};

static enum proto_code on_begin(void *arg, const struct proto_archive_entry *entry,
                                struct proto_error *ret_error)
{
    struct seen *seen = arg;
    size_t used = strlen(seen->names);

    (void)ret_error;
    snprintf(seen->names + used, sizeof(seen->names) - used, "%s ", entry->name);
    if (strchr(entry->name, '3'))
        ck_assert_int_eq(seen->archive->bytes[entry->at], 'y');
    return PROTO_CODE_OK;
}

static enum proto_code on_bytes(void *arg, const struct proto_archive_entry *entry,
                                const unsigned char *bytes, size_t length,
                                struct proto_error *ret_error)
{
    struct seen *seen = arg;

    (void)bytes;
    (void)ret_error;
    if (strchr(entry->name, '/'))
        seen->bytes += length;
    return PROTO_CODE_OK;
}

START_TEST(what_is_written_is_read_in_pieces_of_any_size)
{
    const struct archive archive = make_archive(1);
    struct proto_error error;

    ck_assert_uint_eq(archive.length % PROTO_ARCHIVE_BLOCK_BYTES, 0);
    for (size_t piece = 1; piece < 1100; piece += 9) {
        struct seen seen = {.archive = &archive};
        const struct proto_archive_sink sink = {on_begin, on_bytes, &seen};

        ck_assert_int_eq(read_all(&archive, piece, &sink, &error), PROTO_CODE_OK);
        ck_assert_uint_eq(seen.bytes, 601);
        ck_assert_str_eq(seen.names, "export.json events.jsonl "
                                     "demonstrations/d0000000002.safetensors "
                                     "demonstrations/d0000000003.safetensors SHA256SUMS ");
    }
}
END_TEST

START_TEST(torn_anywhere_it_is_refused)
{
    const struct archive archive = make_archive(1);
    struct proto_error error;

    for (size_t length = 0; length < archive.length; length++) {
        GUARDED_CLEANUP struct guarded copy = guarded_copy(archive.bytes, length);
        struct archive torn = {.length = length};

        memcpy(torn.bytes, copy.bytes, length);
        ck_assert_int_eq(read_all(&torn, 1000, NULL, &error), PROTO_CODE_MALFORMED_ARCHIVE);
        ck_assert_ptr_nonnull(strstr(error.detail, "torn"));
    }
}
END_TEST

START_TEST(with_any_bit_turned_it_is_refused)
{
    struct archive archive = make_archive(1);
    struct proto_error error;

    for (size_t place = 0; place < archive.length; place++) {
        unsigned char bit = (unsigned char)(1 << place % 8);

        archive.bytes[place] ^= bit;
        ck_assert_int_ne(read_all(&archive, 4096, NULL, &error), PROTO_CODE_OK);
        archive.bytes[place] ^= bit;
    }
    ck_assert_int_eq(read_all(&archive, 4096, NULL, &error), PROTO_CODE_OK);
}
END_TEST

START_TEST(the_entry_that_was_altered_is_named)
{
    struct archive archive = make_archive(1);
    struct proto_error error;

    for (size_t i = 0; i < archive.length; i++)
        if (archive.bytes[i] == 'x' && archive.bytes[i + 1] == 'x') {
            archive.bytes[i] = 'z';
            break;
        }
    ck_assert_int_eq(read_all(&archive, 100, NULL, &error), PROTO_CODE_MALFORMED_ARCHIVE);
    ck_assert_str_eq(error.at, "demonstrations/d0000000002.safetensors");
}
END_TEST

START_TEST(nothing_may_stand_behind_the_end)
{
    struct archive archive = make_archive(1);
    struct proto_error error;

    archive.length++;
    ck_assert_int_eq(read_all(&archive, 4096, NULL, &error), PROTO_CODE_MALFORMED_ARCHIVE);
}
END_TEST

START_TEST(a_newer_format_is_told_with_the_version_that_wrote_it)
{
    const struct archive archive = make_archive(2);
    struct proto_error error;

    ck_assert_int_eq(read_all(&archive, 4096, NULL, &error), PROTO_CODE_NOT_SUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.detail, "7.7.7"));
}
END_TEST

START_TEST(an_entry_has_as_many_bytes_as_were_announced)
{
    struct proto_archive_writer *writer = proto_archive_writer_new();

    ck_assert_int_eq(proto_archive_begin(writer, "export.json", 3), 0);
    ck_assert_int_eq(proto_archive_put(writer, "ab", 2), 0);
    ck_assert_int_eq(proto_archive_end(writer), -1);
    ck_assert_int_eq(proto_archive_put(writer, "cd", 2), -1);
    ck_assert_int_eq(proto_archive_begin(writer, "", 3), -1);
    ck_assert_int_eq(proto_archive_begin(writer, "export.json", PROTO_ARCHIVE_ENTRY_MAX_BYTES), -1);
    proto_archive_writer_free(writer);
}
END_TEST

static const char *const lines[] = {
    "",
    "{}",
    "{\"seq\":1,\"at\":\"2026-11-21T10:03:18.250Z\",\"type\":\"t\",\"blob\":null,\"body\":{",
    "{\"seq\":01,\"at\":\"2026-11-21T10:03:18.250Z\",\"type\":\"t\",\"blob\":null,\"body\":{}}",
    "{\"seq\":0,\"at\":\"2026-11-21T10:03:18.250Z\",\"type\":\"t\",\"blob\":null,\"body\":{}}",
    "{\"seq\":-1,\"at\":\"2026-11-21T10:03:18.250Z\",\"type\":\"t\",\"blob\":null,\"body\":{}}",
    "{\"seq\":9999999999999999999,\"at\":\"2026-11-21T10:03:18.250Z\",\"type\":\"t\",\"blob\":null,"
    "\"body\":{}}",
    "{\"seq\":1,\"at\":\"2026-11-21T10:03:18Z\",\"type\":\"t\",\"blob\":null,\"body\":{}}",
    "{\"seq\":1,\"at\":\"2026-02-29T10:03:18.250Z\",\"type\":\"t\",\"blob\":null,\"body\":{}}",
    "{\"seq\":1,\"at\":\"2026-11-21T10:03:18.250Z\",\"type\":\"T\",\"blob\":null,\"body\":{}}",
    "{\"seq\":1,\"at\":\"2026-11-21T10:03:18.250Z\",\"type\":\"\",\"blob\":null,\"body\":{}}",
    "{\"seq\":1,\"at\":\"2026-11-21T10:03:18.250Z\",\"type\":\"t\",\"blob\":\"../x\",\"body\":{}}",
    "{\"seq\":1,\"at\":\"2026-11-21T10:03:18.250Z\",\"type\":\"t\",\"blob\":\"d1\",\"body\":{}}",
    "{\"seq\":1,\"at\":\"2026-11-21T10:03:18.250Z\",\"type\":\"t\",\"blob\":null, \"body\":{}}",
    "{\"seq\":1,\"type\":\"t\",\"at\":\"2026-11-21T10:03:18.250Z\",\"blob\":null,\"body\":{}}",
    " {\"seq\":1,\"at\":\"2026-11-21T10:03:18.250Z\",\"type\":\"t\",\"blob\":null,\"body\":{}}",
};

START_TEST(a_line_in_another_form_is_refused)
{
    struct proto_archive_event event = {.seq = 77};
    char *line = strdup(lines[_i]);

    ck_assert_int_eq(proto_archive_event_parse(line, strlen(line), &event), -1);
    ck_assert_int_eq(event.seq, 77);
    free(line);
}
END_TEST

START_TEST(a_line_comes_apart_as_it_was_put_together)
{
    char line[] = "{\"seq\":42,\"at\":\"2026-11-21T10:03:18.250Z\",\"type\":\"task_put\","
                  "\"blob\":\"d0000000042\",\"body\":{\"key\":\"a}\"}}";
    struct proto_archive_event event;

    ck_assert_int_eq(proto_archive_event_parse(line, strlen(line), &event), 0);
    ck_assert_int_eq(event.seq, 42);
    ck_assert_int_eq(event.at_ms, 1795255398250);
    ck_assert_str_eq(event.type, "task_put");
    ck_assert_str_eq(event.blob, "d0000000042");
    ck_assert_str_eq(event.body, "{\"key\":\"a}\"}");
}
END_TEST

START_TEST(a_line_with_a_nul_or_a_newline_is_none)
{
    char line[] = "{\"seq\":1,\"at\":\"2026-11-21T10:03:18.250Z\",\"type\":\"t\",\"blob\":null,"
                  "\"body\":{\"a\":1}}";
    struct proto_archive_event event = events[0];
    size_t length = strlen(line);

    event.body = "{\n}";
    ck_assert_uint_eq(proto_archive_event_bytes(&event), 0);
    line[length - 4] = '\0';
    ck_assert_int_eq(proto_archive_event_parse(line, length, &event), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive");
    TCase *tests = tcase_create("archive");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_is_written_is_read_in_pieces_of_any_size);
    tcase_add_test(tests, torn_anywhere_it_is_refused);
    tcase_add_test(tests, with_any_bit_turned_it_is_refused);
    tcase_add_test(tests, the_entry_that_was_altered_is_named);
    tcase_add_test(tests, nothing_may_stand_behind_the_end);
    tcase_add_test(tests, a_newer_format_is_told_with_the_version_that_wrote_it);
    tcase_add_test(tests, an_entry_has_as_many_bytes_as_were_announced);
    tcase_add_loop_test(tests, a_line_in_another_form_is_refused, 0,
                        (int)(sizeof(lines) / sizeof(lines[0])));
    tcase_add_test(tests, a_line_comes_apart_as_it_was_put_together);
    tcase_add_test(tests, a_line_with_a_nul_or_a_newline_is_none);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
