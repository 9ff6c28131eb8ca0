/* The marginal likelihood: against the chain rule, against differences, and its maximum. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <amf/likelihood.h>
#include <amf/posterior.h>
#include <amf/rng.h>

#include "suite.h"
#include "synthetic.h"

#define MAX_PARAMETERS 16

static const struct amf_likelihood_numbers everything_on_vectors = {
    .variance = true, .noise = true, .state_scale = true, .task_scale = true};
static const struct amf_likelihood_numbers everything_on_a_table = {
    .variance = true, .noise = true, .state_scale = true, .task_correlation = true};

/* A problem with a scale for every dimension, and a table of tasks beside its vectors. */
struct fixture {
    struct synthetic synthetic;
    struct amf_problem problem;
    double state_scale[3], task_scale[2], table[9];
};

static void fixture_init(struct fixture *f, enum amf_kernel_kind kind, bool table, bool shared)
{
    *f = (struct fixture){.state_scale = {0.7, 1.3, 2.1}, .task_scale = {1.2, 0.8}};
    synthetic_init(&f->synthetic, &(struct synthetic_shape){.seed = 7,
                                                            .demonstrations = 9,
                                                            .steps = 11,
                                                            .tasks = 3,
                                                            .state_dim = 3,
                                                            .action_dim = 2,
                                                            .task_dim = 2,
                                                            .uneven = true,
                                                            .kernel = kind,
                                                            .noise = 0.3});
    f->problem = f->synthetic.problem;
    f->problem.kernel.variance = 1.4;
    f->problem.kernel.state_scale = f->state_scale;
    f->problem.kernel.state_scale_count = shared ? 1 : 3;
    f->problem.kernel.task_scale = f->task_scale;
    f->problem.kernel.task_scale_count = shared ? 1 : 2;
    if (table) {
        ck_assert_int_eq(amf_task_table_discrete(3, 0.35, f->table), AMF_OK);
        f->problem.kernel.task = AMF_TASK_TABLE;
        f->problem.kernel.task_table = f->table;
    }
}

static void fixture_deinit(struct fixture *f)
{
    synthetic_deinit(&f->synthetic);
}
#define FIXTURE_CLEANUP __attribute__((cleanup(fixture_deinit)))

static struct amf_likelihood_numbers all_of(enum amf_kernel_kind kind, bool table)
{
    struct amf_likelihood_numbers numbers = table ? everything_on_a_table : everything_on_vectors;

    if (kind == AMF_KERNEL_LINEAR)
        numbers.state_scale = numbers.task_scale = false;
    return numbers;
}

static struct amf_likelihood *likelihood_of(const struct amf_problem *problem,
                                            struct amf_likelihood_numbers numbers,
                                            struct amf_pool *pool)
{
    struct amf_likelihood *likelihood = NULL;

    ck_assert_int_eq(amf_likelihood_new(problem, &numbers, 0, pool, &likelihood), AMF_OK);
    ck_assert_uint_le(amf_likelihood_size(likelihood), MAX_PARAMETERS);
    return likelihood;
}

/* log p(y_1) + log p(y_2 | y_1) + ...: the posterior of what came before, demonstration by
 * demonstration and step by step. */
