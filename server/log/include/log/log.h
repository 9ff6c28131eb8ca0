/* What the daemon has to say of itself: a level, what happened, and fields. Libraries hand records
 * to a sink and never print; who puts the program together decides where lines go and in which of
 * the two forms.
 *
 * No byte of a record can end a line, reach a terminal as a command or pass for another field: what
 * is not printable ASCII is written as an escape (\n, \t, \xHH; a backslash as \\), in both forms
 * the same. Secrets and bodies are for the caller to leave out.
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_form {
    LOG_FORM_TEXT, /* TIME LEVEL WHAT NAME=VALUE NAME="VALUE WITH BLANKS" */
    LOG_FORM_JSON  /* one object: time, level, what, then the fields */
};

/* A line with its line feed: PIPE_BUF, so that one write is one whole line in any pipe. */
#define LOG_LINE_BYTES 4096
/* What is written of one value, escapes included; then it is cut and ends in "...". */
#define LOG_VALUE_BYTES 512

struct log_field {
    const char *name; /* a word of ours */
    const char *text; /* NULL: the number */
    int64_t number;
};

struct log_record {
    enum log_level level;
    const char *what;
    const struct log_field *fields;
    size_t field_count;
};

/* take may be called from any thread; what it is given is valid during the call. NULL: nobody
 * listens. */
struct log_sink {
    void (*take)(const struct log_record *record, void *arg);
    void *arg;
};

static inline struct log_field log_text(const char *name, const char *text)
{
    return (struct log_field){.name = name, .text = text ? text : ""};
}

static inline struct log_field log_number(const char *name, int64_t number)
{
    return (struct log_field){.name = name, .number = number};
}

void log_tell(const struct log_sink *sink, enum log_level level, const char *what,
              const struct log_field *fields, size_t field_count);

extern const char *const log_level_names[];

/* The record as one line that ends in a line feed and a zero; its length without the zero. Fields
 * that do not fit are left out, and the line says cut=true. at: RFC 3339. */
size_t log_format(const struct log_record *record, enum log_form form, const char *at,
                  char ret_line[LOG_LINE_BYTES]);

#endif
