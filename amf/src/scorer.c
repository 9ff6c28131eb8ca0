/* The scorer's life, and a ranking under pending work. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "scorer_private.h"

struct amf_criterion_settings amf_criterion_settings_default(void)
{
    return (struct amf_criterion_settings){.measure = AMF_MEASURE_ENTROPY,
                                           .weights = AMF_WEIGHTS_TEMPERED,
                                           .conditioning = AMF_CONDITIONING_ALL,
                                           .clip = {AMF_CLIP_NONE, 0, 0},
                                           .ess_target = 8};
}

void amf_scorer_free(struct amf_scorer *scorer)
{
    if (!scorer)
        return;
    amf_kernel_unref(scorer->kernel);
    amf_posterior_unref(scorer->posterior);
    amf_ridge_unref(scorer->ridge);
    amf_feature_map_free(scorer->map);
    amf_matrix_deinit(&scorer->whitened);
    free(scorer->whitened_row);
    amf_measure_free(scorer->measure);
    free(scorer->members);
    free(scorer->step_log_likelihood);
    free(scorer->variance);
    amf_matrix_deinit(&scorer->log_likelihood);
    amf_matrix_deinit(&scorer->clipped);
    amf_matrix_deinit(&scorer->weights);
    free(scorer->entropy);
    free(scorer->summary);
    free(scorer->candidates);
    free(scorer->targets);
    free(scorer->target_weights);
    free(scorer->blocks);
    free(scorer->block_list);
    free(scorer->groups);
    free(scorer->tests);
    free(scorer->test_weight);
    free(scorer->test_target);
    free(scorer->test_source);
    amf_matrix_deinit(&scorer->test_whitened);
    amf_matrix_deinit(&scorer->block_whitened);
    amf_matrix_deinit(&scorer->cross);
    amf_scorer_kept_deinit(&scorer->kept);
    free(scorer);
}

/* What scoring looks up: from the engine, else by way of a posterior. */
static enum amf_status scorer_prepare(struct amf_scorer *scorer, const struct amf_problem *problem)
{
    bool blocks = scorer->settings.measure != AMF_MEASURE_PRIOR_ENTROPY;
    enum amf_status status = AMF_OK;

    if (scorer->ridge)
        return AMF_OK;
    if (scorer->engine && blocks)
        status = amf_scorer_keep(scorer, problem);
    if (!status && scorer->engine && !scorer->kept.ready)
        status = amf_scorer_make_posterior(scorer);
    if (!status && blocks && !scorer->kept.ready)
        status = amf_scorer_keep_covariances(scorer);
    return status;
}

enum amf_status amf_scorer_renew(struct amf_engine *engine, const struct amf_problem *problem,
                                 struct amf_pool *pool, struct amf_scorer **ret_scorer)
{
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    double start;
    enum amf_status status = amf_scorer_check(problem);

    if (status)
        return status;
    scorer = calloc(1, sizeof(*scorer));
    if (!scorer)
        return AMF_NO_MEMORY;
    scorer->pool = pool;
    scorer->cancel = problem->cancel;
    scorer->settings = problem->settings;
    scorer->action_dim = problem->action_dim;
    scorer->task_count = problem->task_count;
    scorer->noise = problem->noise;
    scorer->engine = engine;
    status = amf_measure_new(scorer->settings.measure, scorer->noise, &scorer->measure);
    if (!status)
        status = amf_scorer_setup(scorer, problem);
    start = amf_scorer_seconds();
    if (!status)
        status = amf_scorer_sample(scorer, problem);
    if (!status)
        status = scorer_prepare(scorer, problem);
    if (status)
        return status;
    scorer->engine = NULL;
    scorer->timing.covariance_s = amf_scorer_seconds() - start;
    *ret_scorer = scorer;
    scorer = NULL;
    return AMF_OK;
}

enum amf_status amf_scorer_new(const struct amf_problem *problem, struct amf_pool *pool,
                               struct amf_scorer **ret_scorer)
{
    AMF_ENGINE_CLEANUP struct amf_engine *engine = NULL;
    enum amf_status status = amf_engine_new(&engine);

    return status ? status : amf_scorer_renew(engine, problem, pool, ret_scorer);
}

/* ---- one ranking ---- */

struct scorer_pending { /* pending tasks, and what is held with them in the scorer's form */
    const size_t *tasks;
    size_t count;
    struct amf_posterior *posterior;
    struct amf_ridge *ridge;
};

static void scorer_pending_deinit(struct scorer_pending *pending)
{
    amf_posterior_unref(pending->posterior);
    amf_ridge_unref(pending->ridge);
}

struct scorer_member_task {
    size_t member, task;
};

