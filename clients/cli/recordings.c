/* Files are read in the order of their names, and that order is kept task by task: what is held out
 * and which half a recording is in go by it.
 */
#include "recordings.h"

#include <string.h>

void recordings_deinit(struct recordings *recordings)
{
    for (size_t i = 0; i < recordings->file_count; i++)
        demo_file_deinit(&recordings->files[i]);
    folder_deinit(&recordings->folder);
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
    if (recordings->failed)
        cli_note(cli, "%zu failed demonstrations and rollouts are left out", recordings->failed);
    return CLI_OK;
}

enum cli_exit recordings_load(struct cli *cli, const char *directory, struct recordings *recordings)
{
    struct folder *folder = &recordings->folder;
    enum cli_exit status;
    char error[512];

    if (folder_read(directory, folder, error) < 0)
        return cli_fail(cli, CLI_LOCAL, "%s", error);
    recordings->files = proto_arena_alloc(&cli->arena, folder->count, sizeof(*recordings->files));
    recordings->items = proto_arena_alloc(&cli->arena, folder->count, sizeof(*recordings->items));
    recordings->tasks = proto_arena_alloc(&cli->arena, folder->count, sizeof(*recordings->tasks));
    recordings->seen = proto_arena_alloc(&cli->arena, folder->count, sizeof(*recordings->seen));
    if (!recordings->files || !recordings->items || !recordings->tasks || !recordings->seen)
        return cli_no_memory(cli);
    status = recordings_read(cli, folder, recordings);
    if (status == CLI_OK && !recordings->count)
        return cli_fail(cli, CLI_LOCAL, "%.300s: no demonstrations there", directory);
    return status;
}
