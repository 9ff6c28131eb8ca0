/* Tables in two passes: the first over all cells finds the widths, the second writes. */
#define _GNU_SOURCE /* wcwidth */
#include "output.h"

#include <inttypes.h>
#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define GAP 2 /* spaces between columns */
#define WIDTH_NO_TERMINAL 80
#define WIDTH_MAX 200 /* a longer line is harder to read, not easier */
#define BAR_MIN 4
#define BAR_MAX 40

struct row {
    char **texts;
    double *shares;
    bool marked;
};

struct table {
    const struct column *columns;
    size_t column_count;
    struct row *rows;
    size_t row_count, row_capacity;
};

struct terminal terminal_of(FILE *stream)
{
    const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");
    struct winsize size = {0};
    struct terminal terminal = {.width = WIDTH_NO_TERMINAL};
    int fd = fileno(stream);

    terminal.unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (fd < 0 || !isatty(fd))
        return terminal;
    terminal.colour = !(no_colour && *no_colour) && !(kind && strcmp(kind, "dumb") == 0);
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        terminal.width = size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
    return terminal;
}

/* C0, DEL, and C1 as UTF-8 (C2 80..9F). Returns the bytes to be replaced, or 0. */
static size_t control_length(const unsigned char *byte)
{
    if (*byte < 0x20 || *byte == 0x7f)
        return 1;
    return byte[0] == 0xc2 && byte[1] >= 0x80 && byte[1] <= 0x9f ? 2 : 0;
}

void output_text(FILE *out, const char *text)
{
    const unsigned char *byte = (const unsigned char *)(text ? text : "-");

    while (*byte) {
        size_t control = control_length(byte);

        fputc(control ? '?' : *byte, out);
        byte += control ? control : 1;
    }
}

size_t output_width(const char *text)
{
    mbstate_t state = {0};
    size_t left = strlen(text), width = 0;

    while (left > 0) {
        wchar_t character;
        size_t length = mbrtowc(&character, text, left, &state);
        int columns = 1;

        if (length == 0 || length > left) { /* not of this locale: a byte is a column */
            length = 1;
            state = (mbstate_t){0};
        } else {
            columns = wcwidth(character);
        }
        width += columns < 0 ? 1 : (size_t)columns;
        text += length;
        left -= length;
    }
    return width;
}

const char *output_real(char text[OUTPUT_NUMBER_BYTES], int decimals, double number)
{
    if (isnan(number))
        return NULL;
    if (snprintf(text, OUTPUT_NUMBER_BYTES, "%.*f", decimals, number) >= OUTPUT_NUMBER_BYTES)
        snprintf(text, OUTPUT_NUMBER_BYTES, "%g", number);
    return text;
}

const char *output_count(char text[OUTPUT_NUMBER_BYTES], int64_t number)
{
    snprintf(text, OUTPUT_NUMBER_BYTES, "%" PRId64, number);
    return text;
}

struct table *table_new(const struct column *columns, size_t count)
{
    struct table *table = calloc(1, sizeof(*table));

    if (table) {
        table->columns = columns;
        table->column_count = count;
    }
    return table;
}

static void row_deinit(struct row *row, size_t column_count)
{
    for (size_t i = 0; row->texts && i < column_count; i++)
        free(row->texts[i]);
    free(row->texts);
    free(row->shares);
}

void table_free(struct table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->row_count; i++)
        row_deinit(&table->rows[i], table->column_count);
    free(table->rows);
    free(table);
}

void table_freep(struct table **table)
{
    table_free(*table);
}

static bool row_init(struct row *row, const struct cell *cells, size_t count, bool marked)
{
    *row = (struct row){
        .texts = calloc(count, sizeof(*row->texts)),
        .shares = calloc(count, sizeof(*row->shares)),
        .marked = marked,
    };
    if (!row->texts || !row->shares)
        return false;
    for (size_t i = 0; i < count; i++) {
        row->shares[i] = cells[i].share;
        row->texts[i] = strdup(cells[i].text ? cells[i].text : "-");
        if (!row->texts[i])
            return false;
    }
    return true;
}

int table_add(struct table *table, const struct cell *cells, bool marked)
{
    if (table->row_count == table->row_capacity) {
        size_t capacity = table->row_capacity ? table->row_capacity * 2 : 16;
        struct row *rows = reallocarray(table->rows, capacity, sizeof(*rows));

        if (!rows)
            return -1;
        table->rows = rows;
        table->row_capacity = capacity;
    }
    if (!row_init(&table->rows[table->row_count], cells, table->column_count, marked)) {
        row_deinit(&table->rows[table->row_count], table->column_count);
        return -1;
    }
    table->row_count++;
    return 0;
}

static size_t column_width(const struct table *table, size_t column)
{
    size_t width = output_width(table->columns[column].title);

    for (size_t i = 0; i < table->row_count; i++) {
        size_t cell = output_width(table->rows[i].texts[column]);

        width = cell > width ? cell : width;
    }
    return width;
}

