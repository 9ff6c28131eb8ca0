/* amf policy put|upload|missing|activate|list|show */
#include "commands.h"

#include <string.h>

#include "demo_file.h"
#include "folder.h"
#include "progress.h"

#define ENDING ".safetensors"

#define AT(member) offsetof(struct policy_put_options, member)
const struct option policy_put_options[] = {
    {"role", "ROLE", OPTION_NAME, AT(revision.role), "what it is to serve as",
     .names = proto_revision_role_names},
    {"sigma", "NUMBER", OPTION_REAL, AT(revision.sigma), "standard deviation of its actions"},
    {"trained-on", "ID", OPTION_TEXTS, AT(revision.trained_on),
     "a demonstration it was trained on; may be given again and again"},
    {"note", "TEXT", OPTION_TEXT, AT(revision.note), "what people should know of it"},
    {"file", "FILE", OPTION_TEXT, AT(file), "a safetensors file that says all of it"},
    {NULL},
};
#undef AT

void policy_put_defaults(void *options)
{
    proto_revision_defaults(&((struct policy_put_options *)options)->revision);
}

static enum cli_exit tell(struct cli *cli, const char *what, const struct proto_revision *revision)
{
    output_text(cli->out, revision->revision);
    fprintf(cli->out, " %s, %s", what, proto_revision_state_names[revision->state]);
    if (revision->missing > 0)
        fprintf(cli->out, "; %lld demonstrations lack its features", (long long)revision->missing);
    if (revision->stale_pairs > 0)
        fprintf(cli->out, "; %lld pairs of demonstration and task are stale",
                (long long)revision->stale_pairs);
    fputc('\n', cli->out);
    return CLI_OK;
}

static enum cli_exit put_file(struct cli *cli, const char *const *args, const char *path)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    DEMO_FILE_CLEANUP struct demo_file file = DEMO_FILE_NULL;
    struct proto_revision said;
    enum amf_client_status status;
    char error[512];

    if (demo_file_load(path, &file, error) < 0)
        return cli_fail(cli, CLI_LOCAL, "%.300s: %s", path, error);
    status = amf_client_policy_put_tensors(cli->client, args[0], args[1], file.bytes, file.length,
                                           &result, cli->json ? NULL : &said);
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    return tell(cli, result.http_status == 201 ? "added" : "replaced", &said);
}

COMMAND(cmd_policy_put)
{
    const struct policy_put_options *put = options;
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_revision revision = put->revision, said;
    enum amf_client_status status;

    (void)count;
    if (put->file)
        return put_file(cli, args, put->file);
    revision.revision = args[1];
    status =
        amf_client_policy_put(cli->client, args[0], &revision, &result, cli->json ? NULL : &said);
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    return tell(cli, result.http_status == 201 ? "added" : "replaced", &said);
}

COMMAND(cmd_policy_activate)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_revision said;
    enum amf_client_status status = amf_client_policy_activate(cli->client, args[0], args[1], NULL,
                                                               &result, cli->json ? NULL : &said);

    (void)count;
    (void)options;
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    return tell(cli, "activated", &said);
}

COMMAND(cmd_policy_show)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_revision revision;
    enum amf_client_status status =
        amf_client_policy_get(cli->client, args[0], args[1], &result, cli->json ? NULL : &revision);

    (void)count;
    (void)options;
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    return output_fields(cli->out, &proto_revision_shape, &revision) < 0 ? cli_no_memory(cli)
                                                                         : CLI_OK;
}

/* "a, b" in the arena; NULL: out of memory. */
static const char *joined(struct cli *cli, const struct proto_strings *texts)
{
    const char *text = "";

    for (size_t i = 0; text && i < texts->count; i++)
        text = proto_arena_printf(&cli->arena, "%s%s%s", text, i > 0 ? ", " : "", texts->items[i]);
    return text;
}

static int add_revisions(struct cli *cli, struct table *table, const struct proto_list *revisions)
{
    for (size_t i = 0; i < revisions->count; i++) {
        const struct proto_revision *revision =
            &((const struct proto_revision *)revisions->items)[i];
        char held[24], missing[24];
        const char *serves = joined(cli, &revision->serves);
        const struct cell cells[] = {
            {.text = revision->revision},
            {.text = proto_policy_kind_names[revision->kind]},
            {.text = proto_revision_state_names[revision->state]},
            {.text = serves && *serves ? serves : NULL},
            {.text = held},
            {.text = missing},
            {.text = revision->note},
        };

        snprintf(held, sizeof(held), "%lld", (long long)revision->demonstrations);
        snprintf(missing, sizeof(missing), "%lld", (long long)revision->missing);
        if (!serves || table_add(table, cells, revision->state == PROTO_REVISION_ACTIVE) < 0)
            return -1;
    }
    return 0;
}

COMMAND(cmd_policy_list)
{
    static const struct column columns[] = {
        {"revision", COLUMN_LEFT}, {"kind", COLUMN_LEFT},      {"state", COLUMN_LEFT},
        {"serves", COLUMN_LEFT},   {"features", COLUMN_RIGHT}, {"missing", COLUMN_RIGHT},
        {"note", COLUMN_LEFT},
    };
    TABLE_CLEANUP struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct amf_client_page page = {0};

    (void)count;
    (void)options;
    do {
        struct proto_revision_list list = {0};
        enum amf_client_status status =
            amf_client_policy_list(cli->client, args[0], &page, &result, cli->json ? NULL : &list);

        if (status != AMF_CLIENT_OK || cli->json)
            return cli_answer(cli, status, &result);
        page.cursor = proto_arena_strdup(&cli->arena, list.next_cursor);
        if (!table || add_revisions(cli, table, &list.policies) < 0 ||
            (list.next_cursor && !page.cursor))
            return cli_no_memory(cli);
    } while (page.cursor);
    table_print(table, &cli->terminal, cli->out);
    return CLI_OK;
}

