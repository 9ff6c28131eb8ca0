/* amf server status */
#include "commands.h"

#include <math.h>
#include <string.h>

/* The most a page may have; on a server with more projects the rest is not shown. */
#define PROJECTS_SHOWN 500

enum { ANSWER_HEALTHZ, ANSWER_READYZ, ANSWER_VERSION, ANSWER_STATUS, ANSWER_COUNT };

struct answer {
    struct amf_client_result result;
    enum amf_client_status status;
};

struct told {
    struct proto_health health[2];
    struct proto_version version;
    struct proto_status status;
};

/* A refusal that amfd did not write need not be JSON. */
static bool is_foreign(const struct answer *answer)
{
    return answer->status == AMF_CLIENT_REFUSED &&
           strncmp(answer->result.problem.code, "http_", 5) == 0;
}

/* The answers as members of one object, each unchanged. */
static void print_json(struct cli *cli, const struct answer answers[ANSWER_COUNT])
{
    static const char *const names[] = {"healthz", "readyz", "version", "status"};

    fprintf(cli->out, "{\"url\":\"%s\"", cli->url);
    for (size_t i = 0; i < ANSWER_COUNT; i++) {
        size_t length = answers[i].result.body_length;
        const char *body = answers[i].result.body;

        while (length > 0 && strchr("\r\n", body[length - 1]))
            length--;
        if (!body || is_foreign(&answers[i])) {
            body = "null";
            length = 4;
        }
        fprintf(cli->out, ",\"%s\":%.*s", names[i], (int)length, body);
    }
    fputs("}\n", cli->out);
}

static void print_refusal(struct cli *cli, const char *name, const struct answer *answer)
{
    fprintf(cli->out, "%-9s no: ", name);
    output_text(cli->out, answer->result.problem.detail ? answer->result.problem.detail
                                                        : answer->result.problem.code);
    fputc('\n', cli->out);
}

static void print_health(struct cli *cli, const char *name, const struct answer *answer,
                         const struct proto_health *health)
{
    if (answer->status != AMF_CLIENT_OK) {
        print_refusal(cli, name, answer);
        return;
    }
    fprintf(cli->out, "%-9s ", name);
    output_text(cli->out, health->status);
    fputc('\n', cli->out);
}

static void print_bytes(FILE *out, int64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double number = (double)bytes;
    size_t unit = 0;

    while (number >= 1000 && unit < 4) {
        number /= 1000;
        unit++;
    }
    fprintf(out, "%.*f %s", unit ? 1 : 0, number, units[unit]);
}

static void print_duration(FILE *out, double seconds)
{
    long long whole = seconds > 0 && seconds < 1e15 ? (long long)seconds : 0;

    if (whole >= 86400)
        fprintf(out, "%lld d ", whole / 86400);
    fprintf(out, "%02lld:%02lld:%02lld", whole / 3600 % 24, whole / 60 % 60, whole % 60);
}

static void print_data(struct cli *cli, const struct proto_data_status *data)
{
    fprintf(cli->out, "%-9s ", "data");
    if (data->directory) {
        output_text(cli->out, data->directory);
        fputs(": ", cli->out);
    }
    print_bytes(cli->out, data->database_bytes);
    fputs(", write-ahead log ", cli->out);
    print_bytes(cli->out, data->log_bytes);
    fputs(", free on the disk ", cli->out);
    print_bytes(cli->out, data->free_bytes);
    fputc('\n', cli->out);
}

/* "fresh", "none yet", or for how long which events have been waiting. */
static void ranking_text(const struct proto_project_status *project, char ret_text[96])
{
    const char *scales = project->provisional ? ", scales provisional" : "";

    if (project->ranking_seq == PROTO_INT_NULL)
        snprintf(ret_text, 96, "none yet");
    else if (project->ranking_seq == project->seq)
        snprintf(ret_text, 96, "fresh%s", scales);
    else
        snprintf(ret_text, 96, "up to seq %lld, %.1f s behind%s", (long long)project->ranking_seq,
                 isnan(project->ranking_age_s) ? 0 : project->ranking_age_s, scales);
}

static int add_project(struct table *table, const struct proto_project_status *project)
{
    char demonstrations[24], open[24], seq[24], ranking[96];
    const struct cell cells[] = {
        {.text = project->id}, {.text = demonstrations}, {.text = open},
        {.text = seq},         {.text = ranking},
    };

    snprintf(demonstrations, sizeof demonstrations, "%lld", (long long)project->demonstrations);
    snprintf(open, sizeof open, "%lld", (long long)project->open_assignments);
    snprintf(seq, sizeof seq, "%lld", (long long)project->seq);
    ranking_text(project, ranking);
    return table_add(table, cells, false);
}

