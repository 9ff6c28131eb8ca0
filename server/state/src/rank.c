/* Cost: see amf/engine.h for what an added demonstration takes, and amf/scorer.h; then a scoring
 * per pick. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <state/choose.h>
#include <state/clock.h>

#include "policies.h"
#include "problem.h"
#include "project_internal.h"
#include "rank.h"

struct rank {
    struct view *view; /* what it is made of */
    struct view *seen; /* what it stands for: the same, or one that differs in nothing it reads */
    struct amf_scorer *scorer; /* NULL: nothing can be scored, see note */
    struct scales *scales;
    struct proto_arena arena; /* of the problem and of the picks */
    struct proto_resolved resolved;
    struct problem_hosted hosted; /* what the scorer reads features from */
    struct target *targets;       /* one per task of the view */
    const char *note;             /* why nothing can be scored; NULL when it can */
    const char *policy_note;      /* sentences about revisions, each with a blank behind it */
    struct proto_strings missing;
    int64_t missing_count, stale_pairs;
    bool provisional;
    double started_s;
    struct proto_timing timing;
    struct pick picks[RANKING_MAX_PICKS];
    size_t pick_count;
    size_t *pending; /* tasks: open assignments, then the picks */
    size_t pending_count;
    int64_t *extra_pending; /* per task: picks */
    bool exhausted;
};

struct ranking *ranking_ref(struct ranking *ranking)
{
    return cell_ref(ranking);
}

static void ranking_release(void *payload)
{
    view_unref(((struct ranking *)payload)->view);
}

void ranking_unref(struct ranking *ranking)
{
    cell_unref_with(ranking, ranking_release);
}

static const char *status_note(enum amf_status status)
{
    switch (status) {
    case AMF_NOT_POSDEF:
        return "The kernel matrix is not positive definite even with the largest jitter: raise "
               "noise_std.";
    case AMF_NOT_FINITE:
        return "A number overflowed while ranking: check the scales of states and actions.";
    case AMF_TOO_LARGE:
        return "The problem is too large: lower criterion.occupancy_limit or conditioning_limit.";
    case AMF_BAD_ARGUMENT:
        return "The settings do not fit the data: check kernel and criterion.";
    default:
        return NULL;
    }
}

/* Which tasks are pending in the view, oldest assignment first. */
static int rank_pending(struct rank *rank)
{
    const struct view *view = rank->view;

    rank->pending = calloc(view->open_count + RANKING_MAX_PICKS, sizeof *rank->pending);
    rank->extra_pending = calloc(view->tasks.count + 1, sizeof *rank->extra_pending);
    if (!rank->pending || !rank->extra_pending)
        return -1;
    for (size_t i = 0; i < view->open_count; i++)
        rank->pending[rank->pending_count++] =
            view_find_task(view, view_assignment(view, view->open[i])->assignment.task);
    return 0;
}

/* Scales need something held, or rollouts where these stand in. */
static bool rank_has_steps(const struct rank *rank)
{
    bool any = rank->view->held > 0;

    for (size_t c = 0; rank->resolved.occupancy == PROTO_OCCUPANCY_ROLLOUTS && !any &&
                       c < rank->view->tasks.count;
         c++)
        any = rank->view->counts[c].rollouts > 0;
    return any;
}

static int rank_prepare(struct rank *rank, struct amf_engine *engine, struct amf_pool *pool,
                        const atomic_bool *cancel)
{
    struct view *view = rank->view;
    struct amf_problem problem;
    enum amf_status status;
    int built;

    problem_resolve(view, &rank->resolved);
    rank->provisional = !view->scales || project_fit_due(view);
    rank->targets = proto_arena_alloc(&rank->arena, view->tasks.count + 1, sizeof *rank->targets);
    if (!rank->targets || problem_targets(view, rank->targets))
        return -1;
    if (rank_has_steps(rank)) {
        rank->scales = view->scales ? cell_ref(view->scales) : project_fit(view);
        if (!rank->scales)
            return -1;
    }
    if (problem_missing(view, &rank->arena, &rank->missing, &rank->missing_count,
                        &rank->stale_pairs))
        return -1;
    rank->policy_note = problem_policy_note(view, &rank->missing, rank->missing_count,
                                            rank->stale_pairs, &rank->arena);
    if (!rank->policy_note)
        return -1;
    built = problem_evaluate(view, &rank->arena, pool, cancel, &rank->hosted, &rank->note);
    if (!built)
        built =
            problem_build(view, rank->scales, &rank->hosted, &rank->arena, &problem, &rank->note);
    if (built)
        return built < 0 ? -1 : 0;
    rank->resolved.noise_std = problem.noise; /* noise_relative needs the features */
    problem.cancel = cancel;
    status = amf_scorer_renew(engine, &problem, pool, &rank->scorer);
    if (status) {
        rank->note = status_note(status);
        return rank->note ? 0 : -1;
    }
    rank->timing.posterior_s = amf_scorer_timing(rank->scorer).posterior_s;
    rank->timing.weights_s = amf_scorer_timing(rank->scorer).weights_s;
    return 0;
}

