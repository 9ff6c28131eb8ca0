/* What may be changed without changing the answer: order, workers, the way a posterior was reached.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <amf/posterior.h>

#include "suite.h"
#include "synthetic.h"

static struct synthetic_shape middle_shape(uint64_t seed)
{
    return (struct synthetic_shape){.seed = seed,
                                    .demonstrations = 12,
                                    .steps = 16,
                                    .tasks = 4,
                                    .state_dim = 3,
                                    .action_dim = 2,
                                    .task_dim = 2,
                                    .uneven = true,
                                    .kernel = AMF_KERNEL_RBF,
                                    .noise = 0.2};
}

static void gains(const struct amf_problem *problem, size_t workers, const size_t *pending,
                  size_t pending_count, double *ret_gains)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(workers);
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;

    ck_assert_int_eq(amf_scorer_new(problem, pool, &scorer), AMF_OK);
    ck_assert_int_eq(amf_scorer_score(scorer, pending, pending_count, &scores), AMF_OK);
    for (size_t c = 0; c < scores->candidate_count; c++)
        ret_gains[c] = scores->candidates[c].gain;
}

START_TEST(any_number_of_workers_gives_the_same_bits)
{
    const size_t pending[] = {2, 3};

    for (int kernel = AMF_KERNEL_RBF; kernel <= AMF_KERNEL_FACTORED; kernel++) {
        SYNTHETIC_CLEANUP struct synthetic s = {0};
        struct synthetic_shape shape = middle_shape((uint64_t)kernel);
        double one[4], two[4], seven[4];

        shape.kernel = (enum amf_kernel_kind)kernel;
        synthetic_init(&s, &shape);
        s.problem.settings.test_pair_limit = kernel % 2 ? 100 : 0;
        gains(&s.problem, 1, pending, 2, one);
        gains(&s.problem, 2, pending, 2, two);
        gains(&s.problem, 7, pending, 2, seven);
        ck_assert_mem_eq(one, two, sizeof(one));
        ck_assert_mem_eq(one, seven, sizeof(one));
    }
}
END_TEST

START_TEST(the_order_of_demonstrations_does_not_matter)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = middle_shape(5);
    double straight[4], turned[4];

    synthetic_init(&s, &shape);
    gains(&s.problem, 2, NULL, 0, straight);
    for (size_t i = 0; i < shape.demonstrations / 2; i++) {
        struct amf_trajectory swap = s.trajectories[i];

        s.trajectories[i] = s.trajectories[shape.demonstrations - 1 - i];
        s.trajectories[shape.demonstrations - 1 - i] = swap;
    }
    gains(&s.problem, 2, NULL, 0, turned);
    for (size_t c = 0; c < 4; c++)
        ck_assert_double_eq_tol(turned[c], straight[c], 1e-9 * straight[c]);
}
END_TEST

START_TEST(the_order_of_tasks_does_not_matter)
{
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = middle_shape(6);
    double straight[4], turned[4], vectors[8], weights[4];

    synthetic_init(&s, &shape);
    gains(&s.problem, 2, NULL, 0, straight);
    memcpy(vectors, s.task_vectors, sizeof(vectors));
    memcpy(weights, s.target_weights, sizeof(weights));
    for (size_t c = 0; c < 4; c++) {
        memcpy(s.task_vectors + 2 * (3 - c), vectors + 2 * c, 2 * sizeof(double));
        s.target_weights[3 - c] = weights[c];
    }
    for (size_t i = 0; i < shape.demonstrations; i++)
        s.trajectories[i].task = 3 - s.trajectories[i].task;
    gains(&s.problem, 2, NULL, 0, turned);
    for (size_t c = 0; c < 4; c++)
        ck_assert_double_eq_tol(turned[3 - c], straight[c], 1e-9 * straight[c]);
}
END_TEST

/* A kernel over all rows of the problem's trajectories, one block each. */
static struct amf_kernel *make_kernel(const struct synthetic *s, struct amf_pool *pool,
                                      struct amf_block *ret_blocks, double **ret_states,
                                      double **ret_actions)
{
    const struct amf_problem *p = &s->problem;
    struct amf_points points = {.state_dim = p->state_dim,
                                .task_count = p->task_count,
                                .task_dim = p->task_dim,
                                .task_vectors = p->task_vectors};
    struct amf_kernel *kernel = NULL;
    double *states = calloc(4096, sizeof(double)), *actions = calloc(4096, sizeof(double));

    for (size_t i = 0; i < p->trajectory_count; i++) {
        const struct amf_trajectory *t = &p->trajectories[i];

        ret_blocks[i] = (struct amf_block){points.row_count, t->step_count, t->task};
        memcpy(states + points.row_count * p->state_dim, t->states,
               t->step_count * p->state_dim * sizeof(double));
        memcpy(actions + points.row_count * p->action_dim, t->actions,
               t->step_count * p->action_dim * sizeof(double));
        points.row_count += t->step_count;
    }
    points.states = states;
    ck_assert_int_eq(amf_kernel_new(&p->kernel, &points, pool, NULL, &kernel), AMF_OK);
    *ret_states = states;
    *ret_actions = actions;
    return kernel;
}

