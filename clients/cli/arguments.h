/* The command line, taken apart. */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include "commands.h"

struct arguments {
    struct global_options global;
    const char *noun;              /* NULL: none was given */
    const struct command *command; /* NULL: no verb was given (or --help or --version came first) */
    const char **args;
    size_t count;
    void *options; /* the command's struct */
};

/* Options may stand anywhere, as --name VALUE or --name=VALUE; `--` ends them. 0; -1: a usage
 * error, and ret_error says which. Everything lives in the arena or argv. Whether the command has
 * all it needs is checked only when neither help nor version is asked for. */
__attribute__((warn_unused_result)) int arguments_parse(int argc, char **argv,
                                                        struct proto_arena *arena,
                                                        struct arguments *ret_arguments,
                                                        struct option_error *ret_error);

#endif
