/* amf project export|import, amf server backup */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "draft.h"
#include "progress.h"

#define AT(member) offsetof(struct project_export_options, member)
const struct option project_export_options[] = {
    {"output", "FILE", OPTION_TEXT, AT(output), "where to; otherwise standard output"},
    {"force", NULL, OPTION_FLAG, AT(force), "replace the file if there is one"},
    {NULL},
};
#undef AT

#define AT(member) offsetof(struct backup_options, member)
const struct option backup_options[] = {
    {"output", "FILE", OPTION_TEXT, AT(output), "where to", .required = true},
    {"force", NULL, OPTION_FLAG, AT(force), "replace the file if there is one"},
    {NULL},
};
#undef AT

struct transfer {
    struct cli *cli;
    struct draft *draft; /* NULL: to standard output, or an import */
    bool out;
    struct progress progress;
    uint64_t done;
    int error; /* errno of this side */
};

static int on_piece(void *arg, const void *bytes, size_t length, uint64_t done, uint64_t total)
{
    struct transfer *transfer = arg;

    if (!transfer->done)
        progress_init(&transfer->progress, transfer->cli->err, (size_t)total);
    transfer->done = done;
    progress_update(&transfer->progress, (size_t)done);
    errno = 0;
    if (transfer->draft && draft_write(transfer->draft, bytes, length) < 0)
        transfer->error = errno;
    if (transfer->out && fwrite(bytes, 1, length, transfer->cli->out) != length)
        transfer->error = errno ? errno : EIO;
    return transfer->error;
}

static void clear(struct transfer *transfer)
{
    if (transfer->done)
        progress_clear(&transfer->progress);
}

static enum cli_exit no_file(struct cli *cli, const char *path, int error)
{
    return cli_fail(cli, CLI_LOCAL, "%.300s: %s%s", path, strerror(error),
                    error == EEXIST ? "; --force replaces it" : "");
}

static enum cli_exit print_head(struct cli *cli, const char *path, uint64_t bytes,
                                const struct proto_export *head)
{
    char *text = NULL;
    size_t length;

    if (cli->json) {
        if (proto_encode(&proto_export_shape, head, &text, &length) != 0)
            return cli_no_memory(cli);
        fprintf(cli->out, "%s\n", text);
        free(text);
        return CLI_OK;
    }
    fputs("wrote ", cli->out);
    output_text(cli->out, path);
    fprintf(cli->out, ", %llu bytes: %lld events, %lld demonstrations\n", (unsigned long long)bytes,
            (long long)head->seq, (long long)head->demonstrations);
    return CLI_OK;
}

static enum cli_exit export_to_file(struct cli *cli, const char *project,
                                    const struct project_export_options *said)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    DRAFT_CLEANUP struct draft draft = DRAFT_NULL;
    struct transfer transfer = {.cli = cli, .draft = &draft};
    enum amf_client_status status;
    struct proto_export head;

    /* Known before the first byte, not after the last. */
    if (!said->force && access(said->output, F_OK) == 0)
        return no_file(cli, said->output, EEXIST);
    if (draft_open(said->output, 0644, &draft) < 0)
        return no_file(cli, said->output, errno);
    status = amf_client_project_export(cli->client, project, on_piece, &transfer, &result, &head);
    clear(&transfer);
    if (transfer.error)
        return no_file(cli, said->output, transfer.error);
    if (status != AMF_CLIENT_OK)
        return cli_explain(cli, NULL, status, &result);
    if (draft_finish(&draft, said->force) < 0)
        return no_file(cli, said->output, errno);
    return print_head(cli, said->output, transfer.done, &head);
}

COMMAND(cmd_project_export)
{
    const struct project_export_options *said = options;
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct transfer transfer = {.cli = cli, .out = true};
    enum amf_client_status status;

    (void)count;
    if (said->output)
        return export_to_file(cli, args[0], said);
    if (cli->json || isatty(fileno(cli->out)))
        return cli_fail(cli, CLI_USAGE, "give --output FILE%s",
                        cli->json ? "; with --json, what was written is told"
                                  : ", or send standard output elsewhere");
    status = amf_client_project_export(cli->client, args[0], on_piece, &transfer, &result, NULL);
    clear(&transfer);
    if (transfer.error)
        return cli_fail(cli, CLI_LOCAL, "standard output: %s", strerror(transfer.error));
    return cli_explain(cli, NULL, status, &result);
}

static enum cli_exit import_file(struct cli *cli, const char *project, int fd, uint64_t bytes)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct transfer transfer = {.cli = cli};
    struct proto_project made = {.id = NULL};
    enum amf_client_status status =
        amf_client_project_import(cli->client, project, fd, bytes, on_piece, &transfer, NULL,
                                  &result, cli->json ? NULL : &made);

    clear(&transfer);
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    fputs("imported project ", cli->out);
    output_text(cli->out, made.id);
    fprintf(cli->out, ", %lld events\n", (long long)made.seq);
    return CLI_OK;
}

COMMAND(cmd_project_import)
{
    /* O_NONBLOCK: a pipe of that name must not hold us up; regular files do not care. */
    int fd = open(args[1], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    enum cli_exit status;
    struct stat info;

    (void)count;
    (void)options;
    if (fd < 0)
        return no_file(cli, args[1], errno);
    if (fstat(fd, &info) < 0)
        status = no_file(cli, args[1], errno);
    else if (!S_ISREG(info.st_mode) || info.st_size == 0)
        status = cli_fail(cli, CLI_LOCAL, "%.300s: %s", args[1],
                          S_ISREG(info.st_mode) ? "the file is empty" : "not a regular file");
    else
        status = import_file(cli, args[0], fd, (uint64_t)info.st_size);
    close(fd);
    return status;
}

static enum cli_exit print_backup(struct cli *cli, const char *path, uint64_t bytes,
                                  const char *digest)
{
    if (cli->json) {
        fprintf(cli->out, "{\"bytes\":%llu,\"digest\":\"%s\"}\n", (unsigned long long)bytes,
                digest);
        return CLI_OK;
    }
    fputs("wrote ", cli->out);
    output_text(cli->out, path);
    fprintf(cli->out, ", %llu bytes\n", (unsigned long long)bytes);
    return CLI_OK;
}

COMMAND(cmd_server_backup)
{
    const struct backup_options *said = options;
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    DRAFT_CLEANUP struct draft draft = DRAFT_NULL;
    struct transfer transfer = {.cli = cli, .draft = &draft};
    enum amf_client_status status;

    (void)args;
    (void)count;
    if (!said->force && access(said->output, F_OK) == 0)
        return no_file(cli, said->output, EEXIST);
    /* Everything anybody taught the robots is in it. */
    if (draft_open(said->output, 0600, &draft) < 0)
        return no_file(cli, said->output, errno);
    status = amf_client_server_backup(cli->client, on_piece, &transfer, &result);
    clear(&transfer);
    if (transfer.error)
        return no_file(cli, said->output, transfer.error);
    if (status != AMF_CLIENT_OK)
        return cli_explain(cli, NULL, status, &result);
    if (draft_finish(&draft, said->force) < 0)
        return no_file(cli, said->output, errno);
    return print_backup(cli, said->output, transfer.done, result.digest);
}
