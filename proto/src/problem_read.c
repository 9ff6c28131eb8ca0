/* Checked values out of a JSON tree. Every size that comes from the text is checked before it is
 * used. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "problem_read.h"

struct proto_path proto_case_item(const struct proto_path *parent, size_t index)
{
    return (struct proto_path){parent, NULL, index};
}

struct proto_path proto_case_member(const struct proto_path *parent, const char *name)
{
    return (struct proto_path){parent, name, 0};
}

enum proto_code proto_case_no_memory(const struct proto_case_reader *reader)
{
    return proto_error_set(reader->error, PROTO_CODE_NO_MEMORY, "", "there is not enough memory");
}

enum proto_code proto_case_real(const struct proto_case_reader *reader, const json_t *value,
                                const struct proto_path *at, double *ret_real)
{
    double real = json_number_value(value);

    if (!json_is_number(value))
        return proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, at, "expected a number");
    if (!isfinite(real))
        return proto_error_at(reader->error, PROTO_CODE_NOT_FINITE, at, "expected a finite number");
    *ret_real = real;
    return PROTO_CODE_OK;
}

enum proto_code proto_case_positive(const struct proto_case_reader *reader, const json_t *value,
                                    const struct proto_path *at, double *ret_real)
{
    double real = 0;
    enum proto_code code = proto_case_real(reader, value, at, &real);

    if (code)
        return code;
    if (!(real > 0))
        return proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, at,
                              "expected a number above 0");
    *ret_real = real;
    return PROTO_CODE_OK;
}

enum proto_code proto_case_count(const struct proto_case_reader *reader, const json_t *value,
                                 const struct proto_path *at, size_t *ret_count)
{
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        json_integer_value(value) > INT32_MAX)
        return proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, at,
                              "expected an integer of at least 1");
    *ret_count = (size_t)json_integer_value(value);
    return PROTO_CODE_OK;
}

enum proto_code proto_case_task(const struct proto_case_reader *reader, const json_t *value,
                                const struct proto_path *at, size_t *ret_task)
{
    json_int_t index = json_integer_value(value);

    if (!json_is_integer(value))
        return proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, at,
                              "expected the index of a task");
    if (index < 0 || (size_t)index >= reader->out->tasks.rows)
        return proto_error_at(reader->error, PROTO_CODE_UNKNOWN_TASK, at,
                              "there are %zu tasks, so an index of at most %zu is expected",
                              reader->out->tasks.rows, reader->out->tasks.rows - 1);
    *ret_task = (size_t)index;
    return PROTO_CODE_OK;
}

enum proto_code proto_case_array(const struct proto_case_reader *reader, const json_t *value,
                                 const struct proto_path *at, size_t count, const char *what)
{
    if (!json_is_array(value))
        return proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, at, "expected a list of %s",
                              what);
    if (count != SIZE_MAX && json_array_size(value) != count)
        return proto_error_at(reader->error, PROTO_CODE_WRONG_DIMENSION, at,
                              "expected %zu %s, got %zu", count, what, json_array_size(value));
    return PROTO_CODE_OK;
}

enum proto_code proto_case_reals(const struct proto_case_reader *reader, const json_t *value,
                                 const struct proto_path *at, size_t count, double *ret_reals)
{
    enum proto_code code = proto_case_array(reader, value, at, count, "numbers");

    for (size_t i = 0; !code && i < count; i++) {
        struct proto_path item = proto_case_item(at, i);

        code = proto_case_real(reader, json_array_get(value, i), &item, &ret_reals[i]);
    }
    return code;
}

enum proto_code proto_case_matrix(const struct proto_case_reader *reader, const json_t *value,
                                  const struct proto_path *at, size_t rows, size_t cols,
                                  struct proto_matrix *ret_matrix)
{
    enum proto_code code = proto_case_array(reader, value, at, rows, "rows");
    size_t count = json_array_size(value), size;
    double *data;

    if (code)
        return code;
    if (__builtin_mul_overflow(count, cols, &size))
        return proto_case_no_memory(reader);
    data = proto_arena_alloc(reader->arena, size ? size : 1, sizeof(double));
    if (!data)
        return proto_case_no_memory(reader);
    for (size_t i = 0; !code && i < count; i++) {
        struct proto_path item = proto_case_item(at, i);

        code = proto_case_reals(reader, json_array_get(value, i), &item, cols, data + i * cols);
    }
    *ret_matrix = (struct proto_matrix){data, count, cols};
    return code;
}

enum proto_code proto_case_tasks(const struct proto_case_reader *reader, const json_t *value,
                                 const struct proto_path *at, size_t **ret_tasks, size_t *ret_count)
{
    enum proto_code code = proto_case_array(reader, value, at, SIZE_MAX, "task indices");
    size_t count = json_array_size(value);
    size_t *tasks;

    if (code)
        return code;
    tasks = proto_arena_alloc(reader->arena, count ? count : 1, sizeof(size_t));
    if (!tasks)
        return proto_case_no_memory(reader);
    for (size_t i = 0; !code && i < count; i++) {
        struct proto_path item = proto_case_item(at, i);

        code = proto_case_task(reader, json_array_get(value, i), &item, &tasks[i]);
    }
    *ret_tasks = tasks;
    *ret_count = count;
    return code;
}

enum proto_code proto_case_choice(const struct proto_case_reader *reader, const json_t *value,
                                  const struct proto_path *at, const char *const *names,
                                  size_t *ret_choice)
{
    const char *text = json_string_value(value);
    char known[128] = "";
    size_t used = 0;

    for (size_t i = 0; names[i]; i++) {
        if (text && !strcmp(text, names[i])) {
            *ret_choice = i;
            return PROTO_CODE_OK;
        }
        for (const char *c = names[i]; *c && used + 3 < sizeof(known); c++)
            known[used++] = *c;
        if (names[i + 1] && used + 3 < sizeof(known)) {
            known[used++] = ',';
            known[used++] = ' ';
        }
    }
    known[used] = '\0';
    return proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, at, "expected one of %s", known);
}

/* ---- objects ---- */

