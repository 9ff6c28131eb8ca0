/* A thread and a client each: what a station or a robot is to the server. The main thread draws the
 * progress and waits. Operators and robots share a token each kind, of a day's life, revoked in the
 * end.
 */
#include "fleet.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"

#define PROGRESS_S 0.1
#define TOKEN_LIFE_S 86400

struct crew {
    struct member *members;
    size_t count, started;
    char token_id[2][PROTO_TOKEN_ID_BYTES]; /* of enum fleet_role; "": none */
    char *secret[2];
};

static enum cli_exit make_token(struct crew *crew, struct fleet *fleet, struct cli *cli,
                                enum fleet_role role)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_token token, made;
    enum amf_client_status status;
    char name[64];

    snprintf(name, sizeof(name), "simulated-%s-%llx-%x",
             role == FLEET_OPERATOR ? "operators" : "robots", (unsigned long long)time(NULL),
             (unsigned)getpid());
    proto_token_defaults(&token);
    token.name = name;
    token.role = role == FLEET_OPERATOR ? PROTO_ROLE_OPERATOR : PROTO_ROLE_ROBOT;
    token.project = fleet->project;
    token.expires_in_s = TOKEN_LIFE_S;
    status = amf_client_token_create(cli->client, &token, NULL, &result, &made);
    if (status != AMF_CLIENT_OK)
        return cli_explain(cli, NULL, status, &result);
    snprintf(crew->token_id[role], sizeof(crew->token_id[role]), "%s", made.id);
    crew->secret[role] = strdup(made.token ? made.token : "");
    return crew->secret[role] ? CLI_OK : cli_no_memory(cli);
}

static void revoke_tokens(struct crew *crew, struct cli *cli)
{
    for (size_t i = 0; i < 2; i++) {
        AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;

        if (*crew->token_id[i] &&
            amf_client_token_delete(cli->client, crew->token_id[i], &result) != AMF_CLIENT_OK)
            cli_note(cli, "token %s could not be revoked; it ends by itself within a day",
                     crew->token_id[i]);
    }
}

/* One after the other in one thread: libcurl is started by the first. */
static enum cli_exit hire(struct crew *crew, struct fleet *fleet, struct cli *cli)
{
    size_t operators = (size_t)fleet->options->operators;

    crew->count = operators + (size_t)fleet->options->robots;
    crew->members = calloc(crew->count, sizeof(*crew->members));
    for (size_t i = 0; crew->members && i < crew->count; i++) {
        struct member *member = &crew->members[i];

        member->fleet = fleet;
        member->role = i < operators ? FLEET_OPERATOR : FLEET_ROBOT;
        member->number = member->role == FLEET_OPERATOR ? i : i - operators;
        snprintf(member->name, sizeof(member->name), "%s-%02zu",
                 member->role == FLEET_OPERATOR ? "operator" : "robot", member->number + 1);
        amf_rng_init(&member->rng, (uint64_t)fleet->options->seed, i);
        if (amf_client_new(cli->url, crew->secret[member->role], &member->client) ||
            amf_client_set_ca_file(member->client, cli->ca_file))
            return cli_no_memory(cli);
        amf_client_set_retries(member->client, 0, 0);
    }
    return crew->members ? CLI_OK : cli_no_memory(cli);
}

static void dismiss(struct crew *crew, struct cli *cli)
{
    for (size_t i = 0; crew->members && i < crew->count; i++)
        amf_client_free(crew->members[i].client);
    revoke_tokens(crew, cli);
    free(crew->members);
    free(crew->secret[0]);
    free(crew->secret[1]);
}

static void end_day(struct fleet *fleet)
{
    pthread_mutex_lock(&fleet->lock);
    fleet->is_over = true;
    pthread_cond_broadcast(&fleet->over);
    pthread_mutex_unlock(&fleet->lock);
}

static void *member_main(void *arg)
{
    struct member *member = arg;
    struct fleet *fleet = member->fleet;
    bool last = false;

    if (member->role == FLEET_ROBOT) {
        robot_work(member);
        return NULL;
    }
    operator_work(member);
    pthread_mutex_lock(&fleet->lock);
    last = --fleet->at_work == 0;
    pthread_mutex_unlock(&fleet->lock);
    if (last)
        end_day(fleet);
    return NULL;
}

static void watch(struct fleet *fleet, struct cli *cli)
{
    struct progress progress;
    size_t wanted = (size_t)fleet->options->demonstrations, shown;

    progress_init(&progress, cli->err, wanted);
    do {
        shown = ledger_shown(&fleet->ledger);
        progress_update(&progress, shown < wanted ? shown : wanted);
    } while (fleet_rest(fleet, PROGRESS_S * fleet->options->speed));
    progress_clear(&progress);
}

static enum cli_exit play(struct crew *crew, struct fleet *fleet, struct cli *cli)
{
    enum cli_exit status = CLI_OK;

    fleet->at_work = (size_t)fleet->options->operators;
    while (crew->started < crew->count && status == CLI_OK)
        if (pthread_create(&crew->members[crew->started].thread, NULL, member_main,
                           &crew->members[crew->started]) == 0)
            crew->started++;
        else
            status =
                cli_fail(cli, CLI_LOCAL, "no thread for %s", crew->members[crew->started].name);
    if (status == CLI_OK)
        watch(fleet, cli);
    end_day(fleet);
    for (size_t i = 0; i < crew->started; i++)
        pthread_join(crew->members[i].thread, NULL);
    return status;
}

enum cli_exit fleet_run(struct fleet *fleet, struct cli *cli)
{
    struct crew crew = {.count = 0};
    enum cli_exit status = fleet_stage(fleet, cli);
    size_t tasks = fleet_pretraining_tasks(fleet), each = fleet_pretraining_each(fleet);

    for (int role = FLEET_OPERATOR; role <= FLEET_ROBOT && status == CLI_OK; role++)
        status = make_token(&crew, fleet, cli, role);
    if (status == CLI_OK)
        status = hire(&crew, fleet, cli);
    if (status == CLI_OK && tasks > 0 &&
        !robot_pretrain(&crew.members[crew.count - 1], tasks, each))
        status = cli_fail(cli, CLI_REFUSED, "the pre-training could not be uploaded: %s",
                          fleet->trouble);
    if (status == CLI_OK) {
        double begun_s = fleet_now_s();

        status = play(&crew, fleet, cli);
        fleet->took_s = fleet_now_s() - begun_s;
    }
    dismiss(&crew, cli);
    return status;
}
