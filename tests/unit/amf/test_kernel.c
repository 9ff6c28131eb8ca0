/* Kernels: closed forms, symmetry, positive semi-definiteness, task tables, refusals. */
#include <math.h>
#include <string.h>

#include <amf/chol.h>
#include <amf/kernel.h>
#include <amf/rng.h>

#include "suite.h"

#define ROWS 30
#define DIM 3
#define TASKS 4

struct setting {
    double states[ROWS * DIM], vectors[TASKS * 2], features[TASKS * ROWS * 5],
        gradients[TASKS * ROWS * 2];
    const double *feature_table[TASKS], *gradient_table[TASKS];
    struct amf_row_source sources[ROWS];
    double scale, table[TASKS * TASKS];
    struct amf_points points;
    struct amf_kernel_spec spec;
};

static void setting_init(struct setting *s, enum amf_kernel_kind kind)
{
    struct amf_rng rng;

    memset(s, 0, sizeof(*s));
    amf_rng_init(&rng, 1, (uint64_t)kind);
    for (size_t i = 0; i < ROWS * DIM; i++)
        s->states[i] = amf_rng_normal(&rng);
    for (size_t i = 0; i < TASKS * 2; i++)
        s->vectors[i] = amf_rng_normal(&rng);
    for (size_t i = 0; i < TASKS * ROWS * 5; i++)
        s->features[i] = amf_rng_normal(&rng);
    for (size_t i = 0; i < TASKS * ROWS * 2; i++)
        s->gradients[i] = amf_rng_normal(&rng);
    for (size_t c = 0; c < TASKS; c++) {
        s->feature_table[c] = s->features + c * ROWS * 5;
        s->gradient_table[c] = s->gradients + c * ROWS * 2;
    }
    for (size_t r = 0; r < ROWS; r++)
        s->sources[r] = (struct amf_row_source){0, r};
    s->scale = 0.7;
    s->points = (struct amf_points){
        ROWS, DIM, s->states, TASKS, 2, s->vectors, s->sources, s->feature_table, s->gradient_table,
        5,    2};
    s->spec =
        (struct amf_kernel_spec){kind, 1.5, &s->scale, 1, AMF_TASK_VECTORS, &s->scale, 1, NULL};
}

static double one(struct amf_kernel *kernel, size_t row, size_t task, size_t row2, size_t task2)
{
    struct amf_block a = {row, 1, task}, b = {row2, 1, task2};
    double value = 0;

    ck_assert_int_eq(amf_kernel_cross(kernel, &a, 1, &b, 1, &value, 1), AMF_OK);
    return value;
}

START_TEST(closed_forms)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);

    for (int kind = AMF_KERNEL_RBF; kind <= AMF_KERNEL_LINEAR; kind++) {
        AMF_KERNEL_CLEANUP struct amf_kernel *kernel = NULL;
        struct setting s;
        double r2 = 0, dot = 1, r, expected;

        setting_init(&s, (enum amf_kernel_kind)kind);
        for (size_t d = 0; d < DIM; d++) {
            r2 += pow((s.states[3 * DIM + d] - s.states[8 * DIM + d]) / 0.7, 2);
            dot += s.states[3 * DIM + d] * s.states[8 * DIM + d];
        }
        for (size_t d = 0; d < 2; d++) {
            r2 += pow((s.vectors[d] - s.vectors[4 + d]) / 0.7, 2);
            dot += s.vectors[d] * s.vectors[4 + d];
        }
        r = sqrt(r2);
        expected = kind == AMF_KERNEL_RBF        ? exp(-r2 / 2)
                   : kind == AMF_KERNEL_MATERN32 ? (1 + sqrt(3) * r) * exp(-sqrt(3) * r)
                   : kind == AMF_KERNEL_MATERN52
                       ? (1 + sqrt(5) * r + 5 * r2 / 3) * exp(-sqrt(5) * r)
                       : dot;
        ck_assert_int_eq(amf_kernel_new(&s.spec, &s.points, pool, NULL, &kernel), AMF_OK);
        ck_assert_double_eq_tol(one(kernel, 3, 0, 8, 2), 1.5 * expected,
                                1e-14 * (1 + fabs(expected)));
    }
}
END_TEST

static enum amf_status fill_gram(void *arg, size_t first, size_t count, double *ret_rows,
                                 size_t stride)
{
    const double *gram = arg;

    for (size_t i = 0; i < count; i++) {
        memcpy(ret_rows + i * stride, gram + (first + i) * TASKS * ROWS,
               (first + count) * sizeof(double));
        ret_rows[i * stride + first + i] += 1e-9;
    }
    return AMF_OK;
}