static int add_missing(struct cli *cli, struct table *table, const struct proto_list *missing)
{
    for (size_t i = 0; i < missing->count; i++) {
        const struct proto_missing_features *one =
            &((const struct proto_missing_features *)missing->items)[i];
        const char *tasks = joined(cli, &one->tasks);
        const struct cell cells[] = {
            {.text = one->demonstration},
            {.text = proto_missing_reason_names[one->reason]},
            {.text = tasks},
        };

        if (!tasks || table_add(table, cells, false) < 0)
            return -1;
    }
    return 0;
}

COMMAND(cmd_policy_missing)
{
    static const struct column columns[] = {
        {"demonstration", COLUMN_LEFT}, {"reason", COLUMN_LEFT}, {"tasks", COLUMN_LEFT}};
    TABLE_CLEANUP struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct amf_client_page page = {.limit = 500};
    struct proto_missing answer;

    (void)count;
    (void)options;
    do {
        enum amf_client_status status = amf_client_policy_missing(
            cli->client, args[0], args[1], &page, &result, cli->json ? NULL : &answer);

        if (status != AMF_CLIENT_OK || cli->json)
            return cli_answer(cli, status, &result);
        page.cursor = proto_arena_strdup(&cli->arena, answer.next_cursor);
        if (!table || add_missing(cli, table, &answer.missing) < 0 ||
            (answer.next_cursor && !page.cursor))
            return cli_no_memory(cli);
    } while (page.cursor);
    if (answer.demonstrations + answer.stale_pairs > 0)
        table_print(table, &cli->terminal, cli->out);
    else
        fputs("nothing is missing\n", cli->out);
    return CLI_OK;
}

/* ---- upload ---- */

struct uploaded {
    size_t stored, held, refused, bad;
    bool stop; /* the rest would fare as the last one did */
};

/* "DIR/d0000000042.safetensors": the demonstration's id. NULL: another ending, or no memory. */
static const char *id_of(struct cli *cli, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name), ending = strlen(ENDING);

    if (length <= ending || strcmp(name + length - ending, ENDING) != 0)
        return NULL;
    return proto_arena_strndup(&cli->arena, name, length - ending);
}

static enum cli_exit send_one(struct cli *cli, const char *const *args, const char *path,
                              const char *id, struct uploaded *uploaded)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    DEMO_FILE_CLEANUP struct demo_file file = DEMO_FILE_NULL;
    struct proto_features features;
    enum amf_client_status status;
    char error[512];

    if (demo_file_load(path, &file, error) < 0) {
        uploaded->bad++;
        return cli_fail(cli, CLI_LOCAL, "%.300s: %s", path, error);
    }
    status = amf_client_features_put(cli->client, args[0], args[1], id, file.bytes, file.length,
                                     &result, &features);
    if (status != AMF_CLIENT_OK) {
        /* What is about this one file: its demonstration or what is in it. */
        uploaded->stop =
            status != AMF_CLIENT_REFUSED ||
            (result.http_status != 400 && result.http_status != 413 && result.http_status != 422 &&
             strcmp(result.problem.code, "demonstration_not_found") != 0);
        uploaded->refused += !uploaded->stop;
        return cli_explain(cli, path, status, &result);
    }
    uploaded->stored += !features.duplicate;
    uploaded->held += features.duplicate;
    if (cli->json)
        cli_print_json(cli, &result);
    return CLI_OK;
}

COMMAND(cmd_policy_upload)
{
    FOLDER_CLEANUP struct folder folder = FOLDER_NULL;
    struct uploaded uploaded = {0};
    struct progress progress;
    enum cli_exit exit_code = CLI_OK;
    char error[512];

    (void)count;
    (void)options;
    if (folder_read(args[2], &folder, error) < 0)
        return cli_fail(cli, CLI_LOCAL, "%s", error);
    progress_init(&progress, cli->err, cli->json ? 0 : folder.count);
    for (size_t i = 0; i < folder.count && !uploaded.stop; i++) {
        const char *id = id_of(cli, folder.paths[i]);

        progress_update(&progress, i);
        if (id)
            exit_code = send_one(cli, args, folder.paths[i], id, &uploaded);
        if (exit_code != CLI_OK)
            progress_clear(&progress);
    }
    progress_clear(&progress);
    if (uploaded.stored + uploaded.held + uploaded.refused + uploaded.bad == 0 && !uploaded.stop)
        return cli_fail(cli, CLI_LOCAL, "%.300s: no files DEMONSTRATION" ENDING " in it", args[2]);
    fprintf(cli->json ? cli->err : cli->out, "%zu new, %zu already there, %zu refused\n",
            uploaded.stored, uploaded.held, uploaded.refused + uploaded.bad);
    if (uploaded.stop)
        return exit_code;
    return uploaded.refused + uploaded.bad > 0 ? CLI_REFUSED : CLI_OK;
}