struct rank *rank_new(struct view *view, struct amf_engine *engine, struct amf_pool *pool,
                      const atomic_bool *cancel)
{
    struct rank *rank = calloc(1, sizeof *rank);

    if (!rank)
        return NULL;
    rank->view = view_ref(view);
    rank->seen = view_ref(view);
    rank->started_s = clock_monotonic_s();
    if (rank_pending(rank) || rank_prepare(rank, engine, pool, cancel) || rank_pick(rank) < 0) {
        rank_free(rank);
        return NULL;
    }
    return rank;
}

void rank_free(struct rank *rank)
{
    if (!rank)
        return;
    amf_scorer_free(rank->scorer);
    problem_hosted_deinit(&rank->hosted);
    cell_unref(rank->scales);
    proto_arena_deinit(&rank->arena);
    free(rank->pending);
    free(rank->extra_pending);
    view_unref(rank->view);
    view_unref(rank->seen);
    free(rank);
}

/* Keeps the largest shares, of equal ones the first. */
static void score_add_share(struct score *score, struct share share)
{
    size_t at = score->share_count < PROTO_BY_TASK_MAX ? score->share_count++ : PROTO_BY_TASK_MAX;

    score->share_total++;
    for (; at > 0 && score->shares[at - 1].value < share.value; at--)
        if (at < PROTO_BY_TASK_MAX)
            score->shares[at] = score->shares[at - 1];
    if (at < PROTO_BY_TASK_MAX)
        score->shares[at] = share;
}

/* The parts of a gain stand in the order in which problem.c lists evaluation tasks. */
static void score_fill_shares(const struct view *view, const struct amf_score *from,
                              struct score *score)
{
    size_t target = 0;

    if (!from->scorable || !from->target_gain || !(from->gain > 0))
        return;
    for (size_t c = 0; c < view->tasks.count; c++) {
        double part;

        if (view_task(view, c)->task.role == PROTO_TASK_CANDIDATE)
            continue;
        part = from->target_gain[target++];
        if (part > 0)
            score_add_share(score, (struct share){c, part / from->gain});
    }
}

static bool by_rollouts(const struct rank *rank)
{
    return rank->resolved.occupancy == PROTO_OCCUPANCY_ROLLOUTS;
}

static void score_fill(const struct rank *rank, const struct amf_score *from,
                       struct score *ret_score)
{
    ret_score->scorable = from->scorable;
    ret_score->gain = from->scorable ? from->gain : NAN;
    ret_score->effective_sample_size = from->effective_sample_size;
    ret_score->largest_weight_share = from->largest_weight_share;
    ret_score->clipped_share = from->clipped_share;
    ret_score->skipped_share = from->skipped_share;
    if (!from->scorable)
        ret_score->note =
            by_rollouts(rank)
                ? "No rollout of this task is there to stand in."
                : "No held demonstration stands in for this task under the weights in use.";
}

static const char *extent_note(struct proto_arena *arena, const struct amf_scores *scores)
{
    if (scores->exhaustive)
        return "";
    return proto_arena_printf(
        arena,
        "Sampled: %zu of %zu occupancy trajectories, %zu of %zu conditioning pairs, %zu of %zu "
        "blocks, %zu of %zu test pairs. ",
        scores->occupancy.used, scores->occupancy.total, scores->conditioning.used,
        scores->conditioning.total, scores->blocks.used, scores->blocks.total, scores->pairs.used,
        scores->pairs.total);
}

/* Names evaluation tasks that contribute nothing, because no demonstration weighs anything for
 * them. */
