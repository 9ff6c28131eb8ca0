/* Assignments: asking for a task, the lease that comes back, completing it. */
#include "tables.h"

const char *const proto_assignment_state_names[] = {"open",   "completed", "expired", "skipped",
                                                    "failed", "released",  NULL};
const char *const proto_skip_names[] = {"me", "others", "never", NULL};

#define NAME (PROTO_NULLABLE | PROTO_NOT_EMPTY)
#define AT(member) offsetof(struct proto_ask, member)
static const struct proto_field ask_fields[] = {
    {"operator", PROTO_STRING, AT(operator_), NAME, .max_length = 256},
    {"robot", PROTO_STRING, AT(robot), NAME, .max_length = 256},
    {"capabilities", PROTO_STRINGS, AT(capabilities), PROTO_KEY, .max_length = 64},
    {"exclude", PROTO_STRINGS, AT(exclude), PROTO_KEY},
    {"count", PROTO_INT, AT(count), .min = 1, .max = 64},
    {"lease_s", PROTO_REAL, AT(lease_s), PROTO_NULLABLE, .min = 1, .max = PROTO_MAX_LEASE_S},
};
#undef AT

static void set_ask_defaults(void *ret_ask)
{
    proto_ask_defaults(ret_ask);
}

const struct proto_shape proto_ask_shape = {.name = "Ask",
                                            .size = sizeof(struct proto_ask),
                                            PROTO_FIELDS(ask_fields),
                                            .set_defaults = set_ask_defaults};

void proto_ask_defaults(struct proto_ask *ret_ask)
{
    *ret_ask = (struct proto_ask){.count = 1, .lease_s = NAN};
}

#define AT(member) offsetof(struct proto_assignment, member)
static const struct proto_field assignment_fields[] = {
    {"id", PROTO_STRING, AT(id)},
    {"task", PROTO_STRING, AT(task)},
    {"instruction", PROTO_STRING, AT(instruction), PROTO_NULLABLE},
    {"state", PROTO_ENUM, AT(state), .names = proto_assignment_state_names},
    {"fence", PROTO_INT, AT(fence)},
    {"operator", PROTO_STRING, AT(operator_), PROTO_NULLABLE},
    {"robot", PROTO_STRING, AT(robot), PROTO_NULLABLE},
    {"opened_at", PROTO_STRING, AT(opened_at), PROTO_NULLABLE},
    {"expires_at", PROTO_STRING, AT(expires_at), PROTO_NULLABLE},
    {"rule", PROTO_ENUM, AT(rule), .names = proto_rule_names},
    {"gain", PROTO_REAL, AT(gain), PROTO_NULLABLE},
    {"margin", PROTO_REAL, AT(margin), PROTO_NULLABLE},
    {"why", PROTO_STRING, AT(why), PROTO_NULLABLE},
    {"demonstration", PROTO_STRING, AT(demonstration), PROTO_NULLABLE},
    {"to", PROTO_STRING, AT(to), PROTO_NULLABLE | PROTO_OMIT_NULL},
    {"reason", PROTO_STRING, AT(reason), PROTO_NULLABLE | PROTO_OMIT_NULL},
};
#undef AT

static void assignment_defaults(void *ret_assignment)
{
    *(struct proto_assignment *)ret_assignment =
        (struct proto_assignment){.gain = NAN, .margin = NAN};
}

const struct proto_shape proto_assignment_shape = {.name = "Assignment",
                                                   .size = sizeof(struct proto_assignment),
                                                   PROTO_FIELDS(assignment_fields),
                                                   .set_defaults = assignment_defaults};

#define FENCE                                                                                      \
    {                                                                                              \
        "fence", PROTO_INT, AT(fence), PROTO_REQUIRED, .min = 1, .max = PROTO_INT_MAX              \
    }
#define REASON                                                                                     \
    {                                                                                              \
        "reason", PROTO_STRING, AT(reason), PROTO_NULLABLE                                         \
    }
#define AT(member) offsetof(struct proto_renew, member)
static const struct proto_field renew_fields[] = {
    FENCE,
    {"lease_s", PROTO_REAL, AT(lease_s), PROTO_NULLABLE, .min = 1, .max = PROTO_MAX_LEASE_S},
};
#undef AT