static double chain_rule(const struct amf_problem *problem, struct amf_pool *pool)
{
    AMF_KERNEL_CLEANUP struct amf_kernel *kernel = NULL;
    AMF_POSTERIOR_CLEANUP struct amf_posterior *posterior = NULL;
    double states[300], sum = 0;
    struct amf_points points = {.state_dim = problem->state_dim,
                                .states = states,
                                .task_count = problem->task_count,
                                .task_dim = problem->task_dim,
                                .task_vectors = problem->task_vectors};

    for (size_t i = 0; i < problem->trajectory_count; i++) {
        const struct amf_trajectory *trajectory = &problem->trajectories[i];
        size_t numbers = trajectory->step_count * problem->state_dim;

        memcpy(states + points.row_count * problem->state_dim, trajectory->states,
               numbers * sizeof(double));
        points.row_count += trajectory->step_count;
    }
    ck_assert_int_eq(amf_kernel_new(&problem->kernel, &points, pool, NULL, &kernel), AMF_OK);
    ck_assert_int_eq(amf_posterior_new(kernel, problem->noise, NULL, 0, problem->target_weights,
                                       problem->action_dim, pool, NULL, &posterior),
                     AMF_OK);
    for (size_t i = 0, row = 0; i < problem->trajectory_count; i++)
        for (size_t t = 0; t < problem->trajectories[i].step_count; t++, row++) {
            const double *actions = problem->trajectories[i].actions + t * problem->action_dim;
            struct amf_block step = {row, 1, problem->trajectories[i].task};
            struct amf_posterior *next = NULL;
            double mean[2], variance;

            ck_assert_int_eq(
                amf_posterior_predict(posterior, &step, 1, pool, NULL, mean, &variance), AMF_OK);
            sum += amf_policy_step_log_likelihood(actions, mean, problem->action_dim,
                                                  variance + problem->noise * problem->noise);
            ck_assert_int_eq(amf_posterior_extend(posterior, &step, 1, actions, pool, NULL, &next),
                             AMF_OK);
            amf_posterior_unref(posterior);
            posterior = next;
        }
    return sum;
}

START_TEST(the_value_is_the_product_of_predictions)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);

    for (int kind = AMF_KERNEL_RBF; kind <= AMF_KERNEL_LINEAR; kind++)
        for (int table = 0; table < 2; table++) {
            FIXTURE_CLEANUP struct fixture f;
            AMF_LIKELIHOOD_CLEANUP struct amf_likelihood *likelihood = NULL;
            double parameters[MAX_PARAMETERS], value, expected;

            fixture_init(&f, (enum amf_kernel_kind)kind, table, false);
            likelihood = likelihood_of(&f.problem, all_of((enum amf_kernel_kind)kind, table), pool);
            amf_likelihood_start(likelihood, parameters);
            ck_assert_int_eq(amf_likelihood_evaluate(likelihood, parameters, &value, NULL, NULL),
                             AMF_OK);
            expected = chain_rule(&f.problem, pool);
            ck_assert_double_eq_tol(value, expected, 1e-10 * fabs(expected));
        }
}
END_TEST

static double value_at(const struct amf_likelihood *likelihood, const double *parameters)
{
    double value;

    ck_assert_int_eq(amf_likelihood_evaluate(likelihood, parameters, &value, NULL, NULL), AMF_OK);
    return value;
}

static void compare_with_differences(const struct amf_likelihood *likelihood)
{
    const double step = 1e-5;
    double parameters[MAX_PARAMETERS], gradient[MAX_PARAMETERS], value;

    amf_likelihood_start(likelihood, parameters);
    ck_assert_int_eq(amf_likelihood_evaluate(likelihood, parameters, &value, gradient, NULL),
                     AMF_OK);
    ck_assert_double_eq(value, value_at(likelihood, parameters));
    for (size_t p = 0; p < amf_likelihood_size(likelihood); p++) {
        double at = parameters[p], up, down, difference;

        parameters[p] = at + step;
        up = value_at(likelihood, parameters);
        parameters[p] = at - step;
        down = value_at(likelihood, parameters);
        parameters[p] = at;
        difference = (up - down) / (2 * step);
        ck_assert_msg(fabs(difference - gradient[p]) <= 1e-6 * (1 + fabs(difference)),
                      "parameter %zu: by differences %.12g, by hand %.12g", p, difference,
                      gradient[p]);
    }
}

START_TEST(the_gradient_is_that_of_the_value)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);

    for (int kind = AMF_KERNEL_RBF; kind <= AMF_KERNEL_LINEAR; kind++)
        for (int table = 0; table < 2; table++)
            for (int shared = 0; shared < 2; shared++) {
                FIXTURE_CLEANUP struct fixture f;
                AMF_LIKELIHOOD_CLEANUP struct amf_likelihood *likelihood = NULL;

                fixture_init(&f, (enum amf_kernel_kind)kind, table, shared);
                likelihood =
                    likelihood_of(&f.problem, all_of((enum amf_kernel_kind)kind, table), pool);
                compare_with_differences(likelihood);
            }
}
END_TEST

