/* amf backtest */
#include "commands.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include <proto/wire.h>

#include "archive_file.h"
#include "demo_file.h"
#include "folder.h"
#include "lab_options.h"

#define PRETRAIN_EACH 3 /* where --pretrain is not given */

static const char *const kernel_names[] = {"rbf", "matern32", "matern52", "linear", NULL};
static const char *const half_names[] = {"all", "even", "odd", NULL};

#define AT(member) offsetof(struct backtest_options, member)
#define AT_LAB(member) AT(lab.member)
const struct option backtest_options[] = {
    {"pretrain", "N,...", OPTION_REALS, AT(pretrain),
     "held from the start, one number a task in the order of their files (default 3 each)"},
    LAB_OPTION_ROWS(AT_LAB),
    {"half", "NAME", OPTION_NAME, AT(half), "which recordings of each task: all, or every other",
     .names = half_names},
    {"held-out", "N", OPTION_INT, AT(held_out), "recordings of each task for the error", .min = 1,
     .max = 1000},
    {"max-steps", "N", OPTION_INT, AT(max_steps), "of a recording, evenly spaced; 0 is all",
     .min = 0, .max = 4096},
    {"kernel", "NAME", OPTION_NAME, AT(kernel), "of states", .names = kernel_names},
    {"task-correlation", "SHARE", OPTION_REAL, AT(task_correlation), "of different tasks", .min = 0,
     .max = 1},
    {"noise", "SHARE", OPTION_REAL, AT(noise), "of an action, in its standard deviations",
     .min = 1e-3, .max = 10},
    {NULL},
};
#undef AT
#undef AT_LAB

void backtest_defaults(void *arg)
{
    struct backtest_options *options = arg;

    lab_options_defaults(&options->lab, 30);
    options->held_out = 9;
    options->max_steps = 16;
    options->noise = 0.3;
    options->task_correlation = 0.25;
}

/* ---- the recordings ---- */

struct recordings {
    struct demo_file *files;
    size_t file_count; /* read, or half-read */
    struct lab_recording *items;
    size_t count;
    const char **tasks; /* keys, in the order of the files' names */
    size_t *seen;       /* of each task, the other half included */
    size_t task_count, state_dim, action_dim, failed;
    int half;
};

static void recordings_deinit(struct recordings *recordings)
{
    for (size_t i = 0; i < recordings->file_count; i++)
        demo_file_deinit(&recordings->files[i]);
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
    return !recordings->half || position % 2 == (recordings->half == 2);
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

static enum cli_exit recordings_load(struct cli *cli, const char *path, struct folder *folder,
                                     struct archive_file *archive, struct recordings *recordings)
{
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
    if (status == CLI_OK && recordings->failed)
        cli_note(cli, "%zu failed demonstrations and rollouts are left out", recordings->failed);
    return status;
}

/* ---- the verb ---- */

static int backtest_pretrain(struct cli *cli, const struct proto_reals *said, size_t task_count,
                             size_t *ret_pretrain)
{
    for (size_t task = 0; task < task_count; task++)
        ret_pretrain[task] = PRETRAIN_EACH;
    if (!said->count)
        return 0;
    if (said->count != task_count) {
        cli_fail(cli, CLI_USAGE, "--pretrain: %zu numbers for %zu tasks", said->count, task_count);
        return -1;
    }
    for (size_t task = 0; task < task_count; task++) {
        if (said->items[task] < 0 || said->items[task] > 1e6 ||
            floor(said->items[task]) != said->items[task]) {
            cli_fail(cli, CLI_USAGE, "--pretrain: %g is no number of demonstrations",
                     said->items[task]);
            return -1;
        }
        ret_pretrain[task] = (size_t)said->items[task];
    }
    return 0;
}

static enum cli_exit backtest_run(struct cli *cli, const struct backtest_options *options,
                                  const struct recordings *recordings,
                                  const struct lab_backtest *backtest)
{
    const struct lab_note notes[] = {
        {"experiment", 0, "backtest"},
        {"held_out", (double)options->held_out, NULL},
        {"half", 0, half_names[options->half]},
        {"max_steps", (double)options->max_steps, NULL},
        {"task_correlation", options->task_correlation, NULL},
    };
    struct lab_settings settings = {
        .model = {.kernel = (enum amf_kernel_kind)options->kernel,
                  .variance = 1,
                  .noise = options->noise,
                  .state_scale = NAN,
                  .task_scale = 1},
    };

    if (lab_options_apply(cli, &options->lab, &settings) < 0)
        return CLI_USAGE;
    return lab_options_run(cli, lab_backtest_world(backtest), &settings, notes,
                           sizeof(notes) / sizeof(notes[0]), recordings->tasks);
}

static enum cli_exit backtest_prepare(struct cli *cli, const struct backtest_options *options,
                                      const struct recordings *recordings)
{
    LAB_BACKTEST_CLEANUP struct lab_backtest *backtest = NULL;
    size_t *pretrain =
        proto_arena_alloc(&cli->arena, recordings->task_count + 1, sizeof(*pretrain));
    const struct lab_backtest_settings settings = {
        .task_count = recordings->task_count,
        .state_dim = recordings->state_dim,
        .action_dim = recordings->action_dim,
        .pretrain = pretrain,
        .held_out = (size_t)options->held_out,
        .max_steps = (size_t)options->max_steps,
        .task_correlation = options->task_correlation,
    };
    size_t too_few;
    enum amf_status status;

    if (!pretrain)
        return cli_no_memory(cli);
    if (backtest_pretrain(cli, &options->pretrain, recordings->task_count, pretrain) < 0)
        return CLI_USAGE;
    status = lab_backtest_new(&settings, recordings->items, recordings->count, &too_few, &backtest);
    if (status == AMF_BAD_ARGUMENT && too_few < recordings->task_count)
        return cli_fail(cli, CLI_USAGE,
                        "task %.128s has too few recordings for %zu held out and %zu pre-trained",
                        recordings->tasks[too_few], settings.held_out, pretrain[too_few]);
    if (status)
        return cli_fail(cli, CLI_LOCAL, "the recordings cannot be used: %s",
                        amf_status_name(status));
    return backtest_run(cli, options, recordings, backtest);
}

COMMAND(cmd_backtest)
{
    FOLDER_CLEANUP struct folder folder = FOLDER_NULL;
    ARCHIVE_FILE_CLEANUP struct archive_file archive = ARCHIVE_FILE_NULL;
    const struct backtest_options *said = options;
    __attribute__((cleanup(recordings_deinit))) struct recordings recordings = {.half = said->half};
    enum cli_exit status;

    (void)count;
    status = recordings_load(cli, args[0], &folder, &archive, &recordings);
    if (status == CLI_OK && !recordings.count)
        status = cli_fail(cli, CLI_LOCAL, "%.300s: no demonstrations there", args[0]);
    return status == CLI_OK ? backtest_prepare(cli, said, &recordings) : status;
}
