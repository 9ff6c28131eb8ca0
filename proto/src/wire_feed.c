/* The event feed: what happened in a project, as it is told to those who follow it. */
#include "tables.h"

#define OPTIONAL (PROTO_NULLABLE | PROTO_OMIT_NULL)
#define AT(member) offsetof(struct proto_event, member)
static const struct proto_field event_fields[] = {
    {"seq", PROTO_INT, AT(seq)},
    {"at", PROTO_STRING, AT(at)},
    {"type", PROTO_STRING, AT(type)},
    {"id", PROTO_STRING, AT(id), OPTIONAL},
    {"reason", PROTO_STRING, AT(reason), OPTIONAL},
    {"revision", PROTO_STRING, AT(revision), OPTIONAL},
    {"project", PROTO_POINTER, AT(project), OPTIONAL, .shape = &proto_project_settings_shape},
    {"task", PROTO_POINTER, AT(task), OPTIONAL, .shape = &proto_task_settings_shape},
    {"demonstration", PROTO_POINTER, AT(demonstration), OPTIONAL,
     .shape = &proto_demonstration_summary_shape},
    {"assignment", PROTO_POINTER, AT(assignment), OPTIONAL, .shape = &proto_assignment_shape},
};
#undef AT

const struct proto_shape proto_event_shape = {
    .name = "Event", .size = sizeof(struct proto_event), PROTO_FIELDS(event_fields)};

#define AT(member) offsetof(struct proto_event_list, member)
static const struct proto_field event_list_fields[] = {
    {"events", PROTO_LIST, AT(events), .max_length = PROTO_MAX_LIST, .shape = &proto_event_shape},
    {"seq", PROTO_INT, AT(seq)},
};
#undef AT

const struct proto_shape proto_event_list_shape = {
    .name = "EventList", .size = sizeof(struct proto_event_list), PROTO_FIELDS(event_list_fields)};

#define AT(member) offsetof(struct proto_ranking_notice, member)
static const struct proto_field ranking_notice_fields[] = {
    {"seq", PROTO_INT, AT(seq)},
    {"rule", PROTO_ENUM, AT(rule), .names = proto_rule_names},
    {"choice", PROTO_STRING, AT(choice), PROTO_NULLABLE},
    {"provisional", PROTO_BOOL, AT(provisional)},
};
#undef AT

const struct proto_shape proto_ranking_notice_shape = {.name = "RankingNotice",
                                                       .size = sizeof(struct proto_ranking_notice),
                                                       PROTO_FIELDS(ranking_notice_fields)};