/* A task for which nothing weighs anything adds no block. */
static enum amf_status scorer_check_pending(const struct amf_scorer *scorer,
                                            const struct scorer_pending *pending, bool *ret_ignored)
{
    for (size_t p = 0; p < pending->count; p++) {
        if (pending->tasks[p] >= scorer->task_count)
            return AMF_BAD_ARGUMENT;
        ret_ignored[p] = !(scorer->summary[pending->tasks[p]].sum > 0);
    }
    return AMF_OK;
}

/* The posterior with the blocks that pending tasks add, in whichever form the scorer has it; none
 * where `kept` tells all that is needed. */
static enum amf_status scorer_extend(const struct amf_scorer *scorer, const bool *ignored,
                                     struct scorer_pending *pending)
{
    AMF_FREE_CLEANUP struct amf_block *blocks = amf_new_array(pending->count, sizeof(*blocks));
    size_t count = 0;

    if (!blocks)
        return AMF_NO_MEMORY;
    for (size_t p = 0; p < pending->count; p++)
        if (!ignored[p])
            blocks[count++] = scorer_member_block(
                scorer, scorer->summary[pending->tasks[p]].largest, pending->tasks[p]);
    if (scorer->ridge && count)
        return amf_ridge_extend(scorer->ridge, blocks, count, scorer->pool, scorer->cancel,
                                &pending->ridge);
    if (scorer->posterior && count)
        return amf_posterior_extend(scorer->posterior, blocks, count, NULL, scorer->pool,
                                    scorer->cancel, &pending->posterior);
    if (scorer->ridge)
        pending->ridge = amf_ridge_ref(scorer->ridge);
    if (scorer->posterior)
        pending->posterior = amf_posterior_ref(scorer->posterior);
    return AMF_OK;
}

static double scorer_clipped_share(const struct amf_scorer *scorer, size_t task)
{
    bool steps = scorer->settings.clip.scope == AMF_CLIP_STEP;
    double clipped = 0, terms = 0;

    for (size_t i = 0; i < scorer->n; i++) {
        double size = steps ? (double)scorer->members[i].row_count : 1;

        if (isinf(amf_matrix_row(&scorer->log_likelihood, i)[task]))
            continue;
        clipped += size * amf_matrix_row(&scorer->clipped, i)[task];
        terms += size;
    }
    return terms > 0 ? clipped / terms : 0;
}

static void scorer_describe(const struct amf_scorer *scorer, struct amf_scores *scores)
{
    for (size_t k = 0; k < scorer->candidate_count; k++) {
        const struct scorer_candidate *candidate = &scorer->candidates[k];
        const struct amf_occupancy_summary *summary = &scorer->summary[candidate->task];

        scores->candidates[k].task = candidate->task;
        scores->candidates[k].scorable = summary->sum > 0;
        scores->candidates[k].effective_sample_size = summary->effective_sample_size;
        scores->candidates[k].largest_weight_share = summary->largest_share;
        scores->candidates[k].clipped_share = scorer_clipped_share(scorer, candidate->task);
        scores->candidates[k].skipped_share = candidate->skipped_share;
    }
    for (size_t c = 0; c < scorer->task_count; c++) {
        scores->entropy[c] = scorer->entropy[c];
        scores->task_scorable[c] = scorer->summary[c].sum > 0;
    }
    scores->occupancy = scorer->occupancy;
    scores->conditioning = scorer->conditioning;
    scores->blocks = scorer->block_extent;
    scores->pairs = scorer->test_extent;
    scores->exhaustive = scorer->occupancy.used == scorer->occupancy.total &&
                         scorer->conditioning.used == scorer->conditioning.total &&
                         scorer->block_extent.used == scorer->block_extent.total &&
                         scorer->test_extent.used == scorer->test_extent.total;
}

static enum amf_status scorer_sum_blocks(const struct amf_scorer *scorer,
                                         const struct scorer_pending *pending, double *ret_sums,
                                         double *ret_jitter)
{
    if (scorer->kept.ready)
        return amf_scorer_kept_sum_blocks(scorer, pending->tasks, pending->count, ret_sums,
                                          ret_jitter);
    if (pending->ridge)
        return amf_scorer_ridge_sum_blocks(scorer, pending->ridge, ret_sums);
    return amf_scorer_sum_blocks(scorer, pending->posterior, ret_sums, ret_jitter);
}

