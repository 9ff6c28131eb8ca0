/* A line of events.jsonl:
 *
 *     {"seq":7,"at":"2026-11-21T10:03:18.250Z","type":"task_put","blob":null,"body":{...}}
 *
 * JSON for whoever reads it, and one fixed form for us: the body is the very text of the log, and a
 * line is read by taking it apart and comparing what was taken with what would be written.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <proto/time.h>

#include "archive.h"
#include "archive_event.h"

#define TYPE_MAX_LENGTH 64

static bool is_type(const char *text)
{
    size_t length = strlen(text);

    return length > 0 && length <= TYPE_MAX_LENGTH &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz_") == length;
}

int archive_event_front(const struct proto_archive_event *event,
                        char ret_front[ARCHIVE_EVENT_FRONT_BYTES])
{
    char at[PROTO_TIME_BYTES], name[PROTO_ARCHIVE_NAME_BYTES];
    const char *quote = event->blob ? "\"" : "";

    if (event->seq < 1 || !is_type(event->type) || proto_time_format(event->at_ms, at) < 0 ||
        (event->blob && proto_archive_blob_name(event->blob, name) < 0))
        return -1;
    return snprintf(ret_front, ARCHIVE_EVENT_FRONT_BYTES,
                    "{\"seq\":%" PRId64 ",\"at\":\"%s\",\"type\":\"%s\",\"blob\":%s%s%s,\"body\":",
                    event->seq, at, event->type, quote, event->blob ? event->blob : "null", quote);
}

size_t proto_archive_event_bytes(const struct proto_archive_event *event)
{
    char front[ARCHIVE_EVENT_FRONT_BYTES];
    int length = archive_event_front(event, front);
    size_t body = strnlen(event->body, PROTO_ARCHIVE_LINE_MAX_BYTES);

    if (length < 0 || strchr(event->body, '\n') ||
        body + (size_t)length + 2 > PROTO_ARCHIVE_LINE_MAX_BYTES)
        return 0;
    return (size_t)length + body + strlen("}\n");
}

/* Steps over `wanted`; false: something else stands there. */
static bool skip(char **at, const char *wanted)
{
    size_t length = strlen(wanted);

    if (strncmp(*at, wanted, length) != 0)
        return false;
    *at += length;
    return true;
}

/* The text up to the next quote, which becomes its end. NULL: there is none. */
static char *take_text(char **at)
{
    char *text = *at, *quote = strchr(text, '"');

    if (!quote)
        return NULL;
    *quote = '\0';
    *at = quote + 1;
    return text;
}

static bool take_number(char **at, int64_t *ret_number)
{
    size_t length = strspn(*at, "0123456789");
    int64_t number = 0;

    if (length == 0 || length > 18)
        return false;
    for (size_t i = 0; i < length; i++)
        number = number * 10 + (*at)[i] - '0';
    *at += length;
    *ret_number = number;
    return true;
}

int proto_archive_event_parse(char *line, size_t length, struct proto_archive_event *ret_event)
{
    struct proto_archive_event event = {.seq = 0};
    char *at = line, *text, *end = line + length - 1, front[ARCHIVE_EVENT_FRONT_BYTES];
    char name[PROTO_ARCHIVE_NAME_BYTES];

    if (length < 2 || strlen(line) != length || *end != '}')
        return -1;
    if (!skip(&at, "{\"seq\":") || !take_number(&at, &event.seq) || !skip(&at, ",\"at\":\"") ||
        !(text = take_text(&at)) || proto_time_parse(text, &event.at_ms) < 0)
        return -1;
    if (!skip(&at, ",\"type\":\"") || !(text = take_text(&at)) || !is_type(text))
        return -1;
    event.type = text;
    if (!skip(&at, ",\"blob\":"))
        return -1;
    if (!skip(&at, "null")) {
        if (!skip(&at, "\"") || !(text = take_text(&at)) || proto_archive_blob_name(text, name) < 0)
            return -1;
        event.blob = text;
    }
    if (!skip(&at, ",\"body\":") || archive_event_front(&event, front) != (int)(at - line))
        return -1;
    *end = '\0';
    event.body = at;
    *ret_event = event;
    return 0;
}
