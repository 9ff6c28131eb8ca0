#include <state/decide.h>

#include <math.h>
#include <string.h>

#include <amf/pool.h>
#include <state/by_task.h>
#include <state/policies.h>

static bool pick_is(const struct ranking *ranking, size_t pick, const char *task)
{
    size_t choice = ranking->picks[pick].choice;

    return choice != SIZE_MAX && !strcmp(view_task(ranking->view, choice)->task.key, task);
}

/* Pick k answers for picks 0 .. k-1 having been given out. An asker who could not do a pick was
 * sent elsewhere, so the picks count as far as they agree with what was opened since; open
 * assignments beyond are not in the scores. */
static void match_picks(const struct decide_request *request, size_t first_new,
                        struct decided *decided)
{
    const struct view *view = request->view;
    const struct ranking *ranking = request->ranking;
    size_t matched = first_new;

    while (matched < view->assignments.count && decided->pick < request->last_pick &&
           decided->pick + 1 < ranking->pick_count &&
           pick_is(ranking, decided->pick, view_assignment(view, matched)->assignment.task)) {
        decided->pick++;
        matched++;
    }
    for (size_t k = view->open_count; k > 0 && view->open[k - 1] >= matched; k--) {
        size_t task =
            view_find_task(view, view_assignment(view, view->open[k - 1])->assignment.task);

        decided->unseen_count += task != SIZE_MAX && ++decided->unseen[task] > 0;
    }
}

/* The first assignment that was opened after the ranking; they are in order of opening. */
static size_t first_unseen(const struct view *view, const struct ranking *ranking)
{
    size_t low = 0, high = view->assignments.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (view_assignment(view, middle)->opened_seq > ranking->view->seq)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

int decide(const struct decide_request *request, struct proto_arena *arena,
           struct decided *ret_decided)
{
    const struct view *view = request->view;
    size_t count = view->tasks.count + 1;
    struct decided decided = {.unseen = proto_arena_alloc(arena, count, sizeof(int64_t)),
                              .order = proto_arena_alloc(arena, count, sizeof(size_t))};

    if (request->ranking)
        decided.scores = proto_arena_alloc(arena, count, sizeof *decided.scores);
    if (!decided.unseen || !decided.order || (request->ranking && !decided.scores))
        return -1;
    if (request->ranking) {
        match_picks(request, first_unseen(view, request->ranking), &decided);
        choose_align_scores(request->ranking, decided.pick, view, decided.scores);
    }
    if (choose_task(&(struct choose_request){.view = view,
                                             .scores = decided.scores,
                                             .unseen = decided.unseen,
                                             .ask = request->ask,
                                             .round = view->assignments.count},
                    &decided.chosen, decided.order, &decided.order_count))
        return -1;
    *ret_decided = decided;
    return 0;
}

/* Gains of the best candidates that have one, as the ranking orders them. */
static struct proto_by_task *list_scores(const struct decide_request *request,
                                         const struct decided *decided, struct proto_arena *arena,
                                         bool *ret_failed)
{
    double *gains = proto_arena_alloc(arena, request->view->tasks.count + 1, sizeof *gains);
    struct proto_by_task *list = NULL;
    size_t count = 0;

    for (; gains && count < decided->order_count; count++) {
        size_t task = decided->order[count];

        if (!decided->scores[task].scorable)
            break;
        gains[task] = decided->scores[task].gain;
    }
    if (gains)
        list = by_task_listed(request->view, decided->order, count, gains, arena, ret_failed);
    *ret_failed = *ret_failed || !gains;
    if (list)
        list->total = (int64_t)decided->order_count;
    return list;
}

static struct proto_by_task *list_pending(const struct ranking *ranking, size_t pick,
                                          struct proto_arena *arena, bool *ret_failed)
{
    int64_t *counts = proto_arena_alloc(arena, ranking->view->tasks.count + 1, sizeof *counts);

    if (!counts) {
        *ret_failed = true;
        return NULL;
    }
    by_task_count_pending(ranking, pick, counts);
    return by_task_counts(ranking->view, counts, arena, ret_failed);
}

/* What the ranking knew, by its own view: tasks may have changed since. */
static void basis_fill_ranking(const struct decide_request *request, const struct decided *decided,
                               struct proto_arena *arena, struct proto_basis *basis, bool *failed)
{
    const struct ranking *ranking = request->ranking;
    const struct view *seen = ranking->view;
    const struct score *score = &decided->scores[decided->chosen.task];

    basis->measure = ranking->measure;
    basis->scores = list_scores(request, decided, arena, failed);
    basis->shares = by_task_shares(seen, score, arena, failed);
    basis->pending = list_pending(ranking, decided->pick, arena, failed);
    basis->entropies =
        by_task_entropies(seen, ranking->picks[0].scores, arena, &basis->entropy, failed);
    if (score->scorable) {
        basis->effective_sample_size = by_task_round(score->effective_sample_size);
        basis->largest_weight_share = by_task_round(score->largest_weight_share);
        basis->clipped_share = by_task_round(score->clipped_share);
    }
}

static struct proto_basis *basis_new(const struct decide_request *request,
                                     const struct decided *decided, struct proto_arena *arena)
{
    const struct ranking *ranking = request->ranking;
    const char *revision =
        ranking ? ranking->revision : view_serving_name(request->view, SERVING_SELECTION);
    const char *likelihood = ranking ? ranking->likelihood_revision : NULL;
    struct proto_basis *basis = proto_arena_alloc(arena, 1, sizeof *basis);
    bool failed = false;

    if (!basis)
        return NULL;
    *basis = (struct proto_basis){
        .revision = revision,
        .likelihood_revision =
            !likelihood || !revision || strcmp(likelihood, revision) != 0 ? likelihood : NULL,
        .blas_core = amf_pool_blas_core(),
        .measure = PROTO_MEASURE_AUTO,
        .capabilities = request->ask->capabilities,
        .exclude = request->ask->exclude,
        .entropy = NAN,
        .effective_sample_size = NAN,
        .largest_weight_share = NAN,
        .clipped_share = NAN};
    if (decided->chosen.runner_up != SIZE_MAX)
        basis->runner_up = view_task(request->view, decided->chosen.runner_up)->task.key;
    basis->unseen = by_task_counts(request->view, decided->unseen, arena, &failed);
    if (ranking)
        basis_fill_ranking(request, decided, arena, basis, &failed);
    return failed ? NULL : basis;
}

int decide_record(const struct decide_request *request, const struct decided *decided,
                  struct proto_arena *arena, struct proto_event_opened *ret_opened)
{
    const struct amf_choice *choice = &decided->chosen.choice;
    struct proto_basis *basis = basis_new(request, decided, arena);

    if (!basis)
        return -1;
    *ret_opened = (struct proto_event_opened){
        .ranking_seq = request->ranking ? request->ranking->view->seq : 0,
        .pick = (int64_t)decided->pick,
        .basis = basis,
        .assignment = {.task = view_task(request->view, decided->chosen.task)->task.key,
                       .operator_ = request->ask->operator_,
                       .robot = request->ask->robot,
                       .rule = (int)choice->rule,
                       .gain = choice->has_gain ? choice->gain : NAN,
                       .margin = choice->has_margin ? choice->margin : NAN},
    };
    return 0;
}
