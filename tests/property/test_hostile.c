/* Ten thousand problems and matrices that nobody should send: a ranking is a number or a typed
 * refusal, never a NaN, never a crash.
 *
 * A problem is a seeded one with a few of its numbers, or all of an array, replaced. HOSTILE_COUNT
 * in the environment asks for more of them than the usual.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <amf/chol.h>
#include <amf/rng.h>
#include <amf/scorer.h>

#include "suite.h"
#include "synthetic.h"

enum { PROBLEMS = 8000, MATRICES = 2000, LARGEST = 600 };

static const double edges[] = {NAN,   INFINITY, -INFINITY, 1e308,  -1e308,  DBL_MAX,
                               1e154, 1e-154,   1e-308,    5e-324, -5e-324, 0,
                               -0.0,  1e6,      1e20,      -1,     DBL_MIN, 1 + DBL_EPSILON};

static size_t below(struct amf_rng *rng, size_t count)
{
    return (size_t)amf_rng_below(rng, count);
}

static double edge(struct amf_rng *rng)
{
    return edges[below(rng, sizeof(edges) / sizeof(*edges))];
}

static size_t times(size_t usual)
{
    const char *asked = getenv("HOSTILE_COUNT");

    return asked ? usual * (size_t)atol(asked) : usual;
}

/* One number, all of them the same, or every row a multiple of the first. */
static void spoil(struct amf_rng *rng, double *numbers, size_t count)
{
    size_t way = below(rng, 6), row = 1 + below(rng, 4);
    double value = edge(rng);

    for (size_t i = 0; i < count && way > 0; i++) {
        size_t multiple = i / row;

        if (way == 1)
            numbers[i] = 0.5;
        else if (way == 2)
            numbers[i] = numbers[i % row] * (double)multiple;
        else if (way == 3)
            numbers[i] *= value;
        else if (way == 4)
            numbers[i] = value;
        else if (below(rng, 4) == 0)
            numbers[i] = edge(rng);
    }
    if (way == 0 && count > 0)
        numbers[below(rng, count)] = value;
}

static void spoil_settings(struct amf_rng *rng, struct synthetic *s)
{
    struct amf_problem *problem = &s->problem;
    double *const numbers[] = {&problem->noise,
                               &problem->policy_noise,
                               &problem->kernel.variance,
                               &problem->settings.ess_target,
                               &problem->settings.weight_floor,
                               &problem->settings.clip.low,
                               &problem->settings.clip.high,
                               &s->state_scale,
                               &s->task_scale,
                               &s->target_weights[0]};

    *numbers[below(rng, sizeof(numbers) / sizeof(*numbers))] = edge(rng);
}

static void choose_settings(struct amf_rng *rng, struct amf_problem *problem)
{
    struct amf_criterion_settings *settings = &problem->settings;

    settings->measure = (enum amf_measure_kind)below(rng, AMF_MEASURE_PRIOR_ENTROPY + 1);
    if (settings->measure == AMF_MEASURE_JENSEN_SHANNON && below(rng, 4)) /* takes milliseconds */
        settings->measure = AMF_MEASURE_KL;
    settings->weights = (enum amf_weights)below(rng, AMF_WEIGHTS_UNIFORM + 1);
    settings->conditioning = (enum amf_conditioning)below(rng, 2);
    settings->exclude_self = below(rng, 2);
    settings->clip = (struct amf_clip){(enum amf_clip_scope)below(rng, 3), -12, 0};
    settings->weight_floor = below(rng, 2) ? 0 : 0.01;
    settings->test_pair_limit = below(rng, 4) ? 0 : 3;
    settings->conditioning_limit = below(rng, 4) ? 0 : 5;
    problem->policy = (enum amf_policy_kind)below(rng, AMF_POLICY_DETERMINISTIC + 1);
}

