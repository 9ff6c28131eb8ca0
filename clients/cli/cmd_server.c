/* amf server status */
#include "commands.h"

#include <string.h>

struct answer {
    struct amf_client_result result;
    enum amf_client_status status;
};

/* A refusal that amfd did not write need not be JSON. */
static bool is_foreign(const struct answer *answer)
{
    return answer->status == AMF_CLIENT_REFUSED &&
           strncmp(answer->result.problem.code, "http_", 5) == 0;
}

/* The three answers as members of one object, each unchanged. */
static void print_json(struct cli *cli, const struct answer answers[3])
{
    static const char *const names[] = {"healthz", "readyz", "version"};

    fprintf(cli->out, "{\"url\":\"%s\"", cli->url);
    for (size_t i = 0; i < 3; i++) {
        size_t length = answers[i].result.body_length;
        const char *body = answers[i].result.body;

        while (length > 0 && strchr("\r\n", body[length - 1]))
            length--;
        if (is_foreign(&answers[i])) {
            body = "null";
            length = 4;
        }
        fprintf(cli->out, ",\"%s\":%.*s", names[i], (int)length, body);
    }
    fputs("}\n", cli->out);
}

static void print_health(struct cli *cli, const char *name, const struct answer *answer,
                         const struct proto_health *health)
{
    bool ok = answer->status == AMF_CLIENT_OK;

    fprintf(cli->out, "%-9s ", name);
    output_text(cli->out, ok ? health->status : "no: ");
    if (!ok)
        output_text(cli->out, answer->result.problem.detail ? answer->result.problem.detail
                                                            : answer->result.problem.code);
    fputc('\n', cli->out);
}

static void print_lines(struct cli *cli, const struct answer answers[3],
                        const struct proto_health health[2], const struct proto_version *version)
{
    fprintf(cli->out, "%-9s ", "url");
    output_text(cli->out, cli->url);
    fputc('\n', cli->out);
    print_health(cli, "healthy", &answers[0], &health[0]);
    print_health(cli, "ready", &answers[1], &health[1]);
    if (answers[2].status != AMF_CLIENT_OK)
        return;
    fprintf(cli->out, "%-9s ", "version");
    output_text(cli->out, version->version ? version->version : "-");
    fputs(", api ", cli->out);
    output_text(cli->out, version->api ? version->api : "-");
    fputc('\n', cli->out);
}

COMMAND(cmd_server_status)
{
    struct answer answers[3] = {{.status = AMF_CLIENT_OK}};
    struct proto_health health[2] = {{.status = "ok"}, {.status = "ok"}};
    struct proto_version version = {0};
    enum cli_exit exit_code = CLI_OK;

    (void)args;
    (void)count;
    (void)options;
    /* Who asks how the server is wants to know now: no repeats. */
    amf_client_set_retries(cli->client, 0, 0);
    answers[0].status = amf_client_healthz(cli->client, &answers[0].result, &health[0]);
    answers[1].status = amf_client_readyz(cli->client, &answers[1].result, &health[1]);
    answers[2].status = amf_client_version(cli->client, &answers[2].result, &version);
    for (size_t i = 0; i < 3 && exit_code == CLI_OK; i++) {
        if (answers[i].status < 0)
            exit_code = cli_explain(cli, NULL, answers[i].status, &answers[i].result);
    }
    if (exit_code == CLI_OK) {
        if (cli->json)
            print_json(cli, answers);
        else
            print_lines(cli, answers, health, &version);
        for (size_t i = 0; i < 3; i++)
            if (answers[i].status == AMF_CLIENT_REFUSED)
                exit_code = CLI_REFUSED;
    }
    for (size_t i = 0; i < 3; i++)
        amf_client_result_deinit(&answers[i].result);
    return exit_code;
}
