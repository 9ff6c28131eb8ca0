/* amf project create|list|show|set|refit|delete */
#include "commands.h"

#include <string.h>

#include "listing.h"
#include "settings.h"

#define AT(member) offsetof(struct project_create_options, member)
const struct option project_create_options[] = {
    {"title", "TEXT", OPTION_TEXT, AT(title), "what people call it"},
    {"set", "KEY=VALUE", OPTION_TEXTS, AT(set), "a setting"},
    {NULL},
};
#undef AT

/* The settings of a create, and behind them what the create itself says. */
static int collect_fields(const struct project_create_options *options, struct proto_arena *arena,
                          struct proto_strings *fields)
{
    const char **all = proto_arena_alloc(arena, fields->count + 2, sizeof(*all));

    if (!all)
        return -1;
    for (size_t i = 0; i < fields->count; i++)
        all[i] = fields->items[i];
    all[fields->count++] = "id";
    if (options->title)
        all[fields->count++] = "title";
    fields->items = all;
    return 0;
}

COMMAND(cmd_project_create)
{
    const struct project_create_options *create = options;
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_project project, created;
    struct proto_strings fields;
    enum amf_client_status status;
    char error[512];

    (void)count;
    proto_project_defaults(&project);
    if (settings_apply(create->set.items, create->set.count, &cli->arena, &project, &fields,
                       error) < 0)
        return cli_fail(cli, CLI_USAGE, "%s", error);
    if (collect_fields(create, &cli->arena, &fields) < 0)
        return cli_no_memory(cli);
    project.id = args[0];
    if (create->title)
        project.title = create->title;
    status = amf_client_project_create(cli->client, &project, &fields, NULL, &result,
                                       cli->json ? NULL : &created);
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    fputs("created project ", cli->out);
    output_text(cli->out, created.id);
    fputc('\n', cli->out);
    return CLI_OK;
}

static int add_projects(struct table *table, const struct proto_list *projects)
{
    for (size_t i = 0; i < projects->count; i++) {
        const struct proto_project *project = &((const struct proto_project *)projects->items)[i];
        const struct cell cells[] = {
            {.text = project->id},
            {.text = proto_rule_names[project->selection.rule]},
            {.text = project->created_at},
            {.text = project->title},
        };

        if (table_add(table, cells, false) < 0)
            return -1;
    }
    return 0;
}

static const struct column columns[] = {
    {"project", COLUMN_LEFT},
    {"rule", COLUMN_LEFT},
    {"created", COLUMN_LEFT},
    {"title", COLUMN_LEFT},
};

static enum amf_client_status ask_page(struct cli *cli, const char *project,
                                       const struct amf_client_page *page,
                                       struct amf_client_result *result,
                                       struct listing_page *ret_page)
{
    struct proto_project_list list = {0};
    enum amf_client_status status =
        amf_client_project_list(cli->client, page, result, ret_page ? &list : NULL);

    (void)project;
    if (ret_page)
        *ret_page = (struct listing_page){list.projects, list.next_cursor};
    return status;
}

static const struct listing listing = {columns, sizeof(columns) / sizeof(columns[0]), ask_page,
                                       add_projects};

COMMAND(cmd_project_list)
{
    (void)args;
    (void)count;
    (void)options;
    return cli_list(cli, &listing, NULL, (struct amf_client_page){0});
}

COMMAND(cmd_project_show)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_project project;
    enum amf_client_status status =
        amf_client_project_get(cli->client, args[0], &result, cli->json ? NULL : &project);

    (void)count;
    (void)options;
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    if (output_fields(cli->out, &proto_project_shape, &project) < 0)
        return cli_no_memory(cli);
    return CLI_OK;
}

COMMAND(cmd_project_set)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_project project;
    struct proto_strings fields;
    enum amf_client_status status;
    char error[512];

    (void)options;
    proto_project_defaults(&project);
    if (settings_apply(args + 1, count - 1, &cli->arena, &project, &fields, error) < 0)
        return cli_fail(cli, CLI_USAGE, "%s", error);
    status = amf_client_project_patch(cli->client, args[0], &project, &fields, &result, NULL);
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    fprintf(cli->out, "changed ");
    for (size_t i = 0; i < fields.count; i++)
        fprintf(cli->out, "%s%s", i > 0 ? ", " : "", fields.items[i]);
    fputs(" of project ", cli->out);
    output_text(cli->out, args[0]);
    fputc('\n', cli->out);
    return CLI_OK;
}

COMMAND(cmd_project_refit)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_scales scales;
    enum amf_client_status status =
        amf_client_project_refit(cli->client, args[0], NULL, &result, cli->json ? NULL : &scales);

    (void)count;
    (void)options;
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    if (output_fields(cli->out, &proto_scales_shape, &scales) < 0)
        return cli_no_memory(cli);
    return CLI_OK;
}

COMMAND(cmd_project_delete)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    enum amf_client_status status = amf_client_project_delete(cli->client, args[0], &result);

    (void)count;
    (void)options;
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    fputs("deleted project ", cli->out);
    output_text(cli->out, args[0]);
    fputc('\n', cli->out);
    return CLI_OK;
}
