/* Files are read in the order of their names, an exported project in that of arrival, and that
 * order is kept task by task: what is held out and which half a recording is in go by it.
 */
#include "recordings.h"

#include <string.h>
#include <sys/stat.h>

void recordings_deinit(struct recordings *recordings)
{
    for (size_t i = 0; i < recordings->file_count; i++)
        demo_file_deinit(&recordings->files[i]);
    folder_deinit(&recordings->folder);
    archive_file_deinit(&recordings->archive);
}

static size_t recordings_task(struct recordings *recordings, const char *key)
{
    size_t task = 0;

    while (task < recordings->task_count && strcmp(recordings->tasks[task], key) != 0)
        task++;
    if (task == recordings->task_count)
        recordings->tasks[recordings->task_count++] = key;
    return task;
}

static bool recordings_wants(const struct recordings *recordings, size_t position)
{
    return recordings->half == RECORDINGS_ALL ||
           position % 2 == (recordings->half == RECORDINGS_ODD);
}

/* -1: its dimensions are not those of the ones before. */
static int recordings_add(struct recordings *recordings,
                          const struct proto_demonstration *demonstration)
{
    const struct proto_matrix *states = &demonstration->states, *actions = &demonstration->actions;
    size_t task;

    if (!demonstration->success || demonstration->role == PROTO_ROLE_ROLLOUT) {
        recordings->failed++;
        return 0;
    }
    if (!recordings->task_count) {
        recordings->state_dim = states->cols;
        recordings->action_dim = actions->cols;
    }
    task = recordings_task(recordings, demonstration->task);
    if (states->cols != recordings->state_dim || actions->cols != recordings->action_dim)
        return -1;
    if (recordings_wants(recordings, recordings->seen[task]++))
        recordings->items[recordings->count++] =
            (struct lab_recording){task, states->rows, states->data, actions->data};
    return 0;
}

/* A folder with a file that cannot be used is refused: half of the data would tell other things. */
static enum cli_exit recordings_read(struct cli *cli, const struct folder *folder,
                                     struct recordings *recordings)
{
    struct demo_options said = {.role = -1};
    char error[512];

    for (size_t i = 0; i < folder->count; i++) {
        struct demo_file *file = &recordings->files[recordings->file_count++];

        *file = (struct demo_file)DEMO_FILE_NULL;
        if (demo_file_read(folder->paths[i], &said, file, error) < 0) {
            if (file->foreign)
                continue;
            return cli_fail(cli, CLI_LOCAL, "%.300s: %s", folder->paths[i], error);
        }
        if (recordings_add(recordings, &file->demonstration) < 0)
            return cli_fail(cli, CLI_LOCAL, "%.300s: other dimensions than the files before",
                            folder->paths[i]);
    }
    return CLI_OK;
}

/* An exported project, which was checked as a whole before. */
static enum cli_exit recordings_read_archive(struct cli *cli, const char *path,
                                             const struct archive_file *archive,
                                             struct recordings *recordings)
{
    char error[512];

    for (size_t i = 0; i < archive->count; i++) {
        struct demo_file *file = &recordings->files[recordings->file_count++];

        *file = (struct demo_file)DEMO_FILE_NULL;
        if (archive_file_demo(archive, i, file, error) < 0)
            return cli_fail(cli, CLI_LOCAL, "%.300s: %s", path, error);
        if (recordings_add(recordings, &file->demonstration) < 0)
            return cli_fail(cli, CLI_LOCAL, "%.300s: %s: other dimensions than the ones before",
                            path, archive->demos[i].name);
    }
    return CLI_OK;
}

static int recordings_reserve(struct cli *cli, size_t count, struct recordings *recordings)
{
    recordings->files = proto_arena_alloc(&cli->arena, count, sizeof(*recordings->files));
    recordings->items = proto_arena_alloc(&cli->arena, count, sizeof(*recordings->items));
    recordings->tasks = proto_arena_alloc(&cli->arena, count, sizeof(*recordings->tasks));
    recordings->seen = proto_arena_alloc(&cli->arena, count, sizeof(*recordings->seen));
    return recordings->files && recordings->items && recordings->tasks && recordings->seen ? 0 : -1;
}

enum cli_exit recordings_load(struct cli *cli, const char *path, struct recordings *recordings)
{
    struct folder *folder = &recordings->folder;
    struct archive_file *archive = &recordings->archive;
    enum cli_exit status;
    struct stat info;
    char error[512];
    bool is_file = stat(path, &info) == 0 && S_ISREG(info.st_mode);
    size_t count;

    if (is_file && archive_file_open(path, archive, error) < 0)
        return cli_fail(cli, CLI_LOCAL, "%.300s: %s", path, error);
    if (!is_file && folder_read(path, folder, error) < 0)
        return cli_fail(cli, CLI_LOCAL, "%s", error);
    count = is_file ? archive->count : folder->count;
    if (!count)
        return cli_fail(cli, CLI_LOCAL, "%.300s: no demonstrations there", path);
    if (recordings_reserve(cli, count, recordings) < 0)
        return cli_no_memory(cli);
    status = is_file ? recordings_read_archive(cli, path, archive, recordings)
                     : recordings_read(cli, folder, recordings);
    if (status != CLI_OK)
        return status;
    if (recordings->failed)
        cli_note(cli, "%zu failed demonstrations and rollouts are left out", recordings->failed);
    return recordings->count ? CLI_OK
                             : cli_fail(cli, CLI_LOCAL, "%.300s: no demonstrations there", path);
}
