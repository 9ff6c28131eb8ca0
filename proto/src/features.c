/* Shapes first, from the head alone; numbers when they are there. */
#include <proto/features.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "metadata.h"
#include "path.h"
#include "tables.h"

const char *const proto_feature_names[PROTO_FEATURE_COUNT] = {"phi", "h", "g", "mean",
                                                              "log_likelihood"};

struct tasks {
    struct proto_strings tasks;
};

static const struct proto_field tasks_fields[] = {
    {"tasks", PROTO_STRINGS, offsetof(struct tasks, tasks), PROTO_REQUIRED | PROTO_KEY},
};

static const struct proto_shape tasks_shape = {
    .name = "Tasks", .size = sizeof(struct tasks), PROTO_FIELDS(tasks_fields)};

__attribute__((format(printf, 4, 5))) static enum proto_code
refuse(enum proto_feature_tensor tensor, enum proto_code code, struct proto_error *ret_error,
       const char *format, ...)
{
    char at[64], detail[sizeof(ret_error->detail)];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    snprintf(at, sizeof(at), "tensor %s", proto_feature_names[tensor]);
    return proto_error_set(ret_error, code, at, "%s", detail);
}

int64_t proto_feature_columns(const struct proto_feature_form *form,
                              enum proto_feature_tensor tensor)
{
    const int64_t columns[] = {form->phi, form->h, form->g, form->mean};
    return columns[tensor];
}

/* ---- which tensors ---- */

static enum proto_code find_tensors(const struct proto_tensors *tensors,
                                    struct proto_feature_file *file, struct proto_error *ret_error)
{
    for (size_t i = 0; i < tensors->count; i++) {
        size_t k = 0;
        while (k < PROTO_FEATURE_COUNT &&
               strcmp(tensors->items[i].name, proto_feature_names[k]) != 0)
            k++;
        if (k < PROTO_FEATURE_COUNT) {
            file->tensors[k] = &tensors->items[i];
            continue;
        }
        char at[sizeof(ret_error->at)];
        snprintf(at, sizeof(at), "tensor %s", tensors->items[i].name);
        return proto_error_set(ret_error, PROTO_CODE_INVALID_TENSOR, at,
                               "features have no such tensor; expected phi, h, g, mean or "
                               "log_likelihood");
    }
    if (tensors->count == 0)
        return proto_error_set(ret_error, PROTO_CODE_MISSING_FIELD, "header",
                               "the file has no tensor; expected phi, h, g, mean or "
                               "log_likelihood");
    return PROTO_CODE_OK;
}

static enum proto_code check_together(const struct proto_feature_file *file,
                                      struct proto_error *ret_error)
{
    bool h = file->tensors[PROTO_FEATURE_H], g = file->tensors[PROTO_FEATURE_G];
    bool mean = file->tensors[PROTO_FEATURE_MEAN];
    if (h && !g && !mean)
        return refuse(PROTO_FEATURE_H, PROTO_CODE_MISSING_FIELD, ret_error,
                      "h stands alone; expected g beside it, or mean, from which g is formed");
    if (g && !h)
        return refuse(PROTO_FEATURE_G, PROTO_CODE_MISSING_FIELD, ret_error,
                      "g stands alone; expected h beside it");
    return PROTO_CODE_OK;
}

/* ---- which shapes ---- */

static enum proto_code check_rank(enum proto_feature_tensor kind, const struct proto_tensor *tensor,
                                  struct proto_error *ret_error)
{
    size_t least = kind == PROTO_FEATURE_LOG_LIKELIHOOD ? 1 : 2;
    if (tensor->dtype != PROTO_DTYPE_OTHER && (tensor->rank == least || tensor->rank == least + 1))
        return PROTO_CODE_OK;
    return refuse(kind, PROTO_CODE_INVALID_TENSOR, ret_error,
                  "it has %zu dimensions of %s; expected %zu or %zu dimensions of F16, F32 or F64",
                  tensor->rank, tensor->dtype_name, least, least + 1);
}

static bool has_tasks(const struct proto_feature_file *file, enum proto_feature_tensor kind)
{
    return kind == PROTO_FEATURE_LOG_LIKELIHOOD || file->tensors[kind]->rank == 3;
}

static enum proto_code check_ranks(struct proto_feature_file *file, struct proto_error *ret_error)
{
    int first = -1;
    for (int k = 0; k < PROTO_FEATURE_COUNT; k++) {
        if (!file->tensors[k])
            continue;
        enum proto_code code =
            check_rank((enum proto_feature_tensor)k, file->tensors[k], ret_error);
        if (code != PROTO_CODE_OK)
            return code;
        if (k == PROTO_FEATURE_LOG_LIKELIHOOD)
            continue;
        if (first < 0)
            first = k;
        if (file->tensors[k]->rank != file->tensors[first]->rank)
            return refuse((enum proto_feature_tensor)k, PROTO_CODE_INVALID_TENSOR, ret_error,
                          "it has %zu dimensions, %s has %zu; expected both with one task axis or "
                          "both without",
                          file->tensors[k]->rank, proto_feature_names[first],
                          file->tensors[first]->rank);
    }
    file->form.per_task = first < 0 || file->tensors[first]->rank == 3;
    return PROTO_CODE_OK;
}