START_TEST(each_number_alone_has_the_same_slope)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    FIXTURE_CLEANUP struct fixture f;
    const struct amf_likelihood_numbers alone[] = {
        {.variance = true}, {.noise = true}, {.state_scale = true}, {.task_scale = true}};

    fixture_init(&f, AMF_KERNEL_MATERN52, false, false);
    for (size_t n = 0; n < sizeof(alone) / sizeof(alone[0]); n++) {
        AMF_LIKELIHOOD_CLEANUP struct amf_likelihood *likelihood =
            likelihood_of(&f.problem, alone[n], pool);

        compare_with_differences(likelihood);
    }
}
END_TEST

/* Actions drawn from the process itself, one long demonstration per task. */
static void draw_actions(struct fixture *f, struct amf_pool *pool)
{
    AMF_KERNEL_CLEANUP struct amf_kernel *kernel = NULL;
    AMF_POSTERIOR_CLEANUP struct amf_posterior *posterior = NULL;
    size_t steps = f->problem.trajectories[0].step_count, dim = f->problem.state_dim;
    struct amf_points points = {.row_count = f->problem.trajectory_count * steps,
                                .state_dim = dim,
                                .states = f->problem.trajectories[0].states,
                                .task_count = f->problem.task_count,
                                .task_dim = f->problem.task_dim,
                                .task_vectors = f->problem.task_vectors};
    double unused[2] = {0};
    struct amf_rng rng;

    amf_rng_init(&rng, 5, 0);
    ck_assert_int_eq(amf_kernel_new(&f->problem.kernel, &points, pool, NULL, &kernel), AMF_OK);
    ck_assert_int_eq(
        amf_posterior_new(kernel, f->problem.noise, NULL, 0, unused, 2, pool, NULL, &posterior),
        AMF_OK);
    for (size_t i = 0, row = 0; i < f->problem.trajectory_count; i++)
        for (size_t t = 0; t < steps; t++, row++) {
            double *actions = (double *)f->problem.trajectories[i].actions + t * 2;
            struct amf_block step = {row, 1, f->problem.trajectories[i].task};
            struct amf_posterior *next = NULL;
            double mean[2], variance;

            ck_assert_int_eq(
                amf_posterior_predict(posterior, &step, 1, pool, NULL, mean, &variance), AMF_OK);
            for (size_t d = 0; d < 2; d++)
                actions[d] = mean[d] + sqrt(variance + f->problem.noise * f->problem.noise) *
                                           amf_rng_normal(&rng);
            ck_assert_int_eq(amf_posterior_extend(posterior, &step, 1, actions, pool, NULL, &next),
                             AMF_OK);
            amf_posterior_unref(posterior);
            posterior = next;
        }
}

/* Three demonstrations of forty steps, their states spread over a cube, one array of states. */
static void drawn_init(struct fixture *f, double *states, struct amf_pool *pool)
{
    struct amf_rng rng;

    fixture_init(f, AMF_KERNEL_RBF, true, false);
    synthetic_deinit(&f->synthetic);
    synthetic_init(&f->synthetic, &(struct synthetic_shape){.seed = 1,
                                                            .demonstrations = 3,
                                                            .steps = 40,
                                                            .tasks = 3,
                                                            .state_dim = 3,
                                                            .action_dim = 2,
                                                            .task_dim = 2,
                                                            .kernel = AMF_KERNEL_RBF,
                                                            .noise = 0.1});
    f->problem.trajectories = f->synthetic.trajectories;
    f->problem.trajectory_count = 3;
    f->problem.task_vectors = f->synthetic.task_vectors;
    f->problem.noise = 0.1;
    amf_rng_init(&rng, 2, 0);
    for (size_t i = 0; i < 3 * 40 * 3; i++)
        states[i] = 4 * amf_rng_uniform(&rng);
    for (size_t i = 0; i < 3; i++)
        f->synthetic.trajectories[i].states = states + i * 40 * 3;
    draw_actions(f, pool);
}

