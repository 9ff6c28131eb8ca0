/* Demonstrations: fields, ranges, defaults.
 *
 * States and actions come last, so that the summary is the same table without its last two rows: a
 * field has one row, and a person who looks at the text sees what it is before the numbers begin.
 */
#include "tables.h"

const char *const proto_demonstration_role_names[] = {"demonstration", "pretraining", "rollout",
                                                      NULL};

#define SERVER_SAID (PROTO_READ_ONLY | PROTO_NULLABLE | PROTO_OMIT_NULL)
#define NAME (PROTO_NULLABLE | PROTO_NOT_EMPTY)
#define AT(member) offsetof(struct proto_demonstration, member)
static const struct proto_field demonstration_fields[] = {
    {"id", PROTO_STRING, AT(id), SERVER_SAID},
    {"seq", PROTO_INT, AT(seq), PROTO_READ_ONLY},
    {"sha256", PROTO_STRING, AT(sha256), SERVER_SAID},
    {"steps", PROTO_INT, AT(steps), PROTO_READ_ONLY},
    {"at", PROTO_STRING, AT(at), SERVER_SAID},
    {"task", PROTO_STRING, AT(task), PROTO_REQUIRED | PROTO_KEY},
    {"success", PROTO_BOOL, AT(success)},
    {"role", PROTO_ENUM, AT(role), .names = proto_demonstration_role_names},
    {"operator", PROTO_STRING, AT(operator_), NAME, .max_length = 256},
    {"robot", PROTO_STRING, AT(robot), NAME, .max_length = 256},
    {"duration_s", PROTO_REAL, AT(duration_s), PROTO_NULLABLE, .min = 0, .max = 1e6},
    {"source", PROTO_STRING, AT(source), PROTO_NULLABLE},
    {"metadata", PROTO_JSON, AT(metadata), .max_length = 65536},
    {"assignment", PROTO_STRING, AT(assignment), PROTO_NULLABLE | PROTO_KEY},
    {"states", PROTO_MATRIX, AT(states), PROTO_REQUIRED, .min = -1e6, .max = 1e6,
     .max_length = PROTO_MAX_STEPS},
    {"actions", PROTO_MATRIX, AT(actions), PROTO_REQUIRED, .min = -1e6, .max = 1e6,
     .max_length = PROTO_MAX_STEPS},
};
#undef AT

static enum proto_code check_demonstration(const void *demonstration, struct proto_error *ret_error)
{
    return proto_demonstration_check(demonstration, ret_error);
}

const struct proto_shape proto_demonstration_shape = {.name = "Demonstration",
                                                      .size = sizeof(struct proto_demonstration),
                                                      PROTO_FIELDS(demonstration_fields),
                                                      .set_defaults = proto_demonstration_defaults,
                                                      .check = check_demonstration};

const struct proto_shape proto_demonstration_summary_shape = {
    .name = "DemonstrationSummary",
    .size = sizeof(struct proto_demonstration),
    .fields = demonstration_fields,
    .field_count = sizeof(demonstration_fields) / sizeof(demonstration_fields[0]) - 2,
    .set_defaults = proto_demonstration_defaults};

void proto_demonstration_defaults(void *ret_demonstration)
{
    *(struct proto_demonstration *)ret_demonstration = (struct proto_demonstration){
        .success = true,
        .role = PROTO_ROLE_DEMONSTRATION,
        .duration_s = NAN,
        .metadata = "{}",
    };
}

enum proto_code proto_demonstration_check(const struct proto_demonstration *demonstration,
                                          struct proto_error *ret_error)
{
    size_t states = demonstration->states.rows, actions = demonstration->actions.rows;
    if (states == 0)
        return proto_error_set(ret_error, PROTO_CODE_EMPTY_TRAJECTORY, "/states",
                               "there are no steps; expected at least one state and one action");
    if (states != actions)
        return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/actions",
                               "there are %zu actions for %zu states; expected one for each",
                               actions, states);
    return PROTO_CODE_OK;
}

#define AT(member) offsetof(struct proto_stored, member)
static const struct proto_field stored_fields[] = {
    {"id", PROTO_STRING, AT(id), PROTO_NULLABLE},
    {"seq", PROTO_INT, AT(seq)},
    {"sha256", PROTO_STRING, AT(sha256), PROTO_NULLABLE},
    {"steps", PROTO_INT, AT(steps)},
    {"duplicate", PROTO_BOOL, AT(duplicate)},
};
#undef AT

const struct proto_shape proto_stored_shape = {
    .name = "Stored", .size = sizeof(struct proto_stored), PROTO_FIELDS(stored_fields)};

#define AT(member) offsetof(struct proto_retraction, member)
static const struct proto_field retraction_fields[] = {
    {"reason", PROTO_STRING, AT(reason), PROTO_NULLABLE},
};
#undef AT

const struct proto_shape proto_retraction_shape = {
    .name = "Retraction", .size = sizeof(struct proto_retraction), PROTO_FIELDS(retraction_fields)};
