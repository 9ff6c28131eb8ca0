/* Tables as every other command prints them. */
#include "report.h"

#include <math.h>

#define MOST_TASKS_ACROSS                                                                          \
    12 /* more would not fit a screen: who was sent where is left to --json                        \
        */

static struct cell cell(struct cli *cli, int decimals, double value)
{
    return (struct cell){
        .text = isnan(value) ? NULL : proto_arena_printf(&cli->arena, "%.*f", decimals, value)};
}

static enum cli_exit print_tasks(struct fleet *fleet, struct cli *cli,
                                 const struct verdict *verdict)
{
    static const struct column columns[] = {
        {"task", COLUMN_LEFT},    {"shown", COLUMN_RIGHT},    {"uniform", COLUMN_RIGHT},
        {"before", COLUMN_RIGHT}, {"rollouts", COLUMN_RIGHT}, {"success", COLUMN_RIGHT},
        {"", COLUMN_BAR}};
    TABLE_CLEANUP struct table *table = table_new(columns, 7);
    double total = (double)ledger_shown(&fleet->ledger), most = 1;

    for (size_t i = 0; i < fleet->book.task_count; i++)
        most = fmax(most, (double)verdict->tasks[i].shown);
    for (size_t i = 0; i < fleet->book.task_count; i++) {
        const struct task_tally *tally = &verdict->tasks[i];
        const struct cell cells[] = {{.text = fleet->book.tasks[i]},
                                     cell(cli, 0, (double)tally->shown),
                                     cell(cli, 1, total / (double)fleet->book.task_count),
                                     cell(cli, 0, (double)tally->pretraining),
                                     cell(cli, 0, (double)tally->rollouts),
                                     cell(cli, 2, tally->success_rate),
                                     {.share = (double)tally->shown / most}};

        if (!table || table_add(table, cells, false) < 0)
            return cli_no_memory(cli);
    }
    fputs("\nDemonstrations of each task, and what uniform would have given\n", cli->out);
    table_print(table, &cli->terminal, cli->out);
    return CLI_OK;
}

static enum cli_exit print_operators(struct fleet *fleet, struct cli *cli)
{
    size_t tasks = fleet->book.task_count;
    struct column columns[MOST_TASKS_ACROSS + 1] = {{"operator", COLUMN_LEFT}};
    struct table *table;
    int rc = 0;

    if (tasks > MOST_TASKS_ACROSS)
        return CLI_OK;
    for (size_t i = 0; i < tasks; i++)
        columns[i + 1] = (struct column){fleet->book.tasks[i], COLUMN_RIGHT};
    table = table_new(columns, tasks + 1);
    for (size_t i = 0; table && rc == 0 && i < (size_t)fleet->options->operators; i++) {
        struct cell cells[MOST_TASKS_ACROSS + 1] = {cell(cli, 0, (double)i + 1)};

        for (size_t task = 0; task < tasks; task++)
            cells[task + 1] = cell(cli, 0, (double)report_count(&fleet->ledger, i, task, -1));
        rc = table_add(table, cells, false);
    }
    if (!table || rc < 0)
        return table_free(table), cli_no_memory(cli);
    fputs("\nWho was sent where\n", cli->out);
    table_print(table, &cli->terminal, cli->out);
    table_free(table);
    return CLI_OK;
}

static void print_assignments(const struct ledger *ledger, FILE *out)
{
    fprintf(out, "\nAssignments: %zu\n ", ledger->given_count);
    for (int state = PROTO_ASSIGNMENT_COMPLETED; proto_assignment_state_names[state]; state++)
        if (state != PROTO_ASSIGNMENT_EXPIRED)
            fprintf(out, " %zu %s,", report_count(ledger, SIZE_MAX, SIZE_MAX, state),
                    proto_assignment_state_names[state]);
    fprintf(out, " %zu lapsed\n", report_count(ledger, SIZE_MAX, SIZE_MAX, PROTO_ASSIGNMENT_OPEN));
    fprintf(out,
            "  %zu demonstrations credited, %zu failed ones; %zu came late: kept, not credited\n",
            ledger->credited, ledger->failed, ledger->late);
    fprintf(out, "  %zu times there was nothing to do yet\n", ledger->nothing);
}

static void print_spread(const struct spread *spread, struct cli *cli)
{
    fprintf(cli->out,
            "\nSpread: of %zu assignments given while others were at work,\n"
            "  %zu sent the operator to a task that nobody was at,\n"
            "  %zu repeated a task because each had somebody already,\n"
            "  %zu repeated one while another was free\n",
            spread->apart + spread->forced + spread->chosen, spread->apart, spread->forced,
            spread->chosen);
    if (spread->chosen > 0) {
        fputs("  the last of these: \"", cli->out);
        output_text(cli->out, spread->why);
        fputs("\"\n", cli->out);
    }
}