static int print_projects(struct cli *cli, const struct proto_status *status)
{
    static const struct column columns[] = {{"project", COLUMN_LEFT},
                                            {"demonstrations", COLUMN_RIGHT},
                                            {"open", COLUMN_RIGHT},
                                            {"seq", COLUMN_RIGHT},
                                            {"ranking", COLUMN_LEFT}};
    TABLE_CLEANUP struct table *table = table_new(columns, 5);
    const struct proto_project_status *projects = status->projects.items;

    if (!table)
        return -1;
    for (size_t i = 0; i < status->projects.count; i++)
        if (add_project(table, &projects[i]))
            return -1;
    fputc('\n', cli->out);
    table_print(table, &cli->terminal, cli->out);
    if (status->next_cursor)
        fprintf(cli->out, "and more; only the first %d are shown\n", PROJECTS_SHOWN);
    return 0;
}

static int print_status(struct cli *cli, const struct proto_status *status)
{
    fprintf(cli->out, "%-9s ", "up");
    print_duration(cli->out, status->uptime_s);
    fprintf(cli->out, "%s\n%-9s %lld waiting%s\n", status->draining ? ", draining" : "", "writer",
            (long long)status->writer_queue, status->latched ? ", no more writes" : "");
    fprintf(cli->out, "%-9s %lld of %lld connections, %lld streams\n", "clients",
            (long long)status->connections, (long long)status->connections_max,
            (long long)status->streams);
    if (status->data)
        print_data(cli, status->data);
    return status->projects.count > 0 ? print_projects(cli, status) : 0;
}

static enum cli_exit print_lines(struct cli *cli, const struct answer answers[ANSWER_COUNT],
                                 const struct told *told)
{
    fprintf(cli->out, "%-9s ", "url");
    output_text(cli->out, cli->url);
    fputc('\n', cli->out);
    print_health(cli, "healthy", &answers[ANSWER_HEALTHZ], &told->health[0]);
    print_health(cli, "ready", &answers[ANSWER_READYZ], &told->health[1]);
    if (answers[ANSWER_VERSION].status == AMF_CLIENT_OK) {
        fprintf(cli->out, "%-9s ", "version");
        output_text(cli->out, told->version.version);
        fputs(", api ", cli->out);
        output_text(cli->out, told->version.api);
        fputc('\n', cli->out);
    }
    if (!cli->has_token)
        fprintf(cli->out, "%-9s no: no token is known; say --token-file, or AMF_TOKEN\n", "more");
    else if (answers[ANSWER_STATUS].status != AMF_CLIENT_OK)
        print_refusal(cli, "more", &answers[ANSWER_STATUS]);
    else if (print_status(cli, &told->status) < 0)
        return cli_no_memory(cli);
    return CLI_OK;
}

static void ask_all(struct cli *cli, struct answer answers[ANSWER_COUNT], struct told *told)
{
    const struct amf_client_page page = {.limit = PROJECTS_SHOWN};

    /* Who asks how the server is wants to know now: no repeats. */
    amf_client_set_retries(cli->client, 0, 0);
    answers[ANSWER_HEALTHZ].status =
        amf_client_healthz(cli->client, &answers[ANSWER_HEALTHZ].result, &told->health[0]);
    answers[ANSWER_READYZ].status =
        amf_client_readyz(cli->client, &answers[ANSWER_READYZ].result, &told->health[1]);
    answers[ANSWER_VERSION].status =
        amf_client_version(cli->client, &answers[ANSWER_VERSION].result, &told->version);
    if (cli->has_token)
        answers[ANSWER_STATUS].status = amf_client_server_status(
            cli->client, &page, &answers[ANSWER_STATUS].result, &told->status);
}

COMMAND(cmd_server_status)
{
    struct answer answers[ANSWER_COUNT] = {{.status = AMF_CLIENT_OK}};
    struct told told = {0};
    enum cli_exit exit_code = CLI_OK;

    (void)args;
    (void)count;
    (void)options;
    ask_all(cli, answers, &told);
    for (size_t i = 0; i < ANSWER_COUNT && exit_code == CLI_OK; i++)
        if (answers[i].status < 0)
            exit_code = cli_explain(cli, NULL, answers[i].status, &answers[i].result);
    if (exit_code == CLI_OK && cli->json)
        print_json(cli, answers);
    else if (exit_code == CLI_OK)
        exit_code = print_lines(cli, answers, &told);
    /* Of what the token may see health does not depend. */
    for (size_t i = 0; i < ANSWER_STATUS && exit_code == CLI_OK; i++)
        if (answers[i].status == AMF_CLIENT_REFUSED)
            exit_code = CLI_REFUSED;
    for (size_t i = 0; i < ANSWER_COUNT; i++)
        amf_client_result_deinit(&answers[i].result);
    return exit_code;
}
