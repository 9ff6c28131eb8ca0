/* amf task add|list|show|delete */
#include "commands.h"

#include "listing.h"

#define AT(member) offsetof(struct proto_task, member)
const struct option task_add_options[] = {
    {"instruction", "TEXT", OPTION_TEXT, AT(instruction), "what the operator is told",
     .required = true},
    {"weight", "NUMBER", OPTION_REAL, AT(weight), "how much the task matters, 0 or more"},
    {"cost-s", "SECONDS", OPTION_REAL, AT(cost_s), "what one demonstration costs a person"},
    {"role", "ROLE", OPTION_NAME, AT(role), "what it counts for", .names = proto_task_role_names},
    {"vector", "A,B,...", OPTION_REALS, AT(vector), "the task's features, for a vector kernel"},
    {"requires", "CAPABILITY", OPTION_TEXTS, AT(requires_), "what the asker must be able to do"},
    {"min-demonstrations", "COUNT", OPTION_INT, AT(min_demonstrations),
     "ask for it until so many are held"},
    {"max-demonstrations", "COUNT", OPTION_INT, AT(max_demonstrations),
     "do not ask beyond so many"},
    {NULL},
};
#undef AT

COMMAND(cmd_task_add)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_task task = *(const struct proto_task *)options;
    enum amf_client_status status;

    (void)count;
    task.key = args[1];
    status = amf_client_task_put(cli->client, args[0], &task, &result, NULL);
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    fputs(result.http_status == 201 ? "added task " : "replaced task ", cli->out);
    output_text(cli->out, args[1]);
    fputc('\n', cli->out);
    return CLI_OK;
}

static int add_tasks(struct table *table, const struct proto_list *tasks)
{
    for (size_t i = 0; i < tasks->count; i++) {
        const struct proto_task *task = &((const struct proto_task *)tasks->items)[i];
        char demonstrations[24], pending[24], weight[32], cost[32];
        const struct cell cells[] = {
            {.text = task->key},
            {.text = demonstrations},
            {.text = pending},
            {.text = weight},
            {.text = cost},
            {.text = proto_task_role_names[task->role]},
            {.text = task->instruction},
        };

        snprintf(demonstrations, sizeof(demonstrations), "%lld", (long long)task->demonstrations);
        snprintf(pending, sizeof(pending), "%lld", (long long)task->pending);
        snprintf(weight, sizeof(weight), "%g", task->weight);
        snprintf(cost, sizeof(cost), "%g", task->cost_s);
        if (table_add(table, cells, false) < 0)
            return -1;
    }
    return 0;
}

static const struct column columns[] = {
    {"task", COLUMN_LEFT},        {"demonstrations", COLUMN_RIGHT}, {"pending", COLUMN_RIGHT},
    {"weight", COLUMN_RIGHT},     {"cost (s)", COLUMN_RIGHT},       {"role", COLUMN_LEFT},
    {"instruction", COLUMN_LEFT},
};

static enum amf_client_status ask_page(struct cli *cli, const char *project,
                                       const struct amf_client_page *page,
                                       struct amf_client_result *result,
                                       struct listing_page *ret_page)
{
    struct proto_task_list list = {0};
    enum amf_client_status status =
        amf_client_task_list(cli->client, project, page, result, ret_page ? &list : NULL);

    if (ret_page)
        *ret_page = (struct listing_page){list.tasks, list.next_cursor};
    return status;
}

static const struct listing listing = {columns, sizeof(columns) / sizeof(columns[0]), ask_page,
                                       add_tasks};

COMMAND(cmd_task_list)
{
    (void)count;
    (void)options;
    return cli_list(cli, &listing, args[0], (struct amf_client_page){0});
}

COMMAND(cmd_task_show)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_task task;
    enum amf_client_status status =
        amf_client_task_get(cli->client, args[0], args[1], &result, cli->json ? NULL : &task);

    (void)count;
    (void)options;
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    if (output_fields(cli->out, &proto_task_shape, &task) < 0)
        return cli_no_memory(cli);
    return CLI_OK;
}

COMMAND(cmd_task_delete)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    enum amf_client_status status = amf_client_task_delete(cli->client, args[0], args[1], &result);

    (void)count;
    (void)options;
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    fputs("deleted task ", cli->out);
    output_text(cli->out, args[1]);
    fputc('\n', cli->out);
    return CLI_OK;
}