static enum cli_exit print_latency(struct ledger *ledger, struct cli *cli)
{
    static const struct column columns[] = {{"call", COLUMN_LEFT},
                                            {"answers", COLUMN_RIGHT},
                                            {"median", COLUMN_RIGHT},
                                            {"p99", COLUMN_RIGHT},
                                            {"worst", COLUMN_RIGHT}};
    TABLE_CLEANUP struct table *table = table_new(columns, 5);

    for (size_t i = 0; i < CALL_KINDS; i++) {
        struct report_latency latency = report_latency(&ledger->calls[i]);
        const struct cell cells[] = {{.text = report_call_names[i]},
                                     cell(cli, 0, (double)latency.count),
                                     cell(cli, 1, latency.median_ms),
                                     cell(cli, 1, latency.p99_ms),
                                     cell(cli, 1, latency.worst_ms)};

        if (!table || table_add(table, cells, false) < 0)
            return cli_no_memory(cli);
    }
    fputs("\nLatency, ms, of requests answered at the first try\n", cli->out);
    table_print(table, &cli->terminal, cli->out);
    return CLI_OK;
}

static enum cli_exit print_gains(const struct ledger *ledger, struct cli *cli)
{
    static const struct column columns[] = {{"asks", COLUMN_LEFT},
                                            {"by the criterion", COLUMN_RIGHT},
                                            {"mean gain", COLUMN_RIGHT},
                                            {"", COLUMN_BAR}};
    TABLE_CLEANUP struct table *table = table_new(columns, 4);
    double most = 0;

    for (size_t i = 0; i < REPORT_ROUNDS; i++)
        most = fmax(most, report_round(ledger, i).gain);
    for (size_t i = 0; i < REPORT_ROUNDS; i++) {
        struct report_round round = report_round(ledger, i);
        const struct cell cells[] = {
            {.text = proto_arena_printf(&cli->arena, "%zu-%zu", round.first, round.last)},
            cell(cli, 0, (double)round.by_criterion),
            cell(cli, 3, round.gain),
            {.share = most > 0 && !isnan(round.gain) ? fmax(0, round.gain / most) : 0}};

        if (!table || table_add(table, cells, false) < 0)
            return cli_no_memory(cli);
    }
    fputs("\nGain of what was chosen, over the day\n", cli->out);
    table_print(table, &cli->terminal, cli->out);
    return CLI_OK;
}

static void print_errors(const struct ledger *ledger, FILE *out)
{
    fprintf(out, "\nErrors:%s", ledger->fault_count ? "" : " none");
    for (size_t i = 0; i < ledger->fault_count; i++)
        fprintf(out, "%s %zu %s", i ? "," : "", ledger->faults[i].count, ledger->faults[i].code);
    fprintf(out, "; %zu requests went through when repeated\n", ledger->repeated);
}

static void print_check(const struct fleet *fleet, const struct verdict *verdict, FILE *out)
{
    const struct ledger *ledger = &fleet->ledger;

    fprintf(out,
            "Check: %zu demonstrations and %zu assignments were acknowledged, %zu are missing;\n"
            "  %zu demonstrations are held that were acknowledged to nobody;\n"
            "  %zu promises broken (a lease in two hands, a fence given twice, an end undone)\n",
            verdict->demonstrations, verdict->assignments, verdict->missing, verdict->unasked,
            ledger->broken_count);
    for (size_t i = 0; i < ledger->broken_count && i < BROKEN_MAX; i++) {
        fputs("  broken: ", out);
        output_text(out, ledger->broken[i]);
        fputc('\n', out);
    }
}

enum cli_exit report_text(struct fleet *fleet, struct cli *cli, const struct verdict *verdict)
{
    struct ledger *ledger = &fleet->ledger;
    enum cli_exit status;

    fprintf(cli->out, "%zu demonstrations by %lld operators and %zu uploads by %lld robots in ",
            ledger->credited + ledger->late + ledger->failed, (long long)fleet->options->operators,
            ledger->calls[CALL_UPLOAD].count, (long long)fleet->options->robots);
    fprintf(cli->out, "%.1f s, at %g times the speed of a day\n", fleet->took_s,
            fleet->options->speed);
    status = print_tasks(fleet, cli, verdict);
    if (fleet->book.replays > 0)
        fprintf(cli->out, "  (%zu are recordings played again with noise)\n", fleet->book.replays);
    if (status == CLI_OK)
        status = print_operators(fleet, cli);
    print_assignments(ledger, cli->out);
    print_spread(&ledger->spread, cli);
    if (status == CLI_OK)
        status = print_latency(ledger, cli);
    if (status == CLI_OK)
        status = print_gains(ledger, cli);
    print_errors(ledger, cli->out);
    print_check(fleet, verdict, cli->out);
    return status;
}
