/* Lists are short whatever the project has: one goes with every ask, and lies in the log for ever.
 */
#include <state/by_task.h>

#include <math.h>

double by_task_round(double number)
{
    return round(number * 1e4) / 1e4;
}

static struct proto_by_task *by_task_new(struct proto_arena *arena, size_t count, bool *ret_failed)
{
    struct proto_by_task *list = proto_arena_alloc(arena, 1, sizeof *list);

    if (list) {
        list->tasks.items = proto_arena_alloc(arena, count, sizeof *list->tasks.items);
        list->values.items = proto_arena_alloc(arena, count, sizeof *list->values.items);
    }
    if (!list || !list->tasks.items || !list->values.items) {
        *ret_failed = true;
        return NULL;
    }
    return list;
}

static void by_task_add(struct proto_by_task *list, const struct view *view, size_t task,
                        double value)
{
    list->tasks.items[list->tasks.count++] = view_task(view, task)->task.key;
    list->values.items[list->values.count++] = value;
}

/* The task that follows `last`, whose key is `largest`, by falling key; SIZE_MAX: there is none. */
static size_t next_largest(const double *keys, size_t count, double largest, size_t last)
{
    size_t best = SIZE_MAX;

    for (size_t c = 0; c < count; c++) {
        bool behind = keys[c] < largest || (keys[c] == largest && (last == SIZE_MAX || c > last));

        if (keys[c] > 0 && behind && (best == SIZE_MAX || keys[c] > keys[best]))
            best = c;
    }
    return best;
}

struct proto_by_task *by_task_listed(const struct view *view, const size_t *tasks, size_t count,
                                     const double *values, struct proto_arena *arena,
                                     bool *ret_failed)
{
    size_t kept = count < PROTO_BY_TASK_MAX ? count : PROTO_BY_TASK_MAX;
    struct proto_by_task *list = count ? by_task_new(arena, kept, ret_failed) : NULL;

    for (size_t i = 0; list && i < kept; i++)
        by_task_add(list, view, tasks[i], values[tasks[i]]);
    if (list)
        list->total = (int64_t)count;
    return list;
}

struct proto_by_task *by_task_largest(const struct view *view, const double *keys,
                                      const double *values, struct proto_arena *arena,
                                      bool *ret_failed)
{
    size_t total = 0, kept = 0, largest[PROTO_BY_TASK_MAX];
    struct proto_by_task *list;

    for (size_t c = 0; c < view->tasks.count; c++)
        total += keys[c] > 0;
    for (; kept < total && kept < PROTO_BY_TASK_MAX; kept++)
        largest[kept] =
            next_largest(keys, view->tasks.count, kept ? keys[largest[kept - 1]] : INFINITY,
                         kept ? largest[kept - 1] : SIZE_MAX);
    list = by_task_listed(view, largest, kept, values, arena, ret_failed);
    if (list)
        list->total = (int64_t)total;
    return list;
}

struct proto_by_task *by_task_counts(const struct view *view, const int64_t *counts,
                                     struct proto_arena *arena, bool *ret_failed)
{
    double *numbers = proto_arena_alloc(arena, view->tasks.count + 1, sizeof *numbers);

    if (!numbers) {
        *ret_failed = true;
        return NULL;
    }
    for (size_t c = 0; c < view->tasks.count; c++)
        numbers[c] = (double)counts[c];
    return by_task_largest(view, numbers, numbers, arena, ret_failed);
}

struct proto_by_task *by_task_shares(const struct view *view, const struct score *score,
                                     struct proto_arena *arena, bool *ret_failed)
{
    struct proto_by_task *list =
        score->share_count ? by_task_new(arena, score->share_count, ret_failed) : NULL;

    for (size_t i = 0; list && i < score->share_count; i++)
        by_task_add(list, view, score->shares[i].task, by_task_round(score->shares[i].value));
    if (list)
        list->total = (int64_t)score->share_total;
    return list;
}

struct proto_by_task *by_task_entropies(const struct view *view, const struct score *scores,
                                        struct proto_arena *arena, double *ret_mean,
                                        bool *ret_failed)
{
    size_t count = view->tasks.count;
    double *weights = proto_arena_alloc(arena, count + 1, sizeof *weights);
    double *entropies = proto_arena_alloc(arena, count + 1, sizeof *entropies);
    double weight = 0, sum = 0;

    *ret_mean = NAN;
    if (!weights || !entropies) {
        *ret_failed = true;
        return NULL;
    }
    for (size_t c = 0; c < count; c++) {
        const struct score *score = &scores[c];

        if (isnan(score->target_weight) || isnan(score->posterior_entropy))
            continue;
        weights[c] = score->target_weight;
        entropies[c] = by_task_round(score->posterior_entropy);
        weight += score->target_weight;
        sum += score->target_weight * score->posterior_entropy;
    }
    if (weight > 0)
        *ret_mean = by_task_round(sum / weight);
    return by_task_largest(view, weights, entropies, arena, ret_failed);
}

void by_task_count_pending(const struct ranking *ranking, size_t pick, int64_t *ret_counts)
{
    for (size_t c = 0; c < ranking->view->tasks.count; c++)
        ret_counts[c] = ranking->view->counts[c].pending;
    for (size_t k = 0; k < pick; k++)
        ret_counts[ranking->picks[k].choice]++;
}