enum proto_code proto_case_object(const struct proto_case_reader *reader, json_t *object,
                                  const struct proto_path *at, const char *const *known)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return proto_error_at(reader->error, PROTO_CODE_INVALID_FIELD, at, "expected an object");
    json_object_foreach(object, key, value)
    {
        struct proto_path member = proto_case_member(at, key);
        size_t i = 0;

        while (known[i] && strcmp(known[i], key))
            i++;
        if (!known[i])
            return proto_error_at(reader->error, PROTO_CODE_UNKNOWN_FIELD, &member,
                                  "this field is not known here");
    }
    return PROTO_CODE_OK;
}

enum proto_code proto_case_required(const struct proto_case_reader *reader, json_t *object,
                                    const struct proto_path *at, json_t **ret_value)
{
    *ret_value = json_object_get(object, at->name);
    if (*ret_value)
        return PROTO_CODE_OK;
    return proto_error_at(reader->error, PROTO_CODE_MISSING_FIELD, at, "this field is needed");
}

enum proto_code proto_case_required_positive(const struct proto_case_reader *reader, json_t *object,
                                             const struct proto_path *parent, const char *name,
                                             double *ret_real)
{
    struct proto_path at = proto_case_member(parent, name);
    json_t *value;
    enum proto_code code = proto_case_required(reader, object, &at, &value);

    return code ? code : proto_case_positive(reader, value, &at, ret_real);
}

enum proto_code proto_case_dimension(const struct proto_case_reader *reader, json_t *root,
                                     const char *name, size_t *ret_count)
{
    struct proto_path at = proto_case_member(NULL, name);
    json_t *value;
    enum proto_code code = proto_case_required(reader, root, &at, &value);

    return code ? code : proto_case_count(reader, value, &at, ret_count);
}

enum proto_code proto_case_required_matrix(const struct proto_case_reader *reader, json_t *object,
                                           const struct proto_path *parent, const char *name,
                                           size_t rows, size_t cols,
                                           struct proto_matrix *ret_matrix)
{
    struct proto_path at = proto_case_member(parent, name);
    json_t *value;
    enum proto_code code = proto_case_required(reader, object, &at, &value);

    return code ? code : proto_case_matrix(reader, value, &at, rows, cols, ret_matrix);
}