static enum proto_code check_axis(const struct proto_feature_file *file,
                                  enum proto_feature_tensor kind, size_t axis, const char *what,
                                  size_t wanted, struct proto_error *ret_error)
{
    size_t has = file->tensors[kind]->shape[axis];
    if (has == wanted)
        return PROTO_CODE_OK;
    return refuse(kind, PROTO_CODE_INVALID_TENSOR, ret_error, "axis %zu (%s) has %zu, expected %zu",
                  axis, what, has, wanted);
}

/* Tasks, then steps, then columns; the number of steps is the first tensor's. */
static enum proto_code check_shape(struct proto_feature_file *file, enum proto_feature_tensor kind,
                                   int64_t *ret_columns, struct proto_error *ret_error)
{
    const struct proto_tensor *tensor = file->tensors[kind];
    size_t axis = 0;
    enum proto_code code = PROTO_CODE_OK;
    if (has_tasks(file, kind))
        code = check_axis(file, kind, axis++, "tasks", file->tasks.count, ret_error);
    if (code != PROTO_CODE_OK || axis == tensor->rank)
        return code;
    if (file->steps == 0)
        file->steps = tensor->shape[axis];
    if (file->steps == 0)
        return refuse(kind, PROTO_CODE_INVALID_TENSOR, ret_error, "axis %zu (steps) has 0", axis);
    code = check_axis(file, kind, axis++, "steps", file->steps, ret_error);
    if (code != PROTO_CODE_OK || axis == tensor->rank)
        return code;
    if (tensor->shape[axis] < 1 || tensor->shape[axis] > PROTO_FEATURES_MAX_COLUMNS)
        return refuse(kind, PROTO_CODE_INVALID_TENSOR, ret_error,
                      "axis %zu (columns) has %zu, expected 1 to %d", axis, tensor->shape[axis],
                      PROTO_FEATURES_MAX_COLUMNS);
    *ret_columns = (int64_t)tensor->shape[axis];
    return PROTO_CODE_OK;
}

static enum proto_code check_shapes(struct proto_feature_file *file, struct proto_error *ret_error)
{
    struct proto_feature_form *form = &file->form;
    int64_t unused, *const columns[] = {&form->phi, &form->h, &form->g, &form->mean, &unused};
    enum proto_code code = PROTO_CODE_OK;
    for (int k = 0; k < PROTO_FEATURE_COUNT && code == PROTO_CODE_OK; k++) {
        *columns[k] = PROTO_INT_NULL;
        if (file->tensors[k])
            code = check_shape(file, (enum proto_feature_tensor)k, columns[k], ret_error);
    }
    const struct proto_tensor *log_likelihood = file->tensors[PROTO_FEATURE_LOG_LIKELIHOOD];
    form->log_likelihood = !log_likelihood             ? PROTO_LIKELIHOOD_NONE
                           : log_likelihood->rank == 1 ? PROTO_LIKELIHOOD_TRAJECTORY
                                                       : PROTO_LIKELIHOOD_STEP;
    return code;
}

/* ---- which tasks ---- */

static enum proto_code check_different(const struct proto_strings *tasks,
                                       struct proto_error *ret_error)
{
    for (size_t i = 0; i < tasks->count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(tasks->items[i], tasks->items[j]) == 0)
                return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "metadata tasks",
                                       "%s stands twice", tasks->items[i]);
    return PROTO_CODE_OK;
}

static enum proto_code read_tasks(const struct proto_tensors *tensors, struct proto_arena *arena,
                                  struct proto_feature_file *file, struct proto_error *ret_error)
{
    const struct proto_metadata_entry entry = {"tasks", proto_tensors_metadata(tensors, "tasks")};
    const struct proto_decoder decoder = {false, arena, ret_error};
    json_t *about = json_object(), *list = NULL;
    struct tasks tasks = {{NULL, 0}};
    enum proto_code code = PROTO_CODE_OK;
    bool wanted = file->tensors[PROTO_FEATURE_LOG_LIKELIHOOD] || file->form.per_task;
    if (!entry.value && wanted)
        code = proto_error_set(ret_error, PROTO_CODE_MISSING_FIELD, "metadata tasks",
                               "a tensor has a task axis; expected its task keys in "
                               "__metadata__.tasks, such as [\"pick\", \"place\"]");
    else if (entry.value && wanted)
        code = proto_metadata_value(&tasks_fields[0], &entry, &list, ret_error);
    if (code == PROTO_CODE_OK && list)
        code =
            json_object_set_new(about, "tasks", list) < 0
                ? proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, "", "no memory for the tasks")
                : proto_metadata_place(
                      "metadata", proto_decode_object(&decoder, &tasks_shape, about, NULL, &tasks),
                      ret_error);
    json_decref(about);
    if (code == PROTO_CODE_OK && wanted && tasks.tasks.count == 0)
        code = proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "metadata tasks",
                               "the list is empty; expected the keys of the task axis");
    if (code == PROTO_CODE_OK)
        code = check_different(&tasks.tasks, ret_error);
    file->tasks = tasks.tasks;
    return code;
}

