/* One object, by the same tables that messages are written by; numbers that there are none of are
 * null.
 */
#include "report.h"

#include <stddef.h>
#include <stdlib.h>

#define COUNT(type, member)                                                                        \
    {                                                                                              \
#member, PROTO_INT, offsetof(struct type, member)                                          \
    }
#define REAL(type, member)                                                                         \
    {                                                                                              \
#member, PROTO_REAL, offsetof(struct type, member), PROTO_NULLABLE                         \
    }
#define TEXT(type, member)                                                                         \
    {                                                                                              \
#member, PROTO_STRING, offsetof(struct type, member), .max_length = 1024                   \
    }
#define ITEMS(type, member, of)                                                                    \
    {                                                                                              \
#member, PROTO_LIST, offsetof(struct type, member), .shape = (of)                          \
    }
#define PART(type, member, of)                                                                     \
    {                                                                                              \
#member, PROTO_OBJECT, offsetof(struct type, member), .shape = (of)                        \
    }
#define SHAPE(type)                                                                                \
    static const struct proto_shape type##_shape = {                                               \
        .name = #type,                                                                             \
        .size = sizeof(struct type),                                                               \
        .fields = type##_fields,                                                                   \
        .field_count = sizeof(type##_fields) / sizeof(type##_fields[0]),                           \
    }

struct told_task {
    const char *task;
    int64_t demonstrations, held, pretraining, rollouts, pending;
    double uniform, success_rate;
};
static const struct proto_field told_task_fields[] = {
    TEXT(told_task, task),     COUNT(told_task, demonstrations), REAL(told_task, uniform),
    COUNT(told_task, held),    COUNT(told_task, pretraining),    COUNT(told_task, rollouts),
    COUNT(told_task, pending), REAL(told_task, success_rate),
};
SHAPE(told_task);

struct told_sent { /* one operator to one task */
    const char *task;
    int64_t operator_, assignments;
};
static const struct proto_field told_sent_fields[] = {
    {"operator", PROTO_INT, offsetof(struct told_sent, operator_)},
    TEXT(told_sent, task),
    COUNT(told_sent, assignments),
};
SHAPE(told_sent);

struct told_assignments {
    int64_t asked, completed, skipped, failed, released, lapsed, nothing_to_do;
};
static const struct proto_field told_assignments_fields[] = {
    COUNT(told_assignments, asked),         COUNT(told_assignments, completed),
    COUNT(told_assignments, skipped),       COUNT(told_assignments, failed),
    COUNT(told_assignments, released),      COUNT(told_assignments, lapsed),
    COUNT(told_assignments, nothing_to_do),
};
SHAPE(told_assignments);

struct told_spread {
    int64_t alone, apart, every_task_taken, repeats;
};
static const struct proto_field told_spread_fields[] = {
    COUNT(told_spread, alone),
    COUNT(told_spread, apart),
    COUNT(told_spread, every_task_taken),
    COUNT(told_spread, repeats),
};
SHAPE(told_spread);

struct told_latency {
    const char *call;
    int64_t answers;
    double median_ms, p99_ms, worst_ms;
};
static const struct proto_field told_latency_fields[] = {
    TEXT(told_latency, call),   COUNT(told_latency, answers), REAL(told_latency, median_ms),
    REAL(told_latency, p99_ms), REAL(told_latency, worst_ms),
};
SHAPE(told_latency);

struct told_gain {
    int64_t first, last, by_criterion;
    double gain;
};
static const struct proto_field told_gain_fields[] = {
    COUNT(told_gain, first),
    COUNT(told_gain, last),
    COUNT(told_gain, by_criterion),
    REAL(told_gain, gain),
};
SHAPE(told_gain);

struct told_error {
    const char *code;
    int64_t count;
};
static const struct proto_field told_error_fields[] = {
    TEXT(told_error, code),
    COUNT(told_error, count),
};
SHAPE(told_error);

