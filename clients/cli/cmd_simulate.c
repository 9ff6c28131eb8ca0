/* amf simulate */
#include "commands.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "simulate/report.h"

#define BUNDLED "data/lila_franka"
#define MEMBERS_MAX 400 /* each has a connection, of which a daemon has 512 */

#define AT(member) offsetof(struct simulate_options, member)
const struct option simulate_options[] = {
    {"operators", "N", OPTION_INT, AT(operators), "who ask and demonstrate", 1, MEMBERS_MAX},
    {"robots", "N", OPTION_INT, AT(robots), "which upload rollouts", 0, MEMBERS_MAX},
    {"demonstrations", "N", OPTION_INT, AT(demonstrations), "after which the day is over", 1,
     100000},
    {"project", "ID", OPTION_TEXT, AT(project), "made for it; there must be none of that id"},
    {"into", NULL, OPTION_FLAG, AT(into), "the project is there already, with its tasks"},
    {"data", "DIR", OPTION_TEXT, AT(data), "recordings, as for `amf demo upload`"},
    {"speed", "TIMES", OPTION_REAL, AT(speed), "how much faster than a day people work", .min = 1,
     .max = 10000},
    {"patience", "SECONDS", OPTION_REAL, AT(patience_s), "how long a lost request is repeated",
     .min = 0, .max = 3600},
    {"seed", "N", OPTION_INT, AT(seed), "of what the members do", 0, 1e15},
    {NULL},
};
#undef AT

void simulate_defaults(void *arg)
{
    *(struct simulate_options *)arg = (struct simulate_options){
        .operators = 20,
        .robots = 40,
        .demonstrations = 100,
        .project = "simulated",
        .data = BUNDLED,
        .speed = 60,
        .patience_s = 60,
    };
}

/* What the run came to: 1 where a promise was broken, or somebody could not go on. */
static enum cli_exit judge(struct fleet *fleet, struct cli *cli)
{
    if (fleet->ledger.no_memory)
        return cli_no_memory(cli);
    if (fleet->ledger.broken_count > 0)
        return cli_fail(cli, CLI_REFUSED, "the server broke %zu promises, first: %s",
                        fleet->ledger.broken_count, fleet->ledger.broken[0]);
    if (fleet->gave_up > 0)
        return cli_fail(cli, CLI_REFUSED, "%zu could not go on, first %s", fleet->gave_up,
                        fleet->trouble);
    return CLI_OK;
}

static enum cli_exit run(struct fleet *fleet, struct cli *cli)
{
    struct verdict verdict;
    enum cli_exit status = fleet_run(fleet, cli);

    if (status == CLI_OK)
        status = verify(fleet, cli, &verdict);
    if (status == CLI_OK)
        status = cli->json ? report_json(fleet, cli, &verdict) : report_text(fleet, cli, &verdict);
    return status == CLI_OK ? judge(fleet, cli) : status;
}

static void fleet_init(struct fleet *fleet, const struct simulate_options *options)
{
    pthread_condattr_t monotonic;

    *fleet = (struct fleet){.options = options, .project = options->project};
    pthread_mutex_init(&fleet->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&fleet->over, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void fleet_deinit(struct fleet *fleet)
{
    playbook_deinit(&fleet->book);
    ledger_deinit(&fleet->ledger);
    pthread_cond_destroy(&fleet->over);
    pthread_mutex_destroy(&fleet->lock);
}

COMMAND(cmd_simulate)
{
    const struct simulate_options *said = options;
    struct fleet fleet;
    enum cli_exit status;
    char error[512];

    (void)args;
    (void)count;
    if (said->operators + said->robots > MEMBERS_MAX)
        return cli_fail(cli, CLI_USAGE, "--operators and --robots: %d in all at most", MEMBERS_MAX);
    if (strcmp(said->data, BUNDLED) == 0 && access(BUNDLED, F_OK) < 0 && errno == ENOENT)
        return cli_fail(
            cli, CLI_LOCAL,
            "there is no " BUNDLED
            " here: run it in the project's folder, or name recordings with --data DIR");
    fleet_init(&fleet, said);
    if (playbook_read(&fleet.book, said->data, error) < 0)
        status = cli_fail(cli, CLI_LOCAL, "%s", error);
    else if (ledger_init(&fleet.ledger, fleet.book.task_count) < 0)
        status = cli_no_memory(cli);
    else
        status = run(&fleet, cli);
    fleet_deinit(&fleet);
    return status;
}