/* ret_sums: candidate_count x target_count, what the candidate's blocks are worth together. */
static enum amf_status scorer_weigh_blocks(const struct amf_scorer *scorer,
                                           const struct scorer_pending *pending, double *ret_sums,
                                           double *ret_jitter)
{
    AMF_MATRIX_CLEANUP struct amf_matrix sums = AMF_MATRIX_NULL;
    AMF_FREE_CLEANUP double *weights = amf_new_array(scorer->block_count, sizeof(double));
    size_t targets = scorer->target_count;
    enum amf_status status = amf_matrix_init(&sums, scorer->block_count, targets);

    if (status || !weights)
        return status ? status : AMF_NO_MEMORY;
    status = scorer_sum_blocks(scorer, pending, sums.data, ret_jitter);
    for (size_t b = 0; b < scorer->block_count; b++)
        weights[b] = scorer->blocks[b].weight;
    for (size_t k = 0; !status && k < scorer->candidate_count; k++) {
        const struct scorer_candidate *candidate = &scorer->candidates[k];

        for (size_t e = 0; candidate->block_count && e < targets; e++)
            ret_sums[k * targets + e] = amf_criterion_sum(
                weights + candidate->first_block, amf_matrix_row(&sums, candidate->first_block) + e,
                candidate->block_count, targets);
    }
    return status;
}

static enum amf_status scorer_sum_candidates(const struct amf_scorer *scorer,
                                             const struct scorer_pending *pending,
                                             struct amf_scores *scores, double *target_gain)
{
    size_t targets = scorer->target_count;
    bool sure = false;
    enum amf_status status = AMF_OK;

    if (amf_scorer_takes_moments(scorer))
        status = amf_scorer_moment_sums(scorer, pending->ridge, target_gain, &sure);
    if (!status && !sure)
        status = scorer_weigh_blocks(scorer, pending, target_gain, &scores->jitter);
    for (size_t k = 0; !status && k < scorer->candidate_count; k++) {
        double *parts = target_gain + k * targets;

        for (size_t e = 0; e < targets; e++) {
            parts[e] = amf_criterion_gain(parts[e], scorer->n, scorer->action_dim);
            scores->candidates[k].gain += parts[e];
        }
        scores->candidates[k].target_gain = parts;
    }
    return status;
}

/* prior_entropy looks at no block, only at the variances under pending work: one pass over the
 * pairs of every candidate. */
static enum amf_status scorer_predict_pairs(const struct amf_scorer *scorer,
                                            const struct scorer_pending *pending,
                                            const struct scorer_member_task *pairs, size_t count,
                                            double *ret_variance)
{
    AMF_FREE_CLEANUP struct amf_block *blocks = amf_new_array(count, sizeof(*blocks));
    AMF_FREE_CLEANUP double *compact = amf_new_array(scorer->pair_count, sizeof(double));
    const double *from = compact;
    enum amf_status status;

    if (!blocks || !compact)
        return AMF_NO_MEMORY;
    for (size_t p = 0; p < count; p++)
        blocks[p] = scorer_member_block(scorer, pairs[p].member, pairs[p].task);
    if (pending->ridge)
        status = amf_ridge_predict(pending->ridge, blocks, count, scorer->pool, scorer->cancel,
                                   NULL, compact, NULL);
    else
        status = amf_posterior_predict(pending->posterior, blocks, count, scorer->pool,
                                       scorer->cancel, NULL, compact);
    for (size_t p = 0; !status && p < count; from += blocks[p++].row_count)
        memcpy(ret_variance + scorer_pair(scorer, pairs[p].member, pairs[p].task), from,
               blocks[p].row_count * sizeof(double));
    return status;
}

/* Weighted pairs of tasks that are candidates; each task once, however often it is listed. */
static size_t scorer_list_pairs(const struct amf_scorer *scorer,
                                struct scorer_member_task *ret_pairs)
{
    size_t count = 0;

    for (size_t task = 0; task < scorer->task_count; task++) {
        size_t k = 0;

        while (k < scorer->candidate_count && scorer->candidates[k].task != task)
            k++;
        for (size_t i = 0; k < scorer->candidate_count && i < scorer->n; i++)
            if (*scorer_weight(scorer, i, task) > 0)
                ret_pairs[count++] = (struct scorer_member_task){i, task};
    }
    return count;
}

static enum amf_status scorer_sum_entropies(const struct amf_scorer *scorer,
                                            const struct scorer_pending *pending,
                                            struct amf_scores *scores)
{
    AMF_FREE_CLEANUP double *variance = amf_new_array(scorer->pair_count, sizeof(double));
    AMF_FREE_CLEANUP struct scorer_member_task *pairs =
        amf_new_array(scorer->n * scorer->task_count, sizeof(*pairs));
    enum amf_status status = AMF_OK;

    if (!variance || !pairs)
        return AMF_NO_MEMORY;
    if (pending->posterior == scorer->posterior && pending->ridge == scorer->ridge)
        memcpy(variance, scorer->variance, scorer->pair_count * sizeof(double));
    else
        status = scorer_predict_pairs(scorer, pending, pairs, scorer_list_pairs(scorer, pairs),
                                      variance);
    for (size_t k = 0; !status && k < scores->candidate_count; k++)
        if (scores->candidates[k].scorable)
            scores->candidates[k].gain =
                amf_scorer_entropy(scorer, scores->candidates[k].task, variance);
    return status;
}

