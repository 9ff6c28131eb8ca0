/* How requests end: results, refusals and their exit codes. */
#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* What a person at this command line can do about a refusal; the server's detail says what is
 * wrong. */
static const struct {
    const char *code, *hint;
} hints[] = {
    {"unauthorized", "give the token with --token-file FILE or AMF_TOKEN"},
    {"token_expired", "`amf token create` makes another, with an administrator's token"},
    {"insufficient_scope", "give another token with --token-file FILE or AMF_TOKEN"},
    {"too_many_failures", "give a good token with --token-file FILE or AMF_TOKEN"},
    {"token_not_found", "`amf token list` shows the tokens"},
    {"token_exists", "`amf token revoke NAME` frees the name"},
    {"project_not_found", "`amf project list` shows the projects"},
    {"task_not_found", "`amf task list PROJECT` shows the tasks"},
    {"unknown_task", "`amf task list PROJECT` shows the tasks, `amf task add` adds one"},
    {"demonstration_not_found", "`amf demo list PROJECT` shows the demonstrations"},
    {"decision_not_found", "`amf decisions PROJECT` lists them"},
    {"assignment_not_found", "`amf next PROJECT` asks for a new assignment"},
    {"lease_lost", "`amf next PROJECT` asks for a new assignment"},
    {"project_exists", "`amf project set ID` changes its settings"},
    {"malformed_archive", "`amf project export` writes the file that is needed here"},
    {"task_in_use", "delete its demonstrations first (`amf demo delete`)"},
    {"wrong_dimension", "`amf project show ID` shows state_dim and action_dim"},
    {"outcome_unknown", "run the same command again"},
    {"not_ready", "`amf server status` tells when it is"},
};

static const char *find_hint(const char *code)
{
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
        if (strcmp(hints[i].code, code) == 0)
            return hints[i].hint;
    return NULL;
}

__attribute__((format(printf, 2, 0))) static void say(struct cli *cli, const char *format,
                                                      va_list args)
{
    char line[1024];

    vsnprintf(line, sizeof(line), format, args);
    fputs("amf: ", cli->err);
    output_text(cli->err, line);
    fputc('\n', cli->err);
}

void cli_note(struct cli *cli, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(cli, format, args);
    va_end(args);
}

enum cli_exit cli_fail(struct cli *cli, enum cli_exit exit_code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(cli, format, args);
    va_end(args);
    return exit_code;
}

enum cli_exit cli_no_memory(struct cli *cli)
{
    return cli_fail(cli, CLI_LOCAL, "out of memory");
}

void cli_print_json(struct cli *cli, const struct amf_client_result *result)
{
    fwrite(result->body, 1, result->body_length, cli->out);
    if (result->body_length > 0 && result->body[result->body_length - 1] != '\n')
        fputc('\n', cli->out);
}

static enum cli_exit explain_refusal(struct cli *cli, const char *about,
                                     const struct proto_problem *problem)
{
    const char *hint = find_hint(problem->code);
    const char *said = problem->detail && *problem->detail ? problem->detail : problem->title;
    bool has_at = problem->at && *problem->at;

    return cli_fail(cli, CLI_REFUSED, "%s%s%s%s%s: %s%s%s", about ? about : "", about ? ": " : "",
                    problem->code, has_at ? " at " : "", has_at ? problem->at : "",
                    said ? said : "no reason given", hint ? "; hint: " : "", hint ? hint : "");
}

enum cli_exit cli_explain(struct cli *cli, const char *about, enum amf_client_status status,
                          const struct amf_client_result *result)
{
    switch (status) {
    case AMF_CLIENT_OK:
        return CLI_OK;
    case AMF_CLIENT_REFUSED:
        return explain_refusal(cli, about, &result->problem);
    case AMF_CLIENT_UNREACHABLE:
        return cli_fail(cli, CLI_UNREACHABLE, "cannot reach %s (%s): %s; is amfd running?",
                        cli->url, cli->url_from, result->error);
    case AMF_CLIENT_BAD_ANSWER:
        return cli_fail(cli, CLI_UNREACHABLE, "%s (%s) does not answer as amfd would: %s", cli->url,
                        cli->url_from, result->error);
    case AMF_CLIENT_STOPPED:
        return cli_fail(cli, CLI_LOCAL, "%s", result->error);
    case AMF_CLIENT_BAD_ARGUMENT:
        return cli_fail(cli, CLI_USAGE, "%s", result->error);
    case AMF_CLIENT_NO_MEMORY:
        break;
    }
    return cli_no_memory(cli);
}

enum cli_exit cli_answer(struct cli *cli, enum amf_client_status status,
                         const struct amf_client_result *result)
{
    if (status == AMF_CLIENT_OK && cli->json)
        cli_print_json(cli, result);
    return cli_explain(cli, NULL, status, result);
}
