/* amf experiment */
#include "commands.h"

#include <math.h>

#include <proto/wire.h>

#include "lab_options.h"

#define WALK_LAMBDA 0.9 /* of the random walk round the ring of tasks */

enum kernel_name { KERNEL_RANDOM_WALK = 4 }; /* the others are those of libamf, in its order */

static const char *const kernel_names[] = {"rbf",    "matern32",    "matern52",
                                           "linear", "random_walk", NULL};
static const char *const space_names[] = {"discrete", "circle", NULL};

#define AT(member) offsetof(struct integrator_options, member)
#define AT_LAB(member) AT(lab.member)
const struct option integrator_options[] = {
    {"pretrain-tasks", "N", OPTION_INT, AT(pretrain_tasks),
     "neighbouring tasks that share 12 pre-training demonstrations, 1 to 12", .min = 1,
     .max = LAB_INTEGRATOR_TASKS},
    LAB_OPTION_ROWS(AT_LAB, kernel_names),
    {"horizon", "STEPS", OPTION_INT, AT(horizon), "of a demonstration; the time stays the same",
     .min = 1, .max = 100},
    {"task-space", "NAME", OPTION_NAME, AT(task_space), "what may be asked for",
     .names = space_names},
    {"length-scale", "LENGTH", OPTION_REAL, AT(length_scale), "of states and of task vectors",
     .min = 1e-3, .max = 1e3},
    {"assumed-noise", "STD", OPTION_REAL, AT(assumed_noise),
     "what rules take --noise to be, not the policy that is scored; 0: what it is", .min = 0,
     .max = 10},
    {NULL},
};
#undef AT
#undef AT_LAB

void integrator_defaults(void *arg)
{
    struct integrator_options *options = arg;

    lab_options_defaults(&options->lab, 40);
    options->pretrain_tasks = 6;
    options->horizon = 5;
    options->lab.noise = 0.1;
    options->length_scale = 0.5;
}

static enum cli_exit integrator_run(struct cli *cli, const struct integrator_options *options,
                                    const struct lab_integrator *integrator)
{
    static const char *const task_names[LAB_INTEGRATOR_TASKS] = {
        "0", "30", "60", "90", "120", "150", "180", "210", "240", "270", "300", "330"};
    const struct lab_note notes[] = {
        {"experiment", 0, "integrator"},
        {"pretrain_tasks", (double)options->pretrain_tasks, NULL},
        {"horizon", (double)options->horizon, NULL},
        {"kernel", 0, kernel_names[options->lab.kernel]},
        {"task_scale", options->length_scale, NULL},
        {"task_space", 0, space_names[options->task_space]},
        {"expert_noise", options->lab.noise, NULL},
    };
    const struct lab_model model = {
        .kernel = lab_options_kernel(&options->lab),
        .variance = 0.25, /* the expert's fastest action is 0.5 */
        .noise = options->lab.noise,
        .state_scale = options->length_scale,
        .task_scale = options->length_scale,
    };
    struct lab_subject subject = {
        .world = &integrator->world,
        .model = model,
        .notes = notes,
        .note_count = sizeof(notes) / sizeof(notes[0]),
        .task_names = task_names,
    };

    if (options->assumed_noise > 0) {
        subject.model.noise = options->assumed_noise;
        subject.judge = (struct lab_judge){&integrator->world, model};
    }
    return lab_options_run(cli, &options->lab, &subject);
}

COMMAND(cmd_experiment_integrator)
{
    const struct integrator_options *said = options;
    bool circle = said->task_space == 1, walk = said->lab.kernel == KERNEL_RANDOM_WALK;
    const struct lab_integrator_settings settings = {
        .pretrain_tasks = (size_t)said->pretrain_tasks,
        .horizon = (size_t)said->horizon,
        .expert_noise = said->lab.noise,
        .circle = circle,
        .walk = walk ? WALK_LAMBDA : 0,
    };
    struct lab_integrator integrator;
    enum amf_status status;

    (void)args;
    (void)count;
    if (circle && walk)
        return cli_fail(cli, CLI_USAGE,
                        "--kernel random_walk: its graph has the 12 tasks and no point between");
    if (circle && said->assumed_noise > 0)
        return cli_fail(cli, CLI_USAGE, "--assumed-noise: not with --task-space circle");
    status = lab_integrator_init(&settings, &integrator);
    if (status)
        return cli_fail(cli, CLI_LOCAL, "the experiment failed: %s", amf_status_name(status));
    return integrator_run(cli, said, &integrator);
}