/* Scores and everything they point to, in one allocation. */
static struct amf_scores *scores_new(const struct amf_scorer *scorer, size_t pending_count,
                                     double **ret_target_gain)
{
    size_t candidates = scorer->candidate_count, tasks = scorer->task_count, parts, bytes;
    struct amf_scores *scores;
    double *numbers;

    if (__builtin_mul_overflow(candidates, scorer->target_count, &parts) ||
        __builtin_add_overflow(parts, tasks, &bytes) ||
        __builtin_mul_overflow(bytes, sizeof(double), &bytes) ||
        __builtin_add_overflow(bytes, sizeof(*scores) + candidates * sizeof(struct amf_score),
                               &bytes) ||
        __builtin_add_overflow(bytes, tasks + pending_count, &bytes))
        return NULL;
    scores = calloc(1, bytes);
    if (!scores)
        return NULL;
    scores->candidates = (struct amf_score *)(scores + 1);
    numbers = (double *)(scores->candidates + candidates);
    scores->entropy = numbers;
    *ret_target_gain = numbers + tasks;
    scores->task_scorable = (bool *)(*ret_target_gain + parts);
    scores->pending_ignored = scores->task_scorable + tasks;
    scores->candidate_count = candidates;
    scores->target_count = scorer->target_count;
    return scores;
}

void amf_scores_free(struct amf_scores *scores)
{
    free(scores);
}

/* Finite input is no promise: a variance near the largest double overflows on its way. */
static enum amf_status scorer_check_scores(const struct amf_scorer *scorer,
                                           const struct amf_scores *scores)
{
    bool finite = isfinite(scores->jitter);

    for (size_t k = 0; k < scores->candidate_count; k++)
        finite = finite && isfinite(scores->candidates[k].gain);
    for (size_t c = 0; c < scorer->task_count; c++)
        finite = finite && isfinite(scores->entropy[c]);
    return finite ? AMF_OK : AMF_NOT_FINITE;
}

enum amf_status amf_scorer_score(const struct amf_scorer *scorer, const size_t *tasks, size_t count,
                                 struct amf_scores **ret_scores)
{
    double *target_gain = NULL;
    AMF_SCORES_CLEANUP struct amf_scores *scores = scores_new(scorer, count, &target_gain);
    __attribute__((cleanup(scorer_pending_deinit))) struct scorer_pending pending = {
        .tasks = tasks, .count = count};
    enum amf_status status;

    if (!scores)
        return AMF_NO_MEMORY;
    scores->jitter = scorer->jitter;
    status = scorer_check_pending(scorer, &pending, scores->pending_ignored);
    if (!status)
        status = scorer_extend(scorer, scores->pending_ignored, &pending);
    if (status)
        return status;
    if (pending.posterior)
        scores->jitter = fmax(scores->jitter, amf_posterior_jitter(pending.posterior));
    scorer_describe(scorer, scores);
    status = scorer->settings.measure == AMF_MEASURE_PRIOR_ENTROPY
                 ? scorer_sum_entropies(scorer, &pending, scores)
                 : scorer_sum_candidates(scorer, &pending, scores, target_gain);
    if (!status)
        status = scorer_check_scores(scorer, scores);
    if (status)
        return status;
    *ret_scores = scores;
    scores = NULL;
    return AMF_OK;
}

/* ---- the parts ---- */

size_t amf_scorer_occupancy_count(const struct amf_scorer *scorer)
{
    return scorer->n;
}

size_t amf_scorer_trajectory(const struct amf_scorer *scorer, size_t i)
{
    return scorer->members[i].trajectory;
}

size_t amf_scorer_step_count(const struct amf_scorer *scorer, size_t i)
{
    return scorer->members[i].row_count;
}

const double *amf_scorer_step_log_likelihood(const struct amf_scorer *scorer, size_t i, size_t task)
{
    return scorer->step_log_likelihood + scorer_pair(scorer, i, task);
}

const double *amf_scorer_variance(const struct amf_scorer *scorer, size_t i, size_t task)
{
    return scorer->variance + scorer_pair(scorer, i, task);
}

double amf_scorer_log_likelihood(const struct amf_scorer *scorer, size_t i, size_t task)
{
    return amf_matrix_row(&scorer->log_likelihood, i)[task];
}

double amf_scorer_weight(const struct amf_scorer *scorer, size_t i, size_t task)
{
    return *scorer_weight(scorer, i, task);
}

struct amf_scorer_timing amf_scorer_timing(const struct amf_scorer *scorer)
{
    return scorer->timing;
}