START_TEST(the_maximum_recovers_what_the_data_were_drawn_with)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    AMF_LIKELIHOOD_FIT_CLEANUP struct amf_likelihood_fit *fit = NULL;
    FIXTURE_CLEANUP struct fixture f;
    AMF_LIKELIHOOD_CLEANUP struct amf_likelihood *truth = NULL;
    const struct amf_likelihood_options options = amf_likelihood_options_default();
    const double drawn_with[] = {0.7, 1.3, 2.1}, begin[] = {1, 1, 1};
    double states[3 * 40 * 3], parameters[MAX_PARAMETERS], true_value;

    drawn_init(&f, states, pool);
    truth = likelihood_of(&f.problem, everything_on_a_table, pool);
    amf_likelihood_start(truth, parameters);
    true_value = value_at(truth, parameters);
    f.problem.kernel.state_scale = begin;
    f.problem.kernel.variance = 1;
    f.problem.noise = 0.3;
    ck_assert_int_eq(
        amf_likelihood_maximise(&f.problem, &everything_on_a_table, &options, pool, &fit), AMF_OK);
    ck_assert(!fit->kept_start);
    ck_assert_double_gt(fit->value, true_value); /* the maximum is no lower than the truth */
    ck_assert_double_gt(fit->value, fit->start_value);
    for (size_t d = 0; d < 3; d++)
        ck_assert_double_eq_tol(log(fit->state_scale[d] / drawn_with[d]), 0, 0.4);
    ck_assert_double_eq_tol(log(fit->noise / 0.1), 0, 0.4);
    ck_assert(fit->task_correlation >= 0 && fit->task_correlation < 1);
    ck_assert_uint_eq(fit->rows, 120);
    ck_assert_uint_eq(fit->rows_checked, 120);
}
END_TEST

START_TEST(numbers_that_were_not_asked_for_stay)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    AMF_LIKELIHOOD_FIT_CLEANUP struct amf_likelihood_fit *fit = NULL, *none = NULL;
    FIXTURE_CLEANUP struct fixture f;
    const struct amf_likelihood_options options = amf_likelihood_options_default();
    const struct amf_likelihood_numbers states = {.state_scale = true}, nothing = {false};

    fixture_init(&f, AMF_KERNEL_RBF, false, false);
    ck_assert_int_eq(amf_likelihood_maximise(&f.problem, &states, &options, pool, &fit), AMF_OK);
    ck_assert(fit->variance == 1.4 && fit->noise == 0.3 && fit->task_scale[1] == 0.8);
    ck_assert_double_ne(fit->state_scale[0], 0.7);
    ck_assert_int_eq(amf_likelihood_maximise(&f.problem, &nothing, &options, pool, &none), AMF_OK);
    ck_assert(none->kept_start && none->state_scale[0] == 0.7);
    ck_assert_double_eq(none->value, none->start_value);
}
END_TEST

START_TEST(the_same_bits_at_any_number_of_workers)
{
    const size_t workers[] = {1, 2, 7};
    double first[4 + MAX_PARAMETERS] = {0};

    for (size_t w = 0; w < 3; w++) {
        AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(workers[w]);
        AMF_LIKELIHOOD_CLEANUP struct amf_likelihood *likelihood = NULL;
        AMF_LIKELIHOOD_FIT_CLEANUP struct amf_likelihood_fit *fit = NULL;
        FIXTURE_CLEANUP struct fixture f;
        struct amf_likelihood_options options = amf_likelihood_options_default();
        double got[4 + MAX_PARAMETERS] = {0}, parameters[MAX_PARAMETERS], states[3 * 40 * 3];

        drawn_init(&f, states, pool); /* 120 rows: two tiles */
        likelihood = likelihood_of(&f.problem, everything_on_a_table, pool);
        amf_likelihood_start(likelihood, parameters);
        ck_assert_int_eq(amf_likelihood_evaluate(likelihood, parameters, &got[0], got + 4, NULL),
                         AMF_OK);
        options.restarts = 1;
        options.evaluations = 15;
        ck_assert_int_eq(
            amf_likelihood_maximise(&f.problem, &everything_on_a_table, &options, pool, &fit),
            AMF_OK);
        got[1] = fit->value;
        got[2] = fit->state_scale[2];
        got[3] = fit->noise;
        if (w == 0)
            memcpy(first, got, sizeof(first));
        ck_assert_mem_eq(got, first, sizeof(first));
    }
}
END_TEST

