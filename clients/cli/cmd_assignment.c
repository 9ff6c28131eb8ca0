/* amf renew|skip|fail|release: what an operator says of an assignment beside `amf complete` */
#include "commands.h"

#define AT(member) offsetof(struct renew_options, member)
const struct option renew_options[] = {
    {"fence", "NUMBER", OPTION_INT, AT(renew.fence), "as `amf next` printed it", .required = true},
    {"lease-s", "SECONDS", OPTION_REAL, AT(renew.lease_s), "from now on; otherwise the project's"},
    {"idempotency-key", "KEY", OPTION_TEXT, AT(key), "same key, same answer; otherwise random"},
    {NULL},
};
#undef AT

#define AT(member) offsetof(struct end_options, member)
const struct option skip_options[] = {
    {"fence", "NUMBER", OPTION_INT, AT(end.fence), "as `amf next` printed it", .required = true},
    {"to", "WHOM", OPTION_NAME, AT(end.to), "who is not asked for it again",
     .names = proto_skip_names},
    {"reason", "TEXT", OPTION_TEXT, AT(end.reason), "kept with the assignment"},
    {"idempotency-key", "KEY", OPTION_TEXT, AT(key), "same key, same answer; otherwise random"},
    {NULL},
};
const struct option end_options[] = {
    {"fence", "NUMBER", OPTION_INT, AT(end.fence), "as `amf next` printed it", .required = true},
    {"reason", "TEXT", OPTION_TEXT, AT(end.reason), "kept with the assignment"},
    {"idempotency-key", "KEY", OPTION_TEXT, AT(key), "same key, same answer; otherwise random"},
    {NULL},
};
#undef AT

void renew_defaults(void *options)
{
    struct renew_options *said = options;

    proto_renew_defaults(&said->renew);
    said->renew.fence = PROTO_INT_NULL;
}

void end_defaults(void *options)
{
    ((struct end_options *)options)->end.fence = PROTO_INT_NULL;
}

COMMAND(cmd_renew)
{
    const struct renew_options *said = options;
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_assignment assignment = {0};
    enum amf_client_status status;

    (void)count;
    status = amf_client_assignment_renew(cli->client, args[0], args[1], &said->renew, said->key,
                                         &result, cli->json ? NULL : &assignment);
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    fputs("renewed until ", cli->out);
    output_text(cli->out, assignment.expires_at ? assignment.expires_at : "?");
    fprintf(cli->out, "; its fence is %lld now\n", (long long)assignment.fence);
    return CLI_OK;
}

typedef enum amf_client_status (*end_fn)(struct amf_client *client, const char *project,
                                         const char *id, const struct proto_end *end,
                                         const char *key, struct amf_client_result *result,
                                         struct proto_assignment *ret_assignment);

static enum cli_exit end_assignment(struct cli *cli, const char *const *args,
                                    const struct end_options *said, end_fn end, const char *what)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_assignment assignment = {0};
    enum amf_client_status status = end(cli->client, args[0], args[1], &said->end, said->key,
                                        &result, cli->json ? NULL : &assignment);

    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    fprintf(cli->out, "%s ", what);
    output_text(cli->out, assignment.task);
    fputs("; `amf next` asks for another\n", cli->out);
    return CLI_OK;
}

COMMAND(cmd_skip)
{
    (void)count;
    return end_assignment(cli, args, options, amf_client_assignment_skip, "skipped");
}

COMMAND(cmd_fail)
{
    (void)count;
    return end_assignment(cli, args, options, amf_client_assignment_fail, "noted a failed try of");
}

COMMAND(cmd_release)
{
    (void)count;
    return end_assignment(cli, args, options, amf_client_assignment_release, "gave back");
}
