/* Deep copies by table. The copy starts from zero and takes only what the shape names: a member
 * outside of it may point into memory that will not live as long. */
#include <string.h>

#include "field.h"

static int copy_object(const struct proto_shape *shape, const char *from, struct proto_arena *arena,
                       char *to);

/* count items of size; NULL stays NULL. */
static int copy_array(const void *items, size_t count, size_t size, struct proto_arena *arena,
                      void **ret_items)
{
    *ret_items = NULL;
    if (count == 0)
        return 0;
    void *copy = proto_arena_alloc(arena, count, size);
    if (!copy)
        return -1;
    memcpy(copy, items, count * size);
    *ret_items = copy;
    return 0;
}

static int copy_string(const char *from, struct proto_arena *arena, const char **ret_to)
{
    *ret_to = proto_arena_strdup(arena, from);
    return from && !*ret_to ? -1 : 0;
}

static int copy_strings(const struct proto_strings *from, struct proto_arena *arena,
                        struct proto_strings *to)
{
    void *items;
    if (copy_array(from->items, from->count, sizeof(*from->items), arena, &items) < 0)
        return -1;
    *to = (struct proto_strings){.items = items, .count = from->count};
    for (size_t i = 0; i < to->count; i++) {
        if (copy_string(from->items[i], arena, &to->items[i]) < 0)
            return -1;
    }
    return 0;
}

static int copy_reals(const struct proto_reals *from, struct proto_arena *arena,
                      struct proto_reals *to)
{
    void *items;
    if (copy_array(from->items, from->count, sizeof(*from->items), arena, &items) < 0)
        return -1;
    *to = (struct proto_reals){.items = items, .count = from->count};
    return 0;
}

static int copy_matrix(const struct proto_matrix *from, struct proto_arena *arena,
                       struct proto_matrix *to)
{
    void *data;
    if (copy_array(from->data, from->rows * from->cols, sizeof(*from->data), arena, &data) < 0)
        return -1;
    *to = (struct proto_matrix){.data = data, .rows = from->rows, .cols = from->cols};
    return 0;
}

static int copy_structs(const struct proto_shape *shape, const char *from, size_t count,
                        struct proto_arena *arena, void **ret_items)
{
    *ret_items = NULL;
    if (count == 0)
        return 0;
    char *items = proto_arena_alloc(arena, count, shape->size);
    if (!items)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (copy_object(shape, from + i * shape->size, arena, items + i * shape->size) < 0)
            return -1;
    }
    *ret_items = items;
    return 0;
}

static int copy_list(const struct proto_shape *shape, const struct proto_list *from,
                     struct proto_arena *arena, struct proto_list *to)
{
    to->count = from->count;
    return copy_structs(shape, from->items, from->count, arena, &to->items);
}

static int copy_field(const struct proto_field *field, const void *from, struct proto_arena *arena,
                      void *to)
{
    switch (field->type) {
    case PROTO_STRING:
    case PROTO_JSON:
        return copy_string(*(const char *const *)from, arena, to);
    case PROTO_STRINGS:
        return copy_strings(from, arena, to);
    case PROTO_REALS:
        return copy_reals(from, arena, to);
    case PROTO_MATRIX:
        return copy_matrix(from, arena, to);
    case PROTO_SCALE:
        memcpy(to, from, sizeof(struct proto_scale));
        return copy_reals(&((const struct proto_scale *)from)->values, arena,
                          &((struct proto_scale *)to)->values);
    case PROTO_OBJECT:
        return copy_object(field->shape, from, arena, to);
    case PROTO_POINTER: {
        const char *target = *(const char *const *)from;
        return copy_structs(field->shape, target, target ? 1 : 0, arena, to);
    }
    case PROTO_LIST:
        return copy_list(field->shape, from, arena, to);
    case PROTO_BOOL:
    case PROTO_INT:
    case PROTO_REAL:
    case PROTO_ENUM:
        break;
    }
    memcpy(to, from, proto_field_size(field));
    return 0;
}

static int copy_object(const struct proto_shape *shape, const char *from, struct proto_arena *arena,
                       char *to)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct proto_field *field = &shape->fields[i];
        if (copy_field(field, from + field->offset, arena, to + field->offset) < 0)
            return -1;
    }
    return 0;
}

int proto_copy(const struct proto_shape *shape, const void *object, struct proto_arena *arena,
               void *ret_object)
{
    memset(ret_object, 0, shape->size);
    return copy_object(shape, object, arena, ret_object);
}
