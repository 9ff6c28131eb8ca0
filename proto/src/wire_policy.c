/* Revisions of a policy, and what they think of demonstrations. */
#include <proto/log_events.h>

#include "tables.h"

const char *const proto_revision_role_names[] = {"selection", "likelihood", "both", NULL};
const char *const proto_revision_state_names[] = {"staged", "active", "retired", NULL};
static const char *const likelihood_form_names[] = {"none", "trajectory", "step", NULL};
const char *const proto_missing_reason_names[] = {"missing", "stale", NULL};

#define SERVER_SAID (PROTO_READ_ONLY | PROTO_NULLABLE)

#define AT(member) offsetof(struct proto_feature_form, member)
static const struct proto_field form_fields[] = {
    {"per_task", PROTO_BOOL, AT(per_task)},
    {"phi", PROTO_INT, AT(phi), PROTO_NULLABLE},
    {"h", PROTO_INT, AT(h), PROTO_NULLABLE},
    {"g", PROTO_INT, AT(g), PROTO_NULLABLE},
    {"mean", PROTO_INT, AT(mean), PROTO_NULLABLE},
    {"log_likelihood", PROTO_ENUM, AT(log_likelihood), .names = likelihood_form_names},
};
#undef AT

static const struct proto_shape form_shape = {
    .name = "FeatureForm", .size = sizeof(struct proto_feature_form), PROTO_FIELDS(form_fields)};

#define AT(member) offsetof(struct proto_revision, member)
static const struct proto_field revision_fields[] = {
    {"revision", PROTO_STRING, AT(revision), PROTO_REQUIRED | PROTO_KEY},
    {"kind", PROTO_ENUM, AT(kind), .names = proto_policy_kind_names},
    {"role", PROTO_ENUM, AT(role), .names = proto_revision_role_names},
    {"sigma", PROTO_REAL, AT(sigma), .min = 1e-9, .max = 1e9},
    {"trained_on", PROTO_STRINGS, AT(trained_on), PROTO_NULLABLE | PROTO_KEY,
     .max_length = PROTO_MAX_LIST},
    {"note", PROTO_STRING, AT(note), PROTO_NULLABLE},
    {"sha256", PROTO_STRING, AT(sha256), SERVER_SAID},
    /* so far what the log has of it */
    {"state", PROTO_ENUM, AT(state), PROTO_READ_ONLY, .names = proto_revision_state_names},
    {"serves", PROTO_STRINGS, AT(serves), PROTO_READ_ONLY},
    {"features", PROTO_POINTER, AT(features), SERVER_SAID, .shape = &form_shape},
    {"summary_dim", PROTO_INT, AT(summary_dim), SERVER_SAID},
    {"demonstrations", PROTO_INT, AT(demonstrations), PROTO_READ_ONLY},
    {"missing", PROTO_INT, AT(missing), PROTO_READ_ONLY},
    {"stale_pairs", PROTO_INT, AT(stale_pairs), PROTO_READ_ONLY},
    {"created_at", PROTO_STRING, AT(created_at), SERVER_SAID},
    {"seq", PROTO_INT, AT(seq), PROTO_READ_ONLY},
};
#undef AT

const struct proto_shape proto_revision_shape = {.name = "Revision",
                                                 .size = sizeof(struct proto_revision),
                                                 PROTO_FIELDS(revision_fields),
                                                 .set_defaults = proto_revision_defaults};

#define LOGGED_FIELDS 7
const struct proto_shape proto_event_policy_shape = {.name = "EventPolicy",
                                                     .size = sizeof(struct proto_revision),
                                                     .fields = revision_fields,
                                                     .field_count = LOGGED_FIELDS,
                                                     .set_defaults = proto_revision_defaults};

void proto_revision_defaults(void *ret_revision)
{
    *(struct proto_revision *)ret_revision = (struct proto_revision){.kind = PROTO_POLICY_EXTERNAL,
                                                                     .role = PROTO_REVISION_BOTH,
                                                                     .sigma = 1,
                                                                     .summary_dim = PROTO_INT_NULL};
}