/* Every row under every task; the least noise makes a factor without jitter possible. */
START_TEST(every_kernel_is_symmetric_and_positive_semidefinite)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);

    for (int table = 0; table <= 1; table++)
        for (int kind = AMF_KERNEL_RBF; kind <= AMF_KERNEL_FACTORED; kind++) {
            AMF_KERNEL_CLEANUP struct amf_kernel *kernel = NULL;
            AMF_CHOL_CLEANUP struct amf_chol *chol = NULL;
            static double gram[TASKS * ROWS * TASKS * ROWS], diagonal[TASKS * ROWS];
            struct amf_block blocks[TASKS];
            struct setting s;

            setting_init(&s, (enum amf_kernel_kind)kind);
            ck_assert_int_eq(amf_task_table_discrete(TASKS, 0.3, s.table), AMF_OK);
            s.spec.task = table ? AMF_TASK_TABLE : AMF_TASK_VECTORS;
            s.spec.task_table = s.table;
            for (size_t c = 0; c < TASKS; c++)
                blocks[c] = (struct amf_block){0, ROWS, c};
            ck_assert_int_eq(amf_kernel_new(&s.spec, &s.points, pool, NULL, &kernel), AMF_OK);
            ck_assert_int_eq(
                amf_kernel_cross(kernel, blocks, TASKS, blocks, TASKS, gram, TASKS * ROWS), AMF_OK);
            amf_kernel_diagonal(kernel, blocks, TASKS, diagonal);
            for (size_t i = 0; i < TASKS * ROWS; i++) {
                ck_assert_double_eq_tol(gram[i * TASKS * ROWS + i], diagonal[i],
                                        1e-12 * diagonal[i]);
                for (size_t j = 0; j < i; j++)
                    ck_assert_double_eq_tol(gram[i * TASKS * ROWS + j], gram[j * TASKS * ROWS + i],
                                            1e-13 * (1 + fabs(gram[i * TASKS * ROWS + j])));
            }
            ck_assert_int_eq(
                amf_chol_extend(NULL, TASKS * ROWS, fill_gram, gram, pool, NULL, &chol), AMF_OK);
            ck_assert_double_eq(amf_chol_jitter(chol), 0);
        }
}
END_TEST

START_TEST(a_task_table_multiplies_a_kernel_of_the_state)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    AMF_KERNEL_CLEANUP struct amf_kernel *kernel = NULL;
    struct setting s;

    setting_init(&s, AMF_KERNEL_MATERN32);
    ck_assert_int_eq(amf_task_table_discrete(TASKS, 0.25, s.table), AMF_OK);
    s.spec.task = AMF_TASK_TABLE;
    s.spec.task_table = s.table;
    s.points.task_vectors = NULL; /* identities alone */
    s.points.task_dim = 0;
    ck_assert_int_eq(amf_kernel_new(&s.spec, &s.points, pool, NULL, &kernel), AMF_OK);
    ck_assert_double_eq_tol(one(kernel, 1, 0, 2, 3), one(kernel, 1, 0, 2, 0) / 4, 1e-16);
    ck_assert_double_eq(one(kernel, 1, 2, 1, 2), 1.5);
}
END_TEST

START_TEST(missing_features_are_told)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    AMF_KERNEL_CLEANUP struct amf_kernel *kernel = NULL;
    struct setting s;

    setting_init(&s, AMF_KERNEL_EMBEDDING);
    s.feature_table[2] = NULL;
    ck_assert_int_eq(amf_kernel_new(&s.spec, &s.points, pool, NULL, &kernel), AMF_OK);
    ck_assert(amf_kernel_covers(kernel, &(struct amf_block){4, 3, 1}));
    ck_assert(!amf_kernel_covers(kernel, &(struct amf_block){4, 3, 2}));
    ck_assert(!amf_kernel_covers(kernel, &(struct amf_block){ROWS - 1, 2, 1}));
    ck_assert(!amf_kernel_covers(kernel, &(struct amf_block){0, 1, TASKS}));
}
END_TEST

static enum amf_status try(const struct setting *s)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    AMF_KERNEL_CLEANUP struct amf_kernel *kernel = NULL;

    return amf_kernel_new(&s->spec, &s->points, pool, NULL, &kernel);
}

START_TEST(wrong_settings_are_refused)
{
    struct setting s;
    const double two[] = {1, 2}, wrong[] = {1, 0, 1};

    setting_init(&s, AMF_KERNEL_RBF);
    s.spec.variance = 0;
    ck_assert_int_eq(try(&s), AMF_BAD_ARGUMENT);
    s.spec.variance = NAN;
    ck_assert_int_eq(try(&s), AMF_NOT_FINITE);
    s.spec.variance = 1;
    s.spec.state_scale = two;
    s.spec.state_scale_count = 2; /* neither 1 nor DIM */
    ck_assert_int_eq(try(&s), AMF_BAD_ARGUMENT);
    s.spec.state_scale = wrong;
    s.spec.state_scale_count = DIM;
    ck_assert_int_eq(try(&s), AMF_BAD_ARGUMENT);
    setting_init(&s, AMF_KERNEL_RBF);
    s.states[7] = INFINITY;
    ck_assert_int_eq(try(&s), AMF_NOT_FINITE);
    setting_init(&s, AMF_KERNEL_RBF);
    s.spec.task = AMF_TASK_TABLE; /* and no table */
    ck_assert_int_eq(try(&s), AMF_BAD_ARGUMENT);
    s.spec.task_table = s.table;
    s.table[1] = 0.5; /* not symmetric */
    ck_assert_int_eq(try(&s), AMF_BAD_ARGUMENT);
    setting_init(&s, AMF_KERNEL_FACTORED);
    s.gradients[11] = NAN;
    ck_assert_int_eq(try(&s), AMF_NOT_FINITE);
    s.points.gradients = NULL;
    ck_assert_int_eq(try(&s), AMF_BAD_ARGUMENT);
}
END_TEST

