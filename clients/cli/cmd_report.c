/* amf report: what a lead wants to see in ten seconds. */
#include "commands.h"

#include <math.h>
#include <string.h>

enum { SPARK_WIDTH = 40 };

static int add_task(struct table *table, const struct proto_task_progress *task, double decisions)
{
    char demonstrations[OUTPUT_NUMBER_BYTES], failed[OUTPUT_NUMBER_BYTES];
    char pending[OUTPUT_NUMBER_BYTES], asked[OUTPUT_NUMBER_BYTES], minutes[OUTPUT_NUMBER_BYTES];
    char first[OUTPUT_NUMBER_BYTES], now[OUTPUT_NUMBER_BYTES];
    const struct cell cells[] = {
        {.text = task->task},
        {.text = output_count(demonstrations, task->demonstrations)},
        {.text = output_count(failed, task->failed)},
        {.text = output_count(pending, task->pending)},
        {.text = output_real(minutes, 1, task->minutes)},
        {.text = output_real(first, 1, task->first_entropy)},
        {.text = output_real(now, 1, task->entropy)},
        {.text = output_count(asked, task->decisions)},
        {.share = decisions > 0 ? (double)task->decisions / decisions : 0},
    };

    return table_add(table, cells, false);
}

/* One number of a round. */
typedef double (*round_number)(const struct proto_round *round);

/* Other rules have other numbers for a gain. */
static double gain_of(const struct proto_round *round)
{
    return round->rule == PROTO_RULE_CRITERION ? round->gain : NAN;
}

static double entropy_of(const struct proto_round *round)
{
    return round->entropy;
}

/* Numbers over rounds as a line of little bars, from the least to the largest; where fewer fit than
 * there are, every so manieth. */
static void print_line(struct cli *cli, const struct proto_list *list, const char *name,
                       round_number number)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const struct proto_round *rounds = list->items;
    size_t width = list->count < SPARK_WIDTH ? list->count : SPARK_WIDTH;
    double least = INFINITY, largest = -INFINITY, first = NAN, last = NAN;

    for (size_t i = 0; i < list->count; i++) {
        double value = number(&rounds[i]);

        if (isnan(value))
            continue;
        least = fmin(least, value);
        largest = fmax(largest, value);
        first = isnan(first) ? value : first;
        last = value;
    }
    if (isnan(first))
        return;
    fprintf(cli->out, "%-8s ", name);
    for (size_t i = 0; cli->terminal.unicode && i < width; i++) {
        double value = number(&rounds[width < 2 ? 0 : i * (list->count - 1) / (width - 1)]);
        double share = largest > least ? (value - least) / (largest - least) : 0.5;

        fputs(isnan(value) ? " " : bars[(int)fmin(7, floor(8 * share))], cli->out);
    }
    fprintf(cli->out, "  %.4g to %.4g\n", first, last);
}

static void print_head(struct cli *cli, const char *project, const struct proto_report *report)
{
    FILE *out = cli->out;

    output_text(out, project);
    fprintf(out, ": %lld demonstrations", (long long)report->demonstrations);
    if (report->budget != PROTO_INT_NULL)
        fprintf(out, " of %lld", (long long)report->budget);
    fprintf(out, ", %lld failed, %lld rounds, %.1f minutes", (long long)report->failed,
            (long long)report->decisions, report->minutes);
    if (report->unknown_durations > 0)
        fprintf(out, " and %lld of unknown length", (long long)report->unknown_durations);
    fputs("\n\n", out);
}

static void print_counts(struct cli *cli, const struct proto_report *report)
{
    const struct proto_rule_count *rules = report->rules.items;
    const struct proto_state_count *states = report->assignments.items;
    const char *between = "";

    fprintf(cli->out, "%-8s ", "rules");
    for (size_t i = 0; i < report->rules.count; i++)
        fprintf(cli->out, "%s%s %lld", i ? ", " : "", proto_rule_names[rules[i].rule],
                (long long)rules[i].decisions);
    fprintf(cli->out, "\n%-8s ", "state");
    for (size_t i = 0; i < report->assignments.count; i++) {
        if (states[i].assignments == 0)
            continue;
        fprintf(cli->out, "%s%s %lld", between, proto_assignment_state_names[states[i].state],
                (long long)states[i].assignments);
        between = ", ";
    }
    fputc('\n', cli->out);
}

static enum cli_exit print_report(struct cli *cli, const char *project,
                                  const struct proto_report *report)
{
    static const struct column columns[] = {
        {"task", COLUMN_LEFT},     {"shown", COLUMN_RIGHT},     {"failed", COLUMN_RIGHT},
        {"pending", COLUMN_RIGHT}, {"minutes", COLUMN_RIGHT},   {"entropy", COLUMN_RIGHT},
        {"now", COLUMN_RIGHT},     {"asked for", COLUMN_RIGHT}, {"", COLUMN_BAR},
    };
    TABLE_CLEANUP struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
    const struct proto_task_progress *tasks = report->tasks.items;

    for (size_t i = 0; i < report->tasks.count; i++)
        if (!table || add_task(table, &tasks[i], (double)report->decisions) < 0)
            return cli_no_memory(cli);
    if (!table)
        return cli_no_memory(cli);
    print_head(cli, project, report);
    table_print(table, &cli->terminal, cli->out);
    if (report->decisions == 0)
        return CLI_OK;
    fputc('\n', cli->out);
    print_line(cli, &report->rounds, "gain", gain_of);
    print_line(cli, &report->rounds, "entropy", entropy_of);
    print_counts(cli, report);
    return CLI_OK;
}

COMMAND(cmd_report)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_report report = {0};
    enum amf_client_status status =
        amf_client_report_get(cli->client, args[0], &result, cli->json ? NULL : &report);

    (void)count;
    (void)options;
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    return print_report(cli, args[0], &report);
}
