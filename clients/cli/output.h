/* Text for people: tables, bars and colours that fit the terminal, and stay out of pipes.
 *
 * What a server sends is shown with its control characters replaced, so that no name or instruction
 * can drive the terminal.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <proto/field.h>

struct terminal {
    bool colour;  /* a terminal, and neither NO_COLOR nor TERM=dumb */
    bool unicode; /* the locale is UTF-8: bars may have eighths */
    size_t width; /* columns; 80 where there is no terminal */
};

struct terminal terminal_of(FILE *stream);

/* UTF-8 text with control characters as '?'; NULL as "-". */
void output_text(FILE *out, const char *text);
/* Columns a text takes on a terminal. */
size_t output_width(const char *text);

enum column_kind {
    COLUMN_LEFT,
    COLUMN_RIGHT,
    COLUMN_BAR /* as wide as the terminal leaves room for */
};

struct column {
    const char *title;
    enum column_kind kind;
};

struct cell {
    const char *text; /* copied; NULL is shown as "-" */
    double share;     /* COLUMN_BAR: 0 to 1 of the width */
};

#define OUTPUT_NUMBER_BYTES 32
/* Numbers as texts of cells. NULL of NaN, which a null of the wire becomes. */
const char *output_real(char text[OUTPUT_NUMBER_BYTES], int decimals, double number);
const char *output_count(char text[OUTPUT_NUMBER_BYTES], int64_t number);

struct table;

/* columns is borrowed. NULL: out of memory. */
struct table *table_new(const struct column *columns, size_t count);
void table_free(struct table *table);
void table_freep(struct table **table);
#define TABLE_CLEANUP __attribute__((cleanup(table_freep)))
/* One cell a column. marked: the row stands out in colour. -1: out of memory. */
__attribute__((warn_unused_result)) int table_add(struct table *table, const struct cell *cells,
                                                  bool marked);
void table_print(const struct table *table, const struct terminal *terminal, FILE *out);

/* Every leaf of a struct as "path  value", one a line, in the paths and values that --set takes.
 * -1: out of memory. */
__attribute__((warn_unused_result)) int output_fields(FILE *out, const struct proto_shape *shape,
                                                      const void *object);

#endif