void proto_renew_defaults(void *ret_renew)
{
    *(struct proto_renew *)ret_renew = (struct proto_renew){.lease_s = NAN};
}

const struct proto_shape proto_renew_shape = {.name = "Renew",
                                              .size = sizeof(struct proto_renew),
                                              PROTO_FIELDS(renew_fields),
                                              .set_defaults = proto_renew_defaults};

#define AT(member) offsetof(struct proto_end, member)
static const struct proto_field skip_fields[] = {
    FENCE,
    {"to", PROTO_ENUM, AT(to), .names = proto_skip_names},
    REASON,
};
static const struct proto_field end_fields[] = {FENCE, REASON};
#undef AT

const struct proto_shape proto_skip_shape = {
    .name = "Skip", .size = sizeof(struct proto_end), PROTO_FIELDS(skip_fields)};
const struct proto_shape proto_end_shape = {
    .name = "End", .size = sizeof(struct proto_end), PROTO_FIELDS(end_fields)};

#define AT(member) offsetof(struct proto_reason, member)
static const struct proto_field reason_fields[] = {
    {"code", PROTO_STRING, AT(code), PROTO_NULLABLE},
    {"detail", PROTO_STRING, AT(detail), PROTO_NULLABLE},
};
#undef AT

static const struct proto_shape reason_shape = {
    .name = "Reason", .size = sizeof(struct proto_reason), PROTO_FIELDS(reason_fields)};

#define AT(member) offsetof(struct proto_asked, member)
static const struct proto_field asked_fields[] = {
    {"assignments", PROTO_LIST, AT(assignments), .shape = &proto_assignment_shape},
    {"seq", PROTO_INT, AT(seq)},
    {"revision", PROTO_STRING, AT(revision), PROTO_NULLABLE},
    {"age_s", PROTO_REAL, AT(age_s), PROTO_NULLABLE},
    {"reason", PROTO_POINTER, AT(reason), PROTO_NULLABLE, .shape = &reason_shape},
};
#undef AT

const struct proto_shape proto_asked_shape = {
    .name = "Asked", .size = sizeof(struct proto_asked), PROTO_FIELDS(asked_fields)};

#define AT(member) offsetof(struct proto_complete, member)
static const struct proto_field complete_fields[] = {
    FENCE,
    {"demonstration", PROTO_POINTER, AT(demonstration), PROTO_NULLABLE | PROTO_OMIT_NULL,
     .shape = &proto_demonstration_shape},
    {"demonstration_id", PROTO_STRING, AT(demonstration_id),
     PROTO_NULLABLE | PROTO_OMIT_NULL | PROTO_KEY},
};
#undef AT

static enum proto_code check_complete(const void *complete, struct proto_error *ret_error)
{
    return proto_complete_check(complete, ret_error);
}

const struct proto_shape proto_complete_shape = {.name = "Complete",
                                                 .size = sizeof(struct proto_complete),
                                                 PROTO_FIELDS(complete_fields),
                                                 .check = check_complete};

enum proto_code proto_complete_check(const struct proto_complete *complete,
                                     struct proto_error *ret_error)
{
    if (!complete->demonstration && !complete->demonstration_id)
        return proto_error_set(ret_error, PROTO_CODE_MISSING_FIELD, "/demonstration",
                               "there is no demonstration; expected demonstration, or the "
                               "demonstration_id of one that is stored");
    if (complete->demonstration && complete->demonstration_id)
        return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/demonstration_id",
                               "demonstration and demonstration_id are both given; expected one");
    return PROTO_CODE_OK;
}

#define AT(member) offsetof(struct proto_completed, member)
static const struct proto_field completed_fields[] = {
    {"assignment", PROTO_OBJECT, AT(assignment), .shape = &proto_assignment_shape},
    {"demonstration", PROTO_OBJECT, AT(demonstration), .shape = &proto_stored_shape},
    {"credited", PROTO_BOOL, AT(credited)},
    {"reason", PROTO_STRING, AT(reason), PROTO_NULLABLE},
};
#undef AT

const struct proto_shape proto_completed_shape = {
    .name = "Completed", .size = sizeof(struct proto_completed), PROTO_FIELDS(completed_fields)};