/* Widths of the columns; bars get what is left of the line. */
static void measure(const struct table *table, size_t line_width, size_t *widths)
{
    size_t used = 0, bar = BAR_MIN;

    for (size_t i = 0; i < table->column_count; i++) {
        widths[i] = 0;
        if (table->columns[i].kind != COLUMN_BAR)
            widths[i] = column_width(table, i);
        used += widths[i] + GAP;
    }
    if (line_width + GAP > used + BAR_MIN)
        bar = line_width + GAP - used < BAR_MAX ? line_width + GAP - used : BAR_MAX;
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].kind == COLUMN_BAR)
            widths[i] = bar;
}

/* Blanks are owed until something follows them, so that no line ends in any. */
struct line {
    FILE *out;
    size_t owed;
};

static void pay(struct line *line)
{
    fprintf(line->out, "%*s", (int)line->owed, "");
    line->owed = 0;
}

/* Eighths of a column where the locale has them, whole '#' elsewhere. Returns the columns used. */
static size_t print_bar(struct line *line, double share, size_t width, bool unicode)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double clamped = share > 0 ? (share < 1 ? share : 1) : 0; /* NaN: no bar */
    size_t parts = (size_t)(clamped * (double)width * 8 + 0.5);
    size_t whole = unicode ? parts / 8 : (parts + 4) / 8;
    bool rest = unicode && parts % 8 > 0;

    if (whole + rest > 0)
        pay(line);
    for (size_t i = 0; i < whole; i++)
        fputs(unicode ? "█" : "#", line->out);
    if (rest)
        fputs(eighths[parts % 8], line->out);
    return whole + rest;
}

static size_t print_text(struct line *line, const char *text)
{
    if (*text)
        pay(line);
    output_text(line->out, text);
    return output_width(text);
}

static void print_heads(const struct table *table, const size_t *widths, FILE *out)
{
    struct line line = {out, 0};

    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        size_t left = widths[i] - output_width(column->title);

        line.owed += column->kind == COLUMN_RIGHT ? left : 0;
        print_text(&line, column->title);
        line.owed += GAP + (column->kind == COLUMN_RIGHT ? 0 : left);
    }
    fputc('\n', out);
}

static void print_row(const struct table *table, const struct row *row, const size_t *widths,
                      bool unicode, FILE *out)
{
    struct line line = {out, 0};

    for (size_t i = 0; i < table->column_count; i++) {
        size_t used = output_width(row->texts[i]);

        if (table->columns[i].kind == COLUMN_RIGHT)
            line.owed += widths[i] - used;
        if (table->columns[i].kind == COLUMN_BAR)
            used = print_bar(&line, row->shares[i], widths[i], unicode);
        else
            print_text(&line, row->texts[i]);
        line.owed += GAP + (table->columns[i].kind == COLUMN_RIGHT ? 0 : widths[i] - used);
    }
}

void table_print(const struct table *table, const struct terminal *terminal, FILE *out)
{
    size_t *widths = calloc(table->column_count, sizeof(*widths));

    if (!widths) {
        fputs("(out of memory)\n", out);
        return;
    }
    measure(table, terminal->width, widths);
    print_heads(table, widths, out);
    for (size_t i = 0; i < table->row_count; i++) {
        bool coloured = table->rows[i].marked && terminal->colour;

        fputs(coloured ? "\033[1;32m" : "", out);
        print_row(table, &table->rows[i], widths, terminal->unicode, out);
        fputs(coloured ? "\033[0m\n" : "\n", out);
    }
    free(widths);
}

/* One member as the wire would have it, without quotes around a text. */
static int print_leaf(FILE *out, const char *path, const struct proto_field *field,
                      const void *object)
{
    const struct proto_shape one = {.name = field->name, .fields = field, .field_count = 1};
    const void *member = (const char *)object + field->offset;
    size_t length, start = strlen(field->name) + strlen("{\"\":");
    char *text = NULL;

    if (field->type == PROTO_STRING && *(const char *const *)member) {
        fprintf(out, "%-34s  ", path);
        output_text(out, *(const char *const *)member);
        fputc('\n', out);
        return 0;
    }
    if (field->type == PROTO_ENUM) {
        fprintf(out, "%-34s  %s\n", path, field->names[*(const int *)member]);
        return 0;
    }
    if (proto_encode(&one, object, &text, &length) != 0)
        return -1;
    if (length > start) { /* "{}": a member that is left out when null */
        text[length - 1] = '\0';
        fprintf(out, "%-34s  ", path);
        output_text(out, text + start);
        fputc('\n', out);
    }
    free(text);
    return 0;
}

static const void *pointer_at(const void *object, size_t offset)
{
    return *(const void *const *)(const void *)((const char *)object + offset);
}

static int print_members(FILE *out, const char *prefix, const struct proto_shape *shape,
                         const void *object)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct proto_field *field = &shape->fields[i];
        char path[128];
        int status;

        snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", field->name);
        if (field->type == PROTO_OBJECT)
            status = print_members(out, path, field->shape, (const char *)object + field->offset);
        else if (field->type == PROTO_POINTER && pointer_at(object, field->offset))
            status = print_members(out, path, field->shape, pointer_at(object, field->offset));
        else
            status = print_leaf(out, path, field, object);
        if (status < 0)
            return -1;
    }
    return 0;
}

int output_fields(FILE *out, const struct proto_shape *shape, const void *object)
{
    return print_members(out, "", shape, object);
}
