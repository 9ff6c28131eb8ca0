/* One object; numbers that there are none of are null. */
#include "report.h"

#include <math.h>

#include <jansson.h>

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(size_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *tell_tasks(struct fleet *fleet, const struct verdict *verdict)
{
    json_t *list = json_array();

    for (size_t i = 0; i < fleet->book.task_count; i++) {
        const struct task_tally *tally = &verdict->tasks[i];

        json_array_append_new(
            list,
            json_pack("{s:s, s:I, s:o, s:I, s:I, s:I, s:I, s:o}", "task", fleet->book.tasks[i],
                      "demonstrations", (json_int_t)tally->shown, "uniform",
                      number((double)ledger_shown(&fleet->ledger) / (double)fleet->book.task_count),
                      "held", (json_int_t)tally->held, "pretraining",
                      (json_int_t)tally->pretraining, "rollouts", (json_int_t)tally->rollouts,
                      "pending", (json_int_t)tally->pending, "success_rate",
                      number(tally->success_rate)));
    }
    return list;
}

static json_t *tell_operators(struct fleet *fleet)
{
    json_t *list = json_array();

    for (size_t i = 0; i < (size_t)fleet->options->operators; i++) {
        json_t *sent = json_object();

        for (size_t task = 0; task < fleet->book.task_count; task++)
            json_object_set_new(sent, fleet->book.tasks[task],
                                count(report_count(&fleet->ledger, i, task, -1)));
        json_array_append_new(list,
                              json_pack("{s:I, s:o}", "operator", (json_int_t)i + 1, "sent", sent));
    }
    return list;
}

static json_t *tell_assignments(const struct ledger *ledger)
{
    json_t *told = json_object();

    json_object_set_new(told, "asked", count(ledger->given_count));
    for (int state = PROTO_ASSIGNMENT_COMPLETED; proto_assignment_state_names[state]; state++)
        if (state != PROTO_ASSIGNMENT_EXPIRED)
            json_object_set_new(told, proto_assignment_state_names[state],
                                count(report_count(ledger, SIZE_MAX, SIZE_MAX, state)));
    json_object_set_new(told, "lapsed",
                        count(report_count(ledger, SIZE_MAX, SIZE_MAX, PROTO_ASSIGNMENT_OPEN)));
    json_object_set_new(told, "nothing_to_do", count(ledger->nothing));
    return told;
}

static json_t *tell_latency(struct ledger *ledger)
{
    static const char *const names[CALL_KINDS] = {"ask", "complete", "upload", "other"};
    json_t *told = json_object();

    for (size_t i = 0; i < CALL_KINDS; i++) {
        struct report_latency latency = report_latency(&ledger->calls[i]);

        json_object_set_new(told, names[i],
                            json_pack("{s:o, s:o, s:o, s:o}", "answers", count(latency.count),
                                      "median_ms", number(latency.median_ms), "p99_ms",
                                      number(latency.p99_ms), "worst_ms",
                                      number(latency.worst_ms)));
    }
    return told;
}

static json_t *tell_gains(const struct ledger *ledger)
{
    json_t *list = json_array();

    for (size_t i = 0; i < REPORT_ROUNDS; i++) {
        struct report_round round = report_round(ledger, i);

        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:o, s:o}", "first", count(round.first), "last",
                                        count(round.last), "by_criterion",
                                        count(round.by_criterion), "gain", number(round.gain)));
    }
    return list;
}

static json_t *tell_errors(const struct ledger *ledger)
{
    json_t *told = json_object();

    for (size_t i = 0; i < ledger->fault_count; i++)
        json_object_set_new(told, ledger->faults[i].code, count(ledger->faults[i].count));
    return told;
}

static json_t *tell_check(const struct fleet *fleet, const struct verdict *verdict)
{
    const struct ledger *ledger = &fleet->ledger;
    json_t *broken = json_array();

    for (size_t i = 0; i < ledger->broken_count && i < BROKEN_MAX; i++)
        json_array_append_new(broken, json_string(ledger->broken[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "demonstrations",
                     count(verdict->demonstrations), "assignments", count(verdict->assignments),
                     "missing", count(verdict->missing), "held_unacknowledged",
                     count(verdict->unasked), "broken_count", count(ledger->broken_count), "broken",
                     broken, "gave_up", count(fleet->gave_up));
}

enum cli_exit report_json(struct fleet *fleet, struct cli *cli, const struct verdict *verdict)
{
    struct ledger *ledger = &fleet->ledger;
    const struct spread *spread = &ledger->spread;
    json_t *told = json_pack(
        "{s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "project", fleet->project, "operators", (json_int_t)fleet->options->operators, "robots",
        (json_int_t)fleet->options->robots, "took_s", number(fleet->took_s), "credited",
        count(ledger->credited), "late", count(ledger->late), "failed_demonstrations",
        count(ledger->failed), "replayed", count(fleet->book.replays), "repeated_requests",
        count(ledger->repeated), "tasks", tell_tasks(fleet, verdict), "sent", tell_operators(fleet),
        "assignments", tell_assignments(ledger), "spread",
        json_pack("{s:o, s:o, s:o, s:o}", "alone", count(spread->alone), "apart",
                  count(spread->apart), "every_task_taken", count(spread->forced), "repeats",
                  count(spread->chosen)),
        "latency", tell_latency(ledger), "gains", tell_gains(ledger), "errors", tell_errors(ledger),
        "check", tell_check(fleet, verdict));
    bool written = told && json_dumpf(told, cli->out, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0;

    json_decref(told);
    fputc('\n', cli->out);
    return written ? CLI_OK : cli_no_memory(cli);
}
