/* Variance gains from moments, where they are made in small tiles and where they lose digits. */
#include <math.h>
#include <stdint.h>

#include <amf/scorer.h>

#include "suite.h"
#include "synthetic.h"

#define TASKS 3

static struct synthetic_shape shape_of(uint64_t seed, size_t steps, size_t feature_dim)
{
    return (struct synthetic_shape){.seed = seed,
                                    .demonstrations = 24,
                                    .steps = steps,
                                    .tasks = TASKS,
                                    .state_dim = 4,
                                    .action_dim = 2,
                                    .task_dim = 2,
                                    .uneven = seed % 2,
                                    .kernel = AMF_KERNEL_EMBEDDING,
                                    .noise = 0.2,
                                    .feature_dim = feature_dim};
}

/* So many candidates that their Gram matrices are made in smaller tiles: three tasks, again and
 * again. */
START_TEST(many_candidates_gain_what_few_do)
{
    enum { MANY = 132 };
    SYNTHETIC_CLEANUP struct synthetic s;
    AMF_SCORER_CLEANUP struct amf_scorer *few = NULL, *many = NULL;
    AMF_SCORES_CLEANUP struct amf_scores *expected = NULL, *scores = NULL;
    struct synthetic_shape shape = shape_of(7, 16, 150);
    struct amf_pool *pool = suite_pool(2);
    size_t candidates[MANY];

    for (size_t c = 0; c < MANY; c++)
        candidates[c] = c % TASKS;
    synthetic_init(&s, &shape);
    s.problem.settings.measure = AMF_MEASURE_VARIANCE;
    ck_assert_int_eq(amf_scorer_new(&s.problem, pool, &few), AMF_OK);
    ck_assert_int_eq(amf_scorer_score(few, NULL, 0, &expected), AMF_OK);
    s.problem.candidates = candidates;
    s.problem.candidate_count = MANY;
    ck_assert_int_eq(amf_scorer_new(&s.problem, pool, &many), AMF_OK);
    ck_assert_int_eq(amf_scorer_score(many, NULL, 0, &scores), AMF_OK);
    for (size_t c = 0; c < MANY; c++)
        ck_assert_double_eq_tol(scores->candidates[c].gain, expected->candidates[c % TASKS].gain,
                                1e-11 * expected->candidates[c % TASKS].gain);
    amf_pool_free(pool);
}
END_TEST

/* Features of the last task along (1, 1, ...) and far larger than the others', which are orthogonal
 * to it; nothing is held under that task. */
static void set_apart(struct synthetic *s, double scale)
{
    size_t p = s->problem.feature_dim;

    for (size_t i = 0; i < s->problem.trajectory_count; i++)
        for (size_t c = 0; c < TASKS; c++) {
            size_t steps = s->trajectories[i].step_count;
            double *row = (double *)(uintptr_t)s->trajectories[i].features[c];

            s->trajectories[i].conditioned = s->trajectories[i].task != TASKS - 1;
            for (size_t t = 0; t < steps; t++, row += p) {
                double mean = 0;

                for (size_t d = 0; d < p; d++)
                    mean += row[d] / (double)p;
                for (size_t d = 0; d < p; d++)
                    row[d] = c == TASKS - 1 ? scale * (1 + mean) : row[d] - mean;
            }
        }
}

static void gains_of_others(const struct amf_problem *problem, double ret_gain[TASKS - 1])
{
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
    struct amf_pool *pool = suite_pool(2);

    ck_assert_int_eq(amf_scorer_new(problem, pool, &scorer), AMF_OK);
    ck_assert_int_eq(amf_scorer_score(scorer, NULL, 0, &scores), AMF_OK);
    for (size_t c = 0; c < TASKS - 1; c++)
        ret_gain[c] = scores->candidates[c].gain;
    amf_pool_free(pool);
}

/* Of moments alone the rounding would be more than the gain. */
START_TEST(a_large_variance_that_no_candidate_explains_adds_nothing)
{
    static const double scales[] = {1, 1e3, 1e6};
    double with[TASKS - 1], without[TASKS - 1];

    for (size_t k = 0; k < sizeof(scales) / sizeof(scales[0]); k++) {
        SYNTHETIC_CLEANUP struct synthetic s;
        struct synthetic_shape shape = shape_of(6, 20, 300);

        synthetic_init(&s, &shape);
        set_apart(&s, scales[k]);
        for (size_t c = 0; c < TASKS; c++)
            s.target_weights[c] = 1;
        s.problem.settings.measure = AMF_MEASURE_VARIANCE;
        s.problem.settings.weights = AMF_WEIGHTS_UNIFORM;
        s.problem.candidate_count = TASKS - 1;
        gains_of_others(&s.problem, with);
        s.problem.target_count = TASKS - 1;
        gains_of_others(&s.problem, without);
        for (size_t c = 0; c < TASKS - 1; c++)
            ck_assert_msg(fabs(with[c] * TASKS - without[c] * (TASKS - 1)) <= 1e-9 * without[c],
                          "scale %g, candidate %zu: %.17g and %.17g", scales[k], c, with[c] * TASKS,
                          without[c] * (TASKS - 1));
    }
}
END_TEST

SUITE_MAIN("property_moment", many_candidates_gain_what_few_do,
           a_large_variance_that_no_candidate_explains_adds_nothing)
