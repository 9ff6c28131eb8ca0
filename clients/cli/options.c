/* Filling option structs from words, by the rows of a table. Numbers are read more strictly than
 * the C library would. */
#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 30
#define REALS_MAX 4096 /* as many dimensions as the wire takes */

__attribute__((format(printf, 2, 3))) static int refuse(struct option_error *error,
                                                        const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return -1;
}

/* strtod also takes blanks, "inf", "nan" and hexadecimal; a person's number is none of these. */
bool option_parse_real(const char *text, double *ret_number)
{
    double number;
    char *end;

    if (!*text || text[strspn(text, "+-.0123456789eE")] != '\0')
        return false;
    errno = 0;
    number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number))
        return false;
    *ret_number = number;
    return true;
}

bool option_parse_int(const char *text, int64_t *ret_number)
{
    long long number;
    char *end;

    if (!*text || text[strspn(text, "+-0123456789")] != '\0')
        return false;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno == ERANGE)
        return false;
    *ret_number = number;
    return true;
}

const struct option *option_find(const struct option *table, const char *name, size_t length)
{
    for (; table && table->name; table++)
        if (strlen(table->name) == length && strncmp(table->name, name, length) == 0)
            return table;
    return NULL;
}

static bool in_range(const struct option *option, double number)
{
    return option->min >= option->max || (number >= option->min && number <= option->max);
}

static int set_real(const struct option *option, const char *value, double *member,
                    struct option_error *error)
{
    double number;

    if (!option_parse_real(value, &number))
        return refuse(error, "--%s %s: not a number", option->name, value);
    if (!in_range(option, number))
        return refuse(error, "--%s %s: from %g to %g", option->name, value, option->min,
                      option->max);
    *member = number;
    return 0;
}

static int set_int(const struct option *option, const char *value, int64_t *member,
                   struct option_error *error)
{
    int64_t number;

    if (!option_parse_int(value, &number))
        return refuse(error, "--%s %s: not a whole number", option->name, value);
    if (!in_range(option, (double)number))
        return refuse(error, "--%s %s: from %.0f to %.0f", option->name, value, option->min,
                      option->max);
    *member = number;
    return 0;
}

static int set_reals(const struct option *option, const char *value, struct proto_arena *arena,
                     struct proto_reals *member, struct option_error *error)
{
    struct proto_reals reals = {.count = 0};
    char *word = proto_arena_strdup(arena, value), *next;
    size_t count = 1;

    for (const char *comma = value; (comma = strchr(comma, ',')); comma++)
        count++;
    if (count > REALS_MAX)
        return refuse(error, "--%s: at most %d numbers", option->name, REALS_MAX);
    reals.items = proto_arena_alloc(arena, count, sizeof(*reals.items));
    if (!word || !reals.items)
        return refuse(error, "out of memory");
    for (; word; word = next) {
        next = strchr(word, ',');
        if (next)
            *next++ = '\0';
        if (!option_parse_real(word, &reals.items[reals.count++]))
            return refuse(error, "--%s %s: \"%s\" is not a number", option->name, value, word);
    }
    *member = reals;
    return 0;
}

static int add_text(const char *value, struct proto_arena *arena, struct proto_strings *member,
                    struct option_error *error)
{
    /* Copied anew for each: the lists of a command line are short. */
    const char **items = proto_arena_alloc(arena, member->count + 1, sizeof(*items));

    if (!items)
        return refuse(error, "out of memory");
    for (size_t i = 0; i < member->count; i++)
        items[i] = member->items[i];
    items[member->count] = value;
    *member = (struct proto_strings){items, member->count + 1};
    return 0;
}

static int set_name(const struct option *option, const char *value, int *member,
                    struct option_error *error)
{
    char known[160] = "";

    for (int i = 0; option->names[i]; i++) {
        size_t used = strlen(known);

        if (strcmp(option->names[i], value) == 0) {
            *member = i;
            return 0;
        }
        snprintf(known + used, sizeof(known) - used, "%s%s", i > 0 ? ", " : "", option->names[i]);
    }
    return refuse(error, "--%s %.40s: one of %s", option->name, value, known);
}

int option_set(const struct option *option, const char *value, struct proto_arena *arena,
               void *object, struct option_error *ret_error)
{
    void *member = (char *)object + option->offset;

    switch (option->kind) {
    case OPTION_FLAG:
    case OPTION_UNSET:
        *(bool *)member = option->kind == OPTION_FLAG;
        return 0;
    case OPTION_TEXT:
        *(const char **)member = value;
        return 0;
    case OPTION_TEXTS:
        return add_text(value, arena, member, ret_error);
    case OPTION_REAL:
        return set_real(option, value, member, ret_error);
    case OPTION_INT:
        return set_int(option, value, member, ret_error);
    case OPTION_REALS:
        return set_reals(option, value, arena, member, ret_error);
    case OPTION_NAME:
        return set_name(option, value, member, ret_error);
    }
    return refuse(ret_error, "--%s cannot be set", option->name);
}

static void print_default(FILE *out, const struct option *option, const void *defaults)
{
    const void *member = (const char *)defaults + option->offset;
    int64_t number;

    switch (option->kind) {
    case OPTION_REAL:
        if (isfinite(*(const double *)member))
            fprintf(out, " (default %g)", *(const double *)member);
        break;
    case OPTION_INT:
        number = *(const int64_t *)member;
        if (number != PROTO_INT_NULL && number != PROTO_INT_AUTO)
            fprintf(out, " (default %lld)", (long long)number);
        break;
    case OPTION_NAME:
        if (*(const int *)member >= 0)
            fprintf(out, " (default %s)", option->names[*(const int *)member]);
        break;
    case OPTION_TEXT:
        if (*(const char *const *)member && **(const char *const *)member)
            fprintf(out, " (default %s)", *(const char *const *)member);
        break;
    case OPTION_FLAG:
    case OPTION_UNSET:
    case OPTION_TEXTS:
    case OPTION_REALS:
        break;
    }
}

void option_print_help(FILE *out, const struct option *table, const void *defaults)
{
    for (; table && table->name; table++) {
        int width = fprintf(out, "  --%s%s%s", table->name, table->value ? " " : "",
                            table->value ? table->value : "");

        fprintf(out, "%*s%s", width < HELP_COLUMN ? HELP_COLUMN - width : 2, "", table->help);
        for (size_t i = 0; table->kind == OPTION_NAME && table->names[i]; i++)
            fprintf(out, "%s%s", i > 0 ? ", " : ": ", table->names[i]);
        if (table->required)
            fputs("; required", out);
        else if (table->kind == OPTION_TEXTS)
            fputs("; may be repeated", out);
        if (defaults && !table->required)
            print_default(out, table, defaults);
        fputc('\n', out);
    }
}
