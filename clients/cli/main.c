/* `amf`: takes the command line apart, finds the server, runs one command, exits. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <amf/processor.h>

#include "arguments.h"
#include "locate.h"
#include "version.h"

static enum cli_exit usage_error(struct cli *cli, const struct arguments *arguments,
                                 const struct option_error *error)
{
    const struct command *command = arguments->command;
    const char *noun = arguments->noun, *verb = command ? command->verb : NULL;

    cli_fail(cli, CLI_USAGE, "%s", error->text);
    fprintf(cli->err, "`amf %s%s%s%s--help` tells more.\n", noun ? noun : "", noun ? " " : "",
            verb ? verb : "", verb ? " " : "");
    return CLI_USAGE;
}

static enum cli_exit connect_client(struct cli *cli, const struct global_options *global)
{
    struct location location;
    enum amf_client_status status;
    char error[512];

    if (locate_server(global->url, global->token_file, global->ca_file, &cli->arena, &location,
                      error) < 0)
        return cli_fail(cli, CLI_LOCAL, "%s", error);
    cli->url = location.url;
    cli->url_from = location.url_from;
    cli->has_token = location.token != NULL;
    cli->ca_file = location.ca_file;
    /* First without the token, so that it is clear which of the two cannot be used. */
    status = amf_client_new(location.url, NULL, &cli->client);
    if (status == AMF_CLIENT_BAD_ARGUMENT)
        return cli_fail(
            cli, CLI_USAGE,
            "\"%s\" (%s) is no address of the form http://HOST:PORT or https://HOST:PORT",
            location.url, location.url_from);
    if (status == AMF_CLIENT_OK && location.token) {
        amf_client_free(cli->client);
        cli->client = NULL;
        status = amf_client_new(location.url, location.token, &cli->client);
    }
    if (status == AMF_CLIENT_BAD_ARGUMENT)
        return cli_fail(cli, CLI_USAGE, "the token has characters that no token has");
    if (status == AMF_CLIENT_OK)
        status = amf_client_set_ca_file(cli->client, location.ca_file);
    return status == AMF_CLIENT_OK ? CLI_OK : cli_no_memory(cli);
}

static enum cli_exit print_help(struct cli *cli, const struct arguments *arguments)
{
    if (arguments->command)
        help_print_command(cli->out, arguments->command);
    else if (arguments->noun)
        help_print_noun(cli->out, arguments->noun);
    else
        help_print_all(cli->out);
    return CLI_OK;
}

/* Starts the command again with the best BLAS kernels of this processor; see amf/processor.h. Goes
 * on with those in use if it cannot. */
static void choose_blas_kernels(char **argv)
{
    const char *core = amf_processor_better_core();

    if (core && !setenv("OPENBLAS_CORETYPE", core, 0))
        execv("/proc/self/exe", argv);
}

static enum cli_exit run(struct cli *cli, int argc, char **argv)
{
    struct arguments arguments;
    struct option_error error;
    const struct command *command;
    enum cli_exit status = CLI_OK;

    if (arguments_parse(argc, argv, &cli->arena, &arguments, &error) < 0)
        return usage_error(cli, &arguments, &error);
    if (arguments.global.help)
        return print_help(cli, &arguments);
    if (arguments.global.version) {
        fprintf(cli->out, "amf %s\n", AMF_CLI_VERSION);
        return CLI_OK;
    }
    command = arguments.command;
    cli->json = arguments.global.json;
    if (command->local)
        choose_blas_kernels(argv);
    else
        status = connect_client(cli, &arguments.global);
    if (status != CLI_OK)
        return status;
    return command->run(cli, arguments.args, arguments.count, arguments.options);
}

int main(int argc, char **argv)
{
    struct cli cli = {.out = stdout, .err = stderr};
    enum cli_exit status;

    /* Character widths only: numbers stay as the wire writes them. */
    setlocale(LC_CTYPE, "");
    cli.terminal = terminal_of(stdout);
    status = run(&cli, argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLI_OK)
        status = cli_fail(&cli, CLI_LOCAL, "cannot write to standard output");
    amf_client_free(cli.client);
    proto_arena_deinit(&cli.arena);
    return (int)status;
}
