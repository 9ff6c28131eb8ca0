/* amf next, amf complete: an assignment from its beginning to its end */
#include "commands.h"

#include "demo_file.h"

#define AT(member) offsetof(struct next_options, member)
const struct option next_options[] = {
    {"operator", "NAME", OPTION_TEXT, AT(ask.operator_), "who asks; otherwise the token's name"},
    {"robot", "NAME", OPTION_TEXT, AT(ask.robot), "which robot is at hand"},
    {"capability", "WORD", OPTION_TEXTS, AT(ask.capabilities), "what the asker can do"},
    {"exclude", "KEY", OPTION_TEXTS, AT(ask.exclude), "not this task"},
    {"count", "COUNT", OPTION_INT, AT(ask.count), "how many, open ones of the asker included"},
    {"lease-s", "SECONDS", OPTION_REAL, AT(ask.lease_s),
     "how long it is kept for the asker; otherwise the project's"},
    {"idempotency-key", "KEY", OPTION_TEXT, AT(key), "same key, same answer; otherwise random"},
    {"quiet", NULL, OPTION_FLAG, AT(quiet), "print task keys only, one a line"},
    {NULL},
};
#undef AT

#define AT(member) offsetof(struct complete_options, member)
const struct option complete_options[] = {
    {"fence", "NUMBER", OPTION_INT, AT(fence), "as `amf next` printed it", .required = true},
    {"demo", "FILE", OPTION_TEXT, AT(demo), "the demonstration"},
    {"demonstration-id", "ID", OPTION_TEXT, AT(demonstration_id),
     "one that the server holds already"},
    {"task", "KEY", OPTION_TEXT, AT(said.task), "the task that was demonstrated"},
    {"failed", NULL, OPTION_FLAG, AT(said.failed), "it did not reach the goal"},
    {"operator", "NAME", OPTION_TEXT, AT(said.operator_), "who demonstrated"},
    {"robot", "NAME", OPTION_TEXT, AT(said.robot), "on which robot"},
    {"idempotency-key", "KEY", OPTION_TEXT, AT(key), "same key, same answer; otherwise random"},
    {NULL},
};
#undef AT

void next_defaults(void *options)
{
    proto_ask_defaults(&((struct next_options *)options)->ask);
}

void complete_defaults(void *options)
{
    struct complete_options *complete = options;

    complete->fence = PROTO_INT_NULL;
    complete->said.role = -1;
}

static void print_member(FILE *out, const char *name, const char *value)
{
    fprintf(out, "  %-12s ", name);
    output_text(out, value ? value : "-");
    fputc('\n', out);
}

static void print_assignment(struct cli *cli, const char *project,
                             const struct proto_assignment *assignment)
{
    bool colour = cli->terminal.colour;

    fputs(colour ? "\033[1;32m" : "", cli->out);
    output_text(cli->out, assignment->task);
    fputs(colour ? "\033[0m\n" : "\n", cli->out);
    print_member(cli->out, "instruction", assignment->instruction);
    print_member(cli->out, "why", assignment->why);
    print_member(cli->out, "assignment", assignment->id);
    fprintf(cli->out, "  %-12s %lld\n", "fence", (long long)assignment->fence);
    print_member(cli->out, "until", assignment->expires_at);
    fprintf(cli->out, "  %-12s amf complete ", "when done");
    output_text(cli->out, project);
    fputc(' ', cli->out);
    output_text(cli->out, assignment->id);
    fprintf(cli->out, " --fence %lld --demo FILE\n", (long long)assignment->fence);
}

static void print_asked(struct cli *cli, const char *project, const struct proto_asked *asked,
                        bool quiet)
{
    const struct proto_assignment *assignments = asked->assignments.items;

    for (size_t i = 0; i < asked->assignments.count; i++) {
        if (quiet) {
            output_text(cli->out, assignments[i].task);
            fputc('\n', cli->out);
        } else {
            fputs(i > 0 ? "\n" : "", cli->out);
            print_assignment(cli, project, &assignments[i]);
        }
    }
    if (asked->assignments.count > 0 || quiet)
        return;
    fputs("nothing to do now: ", cli->out);
    output_text(cli->out, asked->reason && asked->reason->detail ? asked->reason->detail
                                                                 : "the server gives no reason");
    fputc('\n', cli->out);
}

COMMAND(cmd_next)
{
    const struct next_options *next = options;
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_asked asked = {0};
    enum amf_client_status status;

    (void)count;
    if (cli->json && next->quiet)
        return cli_fail(cli, CLI_USAGE, "--json and --quiet exclude each other");
    status = amf_client_assignment_ask(cli->client, args[0], &next->ask, next->key, &result,
                                       cli->json ? NULL : &asked);
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    print_asked(cli, args[0], &asked, next->quiet);
    return CLI_OK;
}

static void print_completed(struct cli *cli, const struct proto_completed *completed)
{
    fputs("demonstration ", cli->out);
    output_text(cli->out, completed->demonstration.id);
    fprintf(cli->out, " %s, ", completed->demonstration.duplicate ? "was held already" : "stored");
    fputs(completed->credited ? "assignment completed" : "not credited to the assignment: ",
          cli->out);
    if (!completed->credited)
        output_text(cli->out, completed->reason ? completed->reason : "no reason given");
    fputc('\n', cli->out);
}

/* A demonstration too long for a JSON body goes ahead on its own, naming its assignment, so that a
 * wrong one is not stored; then the assignment names it. */
static enum amf_client_status complete_in_two(struct cli *cli, const char *const *args,
                                              struct demo_file *file,
                                              struct proto_complete *complete, const char *key,
                                              struct amf_client_result *result,
                                              struct proto_completed *ret_completed)
{
    struct proto_stored stored;
    bool duplicate;
    enum amf_client_status status;

    file->demonstration.assignment = args[1];
    file->altered = true;
    status = demo_file_post(cli->client, args[0], file, result, &stored);
    if (status != AMF_CLIENT_OK)
        return status;
    complete->demonstration = NULL;
    complete->demonstration_id = proto_arena_strdup(&cli->arena, stored.id);
    if (!complete->demonstration_id)
        return AMF_CLIENT_NO_MEMORY;
    duplicate = stored.duplicate;
    status = amf_client_assignment_complete(cli->client, args[0], args[1], complete, key, result,
                                            ret_completed);
    if (status == AMF_CLIENT_OK && ret_completed)
        ret_completed->demonstration.duplicate = duplicate; /* of the file, not of its id */
    return status;
}

COMMAND(cmd_complete)
{
    const struct complete_options *said = options;
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    DEMO_FILE_CLEANUP struct demo_file file = DEMO_FILE_NULL;
    struct proto_complete complete = {.fence = said->fence,
                                      .demonstration_id = said->demonstration_id};
    struct proto_completed completed = {0}, *wanted = cli->json ? NULL : &completed;
    enum amf_client_status status;
    char error[512];

    (void)count;
    if (!said->demo == !said->demonstration_id)
        return cli_fail(cli, CLI_USAGE, "one of --demo and --demonstration-id is needed");
    if (said->demo) {
        if (demo_file_read(said->demo, &said->said, &file, error) < 0)
            return cli_fail(cli, CLI_LOCAL, "%.300s: %s", said->demo, error);
        complete.demonstration = &file.demonstration;
    }
    status = amf_client_assignment_complete(cli->client, args[0], args[1], &complete, said->key,
                                            &result, wanted);
    if (status == AMF_CLIENT_REFUSED && said->demo && result.http_status == 413)
        status = complete_in_two(cli, args, &file, &complete, said->key, &result, wanted);
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    print_completed(cli, &completed);
    return CLI_OK;
}
