/* Prints the field tables of every message as JSON, one shape a line, for check_contract.py. */
#include <stdio.h>

#include <proto/wire.h>

static const char *const type_names[] = {
    [PROTO_STRING] = "string", [PROTO_BOOL] = "bool",       [PROTO_INT] = "int",
    [PROTO_REAL] = "real",     [PROTO_ENUM] = "enum",       [PROTO_STRINGS] = "strings",
    [PROTO_REALS] = "reals",   [PROTO_MATRIX] = "matrix",   [PROTO_SCALE] = "scale",
    [PROTO_OBJECT] = "object", [PROTO_POINTER] = "pointer", [PROTO_LIST] = "list",
    [PROTO_JSON] = "json",
};

static void print_flag(const struct proto_field *field, enum proto_flag flag, const char *name)
{
    printf(", \"%s\": %s", name, field->flags & flag ? "true" : "false");
}

static void print_names(const struct proto_field *field)
{
    printf(", \"names\": [");
    for (size_t i = 0; field->names && field->names[i]; i++) {
        if (field->max_length && i >= field->max_length)
            break;
        printf("%s\"%s\"", i ? ", " : "", field->names[i]);
    }
    printf("]");
}

static void print_field(const struct proto_field *field)
{
    printf("{\"name\": \"%s\", \"type\": \"%s\"", field->name, type_names[field->type]);
    print_flag(field, PROTO_REQUIRED, "required");
    print_flag(field, PROTO_NULLABLE, "nullable");
    print_flag(field, PROTO_AUTO, "auto");
    print_flag(field, PROTO_READ_ONLY, "read_only");
    print_flag(field, PROTO_WRITE_ONLY, "write_only");
    print_flag(field, PROTO_OMIT_NULL, "omit_null");
    print_flag(field, PROTO_KEY, "key");
    print_flag(field, PROTO_BELOW_MAX, "below_max");
    if (field->min < field->max)
        printf(", \"min\": %.17g, \"max\": %.17g", field->min, field->max);
    printf(", \"max_length\": %zu", field->max_length);
    if (field->type == PROTO_ENUM)
        print_names(field);
    printf(", \"shape\": \"%s\"}", field->shape ? field->shape->name : "");
}

/* A shape and those its fields lead to; one that stands twice is printed twice, which is harmless.
 */
static void print_shape(const struct proto_shape *shape)
{
    printf("{\"shape\": \"%s\", \"fields\": [", shape->name);
    for (size_t i = 0; i < shape->field_count; i++) {
        printf("%s", i ? ", " : "");
        print_field(&shape->fields[i]);
    }
    printf("]}\n");
    for (size_t i = 0; i < shape->field_count; i++)
        if (shape->fields[i].shape)
            print_shape(shape->fields[i].shape);
}

int main(void)
{
    const struct proto_shape *const shapes[] = {
        &proto_project_shape,
        &proto_task_shape,
        &proto_demonstration_shape,
        &proto_demonstration_summary_shape,
        &proto_stored_shape,
        &proto_retraction_shape,
        &proto_ranking_shape,
        &proto_ask_shape,
        &proto_asked_shape,
        &proto_complete_shape,
        &proto_completed_shape,
        &proto_project_list_shape,
        &proto_task_list_shape,
        &proto_demonstration_list_shape,
        &proto_assignment_list_shape,
        &proto_version_shape,
        &proto_status_shape,
        &proto_health_shape,
        &proto_problem_shape,
        &proto_scales_shape,
        &proto_token_shape,
        &proto_token_list_shape,
        &proto_renew_shape,
        &proto_skip_shape,
        &proto_end_shape,
        &proto_revision_shape,
        &proto_revision_list_shape,
        &proto_features_shape,
        &proto_missing_shape,
        &proto_decision_list_shape,
        &proto_report_shape,
        &proto_event_list_shape,
        &proto_ranking_notice_shape,
    };

    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        print_shape(shapes[i]);
    return 0;
}
