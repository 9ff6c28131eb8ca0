/* What every command is given, and how it ends.
 *
 * A command is a function of its arguments and options. It prints results to cli->out and all else
 * to cli->err, and returns one of enum cli_exit; main.c is the only file that exits.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <amf_client/client.h>

#include "output.h"

/* Told by --help and README.md. */
enum cli_exit {
    CLI_OK = 0,
    CLI_REFUSED = 1,     /* the server said no */
    CLI_USAGE = 2,       /* the command line is wrong */
    CLI_UNREACHABLE = 3, /* no server there, or none that speaks this API */
    CLI_LOCAL = 4        /* a local file is bad, or this machine ran out of something */
};

struct cli {
    FILE *out, *err;
    struct terminal terminal;   /* what out is */
    bool json;                  /* print the server's JSON unchanged */
    const char *url, *url_from; /* the server, and what named it */
    bool has_token;
    const char *ca_file; /* NULL: whom the machine trusts */
    struct amf_client *client;
    struct proto_arena arena; /* lives as long as the command */
};

/* One line "amf: ..." on cli->err; returns `exit_code`. */
__attribute__((format(printf, 3, 4))) enum cli_exit
cli_fail(struct cli *cli, enum cli_exit exit_code, const char *format, ...);
/* The same without an exit code. */
__attribute__((format(printf, 2, 3))) void cli_note(struct cli *cli, const char *format, ...);
enum cli_exit cli_no_memory(struct cli *cli);

/* Ends a request: on success prints the server's JSON when that was asked for, else says on
 * cli->err what went wrong. `about` (a file's name) is put in front; it may be NULL. */
enum cli_exit cli_answer(struct cli *cli, enum amf_client_status status,
                         const struct amf_client_result *result);
enum cli_exit cli_explain(struct cli *cli, const char *about, enum amf_client_status status,
                          const struct amf_client_result *result);

/* The answer's bytes, and a newline where they have none. */
void cli_print_json(struct cli *cli, const struct amf_client_result *result);

#endif