START_TEST(far_states_are_uncorrelated_and_not_nan)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);

    for (int kind = AMF_KERNEL_RBF; kind <= AMF_KERNEL_MATERN52; kind++) {
        AMF_KERNEL_CLEANUP struct amf_kernel *kernel = NULL;
        struct setting s;

        setting_init(&s, (enum amf_kernel_kind)kind);
        s.states[0] = 1e300;
        s.states[DIM] = -1e300;
        ck_assert_int_eq(amf_kernel_new(&s.spec, &s.points, pool, NULL, &kernel), AMF_OK);
        ck_assert_double_eq(one(kernel, 0, 0, 1, 0), 0);
    }
}
END_TEST

START_TEST(random_walk_tables)
{
    const double pair[] = {0, 2, 0, 2, 0, 0, 0, 0, 0}; /* a - b, and c alone */
    double table[9], negative[4] = {0, -1, -1, 0}, lopsided[4] = {0, 1, 2, 0};

    ck_assert_int_eq(amf_task_table_random_walk(3, pair, 0.5, table), AMF_OK);
    ck_assert_double_eq_tol(table[0], 1, 1e-15);
    ck_assert_double_eq_tol(table[1], 0.5,
                            1e-15); /* (I - l P)^-1 of one edge: l off the diagonal */
    ck_assert_double_eq(table[3], table[1]);
    ck_assert_double_eq(table[2], 0);
    ck_assert_double_eq(table[8], 1);
    ck_assert_int_eq(amf_task_table_random_walk(3, pair, 0, table), AMF_OK);
    ck_assert_double_eq(table[1], 0);
    ck_assert_int_eq(amf_task_table_random_walk(3, pair, 1, table), AMF_BAD_ARGUMENT);
    ck_assert_int_eq(amf_task_table_random_walk(3, pair, -0.1, table), AMF_BAD_ARGUMENT);
    ck_assert_int_eq(amf_task_table_random_walk(3, pair, NAN, table), AMF_NOT_FINITE);
    ck_assert_int_eq(amf_task_table_random_walk(2, negative, 0.5, table), AMF_BAD_ARGUMENT);
    ck_assert_int_eq(amf_task_table_random_walk(2, lopsided, 0.5, table), AMF_BAD_ARGUMENT);
    ck_assert_int_eq(amf_task_table_discrete(2, 1.5, table), AMF_BAD_ARGUMENT);
    ck_assert_int_eq(amf_task_table_discrete(2, NAN, table), AMF_NOT_FINITE);
}
END_TEST

START_TEST(tables_that_are_no_correlations_are_refused)
{
    const double together[] = {1, 1, 1, 1},
                 indefinite[] = {1, 0.9, -0.9, 0.9, 1, 0.9, -0.9, 0.9, 1};
    const double far[] = {1, 2, 2, 1}, scaled[] = {2, 0, 0, 2}, lopsided[] = {1, 0.5, 0.4, 1};
    const double nan[] = {1, NAN, NAN, 1};
    double large[50 * 50];

    ck_assert_int_eq(amf_task_table_check(2, together), AMF_OK); /* semidefinite is enough */
    ck_assert_int_eq(amf_task_table_check(3, indefinite), AMF_NOT_POSDEF);
    ck_assert_int_eq(amf_task_table_check(2, far), AMF_NOT_POSDEF);
    ck_assert_int_eq(amf_task_table_check(2, scaled), AMF_BAD_ARGUMENT);
    ck_assert_int_eq(amf_task_table_check(2, lopsided), AMF_BAD_ARGUMENT);
    ck_assert_int_eq(amf_task_table_check(2, nan), AMF_NOT_FINITE);
    for (double correlation = 0; correlation <= 1; correlation += 0.125) {
        ck_assert_int_eq(amf_task_table_discrete(50, correlation, large), AMF_OK);
        ck_assert_int_eq(amf_task_table_check(50, large), AMF_OK);
    }
}
END_TEST

SUITE_MAIN("amf_kernel", closed_forms, every_kernel_is_symmetric_and_positive_semidefinite,
           a_task_table_multiplies_a_kernel_of_the_state, missing_features_are_told,
           wrong_settings_are_refused, far_states_are_uncorrelated_and_not_nan, random_walk_tables,
           tables_that_are_no_correlations_are_refused)
