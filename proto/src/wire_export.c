/* export.json: the head of an archive. Read by later and earlier versions: fields may be added. */
#include "tables.h"

#define AT(member) offsetof(struct proto_export_lease, member)
static const struct proto_field lease_fields[] = {
    {"id", PROTO_STRING, AT(id), PROTO_REQUIRED},
    {"remaining_s", PROTO_REAL, AT(remaining_s), .min = 0, .max = 1e9},
};
#undef AT

static const struct proto_shape lease_shape = {
    .name = "ExportLease", .size = sizeof(struct proto_export_lease), PROTO_FIELDS(lease_fields)};

#define AT(member) offsetof(struct proto_export, member)
static const struct proto_field export_fields[] = {
    {"format", PROTO_INT, AT(format)},
    {"project", PROTO_STRING, AT(project), PROTO_NULLABLE},
    {"seq", PROTO_INT, AT(seq)},
    {"at", PROTO_STRING, AT(at), PROTO_NULLABLE},
    {"version", PROTO_STRING, AT(version), PROTO_NULLABLE},
    {"events_bytes", PROTO_INT, AT(events_bytes)},
    {"demonstrations", PROTO_INT, AT(demonstrations)},
    {"demonstration_bytes", PROTO_INT, AT(demonstration_bytes)},
    {"leases", PROTO_LIST, AT(leases), .max_length = PROTO_MAX_LIST, .shape = &lease_shape},
};
#undef AT

const struct proto_shape proto_export_shape = {
    .name = "Export", .size = sizeof(struct proto_export), PROTO_FIELDS(export_fields)};