START_TEST(extending_equals_refitting)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    AMF_KERNEL_CLEANUP struct amf_kernel *kernel = NULL;
    AMF_POSTERIOR_CLEANUP struct amf_posterior *whole = NULL, *grown = NULL;
    struct synthetic_shape shape = middle_shape(8);
    struct amf_block blocks[40], other = {0, 7, 3};
    double *states, *actions, mean[2][14], variance[2][7];
    size_t row = 0;

    shape.demonstrations = 40; /* several panels */
    synthetic_init(&s, &shape);
    kernel = make_kernel(&s, pool, blocks, &states, &actions);
    ck_assert_int_eq(amf_posterior_new(kernel, 0.2, blocks, 40, actions, 2, pool, NULL, &whole), 0);
    ck_assert_int_eq(amf_posterior_new(kernel, 0.2, NULL, 0, actions, 2, pool, NULL, &grown), 0);
    for (size_t b = 0; b < 40; b += 8) {
        struct amf_posterior *child = NULL;

        ck_assert_int_eq(
            amf_posterior_extend(grown, blocks + b, 8, actions + 2 * row, pool, NULL, &child), 0);
        row += amf_blocks_rows(blocks + b, 8);
        amf_posterior_unref(grown);
        grown = child;
    }
    ck_assert_int_eq(amf_posterior_predict(whole, &other, 1, pool, NULL, mean[0], variance[0]), 0);
    ck_assert_int_eq(amf_posterior_predict(grown, &other, 1, pool, NULL, mean[1], variance[1]), 0);
    for (size_t i = 0; i < 7; i++)
        ck_assert_double_eq_tol(variance[1][i], variance[0][i], 1e-9 * variance[0][i]);
    for (size_t i = 0; i < 14; i++)
        ck_assert_double_eq_tol(mean[1][i], mean[0][i], 1e-9 * (1 + fabs(mean[0][i])));
    free(states);
    free(actions);
}
END_TEST

/* The halves of a demonstration tell what the whole told. Their number is not the whole's, and with
 * it every average over demonstrations; sums over them stay. */
START_TEST(a_demonstration_split_in_two_tells_the_same)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = middle_shape(3);
    struct amf_trajectory parts[24];
    size_t half = 7, n[2] = {12, 13};
    double entropy[2][4];

    shape.uneven = false;
    synthetic_init(&s, &shape);
    s.problem.settings.weights = AMF_WEIGHTS_UNIFORM;
    for (int split = 0; split < 2; split++) {
        AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
        AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;

        if (split) {
            memcpy(parts, s.trajectories, 12 * sizeof(parts[0]));
            memmove(parts + 6, parts + 5, 7 * sizeof(parts[0]));
            parts[5].step_count = half;
            parts[6].step_count -= half;
            parts[6].states += half * s.problem.state_dim;
            parts[6].actions += half * s.problem.action_dim;
            for (size_t i = 0; i < 13; i++)
                parts[i].features = parts[i].gradients = parts[i].policy_mean = NULL;
            s.problem.trajectories = parts;
            s.problem.trajectory_count = 13;
        }
        ck_assert_int_eq(amf_scorer_new(&s.problem, pool, &scorer), AMF_OK);
        ck_assert_int_eq(amf_scorer_score(scorer, NULL, 0, &scores), AMF_OK);
        for (size_t c = 0; c < 4; c++)
            entropy[split][c] = scores->entropy[c] * (double)n[split];
    }
    for (size_t c = 0; c < 4; c++)
        ck_assert_double_eq_tol(entropy[1][c], entropy[0][c], 1e-9 * fabs(entropy[0][c]));
}
END_TEST

/* Pending work first scored in one call, then part by part: calls share what was kept. */
START_TEST(a_scorer_gives_the_same_answer_every_time)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct synthetic_shape shape = middle_shape(9);
    const size_t pending[] = {0, 1, 2, 3};
    double first[5] = {0};

    synthetic_init(&s, &shape);
    ck_assert_int_eq(amf_scorer_new(&s.problem, pool, &scorer), AMF_OK);
    for (int round = 0; round < 2; round++)
        for (size_t count = 0; count <= 4; count++) {
            AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;

            ck_assert_int_eq(amf_scorer_score(scorer, pending, count, &scores), AMF_OK);
            if (round)
                ck_assert_double_eq(scores->candidates[3].gain, first[count]);
            first[count] = scores->candidates[3].gain;
        }
}
END_TEST

SUITE_MAIN("property_invariance", any_number_of_workers_gives_the_same_bits,
           the_order_of_demonstrations_does_not_matter, the_order_of_tasks_does_not_matter,
           extending_equals_refitting, a_demonstration_split_in_two_tells_the_same,
           a_scorer_gives_the_same_answer_every_time)