/* Many smooth demonstrations, and the newest ones nothing but noise: what is fitted to those alone
 * is refuted by the rest. */
START_TEST(a_fit_that_the_rest_refutes_is_not_taken)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    AMF_LIKELIHOOD_FIT_CLEANUP struct amf_likelihood_fit *part = NULL, *whole = NULL;
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    struct amf_likelihood_options options = amf_likelihood_options_default();
    const struct amf_likelihood_numbers numbers = {.state_scale = true};
    struct amf_rng rng;

    synthetic_init(&s, &(struct synthetic_shape){.seed = 3,
                                                 .demonstrations = 40,
                                                 .steps = 4,
                                                 .tasks = 2,
                                                 .state_dim = 2,
                                                 .action_dim = 2,
                                                 .task_dim = 2,
                                                 .kernel = AMF_KERNEL_RBF,
                                                 .noise = 0.3});
    amf_rng_init(&rng, 9, 0);
    for (size_t i = 32; i < 40; i++)
        for (size_t k = 0; k < 8; k++)
            ((double *)s.trajectories[i].actions)[k] = 0.8 * amf_rng_normal(&rng);
    ck_assert_int_eq(amf_likelihood_maximise(&s.problem, &numbers, &options, pool, &whole), AMF_OK);
    ck_assert(!whole->kept_start && whole->state_scale[0] > s.state_scale / 50);
    s.state_scale = whole->state_scale[0];
    options.row_limit = 64; /* 16 demonstrations of 4 steps, newest first */
    ck_assert_int_eq(amf_likelihood_maximise(&s.problem, &numbers, &options, pool, &part), AMF_OK);
    ck_assert_uint_eq(part->rows, 64);
    ck_assert_uint_eq(part->rows_checked, 160);
    ck_assert_uint_eq(part->rows_total, 160);
    ck_assert(part->kept_start);
    ck_assert_double_eq(part->state_scale[0], s.state_scale);
    ck_assert_double_eq(part->value, whole->value);
}
END_TEST

START_TEST(limits_take_whole_demonstrations_newest_first)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    SYNTHETIC_CLEANUP struct synthetic s = {0};
    const struct amf_likelihood_numbers nothing = {false};
    const size_t limits[] = {0, 180, 100, 70, 32, 16, 1}, rows[] = {180, 180, 98, 70, 32, 16, 1};

    synthetic_init(&s, &(struct synthetic_shape){.seed = 3,
                                                 .demonstrations = 18,
                                                 .steps = 10,
                                                 .tasks = 3,
                                                 .state_dim = 2,
                                                 .action_dim = 1,
                                                 .task_dim = 2,
                                                 .kernel = AMF_KERNEL_RBF,
                                                 .noise = 0.1});
    for (size_t k = 0; k < sizeof(limits) / sizeof(limits[0]); k++) {
        AMF_LIKELIHOOD_CLEANUP struct amf_likelihood *likelihood = NULL;

        ck_assert_int_eq(amf_likelihood_new(&s.problem, &nothing, limits[k], pool, &likelihood),
                         AMF_OK);
        ck_assert_uint_eq(amf_likelihood_rows(likelihood), rows[k]);
        ck_assert_uint_eq(amf_likelihood_rows_total(likelihood), 180);
    }
}
END_TEST

START_TEST(nothing_held_has_likelihood_one)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    AMF_LIKELIHOOD_FIT_CLEANUP struct amf_likelihood_fit *fit = NULL;
    FIXTURE_CLEANUP struct fixture f;
    const struct amf_likelihood_options options = amf_likelihood_options_default();

    fixture_init(&f, AMF_KERNEL_RBF, false, true);
    f.problem.trajectory_count = 0;
    ck_assert_int_eq(
        amf_likelihood_maximise(&f.problem, &everything_on_vectors, &options, pool, &fit), AMF_OK);
    ck_assert(fit->kept_start && fit->value == 0 && fit->rows == 0);
    ck_assert_double_eq(fit->state_scale[0], 0.7);
}
END_TEST

