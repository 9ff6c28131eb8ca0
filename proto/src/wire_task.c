/* Tasks: fields, ranges, defaults. */
#include "field.h"
#include "tables.h"

const char *const proto_task_role_names[] = {"both", "candidate", "evaluation", NULL};

#define AT(member) offsetof(struct proto_task, member)
static const struct proto_field task_fields[] = {
    {"key", PROTO_STRING, AT(key), PROTO_REQUIRED | PROTO_KEY},
    {"instruction", PROTO_STRING, AT(instruction)},
    {"vector", PROTO_REALS, AT(vector), PROTO_NULLABLE, .min = -1e6, .max = 1e6},
    {"weight", PROTO_REAL, AT(weight), .min = 0, .max = 1e9},
    {"cost_s", PROTO_REAL, AT(cost_s), .min = 1e-3, .max = 1e9},
    {"role", PROTO_ENUM, AT(role), .names = proto_task_role_names},
    {"requires", PROTO_STRINGS, AT(requires_), PROTO_KEY, .max_length = 64},
    {"min_demonstrations", PROTO_INT, AT(min_demonstrations), .min = 0,
     .max = PROTO_MAX_DEMONSTRATIONS},
    {"max_demonstrations", PROTO_INT, AT(max_demonstrations), PROTO_NULLABLE, .min = 0,
     .max = PROTO_MAX_DEMONSTRATIONS},
    {"demonstrations", PROTO_INT, AT(demonstrations), PROTO_READ_ONLY},
    {"pretraining_demonstrations", PROTO_INT, AT(pretraining_demonstrations), PROTO_READ_ONLY},
    {"rollouts", PROTO_INT, AT(rollouts), PROTO_READ_ONLY},
    {"pending", PROTO_INT, AT(pending), PROTO_READ_ONLY},
    {"success_rate", PROTO_REAL, AT(success_rate), PROTO_READ_ONLY | PROTO_NULLABLE},
};
#undef AT

static enum proto_code check_task(const void *task, struct proto_error *ret_error)
{
    return proto_task_check(task, ret_error);
}

const struct proto_shape proto_task_shape = {.name = "Task",
                                             .size = sizeof(struct proto_task),
                                             PROTO_FIELDS(task_fields),
                                             .set_defaults = proto_task_defaults,
                                             .check = check_task};

/* Without the counts, which stand last. */
const struct proto_shape proto_task_settings_shape = {
    .name = "EventTask",
    .size = sizeof(struct proto_task),
    .fields = task_fields,
    .field_count = sizeof(task_fields) / sizeof(task_fields[0]) - 5,
    .set_defaults = proto_task_defaults};

void proto_task_defaults(void *ret_task)
{
    *(struct proto_task *)ret_task = (struct proto_task){
        .instruction = "",
        .weight = 1,
        .cost_s = 60,
        .role = PROTO_TASK_BOTH,
        .max_demonstrations = PROTO_INT_NULL,
        .success_rate = NAN,
    };
}

enum proto_code proto_task_check(const struct proto_task *task, struct proto_error *ret_error)
{
    /* Also where it came from a path and not from a field. */
    if (!task->key || !proto_key_valid(task->key))
        return proto_error_set(
            ret_error, PROTO_CODE_INVALID_FIELD, "/key",
            "A key is 1 to 64 characters of A-Z a-z 0-9 . _ -, a letter or digit first.");
    if (task->max_demonstrations == PROTO_INT_NULL ||
        task->max_demonstrations >= task->min_demonstrations)
        return PROTO_CODE_OK;
    return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/max_demonstrations",
                           "max_demonstrations is %lld; expected at least min_demonstrations, %lld",
                           (long long)task->max_demonstrations,
                           (long long)task->min_demonstrations);
}
