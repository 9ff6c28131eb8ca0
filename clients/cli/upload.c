/* One file at a time: the server's answer to each decides what is told about it, memory is one
 * file's, and the order in which demonstrations are stored is the order of the names.
 */
#include "upload.h"

#include <string.h>

#include "demo_file.h"
#include "progress.h"

/* Refusals that are not about the file at hand. */
static bool is_about_all(const struct proto_problem *problem)
{
    static const char *const codes[] = {"unauthorized", "project_not_found", "disk_full"};

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcmp(problem->code, codes[i]) == 0)
            return true;
    return problem->status >= 500;
}

static void print_stored(struct cli *cli, const char *path, const struct proto_stored *stored)
{
    output_text(cli->out, path);
    fputs("  ", cli->out);
    output_text(cli->out, stored->id);
    fprintf(cli->out, "  %lld steps  %s\n", (long long)stored->steps,
            stored->duplicate ? "already held" : "new");
}

struct sender {
    struct cli *cli;
    const char *project;
    const struct demo_options *said;
    bool each;
    struct progress progress;
    struct upload upload;
    bool stop; /* the rest would fare as the last one did */
};

static enum cli_exit send_file(struct sender *sender, const char *path,
                               const struct demo_file *file)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct cli *cli = sender->cli;
    struct proto_stored stored;
    enum amf_client_status status =
        demo_file_post(cli->client, sender->project, file, &result, &stored);

    if (status != AMF_CLIENT_OK) {
        sender->stop = status != AMF_CLIENT_REFUSED || is_about_all(&result.problem);
        sender->upload.refused += !sender->stop;
        progress_clear(&sender->progress);
        return cli_explain(cli, path, status, &result);
    }
    sender->upload.stored += !stored.duplicate;
    sender->upload.held += stored.duplicate;
    if (cli->json)
        cli_print_json(cli, &result);
    else if (sender->each)
        print_stored(cli, path, &stored);
    return CLI_OK;
}

static enum cli_exit take_file(struct sender *sender, const char *path)
{
    DEMO_FILE_CLEANUP struct demo_file file = DEMO_FILE_NULL;
    char error[512];

    if (demo_file_read(path, sender->said, &file, error) == 0)
        return send_file(sender, path, &file);
    progress_clear(&sender->progress);
    if (file.foreign && !sender->each) {
        cli_note(sender->cli, "%.300s: left out, it is no demonstration", path);
        return CLI_OK;
    }
    sender->upload.bad++;
    return cli_fail(sender->cli, CLI_LOCAL, "%.300s: %s", path, error);
}

enum cli_exit upload_files(struct cli *cli, const char *project, const char *const *paths,
                           size_t count, const struct demo_options *said, bool each,
                           struct upload *ret_upload)
{
    struct sender sender = {.cli = cli, .project = project, .said = said, .each = each};
    enum cli_exit exit_code = CLI_OK;

    /* Where every file has its line, or its JSON, that is the progress. */
    progress_init(&sender.progress, cli->err, each || cli->json ? 0 : count);
    for (size_t i = 0; i < count && !sender.stop; i++) {
        progress_update(&sender.progress, i);
        exit_code = take_file(&sender, paths[i]);
    }
    progress_clear(&sender.progress);
    *ret_upload = sender.upload;
    return sender.stop ? exit_code : CLI_OK;
}