static enum amf_status refuse(const struct amf_problem *problem,
                              struct amf_likelihood_numbers numbers)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    struct amf_likelihood *likelihood = NULL;
    enum amf_status status = amf_likelihood_new(problem, &numbers, 0, pool, &likelihood);

    ck_assert_ptr_null(likelihood);
    return status;
}

START_TEST(what_has_no_meaning_is_refused)
{
    const struct amf_likelihood_numbers variance = {.variance = true};
    FIXTURE_CLEANUP struct fixture f;
    struct amf_problem problem;

    fixture_init(&f, AMF_KERNEL_RBF, true, false);
    ck_assert_int_eq(refuse(&f.problem, everything_on_vectors), AMF_BAD_ARGUMENT);
    problem = f.problem;
    problem.kernel.kind = AMF_KERNEL_EMBEDDING;
    ck_assert_int_eq(refuse(&problem, variance), AMF_BAD_ARGUMENT);
    problem.kernel.kind = AMF_KERNEL_LINEAR;
    ck_assert_int_eq(refuse(&problem, everything_on_a_table), AMF_BAD_ARGUMENT);
    problem = f.problem;
    problem.noise = 0;
    ck_assert_int_eq(refuse(&problem, variance), AMF_BAD_ARGUMENT);
    problem.noise = NAN;
    ck_assert_int_eq(refuse(&problem, variance), AMF_NOT_FINITE);
    problem = f.problem;
    problem.kernel.state_scale_count = 2;
    ck_assert_int_eq(refuse(&problem, variance), AMF_BAD_ARGUMENT);
    f.table[1] = f.table[3] = 0.5; /* no longer one correlation */
    ck_assert_int_eq(refuse(&f.problem, everything_on_a_table), AMF_BAD_ARGUMENT);
    ((double *)f.problem.trajectories[2].actions)[1] = NAN;
    ck_assert_int_eq(refuse(&f.problem, variance), AMF_NOT_FINITE);
}
END_TEST

START_TEST(numbers_beyond_a_double_and_cancelling_have_their_status)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    AMF_LIKELIHOOD_CLEANUP struct amf_likelihood *likelihood = NULL;
    FIXTURE_CLEANUP struct fixture f;
    const struct amf_likelihood_options options = amf_likelihood_options_default();
    atomic_bool cancel = true;
    double parameters[MAX_PARAMETERS], value = 42;
    struct amf_likelihood_fit *fit = NULL;

    fixture_init(&f, AMF_KERNEL_RBF, false, true);
    likelihood = likelihood_of(&f.problem, everything_on_vectors, pool);
    for (double far = -2000; far <= 2000; far += 4000) {
        amf_likelihood_start(likelihood, parameters);
        parameters[2] = far;
        parameters[0] = fabs(far);
        ck_assert_int_eq(amf_likelihood_evaluate(likelihood, parameters, &value, NULL, NULL),
                         AMF_NOT_FINITE);
        ck_assert_double_eq(value, 42);
    }
    f.problem.cancel = &cancel;
    ck_assert_int_eq(
        amf_likelihood_maximise(&f.problem, &everything_on_vectors, &options, pool, &fit),
        AMF_CANCELLED);
    ck_assert_ptr_null(fit);
}
END_TEST

SUITE_MAIN("amf_likelihood", the_value_is_the_product_of_predictions,
           the_gradient_is_that_of_the_value, each_number_alone_has_the_same_slope,
           the_maximum_recovers_what_the_data_were_drawn_with, numbers_that_were_not_asked_for_stay,
           the_same_bits_at_any_number_of_workers, a_fit_that_the_rest_refutes_is_not_taken,
           limits_take_whole_demonstrations_newest_first, nothing_held_has_likelihood_one,
           what_has_no_meaning_is_refused, numbers_beyond_a_double_and_cancelling_have_their_status)
