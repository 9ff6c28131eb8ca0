/* amf demo add|upload|list|show|get|delete */
#include "commands.h"

#include <errno.h>
#include <string.h>

#include "folder.h"
#include "listing.h"
#include "upload.h"
#include "write_file.h"

#define AT(member) offsetof(struct demo_options, member)
const struct option demo_options[] = {
    {"task", "KEY", OPTION_TEXT, AT(task), "the task that was demonstrated"},
    {"role", "ROLE", OPTION_NAME, AT(role), "what they are",
     .names = proto_demonstration_role_names},
    {"failed", NULL, OPTION_FLAG, AT(failed), "they did not reach the goal"},
    {"operator", "NAME", OPTION_TEXT, AT(operator_), "who demonstrated"},
    {"robot", "NAME", OPTION_TEXT, AT(robot), "on which robot"},
    {NULL},
};
#undef AT

#define AT(member) offsetof(struct demo_list_options, member)
const struct option demo_list_options[] = {
    {"limit", "COUNT", OPTION_INT, AT(limit), "at most so many, 1 to 500; otherwise all", .min = 1,
     .max = 500},
    {"cursor", "CURSOR", OPTION_TEXT, AT(cursor), "go on where another list ended"},
    {NULL},
};
#undef AT

#define AT(member) offsetof(struct demo_get_options, member)
const struct option demo_get_options[] = {
    {"output", "FILE", OPTION_TEXT, AT(output), "where to; otherwise ID.safetensors here"},
    {"force", NULL, OPTION_FLAG, AT(force), "replace the file if there is one"},
    {NULL},
};
#undef AT

#define AT(member) offsetof(struct demo_delete_options, member)
const struct option demo_delete_options[] = {
    {"reason", "TEXT", OPTION_TEXT, AT(reason), "why it is not to count", .required = true},
    {NULL},
};
#undef AT

void demo_defaults(void *options)
{
    ((struct demo_options *)options)->role = -1;
}

COMMAND(cmd_demo_add)
{
    struct upload upload;
    enum cli_exit stopped = upload_files(cli, args[0], args + 1, count - 1, options, true, &upload);

    if (stopped != CLI_OK)
        return stopped;
    if (upload.refused > 0)
        return CLI_REFUSED;
    return upload.bad > 0 ? CLI_LOCAL : CLI_OK;
}

COMMAND(cmd_demo_upload)
{
    FOLDER_CLEANUP struct folder folder = FOLDER_NULL;
    struct upload upload;
    enum cli_exit stopped;
    char error[512];

    (void)count;
    if (folder_read(args[1], &folder, error) < 0)
        return cli_fail(cli, CLI_LOCAL, "%s", error);
    if (folder.count == 0)
        return cli_fail(cli, CLI_LOCAL, "%.300s: no .safetensors or .json files in it", args[1]);
    stopped = upload_files(cli, args[0], (const char *const *)folder.paths, folder.count, options,
                           false, &upload);
    fprintf(cli->json ? cli->err : cli->out, "%zu new, %zu already held, %zu refused\n",
            upload.stored, upload.held, upload.refused + upload.bad);
    if (stopped != CLI_OK) {
        cli_fail(cli, stopped,
                 "stopped early; what is held already is recognised when it is run again");
        return stopped;
    }
    return upload.refused + upload.bad > 0 ? CLI_REFUSED : CLI_OK;
}

static int add_demonstrations(struct table *table, const struct proto_list *demonstrations)
{
    for (size_t i = 0; i < demonstrations->count; i++) {
        const struct proto_demonstration *demonstration =
            &((const struct proto_demonstration *)demonstrations->items)[i];
        char steps[24];
        const struct cell cells[] = {
            {.text = demonstration->id},
            {.text = demonstration->task},
            {.text = steps},
            {.text = proto_demonstration_role_names[demonstration->role]},
            {.text = demonstration->success ? "yes" : "no"},
            {.text = demonstration->operator_},
            {.text = demonstration->at},
        };

        snprintf(steps, sizeof(steps), "%lld", (long long)demonstration->steps);
        if (table_add(table, cells, false) < 0)
            return -1;
    }
    return 0;
}

static const struct column columns[] = {
    {"demonstration", COLUMN_LEFT}, {"task", COLUMN_LEFT},    {"steps", COLUMN_RIGHT},
    {"role", COLUMN_LEFT},          {"success", COLUMN_LEFT}, {"operator", COLUMN_LEFT},
    {"stored", COLUMN_LEFT},
};

static enum amf_client_status ask_page(struct cli *cli, const char *project,
                                       const struct amf_client_page *page,
                                       struct amf_client_result *result,
                                       struct listing_page *ret_page)
{
    struct proto_demonstration_list list = {0};
    enum amf_client_status status =
        amf_client_demonstration_list(cli->client, project, page, result, ret_page ? &list : NULL);

    if (ret_page)
        *ret_page = (struct listing_page){list.demonstrations, list.next_cursor};
    return status;
}

static const struct listing listing = {columns, sizeof(columns) / sizeof(columns[0]), ask_page,
                                       add_demonstrations};

COMMAND(cmd_demo_list)
{
    const struct demo_list_options *said = options;

    (void)count;
    return cli_list(cli, &listing, args[0],
                    (struct amf_client_page){.limit = said->limit, .cursor = said->cursor});
}

COMMAND(cmd_demo_show)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_demonstration demonstration;
    enum amf_client_status status = amf_client_demonstration_get(
        cli->client, args[0], args[1], &result, cli->json ? NULL : &demonstration);

    (void)count;
    (void)options;
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    if (output_fields(cli->out, &proto_demonstration_summary_shape, &demonstration) < 0)
        return cli_no_memory(cli);
    return CLI_OK;
}

COMMAND(cmd_demo_get)
{
    const struct demo_get_options *get = options;
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    enum amf_client_status status;
    const char *path = get->output;

    (void)count;
    if (cli->json) {
        status = amf_client_demonstration_get(cli->client, args[0], args[1], &result, NULL);
        return cli_answer(cli, status, &result);
    }
    if (!path)
        path = proto_arena_printf(&cli->arena, "%s.safetensors", args[1]);
    if (!path)
        return cli_no_memory(cli);
    if (!get->output && strchr(path, '/'))
        return cli_fail(cli, CLI_USAGE, "\"%.100s\" is no id of a demonstration", args[1]);
    status = amf_client_demonstration_get_tensors(cli->client, args[0], args[1], &result);
    if (status != AMF_CLIENT_OK)
        return cli_answer(cli, status, &result);
    if (write_file(path, result.body, result.body_length, 0644, get->force) < 0)
        return cli_fail(cli, CLI_LOCAL, "%.300s: %s%s", path, strerror(errno),
                        errno == EEXIST ? "; --force replaces it" : "");
    fputs("wrote ", cli->out);
    output_text(cli->out, path);
    fprintf(cli->out, ", %zu bytes\n", result.body_length);
    return CLI_OK;
}

COMMAND(cmd_demo_delete)
{
    const struct demo_delete_options *said = options;
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    enum amf_client_status status =
        amf_client_demonstration_delete(cli->client, args[0], args[1], said->reason, &result);

    (void)count;
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    fputs("retracted demonstration ", cli->out);
    output_text(cli->out, args[1]);
    fputc('\n', cli->out);
    return CLI_OK;
}
