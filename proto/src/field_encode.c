/* Struct -> JSON text, straight from the table, fields in wire order. */
#include <math.h>
#include <string.h>

#include "field.h"
#include "text.h"

static void encode_object(struct proto_text *text, const struct proto_shape *shape,
                          const void *object);

static void encode_enum(struct proto_text *text, const struct proto_field *field, int index)
{
    int count = 0;
    while (field->names[count])
        count++;
    if (index >= 0 && index < count)
        proto_text_string(text, field->names[index]);
    else
        text->failed = true;
}

static void encode_strings(struct proto_text *text, const struct proto_strings *strings)
{
    proto_text_puts(text, "[");
    for (size_t i = 0; i < strings->count; i++) {
        if (i > 0)
            proto_text_puts(text, ",");
        proto_text_string(text, strings->items[i]);
    }
    proto_text_puts(text, "]");
}

static void encode_row(struct proto_text *text, const double *numbers, size_t count)
{
    proto_text_puts(text, "[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            proto_text_puts(text, ",");
        proto_text_real(text, numbers[i]);
    }
    proto_text_puts(text, "]");
}

static void encode_matrix(struct proto_text *text, const struct proto_matrix *matrix)
{
    proto_text_puts(text, "[");
    for (size_t i = 0; i < matrix->rows; i++) {
        if (i > 0)
            proto_text_puts(text, ",");
        encode_row(text, matrix->data + i * matrix->cols, matrix->cols);
    }
    proto_text_puts(text, "]");
}

static void encode_scale(struct proto_text *text, const struct proto_scale *scale)
{
    if (scale->kind == PROTO_SCALE_MEDIAN)
        proto_text_string(text, "median");
    else if (scale->kind == PROTO_SCALE_MARGINAL_LIKELIHOOD)
        proto_text_string(text, "marginal_likelihood");
    else if (scale->scalar && scale->values.count == 1)
        proto_text_real(text, scale->values.items[0]);
    else
        encode_row(text, scale->values.items, scale->values.count);
}

static void encode_list(struct proto_text *text, const struct proto_shape *shape,
                        const struct proto_list *list)
{
    proto_text_puts(text, "[");
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            proto_text_puts(text, ",");
        encode_object(text, shape, (const char *)list->items + i * shape->size);
    }
    proto_text_puts(text, "]");
}

static bool is_null(const struct proto_field *field, const void *member)
{
    if (!(field->flags & PROTO_NULLABLE))
        return false;
    switch (field->type) {
    case PROTO_STRING:
    case PROTO_POINTER:
    case PROTO_JSON:
        return *(const void *const *)member == NULL;
    case PROTO_INT:
        return *(const int64_t *)member == PROTO_INT_NULL;
    case PROTO_REAL:
        return isnan(*(const double *)member);
    case PROTO_REALS:
        return ((const struct proto_reals *)member)->count == 0;
    case PROTO_STRINGS:
        return ((const struct proto_strings *)member)->count == 0;
    case PROTO_LIST:
        return ((const struct proto_list *)member)->count == 0;
    case PROTO_MATRIX:
        return ((const struct proto_matrix *)member)->rows == 0;
    case PROTO_BOOL:
    case PROTO_ENUM:
    case PROTO_SCALE:
    case PROTO_OBJECT:
        break;
    }
    return false;
}

static void encode_int(struct proto_text *text, const struct proto_field *field, int64_t number)
{
    if (number == PROTO_INT_AUTO && field->flags & PROTO_AUTO)
        proto_text_string(text, "auto");
    else if (number == PROTO_INT_AUTO || number == PROTO_INT_NULL)
        text->failed = true;
    else
        proto_text_int(text, number);
}

/* A pointer's target that must be there. */
static void encode_target(struct proto_text *text, const struct proto_field *field,
                          const void *target)
{
    if (!target)
        text->failed = true;
    else if (field->type == PROTO_STRING)
        proto_text_string(text, target);
    else if (field->type == PROTO_JSON)
        proto_text_puts(text, target);
    else
        encode_object(text, field->shape, target);
}

static void encode_value(struct proto_text *text, const struct proto_field *field,
                         const void *member)
{
    switch (field->type) {
    case PROTO_STRING:
    case PROTO_JSON:
    case PROTO_POINTER:
        encode_target(text, field, *(const void *const *)member);
        break;
    case PROTO_BOOL:
        proto_text_puts(text, *(const bool *)member ? "true" : "false");
        break;
    case PROTO_INT:
        encode_int(text, field, *(const int64_t *)member);
        break;
    case PROTO_REAL:
        proto_text_real(text, *(const double *)member);
        break;
    case PROTO_ENUM:
        encode_enum(text, field, *(const int *)member);
        break;
    case PROTO_STRINGS:
        encode_strings(text, member);
        break;
    case PROTO_REALS:
        encode_row(text, ((const struct proto_reals *)member)->items,
                   ((const struct proto_reals *)member)->count);
        break;
    case PROTO_MATRIX:
        encode_matrix(text, member);
        break;
    case PROTO_SCALE:
        encode_scale(text, member);
        break;
    case PROTO_OBJECT:
        encode_object(text, field->shape, member);
        break;
    case PROTO_LIST:
        encode_list(text, field->shape, member);
        break;
    }
}

static void encode_object(struct proto_text *text, const struct proto_shape *shape,
                          const void *object)
{
    const char *separator = "{";
    for (size_t i = 0; i < shape->field_count && !text->failed; i++) {
        const struct proto_field *field = &shape->fields[i];
        const void *member = (const char *)object + field->offset;
        bool null = is_null(field, member);
        if (field->flags & PROTO_WRITE_ONLY || (null && field->flags & PROTO_OMIT_NULL))
            continue;
        proto_text_puts(text, separator);
        proto_text_name(text, field->name);
        if (null)
            proto_text_puts(text, "null");
        else
            encode_value(text, field, member);
        separator = ",";
    }
    proto_text_puts(text, *separator == '{' ? "{}" : "}");
}

int proto_encode(const struct proto_shape *shape, const void *object, char **ret_text,
                 size_t *ret_length)
{
    struct proto_text text = PROTO_TEXT_NULL;
    encode_object(&text, shape, object);
    if (text.failed) {
        proto_text_deinit(&text);
        return text.no_memory ? -1 : 1;
    }
    *ret_text = text.data;
    *ret_length = text.length;
    return 0;
}