static const char *target_note(const struct rank *rank, struct proto_arena *arena,
                               const struct amf_scores *scores)
{
    const char *names = "";

    for (size_t c = 0; names && c < rank->view->tasks.count; c++) {
        const struct proto_task *task = &view_task(rank->view, c)->task;

        if (task->role != PROTO_TASK_CANDIDATE && task->weight > 0 && !scores->task_scorable[c])
            names = proto_arena_printf(arena, "%s%s%s", names, *names ? ", " : "", task->key);
    }
    return !names || !*names
               ? names
               : proto_arena_printf(
                     arena,
                     by_rollouts(rank)
                         ? "No rollout stands in for %s: as evaluation tasks they count nothing. "
                         : "Nothing held stands in for %s: as evaluation tasks they count "
                           "nothing. ",
                     names);
}

static const char *pending_note(const struct rank *rank, const struct amf_scores *scores)
{
    bool ignored = false;

    for (size_t i = 0; i < rank->pending_count; i++)
        ignored |= scores->pending_ignored[i];
    return ignored ? "Nothing stands in for the task of an open assignment: it was left out. " : "";
}

/* Says which weights hold where the settings name others; those left at their default need no word.
 */
static const char *weights_note(const struct rank *rank, struct proto_arena *arena)
{
    int asked = rank->view->settings->project.criterion.weights;

    if (!by_rollouts(rank) || asked == rank->resolved.weights || asked == PROTO_WEIGHTS_TEMPERED)
        return "";
    return proto_arena_printf(
        arena, "Rollouts stand in for their own task alone: weights are %s, not %s. ",
        proto_weights_names[rank->resolved.weights], proto_weights_names[asked]);
}

/* What a reader of these scores should know beside them. 0 or -1 (out of memory). */
static int pick_facts(struct rank *rank, const struct amf_scores *scores, struct pick *pick)
{
    const char *extent = extent_note(&rank->arena, scores);
    const char *target = target_note(rank, &rank->arena, scores);
    const char *weights = weights_note(rank, &rank->arena);
    char *note;

    if (!extent || !target || !weights)
        return -1;
    note = proto_arena_printf(&rank->arena, "%s%s%s%s%s", rank->policy_note, weights, extent,
                              target, pending_note(rank, scores));
    if (!note)
        return -1;
    if (*note)
        note[strlen(note) - 1] = '\0'; /* the blank after the last sentence */
    pick->note = *note ? note : NULL;
    pick->jitter = scores->jitter;
    pick->exhaustive = scores->exhaustive;
    return 0;
}

static void scores_clear(const struct target *targets, struct score *scores, size_t count)
{
    for (size_t c = 0; c < count; c++)
        scores[c] = (struct score){.target_weight = targets[c].weight,
                                   .failure_rate = targets[c].failure_rate,
                                   .rollouts = targets[c].rollouts,
                                   .gain = NAN,
                                   .effective_sample_size = NAN,
                                   .largest_weight_share = NAN,
                                   .clipped_share = NAN,
                                   .skipped_share = NAN,
                                   .posterior_entropy = NAN};
}

/* Scores of every task of the view under what is pending so far. 0 or -1 (out of memory). */
static int pick_score(struct rank *rank, struct pick *pick)
{
    size_t count = rank->view->tasks.count;
    AMF_SCORES_CLEANUP struct amf_scores *result = NULL;
    enum amf_status status;

    pick->scores = proto_arena_alloc(&rank->arena, count + 1, sizeof *pick->scores);
    pick->exhaustive = true;
    pick->note = rank->note;
    if (!pick->scores)
        return -1;
    scores_clear(rank->targets, pick->scores, count);
    if (!rank->scorer)
        return 0;
    status = amf_scorer_score(rank->scorer, rank->pending, rank->pending_count, &result);
    if (status) {
        pick->note = status_note(status);
        return pick->note ? 0 : -1;
    }
    for (size_t i = 0; i < result->candidate_count; i++) {
        struct score *score = &pick->scores[result->candidates[i].task];

        score_fill(rank, &result->candidates[i], score);
        score_fill_shares(rank->view, &result->candidates[i], score);
    }
    for (size_t c = 0; c < count; c++)
        if (result->task_scorable[c])
            pick->scores[c].posterior_entropy = result->entropy[c];
    return pick_facts(rank, result, pick);
}

/* The choice under these scores, and the order of the rest. 0 or -1. */
static int pick_choose(struct rank *rank, struct pick *pick)
{
    struct chosen chosen;

    pick->order = proto_arena_alloc(&rank->arena, rank->view->tasks.count + 1, sizeof *pick->order);
    if (!pick->order ||
        choose_task(
            &(struct choose_request){.view = rank->view,
                                     .scores = pick->scores,
                                     .extra_pending = rank->extra_pending,
                                     .round = rank->view->assignments.count + rank->pick_count},
            &chosen, pick->order, &pick->order_count))
        return -1;
    pick->choice = chosen.task;
    pick->rule = (int)chosen.choice.rule;
    return 0;
}

