/* Options as tables: one row an option, from which parsing and --help are generated.
 *
 * A command's options are a struct; a row names the member that an option fills. The members' types
 * are those of the wire (proto/wire.h), so that a message can be filled in directly.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <proto/field.h>

enum option_kind {
    OPTION_FLAG,  /* bool: set to true */
    OPTION_UNSET, /* bool: set to false */
    OPTION_TEXT,  /* const char * */
    OPTION_TEXTS, /* struct proto_strings; may be given again and again */
    OPTION_REAL,  /* double */
    OPTION_INT,   /* int64_t */
    OPTION_REALS, /* struct proto_reals, from "a,b,c" */
    OPTION_NAME   /* int, index into names */
};

struct option {
    const char *name;  /* without the dashes; NULL ends a table */
    const char *value; /* what follows, with its unit: "SECONDS"; NULL for flags */
    enum option_kind kind;
    size_t offset;
    const char *help;
    double min, max;          /* REAL, INT; used when min < max */
    const char *const *names; /* NAME: NULL-terminated */
    bool required;
};

#define OPTIONS_MAX 32 /* rows of one table */

struct option_error {
    char text[256];
};

/* Numbers as a whole word: digits, sign, point and exponent, nothing before or after. False: not
 * one. */
bool option_parse_real(const char *text, double *ret_number);
bool option_parse_int(const char *text, int64_t *ret_number);

const struct option *option_find(const struct option *table, const char *name, size_t length);

/* Fills the option's member of `object` from `value` (NULL for flags). Lists live in the arena,
 * texts are borrowed. 0; -1 with ret_error. */
__attribute__((warn_unused_result)) int option_set(const struct option *option, const char *value,
                                                   struct proto_arena *arena, void *object,
                                                   struct option_error *ret_error);

/* One line an option, with the default that stands in `defaults` (NULL: none are shown). */
void option_print_help(FILE *out, const struct option *table, const void *defaults);

#endif
