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
