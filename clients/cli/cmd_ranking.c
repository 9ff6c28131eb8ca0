/* amf ranking */
#include "commands.h"

#include <math.h>
#include <string.h>

#define WAIT_MAX_S 30 /* the server's own limit */

#define AT(member) offsetof(struct ranking_options, member)
const struct option ranking_options[] = {
    {"wait", "SECONDS", OPTION_REAL, AT(wait_s),
     "how long to wait for one that has seen the newest event, 0 to 30", .min = 0,
     .max = WAIT_MAX_S},
    {NULL},
};
#undef AT

/* Bars are shares of the largest gain; without a positive one there are none. */
static double largest_gain(const struct proto_ranking *ranking)
{
    const struct proto_candidate *candidates = ranking->candidates.items;
    double largest = 0;

    for (size_t i = 0; i < ranking->candidates.count; i++)
        largest = fmax(largest, candidates[i].gain);
    return largest;
}

static int add_candidate(struct table *table, const struct proto_ranking *ranking,
                         const struct proto_candidate *candidate, double largest)
{
    char gain[OUTPUT_NUMBER_BYTES], ess[OUTPUT_NUMBER_BYTES];
    char demonstrations[OUTPUT_NUMBER_BYTES], pending[OUTPUT_NUMBER_BYTES];
    bool chosen =
        ranking->choice && candidate->task && strcmp(ranking->choice, candidate->task) == 0;
    const struct cell cells[] = {
        {.text = chosen ? ">" : ""},
        {.text = candidate->task},
        {.text = output_real(gain, 5, candidate->gain)},
        {.share = largest > 0 ? candidate->gain / largest : 0},
        {.text = output_count(demonstrations, candidate->demonstrations)},
        {.text = output_count(pending, candidate->pending)},
        {.text = output_real(ess, 1, candidate->effective_sample_size)},
    };

    return table_add(table, cells, chosen);
}

static void print_note(FILE *out, const char *about, const char *note)
{
    if (!note)
        return;
    if (about) {
        output_text(out, about);
        fputs(": ", out);
    }
    output_text(out, note);
    fputc('\n', out);
}

/* What evaluation tasks count, where the policy's failures have a say in it. */
static void print_targets(FILE *out, const struct proto_ranking *ranking)
{
    const struct proto_ranked_target *targets = ranking->targets.items;

    if (ranking->criterion.target != PROTO_TARGET_FAILURE)
        return;
    for (size_t i = 0; i < ranking->targets.count; i++) {
        output_text(out, targets[i].task);
        fprintf(out, ": counts %.3g, as it fails %.3g of the time (smoothed, %lld rollouts)\n",
                targets[i].weight, targets[i].failure_rate, (long long)targets[i].rollouts);
    }
}

static void print_remarks(struct cli *cli, const struct proto_ranking *ranking)
{
    const struct proto_candidate *candidates = ranking->candidates.items;
    FILE *out = cli->out;

    fprintf(out, "\nrule %s, measure %s, event %lld, %.1f s old\n", proto_rule_names[ranking->rule],
            proto_measure_names[ranking->measure], (long long)ranking->seq, ranking->age_s);
    if (ranking->revision && strcmp(ranking->revision, PROTO_REVISION_GP) != 0) {
        fputs("features of revision ", out);
        output_text(out, ranking->revision);
        fputc('\n', out);
    }
    if (!ranking->choice)
        fputs("no task is chosen\n", out);
    if (ranking->provisional)
        fputs("provisional: the scales are not fixed yet\n", out);
    if (!ranking->exhaustive)
        fputs("not exhaustive: something was sampled or cut\n", out);
    if (ranking->jitter > 0)
        fprintf(out, "jitter %g was added to the kernel's diagonal\n", ranking->jitter);
    print_targets(out, ranking);
    print_note(out, NULL, ranking->note);
    for (size_t i = 0; i < ranking->candidates.count; i++)
        print_note(out, candidates[i].task, candidates[i].note);
}

static enum cli_exit print_ranking(struct cli *cli, const struct proto_ranking *ranking)
{
    char gain[64];
    const struct column columns[] = {
        {"", COLUMN_LEFT},       {"task", COLUMN_LEFT},     {gain, COLUMN_RIGHT},  {"", COLUMN_BAR},
        {"demos", COLUMN_RIGHT}, {"pending", COLUMN_RIGHT}, {"ess", COLUMN_RIGHT},
    };
    TABLE_CLEANUP struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
    const struct proto_candidate *candidates = ranking->candidates.items;
    double largest = largest_gain(ranking);

    snprintf(gain, sizeof(gain), "gain (%.40s)", ranking->unit ? ranking->unit : "no unit");
    for (size_t i = 0; i < ranking->candidates.count; i++)
        if (!table || add_candidate(table, ranking, &candidates[i], largest) < 0)
            return cli_no_memory(cli);
    if (!table)
        return cli_no_memory(cli);
    table_print(table, &cli->terminal, cli->out);
    print_remarks(cli, ranking);
    return CLI_OK;
}

COMMAND(cmd_ranking)
{
    const struct ranking_options *said = options;
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_ranking ranking = {0};
    enum amf_client_status status = amf_client_ranking_get(cli->client, args[0], said->wait_s,
                                                           &result, cli->json ? NULL : &ranking);

    (void)count;
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    return print_ranking(cli, &ranking);
}
