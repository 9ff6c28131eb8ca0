/* What is about the server itself: version, health, problems. */
#include "tables.h"

#define AT(member) offsetof(struct proto_version, member)
static const struct proto_field version_fields[] = {
    {"version", PROTO_STRING, AT(version), PROTO_NULLABLE},
    {"api", PROTO_STRING, AT(api), PROTO_NULLABLE},
    {"blas_core", PROTO_STRING, AT(blas_core), PROTO_NULLABLE},
    {"sqlite", PROTO_STRING, AT(sqlite), PROTO_NULLABLE},
    {"microhttpd", PROTO_STRING, AT(microhttpd), PROTO_NULLABLE},
};
#undef AT

const struct proto_shape proto_version_shape = {
    .name = "Version", .size = sizeof(struct proto_version), PROTO_FIELDS(version_fields)};

#define AT(member) offsetof(struct proto_health, member)
static const struct proto_field health_fields[] = {
    {"status", PROTO_STRING, AT(status), PROTO_NULLABLE},
    {"detail", PROTO_STRING, AT(detail), PROTO_NULLABLE},
};
#undef AT

const struct proto_shape proto_health_shape = {
    .name = "Health", .size = sizeof(struct proto_health), PROTO_FIELDS(health_fields)};

#define AT(member) offsetof(struct proto_data_status, member)
static const struct proto_field data_status_fields[] = {
    {"directory", PROTO_STRING, AT(directory), PROTO_NULLABLE},
    {"database_bytes", PROTO_INT, AT(database_bytes)},
    {"log_bytes", PROTO_INT, AT(log_bytes)},
    {"free_bytes", PROTO_INT, AT(free_bytes)},
};
#undef AT

static const struct proto_shape data_status_shape = {.name = "DataStatus",
                                                     .size = sizeof(struct proto_data_status),
                                                     PROTO_FIELDS(data_status_fields)};

#define AT(member) offsetof(struct proto_project_status, member)
static const struct proto_field project_status_fields[] = {
    {"id", PROTO_STRING, AT(id), PROTO_NULLABLE},
    {"seq", PROTO_INT, AT(seq)},
    {"tasks", PROTO_INT, AT(tasks)},
    {"demonstrations", PROTO_INT, AT(demonstrations)},
    {"open_assignments", PROTO_INT, AT(open_assignments)},
    {"ranking_seq", PROTO_INT, AT(ranking_seq), PROTO_NULLABLE},
    {"ranking_age_s", PROTO_REAL, AT(ranking_age_s), PROTO_NULLABLE},
    {"provisional", PROTO_BOOL, AT(provisional)},
};
#undef AT

static const struct proto_shape project_status_shape = {.name = "ProjectStatus",
                                                        .size = sizeof(struct proto_project_status),
                                                        PROTO_FIELDS(project_status_fields)};

#define AT(member) offsetof(struct proto_status, member)
static const struct proto_field status_fields[] = {
    {"version", PROTO_STRING, AT(version), PROTO_NULLABLE},
    {"uptime_s", PROTO_REAL, AT(uptime_s)},
    {"ready", PROTO_BOOL, AT(ready)},
    {"reason", PROTO_STRING, AT(reason), PROTO_NULLABLE},
    {"latched", PROTO_BOOL, AT(latched)},
    {"draining", PROTO_BOOL, AT(draining)},
    {"writer_queue", PROTO_INT, AT(writer_queue)},
    {"connections", PROTO_INT, AT(connections)},
    {"connections_max", PROTO_INT, AT(connections_max)},
    {"streams", PROTO_INT, AT(streams)},
    {"data", PROTO_POINTER, AT(data), PROTO_NULLABLE, .shape = &data_status_shape},
    {"projects", PROTO_LIST, AT(projects), .shape = &project_status_shape},
    {"next_cursor", PROTO_STRING, AT(next_cursor), PROTO_NULLABLE},
};
#undef AT

const struct proto_shape proto_status_shape = {
    .name = "Status", .size = sizeof(struct proto_status), PROTO_FIELDS(status_fields)};

#define AT(member) offsetof(struct proto_problem, member)
static const struct proto_field problem_fields[] = {
    {"type", PROTO_STRING, AT(type), PROTO_NULLABLE | PROTO_OMIT_NULL},
    {"title", PROTO_STRING, AT(title), PROTO_NULLABLE},
    {"status", PROTO_INT, AT(status)},
    {"code", PROTO_STRING, AT(code), PROTO_NULLABLE},
    {"detail", PROTO_STRING, AT(detail), PROTO_NULLABLE},
    {"at", PROTO_STRING, AT(at), PROTO_NULLABLE | PROTO_OMIT_NULL},
    {"request_id", PROTO_STRING, AT(request_id), PROTO_NULLABLE | PROTO_OMIT_NULL},
};
#undef AT

const struct proto_shape proto_problem_shape = {
    .name = "Problem", .size = sizeof(struct proto_problem), PROTO_FIELDS(problem_fields)};
