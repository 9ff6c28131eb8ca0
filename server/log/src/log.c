/* Records and their two forms; log.h says what a line can be relied on for. */
#include <log/log.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *const log_level_names[] = {"debug", "info", "warning", "error"};

void log_tell(const struct log_sink *sink, enum log_level level, const char *what,
              const struct log_field *fields, size_t field_count)
{
    const struct log_record record = {level, what, fields, field_count};

    if (sink->take)
        sink->take(&record, sink->arg);
}

/* The end of every line, for which room is kept. */
#define CUT_TEXT " cut=true\n"
#define CUT_JSON ",\"cut\":true}\n"

struct line {
    char *bytes;
    size_t used, room; /* room: without the end of the line */
    bool full;         /* something did not fit */
    enum log_form form;
};

static void put(struct line *line, const char *bytes, size_t length)
{
    if (length > line->room - line->used) {
        line->full = true;
        return;
    }
    memcpy(line->bytes + line->used, bytes, length);
    line->used += length;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* One byte as it stands in a value. */
static size_t escape(unsigned char byte, enum log_form form, char ret_text[8])
{
    const char *slash = form == LOG_FORM_JSON ? "\\\\" : "\\";

    switch (byte) {
    case '\\':
        return (size_t)snprintf(ret_text, 8, "%s%s", slash, slash);
    case '"':
        return (size_t)snprintf(ret_text, 8, "\\\"");
    case '\n':
        return (size_t)snprintf(ret_text, 8, "%sn", slash);
    case '\r':
        return (size_t)snprintf(ret_text, 8, "%sr", slash);
    case '\t':
        return (size_t)snprintf(ret_text, 8, "%st", slash);
    default:
        break;
    }
    if (byte < 0x20 || byte >= 0x7f)
        return (size_t)snprintf(ret_text, 8, "%sx%02x", slash, byte);
    ret_text[0] = (char)byte;
    return 1;
}

static void put_escaped(struct line *line, const char *text)
{
    char piece[8];
    size_t written = 0;

    for (; *text; text++) {
        size_t length = escape((unsigned char)*text, line->form, piece);

        if (written + length > LOG_VALUE_BYTES - 3) {
            put_text(line, "...");
            return;
        }
        put(line, piece, length);
        written += length;
    }
}

/* Whether a value of the text form could be taken for more than itself without quotes. */
static bool needs_quotes(const char *text)
{
    return !*text || strpbrk(text, " =\"") != NULL;
}

static void put_value(struct line *line, const char *text)
{
    bool quotes = line->form == LOG_FORM_JSON || needs_quotes(text);

    if (quotes)
        put_text(line, "\"");
    put_escaped(line, text);
    if (quotes)
        put_text(line, "\"");
}

/* All of it or nothing. */
static void put_field(struct line *line, const struct log_field *field)
{
    size_t before = line->used;
    bool full_before = line->full;
    char number[24];

    line->full = false;
    put_text(line, line->form == LOG_FORM_JSON ? ",\"" : " ");
    put_text(line, field->name);
    put_text(line, line->form == LOG_FORM_JSON ? "\":" : "=");
    if (field->text) {
        put_value(line, field->text);
    } else {
        (void)snprintf(number, sizeof number, "%lld", (long long)field->number);
        put_text(line, number);
    }
    if (line->full)
        line->used = before;
    line->full = line->full || full_before;
}

static void put_head(struct line *line, const struct log_record *record, const char *at)
{
    const char *level = log_level_names[record->level];
    char head[96];

    if (line->form == LOG_FORM_JSON) {
        (void)snprintf(head, sizeof head, "{\"time\":\"%.32s\",\"level\":\"%s\",\"what\":\"", at,
                       level);
        put_text(line, head);
        put_escaped(line, record->what);
        put_text(line, "\"");
        return;
    }
    (void)snprintf(head, sizeof head, "%.32s %-7s ", at, level);
    put_text(line, head);
    put_escaped(line, record->what);
}

size_t log_format(const struct log_record *record, enum log_form form, const char *at,
                  char ret_line[LOG_LINE_BYTES])
{
    struct line line = {.bytes = ret_line, .room = LOG_LINE_BYTES - sizeof CUT_JSON, .form = form};
    bool json = form == LOG_FORM_JSON;
    const char *end = json ? "}\n" : "\n";

    put_head(&line, record, at);
    for (size_t i = 0; i < record->field_count; i++)
        put_field(&line, &record->fields[i]);
    if (line.full)
        end = json ? CUT_JSON : CUT_TEXT;
    memcpy(ret_line + line.used, end, strlen(end) + 1);
    return line.used + strlen(end);
}
