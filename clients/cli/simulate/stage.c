/* A project of its own by default: recordings of one task with pre-training of some, like
 * scripts/demo, and a budget, so that it is the server that ends the day. Leases are shortened with
 * the day, but not so far that a busy machine would let them lapse.
 */
#include "fleet.h"

#include <math.h>

#define LEASE_S 600.0
#define LEAST_LEASE_S 15.0
#define PRETRAINED_TASKS 2
#define PRETRAINING_EACH 8

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t fleet_pretraining_tasks(const struct fleet *fleet)
{
    return fleet->options->into ? 0 : least(PRETRAINED_TASKS, fleet->book.task_count / 2);
}

size_t fleet_pretraining_each(const struct fleet *fleet)
{
    size_t each = PRETRAINING_EACH;

    for (size_t task = 0; task < fleet_pretraining_tasks(fleet); task++)
        each = least(each, fleet->book.size[task]);
    return each;
}

static enum cli_exit create_project(struct fleet *fleet, struct cli *cli)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    const char *names[] = {"id", "title", "fit_after", "selection.budget", "selection.lease_s"};
    const struct proto_strings fields = {names, sizeof(names) / sizeof(names[0])};
    size_t before = fleet_pretraining_tasks(fleet) * fleet_pretraining_each(fleet);
    struct proto_project project;

    proto_project_defaults(&project);
    project.id = fleet->project;
    project.title = "Simulated: recorded demonstrations played by `amf simulate`";
    project.fit_after = before ? (int64_t)before : (int64_t)fleet->book.task_count;
    project.selection.budget = fleet->options->demonstrations;
    project.selection.lease_s = fmax(LEAST_LEASE_S, LEASE_S / fleet->options->speed);
    fleet->lease_s = project.selection.lease_s;
    return cli_explain(
        cli, NULL, amf_client_project_create(cli->client, &project, &fields, NULL, &result, NULL),
        &result);
}

static enum cli_exit put_task(struct fleet *fleet, struct cli *cli, const char *key)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_task task;

    proto_task_defaults(&task);
    task.key = key;
    return cli_explain(
        cli, NULL, amf_client_task_put(cli->client, fleet->project, &task, &result, NULL), &result);
}

static enum cli_exit find_project(struct fleet *fleet, struct cli *cli)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_project project;
    enum amf_client_status status =
        amf_client_project_get(cli->client, fleet->project, &result, &project);

    if (status == AMF_CLIENT_OK)
        fleet->lease_s = project.selection.lease_s;
    return cli_explain(cli, NULL, status, &result);
}

enum cli_exit fleet_stage(struct fleet *fleet, struct cli *cli)
{
    enum cli_exit status =
        fleet->options->into ? find_project(fleet, cli) : create_project(fleet, cli);

    for (size_t i = 0; i < fleet->book.task_count && status == CLI_OK && !fleet->options->into; i++)
        status = put_task(fleet, cli, fleet->book.tasks[i]);
    return status;
}
