/* amf backtest */
#include "commands.h"

#include <math.h>

#include <proto/wire.h>

#include "lab_options.h"
#include "recordings.h"

#define PRETRAIN_EACH 3 /* where --pretrain is not given */

static const char *const kernel_names[] = {"rbf", "matern32", "matern52", "linear", NULL};
static const char *const half_names[] = {"all", "even", "odd", NULL};
static const char *const scale_names[] = {"median", "marginal_likelihood", NULL};
static const char *const judge_names[] = {"own", "fixed", NULL};

/* The yardstick of `--judge fixed`, whatever the defaults become. */
#define JUDGE_STEPS 16
#define JUDGE_CORRELATION 0.25
static const struct lab_model judge_model = {
    .kernel = AMF_KERNEL_RBF, .variance = 1, .noise = 0.3, .state_scale = NAN, .task_scale = 1};

#define AT(member) offsetof(struct backtest_options, member)
#define AT_LAB(member) AT(lab.member)
const struct option backtest_options[] = {
    {"pretrain", "N,...", OPTION_REALS, AT(pretrain),
     "held from the start, one number a task in the order of their files (default 3 each)"},
    LAB_OPTION_ROWS(AT_LAB, kernel_names),
    {"half", "NAME", OPTION_NAME, AT(half), "which recordings of each task: all, or every other",
     .names = half_names},
    {"held-out", "N", OPTION_INT, AT(held_out), "recordings of each task for the error", .min = 1,
     .max = 1000},
    {"max-steps", "N", OPTION_INT, AT(max_steps), "of a recording, evenly spaced; 0 is all",
     .min = 0, .max = 4096},
    {"task-correlation", "SHARE", OPTION_REAL, AT(task_correlation), "of different tasks", .min = 0,
     .max = 1},
    {"state-scale", "NAME", OPTION_NAME, AT(state_scale), "how it is found", .names = scale_names},
    {"fit-after", "N", OPTION_INT, AT(fit_after),
     "demonstrations that freeze the scales; 0: those before the first choice", .min = 0,
     .max = 1e6},
    {"judge", "NAME", OPTION_NAME, AT(judge),
     "whose error is told: own, or a Gaussian process that other options do not change",
     .names = judge_names},
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
    options->lab.noise = 0.8;
    options->task_correlation = 0.25;
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
                                  const struct lab_backtest *backtest,
                                  const struct lab_backtest *judge)
{
    const struct lab_note notes[] = {
        {"experiment", 0, "backtest"},
        {"held_out", (double)options->held_out, NULL},
        {"half", 0, half_names[options->half]},
        {"max_steps", (double)options->max_steps, NULL},
        {"task_correlation", options->task_correlation, NULL},
        {"scale_from", 0, scale_names[options->state_scale]},
        {"fit_after", (double)options->fit_after, NULL},
        {"judge", 0, judge_names[options->judge]},
    };
    const struct lab_subject subject = {
        .world = lab_backtest_world(backtest),
        .model = {.kernel = lab_options_kernel(&options->lab),
                  .variance = 1,
                  .noise = options->lab.noise,
                  .state_scale = NAN,
                  .task_scale = 1,
                  .fit_after = (size_t)options->fit_after,
                  .likelihood = options->state_scale == 1},
        .judge = {options->judge == 1 ? lab_backtest_world(judge) : NULL, judge_model},
        .notes = notes,
        .note_count = sizeof(notes) / sizeof(notes[0]),
        .task_names = recordings->tasks,
    };

    return lab_options_run(cli, &options->lab, &subject);
}

static enum cli_exit backtest_prepare(struct cli *cli, const struct backtest_options *options,
                                      const struct recordings *recordings)
{
    LAB_BACKTEST_CLEANUP struct lab_backtest *backtest = NULL, *judge = NULL;
    size_t *pretrain =
        proto_arena_alloc(&cli->arena, recordings->task_count + 1, sizeof(*pretrain));
    struct lab_backtest_settings settings = {
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
    settings.max_steps = JUDGE_STEPS;
    settings.task_correlation = JUDGE_CORRELATION;
    if (!status)
        status =
            lab_backtest_new(&settings, recordings->items, recordings->count, &too_few, &judge);
    if (status)
        return cli_fail(cli, CLI_LOCAL, "the recordings cannot be used: %s",
                        amf_status_name(status));
    return backtest_run(cli, options, recordings, backtest, judge);
}

COMMAND(cmd_backtest)
{
    const struct backtest_options *said = options;
    RECORDINGS_CLEANUP struct recordings recordings = RECORDINGS_NULL;
    enum cli_exit status;

    (void)count;
    recordings.half = (enum recordings_half)said->half;
    status = recordings_load(cli, args[0], &recordings);
    return status == CLI_OK ? backtest_prepare(cli, said, &recordings) : status;
}