struct told_check {
    int64_t demonstrations, assignments, missing, held_unacknowledged, broken_count, gave_up;
    struct proto_strings broken;
};
static const struct proto_field told_check_fields[] = {
    COUNT(told_check, demonstrations),
    COUNT(told_check, assignments),
    COUNT(told_check, missing),
    COUNT(told_check, held_unacknowledged),
    COUNT(told_check, broken_count),
    {"broken", PROTO_STRINGS, offsetof(struct told_check, broken)},
    COUNT(told_check, gave_up),
};
SHAPE(told_check);

struct told {
    const char *project;
    int64_t operators, robots, credited, late, failed_demonstrations, replayed, repeated_requests;
    double took_s;
    struct proto_list tasks, sent, latency, gains, errors;
    struct told_assignments assignments;
    struct told_spread spread;
    struct told_check check;
};
static const struct proto_field told_fields[] = {
    TEXT(told, project),
    COUNT(told, operators),
    COUNT(told, robots),
    REAL(told, took_s),
    COUNT(told, credited),
    COUNT(told, late),
    COUNT(told, failed_demonstrations),
    COUNT(told, replayed),
    COUNT(told, repeated_requests),
    ITEMS(told, tasks, &told_task_shape),
    ITEMS(told, sent, &told_sent_shape),
    PART(told, assignments, &told_assignments_shape),
    PART(told, spread, &told_spread_shape),
    ITEMS(told, latency, &told_latency_shape),
    ITEMS(told, gains, &told_gain_shape),
    ITEMS(told, errors, &told_error_shape),
    PART(told, check, &told_check_shape),
};
SHAPE(told);

/* ---- filling in ---- */

/* Room for the items of a list. NULL: no memory. */
static void *list_new(struct cli *cli, struct proto_list *list, size_t count, size_t size)
{
    list->items = proto_arena_alloc(&cli->arena, count + 1, size);
    list->count = list->items ? count : 0;
    return list->items;
}

static int tell_tasks(struct fleet *fleet, struct cli *cli, const struct verdict *verdict,
                      struct proto_list *ret_list)
{
    size_t count = fleet->book.task_count;
    struct told_task *told = list_new(cli, ret_list, count, sizeof(*told));

    for (size_t i = 0; told && i < count; i++) {
        const struct task_tally *tally = &verdict->tasks[i];

        told[i] = (struct told_task){
            .task = fleet->book.tasks[i],
            .demonstrations = tally->shown,
            .uniform = (double)ledger_shown(&fleet->ledger) / (double)count,
            .held = tally->held,
            .pretraining = tally->pretraining,
            .rollouts = tally->rollouts,
            .pending = tally->pending,
            .success_rate = tally->success_rate,
        };
    }
    return told ? 0 : -1;
}

static int tell_sent(struct fleet *fleet, struct cli *cli, struct proto_list *ret_list)
{
    size_t tasks = fleet->book.task_count, operators = (size_t)fleet->options->operators;
    struct told_sent *told = list_new(cli, ret_list, operators * tasks, sizeof(*told));

    for (size_t i = 0; told && i < operators * tasks; i++)
        told[i] = (struct told_sent){
            .operator_ = (int64_t)(i / tasks) + 1,
            .task = fleet->book.tasks[i % tasks],
            .assignments = (int64_t)report_count(&fleet->ledger, i / tasks, i % tasks, -1),
        };
    return told ? 0 : -1;
}

static int64_t ended(const struct ledger *ledger, int state)
{
    return (int64_t)report_count(ledger, SIZE_MAX, SIZE_MAX, state);
}

static struct told_assignments tell_assignments(const struct ledger *ledger)
{
    return (struct told_assignments){
        .asked = (int64_t)ledger->given_count,
        .completed = ended(ledger, PROTO_ASSIGNMENT_COMPLETED),
        .skipped = ended(ledger, PROTO_ASSIGNMENT_SKIPPED),
        .failed = ended(ledger, PROTO_ASSIGNMENT_FAILED),
        .released = ended(ledger, PROTO_ASSIGNMENT_RELEASED),
        .lapsed = ended(ledger, PROTO_ASSIGNMENT_OPEN),
        .nothing_to_do = (int64_t)ledger->nothing,
    };
}

