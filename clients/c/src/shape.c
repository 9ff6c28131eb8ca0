/* Shapes cut down to what a request carries.
 *
 * The tables in proto describe whole resources, and a proto_shape is plain data, so a request's
 * shape is a filtered copy of the resource's: no second list of fields that could differ from the
 * first. Cost: one allocation per object of the shape.
 */
#include <amf_client/shape.h>

#include <string.h>

/* Whether `path` is `name` (*ret_rest NULL) or lies below it (*ret_rest is what follows the dot).
 */
static bool path_matches(const char *path, const char *name, const char **ret_rest)
{
    size_t length = strlen(name);

    if (strncmp(path, name, length) != 0 || (path[length] != '\0' && path[length] != '.'))
        return false;
    *ret_rest = path[length] == '.' ? path + length + 1 : NULL;
    return true;
}

/* The paths below one field, in *ret_below; `whole` when the field itself is named. */
static int select_below(const struct proto_strings *paths, const char *name,
                        struct proto_arena *arena, struct proto_strings *ret_below, bool *ret_whole)
{
    const char **below = proto_arena_alloc(arena, paths->count + 1, sizeof(*below));
    size_t count = 0;
    bool whole = false;

    if (!below)
        return -1;
    for (size_t i = 0; i < paths->count; i++) {
        const char *rest;

        if (!path_matches(paths->items[i], name, &rest))
            continue;
        if (rest)
            below[count++] = rest;
        else
            whole = true;
    }
    *ret_below = (struct proto_strings){below, count};
    *ret_whole = whole;
    return 0;
}

/* 1: *field is to be kept, 0: left out, -1: no memory. */
static int pick_field(struct proto_field *field, const struct proto_strings *paths,
                      struct proto_arena *arena)
{
    struct proto_strings below = {NULL, 0};
    bool whole = true;

    if (field->flags & PROTO_READ_ONLY)
        return 0;
    field->flags &= ~(unsigned)PROTO_WRITE_ONLY;
    if (paths && select_below(paths, field->name, arena, &below, &whole) < 0)
        return -1;
    if (!whole && (below.count == 0 || !field->shape))
        return 0;
    if (field->shape) {
        field->shape = amf_client_shape_pick(field->shape, whole ? NULL : &below, arena);
        if (!field->shape)
            return -1;
    }
    return 1;
}

const struct proto_shape *amf_client_shape_pick(const struct proto_shape *shape,
                                                const struct proto_strings *paths,
                                                struct proto_arena *arena)
{
    struct proto_shape *picked = proto_arena_alloc(arena, 1, sizeof(*picked));
    struct proto_field *fields = proto_arena_alloc(arena, shape->field_count + 1, sizeof(*fields));
    size_t count = 0;

    if (!picked || !fields)
        return NULL;
    for (size_t i = 0; i < shape->field_count; i++) {
        int kept;

        fields[count] = shape->fields[i];
        kept = pick_field(&fields[count], paths, arena);
        if (kept < 0)
            return NULL;
        count += (size_t)kept;
    }
    *picked = *shape;
    picked->fields = fields;
    picked->field_count = count;
    if (paths)
        picked->check = NULL; /* it speaks of members that may not be here */
    return picked;
}

const struct proto_field *amf_client_shape_find(const struct proto_shape *shape, const char *path)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct proto_field *field = &shape->fields[i];
        const char *rest;

        if (!path_matches(path, field->name, &rest))
            continue;
        if (!rest)
            return field;
        return field->shape ? amf_client_shape_find(field->shape, rest) : NULL;
    }
    return NULL;
}