static void make(struct amf_rng *rng, size_t number, struct synthetic *s)
{
    size_t steps = number % 1000 == 999 ? LARGEST / 6 : 1 + below(rng, 5);
    const struct synthetic_shape shape = {
        .seed = number,
        .demonstrations = below(rng, 7),
        .steps = steps,
        .tasks = 1 + below(rng, 4),
        .state_dim = 1 + below(rng, 3),
        .action_dim = 1 + below(rng, 2),
        .task_dim = 1 + below(rng, 2),
        .uneven = below(rng, 2),
        .kernel = (enum amf_kernel_kind)below(rng, AMF_KERNEL_FACTORED + 1),
        .noise = 0.2,
    };
    size_t pairs = shape.demonstrations * shape.tasks * steps;
    size_t numbers = shape.demonstrations * steps * (shape.state_dim + shape.action_dim);

    synthetic_init(s, &shape);
    choose_settings(rng, &s->problem);
    switch (below(rng, 6)) {
    case 0:
        spoil_settings(rng, s);
        break;
    case 1:
        spoil(rng, s->task_vectors, shape.tasks * shape.task_dim);
        break;
    case 2:
        spoil(rng, s->features, pairs * s->problem.feature_dim);
        break;
    case 3:
        spoil(rng, s->gradients, pairs * s->problem.gradient_dim);
        break;
    default:
        spoil(rng, s->numbers, numbers);
    }
}

static bool is_share(double number)
{
    return number >= 0 && number <= 1 + 1e-9;
}

/* prior_entropy is no gain but an entropy, which may be negative. */
static void require_scores(const struct amf_scores *scores, bool signed_gain, size_t number)
{
    ck_assert_msg(isfinite(scores->jitter) && scores->jitter >= 0, "problem %zu", number);
    for (size_t i = 0; i < scores->candidate_count; i++) {
        const struct amf_score *score = &scores->candidates[i];

        ck_assert_msg(isfinite(score->gain) && (signed_gain || score->gain >= 0),
                      "problem %zu: gain %g", number, score->gain);
        ck_assert_msg(isfinite(score->effective_sample_size) && is_share(score->clipped_share) &&
                          is_share(score->largest_weight_share) && is_share(score->skipped_share),
                      "problem %zu: %g %g %g %g", number, score->effective_sample_size,
                      score->clipped_share, score->largest_weight_share, score->skipped_share);
        for (size_t t = 0; score->target_gain && t < scores->target_count; t++)
            ck_assert_msg(isfinite(score->target_gain[t]), "problem %zu", number);
        ck_assert_msg(isfinite(scores->entropy[score->task]), "problem %zu: entropy %g", number,
                      scores->entropy[score->task]);
    }
}

static bool is_refusal(enum amf_status status)
{
    return status == AMF_BAD_ARGUMENT || status == AMF_NOT_FINITE || status == AMF_NOT_POSDEF;
}

/* Whether it was scored. */
static bool score(const struct amf_problem *problem, struct amf_engine *engine,
                  struct amf_pool *pool, size_t number)
{
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
    const size_t pending[] = {0, 0};
    enum amf_status status = number % 2 ? amf_scorer_new(problem, pool, &scorer)
                                        : amf_scorer_renew(engine, problem, pool, &scorer);

    if (!status)
        status = amf_scorer_score(scorer, pending, number % 3, &scores);
    ck_assert_msg(!status || is_refusal(status), "problem %zu: status %d", number, status);
    if (!status)
        require_scores(scores, problem->settings.measure == AMF_MEASURE_PRIOR_ENTROPY, number);
    return !status;
}

START_TEST(problems_are_scored_or_refused)
{
    AMF_ENGINE_CLEANUP struct amf_engine *engine = NULL;
    struct amf_pool *pool = suite_pool(1);
    size_t count = times(PROBLEMS), scored = 0;
    struct amf_rng rng;

    ck_assert_int_eq(amf_engine_new(&engine), AMF_OK);
    amf_rng_init(&rng, 7, 0);
    for (size_t number = 0; number < count; number++) {
        SYNTHETIC_CLEANUP struct synthetic s = {0};

        make(&rng, number, &s);
        scored += score(&s.problem, engine, pool, number);
    }
    /* neither kind of answer is the rare one */
    ck_assert_uint_gt(scored, count / 10);
    ck_assert_uint_lt(scored, count - count / 10);
    amf_pool_free(pool);
}
END_TEST