int rank_pick(struct rank *rank)
{
    double started_s = clock_monotonic_s();
    struct pick pick = {0};

    if (rank->exhausted || rank->pick_count == RANKING_MAX_PICKS)
        return 1;
    if (pick_score(rank, &pick) || pick_choose(rank, &pick))
        return -1;
    rank->picks[rank->pick_count++] = pick;
    if (rank->pick_count == 1) {
        rank->timing.gain_s = clock_monotonic_s() - started_s;
        rank->timing.total_s = clock_monotonic_s() - rank->started_s;
    }
    rank->exhausted = pick.choice == SIZE_MAX;
    if (!rank->exhausted) {
        rank->pending[rank->pending_count++] = pick.choice;
        rank->extra_pending[pick.choice]++;
    }
    return 0;
}

void rank_take(struct rank *rank, size_t task)
{
    struct pick *newest = &rank->picks[rank->pick_count - 1];

    if (task == SIZE_MAX)
        return;
    if (newest->choice == SIZE_MAX)
        rank->pending_count++;
    else
        rank->extra_pending[newest->choice]--;
    newest->choice = task;
    rank->pending[rank->pending_count - 1] = task;
    rank->extra_pending[task]++;
    rank->exhausted = false;
}

static void *copy_array(struct proto_arena *arena, const void *from, size_t count, size_t size)
{
    void *copy = proto_arena_alloc(arena, count, size);

    if (copy)
        memcpy(copy, from, count * size);
    return copy;
}

/* The picks with all they point to, into the ranking's own arena. */
static int copy_picks(const struct pick *picks, size_t pick_count, struct ranking *ranking)
{
    struct proto_arena *arena = cell_arena(ranking);
    size_t count = ranking->view->tasks.count + 1;

    for (size_t k = 0; k < pick_count; k++) {
        const struct pick *from = &picks[k];
        struct pick *pick = &ranking->picks[k];

        *pick = *from;
        pick->scores = copy_array(arena, from->scores, count, sizeof *pick->scores);
        pick->order = copy_array(arena, from->order, count, sizeof *pick->order);
        pick->note = proto_arena_strdup(arena, from->note);
        if (!pick->scores || !pick->order || (from->note && !pick->note))
            return -1;
    }
    ranking->pick_count = pick_count;
    return 0;
}

/* Everything it points to is copied, but for what the view keeps: ids, names, the clip. A view that
 * differs in nothing a ranking reads keeps the very same. */
static struct ranking *ranking_new(const struct ranking *facts, const struct pick *picks,
                                   size_t pick_count, const struct view *view)
{
    struct ranking *ranking = cell_new(sizeof *ranking);

    if (!ranking)
        return NULL;
    *ranking = *facts;
    ranking->view = view_ref(view);
    ranking->missing.items = copy_array(cell_arena(ranking), facts->missing.items,
                                        facts->missing.count, sizeof *facts->missing.items);
    if (!ranking->missing.items || copy_picks(picks, pick_count, ranking)) {
        ranking_unref(ranking);
        return NULL;
    }
    return ranking;
}

struct ranking *rank_snapshot(const struct rank *rank)
{
    const struct ranking facts = {
        .measure = rank->resolved.measure,
        .provisional = rank->provisional,
        .resolved = rank->resolved,
        .revision = view_serving_name(rank->view, SERVING_SELECTION),
        .likelihood_revision = view_serving_name(rank->view, SERVING_LIKELIHOOD),
        .missing = rank->missing,
        .missing_count = rank->missing_count,
        .stale_pairs = rank->stale_pairs,
        .timing = rank->timing,
    };

    return ranking_new(&facts, rank->picks, rank->pick_count, rank->seen);
}

bool ranking_stands(const struct ranking *ranking, const struct view *view)
{
    return ranking->view->seq >= view->ranked_seq;
}

struct ranking *ranking_carry(const struct ranking *ranking, const struct view *view)
{
    return ranking_new(ranking, ranking->picks, ranking->pick_count, view);
}

void rank_carry(struct rank *rank, const struct view *view)
{
    view_unref(rank->seen);
    rank->seen = view_ref(view);
}
