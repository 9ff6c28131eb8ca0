/* Bodies of events in the log that are no message of the API. Read by later versions: fields may be
 * added, never renamed, and their absence must mean what it means today. */
#include <proto/log_events.h>

#include "tables.h"

#define AT(member) offsetof(struct proto_event_removed, member)
static const struct proto_field removed_fields[] = {
    {"key", PROTO_STRING, AT(key), PROTO_REQUIRED},
    {"reason", PROTO_STRING, AT(reason), PROTO_NULLABLE},
};
#undef AT

const struct proto_shape proto_event_removed_shape = {.name = "EventRemoved",
                                                      .size = sizeof(struct proto_event_removed),
                                                      PROTO_FIELDS(removed_fields)};

#define AT(member) offsetof(struct proto_clock, member)
static const struct proto_field clock_fields[] = {
    {"boot_id", PROTO_STRING, AT(boot_id), PROTO_NULLABLE, .max_length = 64},
    {"boot_ms", PROTO_INT, AT(boot_ms)},
};
#undef AT

static const struct proto_shape clock_shape = {
    .name = "Clock", .size = sizeof(struct proto_clock), PROTO_FIELDS(clock_fields)};

#define AT(member) offsetof(struct proto_event_assignment_end, member)
static const struct proto_field assignment_end_fields[] = {
    {"id", PROTO_STRING, AT(id), PROTO_REQUIRED},
    {"demonstration", PROTO_STRING, AT(demonstration), PROTO_NULLABLE},
    {"reason", PROTO_STRING, AT(reason), PROTO_NULLABLE | PROTO_OMIT_NULL},
    {"clock", PROTO_OBJECT, AT(clock), .shape = &clock_shape},
};
static const struct proto_field assignment_skip_fields[] = {
    {"id", PROTO_STRING, AT(id), PROTO_REQUIRED},
    {"to", PROTO_ENUM, AT(to), .names = proto_skip_names},
    {"reason", PROTO_STRING, AT(reason), PROTO_NULLABLE},
    {"clock", PROTO_OBJECT, AT(clock), .shape = &clock_shape},
};
#undef AT

const struct proto_shape proto_event_assignment_end_shape = {
    .name = "EventAssignmentEnd",
    .size = sizeof(struct proto_event_assignment_end),
    PROTO_FIELDS(assignment_end_fields)};
const struct proto_shape proto_event_assignment_skip_shape = {
    .name = "EventAssignmentSkip",
    .size = sizeof(struct proto_event_assignment_end),
    PROTO_FIELDS(assignment_skip_fields)};

#define AT(member) offsetof(struct proto_event_renewed, member)
static const struct proto_field renewed_fields[] = {
    {"id", PROTO_STRING, AT(id), PROTO_REQUIRED},
    {"fence", PROTO_INT, AT(fence)},
    {"expires_ms", PROTO_INT, AT(expires_ms)},
    {"clock", PROTO_OBJECT, AT(clock), .shape = &clock_shape},
};
#undef AT

const struct proto_shape proto_event_renewed_shape = {.name = "EventRenewed",
                                                      .size = sizeof(struct proto_event_renewed),
                                                      PROTO_FIELDS(renewed_fields)};

#define AT(member) offsetof(struct proto_event_opened, member)
static const struct proto_field opened_fields[] = {
    {"assignment", PROTO_OBJECT, AT(assignment), PROTO_REQUIRED, .shape = &proto_assignment_shape},
    {"expires_ms", PROTO_INT, AT(expires_ms)},
    {"ranking_seq", PROTO_INT, AT(ranking_seq)},
    {"pick", PROTO_INT, AT(pick)},
    {"age_s", PROTO_REAL, AT(age_s), PROTO_NULLABLE},
    {"basis", PROTO_POINTER, AT(basis), PROTO_NULLABLE | PROTO_OMIT_NULL,
     .shape = &proto_basis_shape},
    {"clock", PROTO_OBJECT, AT(clock), .shape = &clock_shape},
};
#undef AT

const struct proto_shape proto_event_opened_shape = {
    .name = "EventOpened", .size = sizeof(struct proto_event_opened), PROTO_FIELDS(opened_fields)};

#define AT(member) offsetof(struct proto_carried_lease, member)
static const struct proto_field carried_lease_fields[] = {
    {"id", PROTO_STRING, AT(id), PROTO_REQUIRED},
    {"expires_ms", PROTO_INT, AT(expires_ms)},
};
#undef AT

static const struct proto_shape carried_lease_shape = {.name = "CarriedLease",
                                                       .size = sizeof(struct proto_carried_lease),
                                                       PROTO_FIELDS(carried_lease_fields)};

#define AT(member) offsetof(struct proto_event_carried, member)
static const struct proto_field carried_fields[] = {
    {"project", PROTO_STRING, AT(project), PROTO_NULLABLE},
    {"leases", PROTO_LIST, AT(leases), .max_length = PROTO_MAX_LIST, .shape = &carried_lease_shape},
    {"clock", PROTO_OBJECT, AT(clock), .shape = &clock_shape},
};
#undef AT

const struct proto_shape proto_event_carried_shape = {.name = "EventCarried",
                                                      .size = sizeof(struct proto_event_carried),
                                                      PROTO_FIELDS(carried_fields)};
