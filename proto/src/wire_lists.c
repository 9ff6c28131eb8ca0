/* Pages of a collection: the resource's plural, and where the next page begins. */
#include "tables.h"

#define CURSOR(type)                                                                               \
    {                                                                                              \
        "next_cursor", PROTO_STRING, offsetof(type, next_cursor), PROTO_NULLABLE                   \
    }

static const struct proto_field project_list_fields[] = {
    {"projects", PROTO_LIST, offsetof(struct proto_project_list, projects),
     .max_length = PROTO_MAX_LIST, .shape = &proto_project_shape},
    CURSOR(struct proto_project_list),
};

const struct proto_shape proto_project_list_shape = {.name = "ProjectList",
                                                     .size = sizeof(struct proto_project_list),
                                                     PROTO_FIELDS(project_list_fields)};

static const struct proto_field task_list_fields[] = {
    {"tasks", PROTO_LIST, offsetof(struct proto_task_list, tasks), .max_length = PROTO_MAX_LIST,
     .shape = &proto_task_shape},
    CURSOR(struct proto_task_list),
};

const struct proto_shape proto_task_list_shape = {
    .name = "TaskList", .size = sizeof(struct proto_task_list), PROTO_FIELDS(task_list_fields)};

static const struct proto_field demonstration_list_fields[] = {
    {"demonstrations", PROTO_LIST, offsetof(struct proto_demonstration_list, demonstrations),
     .max_length = PROTO_MAX_LIST, .shape = &proto_demonstration_summary_shape},
    CURSOR(struct proto_demonstration_list),
};

const struct proto_shape proto_demonstration_list_shape = {
    .name = "DemonstrationList",
    .size = sizeof(struct proto_demonstration_list),
    PROTO_FIELDS(demonstration_list_fields)};

static const struct proto_field assignment_list_fields[] = {
    {"assignments", PROTO_LIST, offsetof(struct proto_assignment_list, assignments),
     .max_length = PROTO_MAX_LIST, .shape = &proto_assignment_shape},
    CURSOR(struct proto_assignment_list),
};

const struct proto_shape proto_assignment_list_shape = {.name = "AssignmentList",
                                                        .size =
                                                            sizeof(struct proto_assignment_list),
                                                        PROTO_FIELDS(assignment_list_fields)};

static const struct proto_field decision_list_fields[] = {
    {"decisions", PROTO_LIST, offsetof(struct proto_decision_list, decisions),
     .max_length = PROTO_MAX_LIST, .shape = &proto_decision_shape},
    CURSOR(struct proto_decision_list),
};

const struct proto_shape proto_decision_list_shape = {.name = "DecisionList",
                                                      .size = sizeof(struct proto_decision_list),
                                                      PROTO_FIELDS(decision_list_fields)};