#define AT(member) offsetof(struct proto_revision_list, member)
static const struct proto_field revision_list_fields[] = {
    {"policies", PROTO_LIST, AT(policies), .max_length = PROTO_MAX_LIST,
     .shape = &proto_revision_shape},
    {"next_cursor", PROTO_STRING, AT(next_cursor), PROTO_NULLABLE},
};
#undef AT

const struct proto_shape proto_revision_list_shape = {.name = "RevisionList",
                                                      .size = sizeof(struct proto_revision_list),
                                                      PROTO_FIELDS(revision_list_fields)};

#define AT(member) offsetof(struct proto_features, member)
static const struct proto_field features_fields[] = {
    {"id", PROTO_STRING, AT(id), PROTO_READ_ONLY | PROTO_NULLABLE},
    {"revision", PROTO_STRING, AT(revision), PROTO_READ_ONLY | PROTO_NULLABLE},
    {"demonstration", PROTO_STRING, AT(demonstration), PROTO_READ_ONLY | PROTO_NULLABLE},
    {"sha256", PROTO_STRING, AT(sha256), PROTO_READ_ONLY | PROTO_NULLABLE},
    {"tasks", PROTO_STRINGS, AT(tasks), PROTO_READ_ONLY, .max_length = PROTO_MAX_LIST},
    {"form", PROTO_OBJECT, AT(form), PROTO_READ_ONLY, .shape = &form_shape},
    {"seq", PROTO_INT, AT(seq), PROTO_READ_ONLY},
    {"at", PROTO_STRING, AT(at), PROTO_READ_ONLY | PROTO_NULLABLE},
    {"duplicate", PROTO_BOOL, AT(duplicate), PROTO_READ_ONLY},
};
#undef AT

const struct proto_shape proto_features_shape = {
    .name = "Features", .size = sizeof(struct proto_features), PROTO_FIELDS(features_fields)};

#define AT(member) offsetof(struct proto_missing_features, member)
static const struct proto_field missing_features_fields[] = {
    {"demonstration", PROTO_STRING, AT(demonstration), PROTO_NULLABLE},
    {"reason", PROTO_ENUM, AT(reason), .names = proto_missing_reason_names},
    {"tasks", PROTO_STRINGS, AT(tasks), .max_length = PROTO_MAX_LIST},
};
#undef AT

static const struct proto_shape missing_features_shape = {.name = "MissingFeatures",
                                                          .size =
                                                              sizeof(struct proto_missing_features),
                                                          PROTO_FIELDS(missing_features_fields)};

#define AT(member) offsetof(struct proto_missing, member)
static const struct proto_field missing_fields[] = {
    {"revision", PROTO_STRING, AT(revision), PROTO_NULLABLE},
    {"demonstrations", PROTO_INT, AT(demonstrations)},
    {"stale_pairs", PROTO_INT, AT(stale_pairs)},
    {"missing", PROTO_LIST, AT(missing), .max_length = PROTO_MAX_LIST,
     .shape = &missing_features_shape},
    {"next_cursor", PROTO_STRING, AT(next_cursor), PROTO_NULLABLE},
};
#undef AT

const struct proto_shape proto_missing_shape = {
    .name = "Missing", .size = sizeof(struct proto_missing), PROTO_FIELDS(missing_fields)};

/* ---- in the log ---- */

#define AT(member) offsetof(struct proto_event_activated, member)
static const struct proto_field activated_fields[] = {
    {"revision", PROTO_STRING, AT(revision), PROTO_REQUIRED},
};
#undef AT

const struct proto_shape proto_event_activated_shape = {.name = "EventActivated",
                                                        .size =
                                                            sizeof(struct proto_event_activated),
                                                        PROTO_FIELDS(activated_fields)};

#define AT(member) offsetof(struct proto_event_features, member)
static const struct proto_field event_features_fields[] = {
    {"id", PROTO_STRING, AT(id), PROTO_REQUIRED},
    {"revision", PROTO_STRING, AT(revision), PROTO_REQUIRED},
    {"demonstration", PROTO_STRING, AT(demonstration), PROTO_REQUIRED},
    {"sha256", PROTO_STRING, AT(sha256), PROTO_REQUIRED},
};
#undef AT

const struct proto_shape proto_event_features_shape = {.name = "EventFeatures",
                                                       .size = sizeof(struct proto_event_features),
                                                       PROTO_FIELDS(event_features_fields)};
