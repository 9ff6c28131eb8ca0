/* Fields in the order in which they explain each other: what went into a choice before what came of
 * it. */
#include "rerun_compare.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define TOLERANCE 1e-9 /* what other BLAS kernels may change, of the larger of 1 and the number */

struct comparing {
    bool exact;
    struct proto_arena *arena;
    struct rerun_decision *decision;
};

static const char *or_unknown(const char *text)
{
    return text ? text : "?";
}

static bool differ(const struct comparing *comparing, const char *field, const char *was,
                   const char *is)
{
    comparing->decision->outcome = RERUN_DIFFERS;
    comparing->decision->field = or_unknown(field);
    comparing->decision->was = or_unknown(was);
    comparing->decision->is = or_unknown(is);
    return true;
}

static bool same_bits(double was, double is)
{
    uint64_t first, second;

    memcpy(&first, &was, sizeof first);
    memcpy(&second, &is, sizeof second);
    return first == second;
}

static bool same_number(const struct comparing *comparing, double was, double is)
{
    if (isnan(was) || isnan(is))
        return isnan(was) && isnan(is);
    if (comparing->exact)
        return same_bits(was, is);
    return fabs(was - is) <= TOLERANCE * fmax(1, fmax(fabs(was), fabs(is)));
}

static const char *number_text(const struct comparing *comparing, double number)
{
    return isnan(number) ? "null" : proto_arena_printf(comparing->arena, "%.17g", number);
}

static bool number_differs(const struct comparing *comparing, const char *field, double was,
                           double is)
{
    return !same_number(comparing, was, is) &&
           differ(comparing, field, number_text(comparing, was), number_text(comparing, is));
}

static bool count_differs(const struct comparing *comparing, const char *field, int64_t was,
                          int64_t is)
{
    return was != is &&
           differ(comparing, field, proto_arena_printf(comparing->arena, "%" PRId64, was),
                  proto_arena_printf(comparing->arena, "%" PRId64, is));
}

static bool text_differs(const struct comparing *comparing, const char *field, const char *was,
                         const char *is)
{
    was = was ? was : "null";
    is = is ? is : "null";
    return strcmp(was, is) != 0 && differ(comparing, field, was, is);
}

static size_t place_of(const struct proto_by_task *list, const char *task)
{
    size_t place = 0;

    while (place < list->tasks.count && strcmp(list->tasks.items[place], task) != 0)
        place++;
    return place;
}

/* One place of a list. Gains that are nearly equal may change places, and one of them fall off the
 * end, where the arithmetic is not the same: then numbers are compared by task. */
static bool item_differs(const struct comparing *comparing, const char *field,
                         const struct proto_by_task *was, const struct proto_by_task *is, size_t at)
{
    const char *task = was->tasks.items[at];
    size_t place = comparing->exact ? at : place_of(is, task);
    const char *name = proto_arena_printf(comparing->arena, "%s, place %zu", field, at + 1);

    if (place >= is->tasks.count)
        return comparing->exact && differ(comparing, name, task, "nothing");
    if (text_differs(comparing, name, task, is->tasks.items[place]))
        return true;
    return number_differs(comparing, proto_arena_printf(comparing->arena, "%s of %s", field, task),
                          was->values.items[at], is->values.items[place]);
}

static bool list_differs(const struct comparing *comparing, const char *field,
                         const struct proto_by_task *was, const struct proto_by_task *is)
{
    const struct proto_by_task none = {.total = 0};

    was = was ? was : &none;
    is = is ? is : &none;
    for (size_t i = 0; i < was->tasks.count && i < was->values.count; i++)
        if (item_differs(comparing, field, was, is, i))
            return true;
    return count_differs(comparing, field, was->total, is->total);
}

/* A choice between equals may fall either way where the arithmetic is not the same. */
static bool was_a_tie(const struct proto_assignment *recorded)
{
    return !isnan(recorded->margin) &&
           recorded->margin <= TOLERANCE * fmax(1, fabs(recorded->gain));
}

static bool any_differs(const struct comparing *comparing,
                        const struct proto_event_opened *recorded,
                        const struct proto_event_opened *repeated)
{
    const struct proto_assignment *was = &recorded->assignment, *is = &repeated->assignment;
    const struct proto_basis *knew = recorded->basis, *knows = repeated->basis;

    if (count_differs(comparing, "pick", recorded->pick, repeated->pick) ||
        list_differs(comparing, "pending", knew->pending, knows->pending) ||
        list_differs(comparing, "unseen", knew->unseen, knows->unseen) ||
        list_differs(comparing, "score", knew->scores, knows->scores) ||
        text_differs(comparing, "rule", proto_rule_names[was->rule], proto_rule_names[is->rule]))
        return true;
    if (!comparing->exact && was_a_tie(was) && strcmp(was->task, is->task) != 0)
        return false;
    return text_differs(comparing, "task", was->task, is->task) ||
           number_differs(comparing, "gain", was->gain, is->gain) ||
           number_differs(comparing, "margin", was->margin, is->margin);
}

void rerun_compare(const struct proto_event_opened *recorded,
                   const struct proto_event_opened *repeated, bool exact, struct proto_arena *arena,
                   struct rerun_decision *ret_decision)
{
    const struct comparing comparing = {exact, arena, ret_decision};

    ret_decision->outcome = exact ? RERUN_SAME : RERUN_CLOSE;
    if (repeated)
        (void)any_differs(&comparing, recorded, repeated);
    else
        (void)differ(&comparing, "task", recorded->assignment.task, "nothing to do");
}