struct dense {
    double *a;
    size_t n;
};

static enum amf_status fill(void *arg, size_t first, size_t count, double *ret_rows, size_t stride)
{
    const struct dense *dense = arg;

    for (size_t i = 0; i < count; i++)
        memcpy(ret_rows + i * stride, dense->a + (first + i) * dense->n,
               (first + count) * sizeof(double));
    return AMF_OK;
}

/* X X' of low rank, times a factor, with a few numbers spoilt on both sides of the diagonal. */
static struct dense dense_new(struct amf_rng *rng, size_t number)
{
    size_t n = number % 200 == 199 ? LARGEST - below(rng, 40) : 1 + below(rng, 24);
    size_t rank = below(rng, 4), spoilt = below(rng, 3);
    double factor = below(rng, 3) ? 1 : fabs(edge(rng));
    struct dense dense = {calloc(n * n, sizeof(double)), n};
    double *x = calloc(n * 3, sizeof(double));

    for (size_t i = 0; i < n * 3; i++)
        x[i] = i >= 3 && below(rng, 3) == 0 ? x[i - 3] : amf_rng_normal(rng);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            for (size_t k = 0; k < rank; k++)
                dense.a[i * n + j] += x[i * 3 + k] * x[j * 3 + k] * factor;
            dense.a[i * n + j] += i == j && rank == 3 ? 0.1 : 0;
        }
    for (size_t k = 0; k < spoilt; k++) {
        size_t i = below(rng, n), j = below(rng, n);

        dense.a[i * n + j] = dense.a[j * n + i] = edge(rng);
    }
    free(x);
    return dense;
}

struct solve {
    const struct amf_chol *chol;
    double *b;
};

static enum amf_status solve(void *arg, size_t task, size_t worker)
{
    const struct solve *s = arg;

    (void)task;
    (void)worker;
    return amf_chol_forward(s->chol, 0, NULL, 1, 1, s->b, 1);
}

/* In two extensions, so that the second panel meets what is wrong as well. Whether it was factored.
 */
static bool factor(struct dense *dense, struct amf_pool *pool, size_t number)
{
    AMF_CHOL_CLEANUP struct amf_chol *first = NULL, *chol = NULL;
    size_t half = (dense->n + 1) / 2;
    enum amf_status status = amf_chol_extend(NULL, half, fill, dense, pool, NULL, &first);

    if (!status)
        status = amf_chol_extend(first, dense->n - half, fill, dense, pool, NULL, &chol);
    ck_assert_msg(!status || is_refusal(status), "matrix %zu: status %d", number, status);
    if (status)
        return false;
    double *b = calloc(dense->n, sizeof(double));
    struct solve s = {chol, b};

    b[0] = 1;
    ck_assert_msg(isfinite(amf_chol_log_det(chol)) && isfinite(amf_chol_jitter(chol)), "matrix %zu",
                  number);
    ck_assert_int_eq(amf_pool_run(pool, 1, solve, &s, NULL), AMF_OK);
    for (size_t i = 0; i < dense->n; i++)
        ck_assert_msg(!isnan(b[i]), "matrix %zu: row %zu of the solution", number, i);
    free(b);
    return true;
}

START_TEST(matrices_are_factored_or_refused)
{
    struct amf_pool *pool = suite_pool(1);
    size_t count = times(MATRICES), factored = 0;
    struct amf_rng rng;

    amf_rng_init(&rng, 11, 0);
    for (size_t number = 0; number < count; number++) {
        struct dense dense = dense_new(&rng, number);

        factored += factor(&dense, pool, number);
        free(dense.a);
    }
    ck_assert_uint_gt(factored, count / 10);
    ck_assert_uint_lt(factored, count - count / 10);
    amf_pool_free(pool);
}
END_TEST

SUITE_MAIN("hostile", problems_are_scored_or_refused, matrices_are_factored_or_refused)