enum proto_code proto_features_from_head(const struct proto_tensors *tensors,
                                         struct proto_arena *arena,
                                         struct proto_feature_file *ret_file,
                                         struct proto_error *ret_error)
{
    struct proto_feature_file file = {.steps = 0};
    enum proto_code code = find_tensors(tensors, &file, ret_error);
    if (code == PROTO_CODE_OK)
        code = check_together(&file, ret_error);
    if (code == PROTO_CODE_OK)
        code = check_ranks(&file, ret_error);
    if (code == PROTO_CODE_OK)
        code = read_tasks(tensors, arena, &file, ret_error);
    if (code == PROTO_CODE_OK)
        code = check_shapes(&file, ret_error);
    if (code == PROTO_CODE_OK)
        *ret_file = file;
    return code;
}

enum proto_code proto_features_read(const unsigned char *bytes, size_t length,
                                    struct proto_arena *arena, struct proto_feature_file *ret_file,
                                    struct proto_error *ret_error)
{
    struct proto_tensors tensors;
    enum proto_code code = proto_tensors_read(bytes, length, arena, &tensors, ret_error);
    return code == PROTO_CODE_OK ? proto_features_from_head(&tensors, arena, ret_file, ret_error)
                                 : code;
}

/* ---- which numbers ---- */

static enum proto_code refuse_element(const struct proto_feature_file *file,
                                      enum proto_feature_tensor kind, size_t element, double number,
                                      const char *demonstration, struct proto_error *ret_error)
{
    const struct proto_tensor *tensor = file->tensors[kind];
    bool tasks = has_tasks(file, kind);
    size_t per_task = tasks ? tensor->element_count / tensor->shape[0] : tensor->element_count;
    size_t steps = tensor->rank > (tasks ? 1 : 0) ? file->steps : 1;
    size_t step = element % per_task / (per_task / steps);
    return refuse(
        kind, PROTO_CODE_NOT_FINITE, ret_error,
        "demonstration %s, task %s, step %zu: it is %s; expected a finite number; nothing "
        "of the file was kept",
        demonstration, tasks ? file->tasks.items[element / per_task] : "its own", step,
        number != number ? "NaN" : "infinite");
}

enum proto_code proto_features_check_finite(const struct proto_feature_file *file,
                                            const char *demonstration,
                                            struct proto_error *ret_error)
{
    for (int k = 0; k < PROTO_FEATURE_COUNT; k++) {
        const struct proto_tensor *tensor = file->tensors[k];
        for (size_t i = 0; tensor && i < tensor->element_count; i++) {
            double number;
            proto_tensor_elements(tensor, i, 1, &number);
            if (!isfinite(number))
                return refuse_element(file, (enum proto_feature_tensor)k, i, number, demonstration,
                                      ret_error);
        }
    }
    return PROTO_CODE_OK;
}

/* ---- as those before ---- */

static enum proto_code check_likelihood(const struct proto_feature_file *file, int wanted,
                                        const char *revision, struct proto_error *ret_error)
{
    static const char *const names[] = {"no log_likelihood", "one number a task",
                                        "one number a task and step"};
    if (file->form.log_likelihood == wanted)
        return PROTO_CODE_OK;
    return refuse(PROTO_FEATURE_LOG_LIKELIHOOD, PROTO_CODE_INVALID_TENSOR, ret_error,
                  "it has %s; earlier features of revision %s have %s",
                  names[file->form.log_likelihood], revision, names[wanted]);
}

enum proto_code proto_features_check_form(const struct proto_feature_file *file,
                                          const struct proto_feature_form *wanted,
                                          const char *revision, struct proto_error *ret_error)
{
    for (int k = 0; k < PROTO_FEATURE_LOG_LIKELIHOOD; k++) {
        enum proto_feature_tensor kind = (enum proto_feature_tensor)k;
        int64_t has = proto_feature_columns(&file->form, kind);
        int64_t expected = proto_feature_columns(wanted, kind);
        if (has == expected && (has == PROTO_INT_NULL || file->form.per_task == wanted->per_task))
            continue;
        if (has == PROTO_INT_NULL || expected == PROTO_INT_NULL)
            return refuse(kind, PROTO_CODE_INVALID_TENSOR, ret_error,
                          "it is %s; earlier features of revision %s %s it",
                          has == PROTO_INT_NULL ? "missing" : "there", revision,
                          has == PROTO_INT_NULL ? "have" : "do not have");
        if (has != expected)
            return refuse(kind, PROTO_CODE_INVALID_TENSOR, ret_error,
                          "axis %zu (columns) has %" PRId64 "; earlier features of revision %s "
                          "have %" PRId64,
                          file->tensors[k]->rank - 1, has, revision, expected);
        return refuse(kind, PROTO_CODE_INVALID_TENSOR, ret_error,
                      "it has %zu axes; earlier features of revision %s have %d",
                      file->tensors[k]->rank, revision, wanted->per_task ? 3 : 2);
    }
    return check_likelihood(file, wanted->log_likelihood, revision, ret_error);
}
