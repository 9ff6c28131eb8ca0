/* The report: answers only, so nothing has a range. */
#include "tables.h"

#define AT(member) offsetof(struct proto_rule_count, member)
static const struct proto_field rule_count_fields[] = {
    {"rule", PROTO_ENUM, AT(rule), .names = proto_rule_names},
    {"decisions", PROTO_INT, AT(decisions)},
};
#undef AT

static const struct proto_shape rule_count_shape = {
    .name = "RuleCount", .size = sizeof(struct proto_rule_count), PROTO_FIELDS(rule_count_fields)};

#define AT(member) offsetof(struct proto_state_count, member)
static const struct proto_field state_count_fields[] = {
    {"state", PROTO_ENUM, AT(state), .names = proto_assignment_state_names},
    {"assignments", PROTO_INT, AT(assignments)},
};
#undef AT

static const struct proto_shape state_count_shape = {.name = "StateCount",
                                                     .size = sizeof(struct proto_state_count),
                                                     PROTO_FIELDS(state_count_fields)};

#define AT(member) offsetof(struct proto_task_progress, member)
static const struct proto_field task_progress_fields[] = {
    {"task", PROTO_STRING, AT(task)},
    {"demonstrations", PROTO_INT, AT(demonstrations)},
    {"failed", PROTO_INT, AT(failed)},
    {"pretraining_demonstrations", PROTO_INT, AT(pretraining_demonstrations)},
    {"rollouts", PROTO_INT, AT(rollouts)},
    {"success_rate", PROTO_REAL, AT(success_rate), PROTO_NULLABLE},
    {"pending", PROTO_INT, AT(pending)},
    {"decisions", PROTO_INT, AT(decisions)},
    {"minutes", PROTO_REAL, AT(minutes)},
    {"unknown_durations", PROTO_INT, AT(unknown_durations)},
    {"first_entropy", PROTO_REAL, AT(first_entropy), PROTO_NULLABLE},
    {"entropy", PROTO_REAL, AT(entropy), PROTO_NULLABLE},
};
#undef AT

static void task_progress_defaults(void *ret_progress)
{
    *(struct proto_task_progress *)ret_progress =
        (struct proto_task_progress){.success_rate = NAN, .first_entropy = NAN, .entropy = NAN};
}

static const struct proto_shape task_progress_shape = {.name = "TaskProgress",
                                                       .size = sizeof(struct proto_task_progress),
                                                       PROTO_FIELDS(task_progress_fields),
                                                       .set_defaults = task_progress_defaults};

#define AT(member) offsetof(struct proto_round, member)
static const struct proto_field round_fields[] = {
    {"round", PROTO_INT, AT(round)},
    {"id", PROTO_STRING, AT(id)},
    {"at", PROTO_STRING, AT(at), PROTO_NULLABLE},
    {"task", PROTO_STRING, AT(task)},
    {"rule", PROTO_ENUM, AT(rule), .names = proto_rule_names},
    {"gain", PROTO_REAL, AT(gain), PROTO_NULLABLE},
    {"entropy", PROTO_REAL, AT(entropy), PROTO_NULLABLE},
    {"entropies", PROTO_POINTER, AT(entropies), PROTO_NULLABLE, .shape = &proto_by_task_shape},
};
#undef AT

static void round_defaults(void *ret_round)
{
    *(struct proto_round *)ret_round = (struct proto_round){.gain = NAN, .entropy = NAN};
}

static const struct proto_shape round_shape = {.name = "Round",
                                               .size = sizeof(struct proto_round),
                                               PROTO_FIELDS(round_fields),
                                               .set_defaults = round_defaults};

#define AT(member) offsetof(struct proto_report, member)
static const struct proto_field report_fields[] = {
    {"seq", PROTO_INT, AT(seq)},
    {"at", PROTO_STRING, AT(at), PROTO_NULLABLE},
    {"demonstrations", PROTO_INT, AT(demonstrations)},
    {"failed", PROTO_INT, AT(failed)},
    {"decisions", PROTO_INT, AT(decisions)},
    {"budget", PROTO_INT, AT(budget), PROTO_NULLABLE},
    {"minutes", PROTO_REAL, AT(minutes)},
    {"unknown_durations", PROTO_INT, AT(unknown_durations)},
    {"ranking_seq", PROTO_INT, AT(ranking_seq)},
    {"first_entropy", PROTO_REAL, AT(first_entropy), PROTO_NULLABLE},
    {"entropy", PROTO_REAL, AT(entropy), PROTO_NULLABLE},
    {"rules", PROTO_LIST, AT(rules), .shape = &rule_count_shape},
    {"assignments", PROTO_LIST, AT(assignments), .shape = &state_count_shape},
    {"tasks", PROTO_LIST, AT(tasks), .max_length = PROTO_MAX_LIST, .shape = &task_progress_shape},
    {"rounds", PROTO_LIST, AT(rounds), .max_length = PROTO_MAX_LIST, .shape = &round_shape},
};
#undef AT

const struct proto_shape proto_report_shape = {
    .name = "Report", .size = sizeof(struct proto_report), PROTO_FIELDS(report_fields)};