static int tell_latency(struct ledger *ledger, struct cli *cli, struct proto_list *ret_list)
{
    static const char *const names[CALL_KINDS] = {"ask", "complete", "upload", "other"};
    struct told_latency *told = list_new(cli, ret_list, CALL_KINDS, sizeof(*told));

    for (size_t i = 0; told && i < CALL_KINDS; i++) {
        struct report_latency latency = report_latency(&ledger->calls[i]);

        told[i] = (struct told_latency){names[i], (int64_t)latency.count, latency.median_ms,
                                        latency.p99_ms, latency.worst_ms};
    }
    return told ? 0 : -1;
}

static int tell_gains(const struct ledger *ledger, struct cli *cli, struct proto_list *ret_list)
{
    struct told_gain *told = list_new(cli, ret_list, REPORT_ROUNDS, sizeof(*told));

    for (size_t i = 0; told && i < REPORT_ROUNDS; i++) {
        struct report_round round = report_round(ledger, i);

        told[i] = (struct told_gain){(int64_t)round.first, (int64_t)round.last,
                                     (int64_t)round.by_criterion, round.gain};
    }
    return told ? 0 : -1;
}

static int tell_errors(const struct ledger *ledger, struct cli *cli, struct proto_list *ret_list)
{
    struct told_error *told = list_new(cli, ret_list, ledger->fault_count, sizeof(*told));

    for (size_t i = 0; told && i < ledger->fault_count; i++)
        told[i] = (struct told_error){ledger->faults[i].code, (int64_t)ledger->faults[i].count};
    return told ? 0 : -1;
}

static int tell_check(const struct fleet *fleet, struct cli *cli, const struct verdict *verdict,
                      struct told_check *ret)
{
    const struct ledger *ledger = &fleet->ledger;
    size_t count = ledger->broken_count < BROKEN_MAX ? ledger->broken_count : BROKEN_MAX;
    const char **broken = proto_arena_alloc(&cli->arena, BROKEN_MAX, sizeof(*broken));

    for (size_t i = 0; broken && i < count; i++)
        broken[i] = ledger->broken[i];
    *ret = (struct told_check){
        .demonstrations = (int64_t)verdict->demonstrations,
        .assignments = (int64_t)verdict->assignments,
        .missing = (int64_t)verdict->missing,
        .held_unacknowledged = (int64_t)verdict->unasked,
        .broken_count = (int64_t)ledger->broken_count,
        .broken = {broken, count},
        .gave_up = (int64_t)fleet->gave_up,
    };
    return broken ? 0 : -1;
}

enum cli_exit report_json(struct fleet *fleet, struct cli *cli, const struct verdict *verdict)
{
    struct ledger *ledger = &fleet->ledger;
    const struct spread *spread = &ledger->spread;
    struct told told = {
        .project = fleet->project,
        .operators = fleet->options->operators,
        .robots = fleet->options->robots,
        .took_s = fleet->took_s,
        .credited = (int64_t)ledger->credited,
        .late = (int64_t)ledger->late,
        .failed_demonstrations = (int64_t)ledger->failed,
        .replayed = (int64_t)fleet->book.replays,
        .repeated_requests = (int64_t)ledger->repeated,
        .assignments = tell_assignments(ledger),
        .spread = {(int64_t)spread->alone, (int64_t)spread->apart, (int64_t)spread->forced,
                   (int64_t)spread->chosen},
    };
    char *text;
    size_t length;

    if (tell_tasks(fleet, cli, verdict, &told.tasks) || tell_sent(fleet, cli, &told.sent) ||
        tell_latency(ledger, cli, &told.latency) || tell_gains(ledger, cli, &told.gains) ||
        tell_errors(ledger, cli, &told.errors) || tell_check(fleet, cli, verdict, &told.check) ||
        proto_encode(&told_shape, &told, &text, &length))
        return cli_no_memory(cli);
    fwrite(text, 1, length, cli->out);
    fputc('\n', cli->out);
    free(text);
    return CLI_OK;
}
