/* The growing factor: L L' is the matrix, extensions share, jitter is a ladder, NaN is refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <amf/chol.h>
#include <amf/rng.h>

#include "suite.h"

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

/* A = X X' + 0.1 I */
static struct dense dense_new(size_t n)
{
    struct dense dense = {calloc(n * n, sizeof(double)), n};
    double *x = calloc(n * 40, sizeof(double));
    struct amf_rng rng;

    amf_rng_init(&rng, n, 0);
    for (size_t i = 0; i < n * 40; i++)
        x[i] = amf_rng_normal(&rng);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            for (size_t k = 0; k < 40; k++)
                dense.a[i * n + j] += x[i * 40 + k] * x[j * 40 + k];
            dense.a[i * n + j] += i == j ? 0.1 : 0;
        }
    free(x);
    return dense;
}

struct forward {
    const struct amf_chol *chol;
    double *b;
    size_t cols, from;
    const double *above;
};

static enum amf_status run_forward(void *arg, size_t task, size_t worker)
{
    const struct forward *f = arg;

    (void)task;
    (void)worker;
    return amf_chol_forward(f->chol, f->from, f->above, f->cols, f->cols, f->b, f->cols);
}

/* With B = A, V = L^-1 A = L', so V'V = A. */
static void check_factor(const struct amf_chol *chol, const struct dense *dense,
                         struct amf_pool *pool)
{
    size_t n = dense->n;
    double *v = calloc(n * n, sizeof(double));
    struct forward job = {chol, v, n, 0, NULL};

    memcpy(v, dense->a, n * n * sizeof(double));
    ck_assert_int_eq(amf_pool_run(pool, 1, run_forward, &job, NULL), AMF_OK);
    for (size_t i = 0; i < n; i += 7)
        for (size_t j = 0; j < n; j += 5) {
            double sum = 0;

            for (size_t k = 0; k < n; k++)
                sum += v[k * n + i] * v[k * n + j];
            ck_assert_double_eq_tol(sum, dense->a[i * n + j], 1e-10 * dense->a[i * n + i]);
        }
    free(v);
}

START_TEST(the_factor_times_itself_is_the_matrix)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);

    for (size_t n = 1; n < 400; n += 133) { /* below, at and above the height of a panel */
        AMF_CHOL_CLEANUP struct amf_chol *chol = NULL;
        struct dense dense = dense_new(n);

        ck_assert_int_eq(amf_chol_extend(NULL, n, fill, &dense, pool, NULL, &chol), AMF_OK);
        ck_assert_uint_eq(amf_chol_rows(chol), n);
        ck_assert_double_eq(amf_chol_jitter(chol), 0);
        check_factor(chol, &dense, pool);
        free(dense.a);
    }
}
END_TEST

START_TEST(an_extension_outlives_its_parent)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    struct amf_chol *chol = NULL;
    struct dense dense = dense_new(300);

    for (size_t rows = 0; rows < 300; rows += 50) {
        struct amf_chol *child = NULL;

        ck_assert_int_eq(amf_chol_extend(chol, 50, fill, &dense, pool, NULL, &child), AMF_OK);
        amf_chol_unref(chol);
        chol = child;
    }
    check_factor(chol, &dense, pool);
    amf_chol_unref(chol);
    free(dense.a);
}
END_TEST

START_TEST(substitution_goes_on_where_it_stopped)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    AMF_CHOL_CLEANUP struct amf_chol *parent = NULL, *child = NULL;
    struct dense dense = dense_new(60);
    double whole[60 * 3], part[60 * 3];
    struct forward all = {.b = whole, .cols = 3}, above = {.b = part, .cols = 3},
                   below = {.b = part + 40 * 3, .cols = 3, .from = 40, .above = part};

    for (size_t i = 0; i < 60 * 3; i++)
        whole[i] = part[i] = (double)(i % 11) - 4;
    ck_assert_int_eq(amf_chol_extend(NULL, 40, fill, &dense, pool, NULL, &parent), AMF_OK);
    ck_assert_int_eq(amf_chol_extend(parent, 20, fill, &dense, pool, NULL, &child), AMF_OK);
    all.chol = below.chol = child;
    above.chol = parent;
    ck_assert_int_eq(amf_pool_run(pool, 1, run_forward, &all, NULL), AMF_OK);
    ck_assert_int_eq(amf_pool_run(pool, 1, run_forward, &above, NULL), AMF_OK);
    ck_assert_int_eq(amf_pool_run(pool, 1, run_forward, &below, NULL), AMF_OK);
    for (size_t i = 0; i < 60 * 3; i++)
        ck_assert_double_eq_tol(whole[i], part[i], 1e-12);
    free(dense.a);
}
END_TEST

static enum amf_status fill_value(void *arg, size_t first, size_t count, double *ret_rows,
                                  size_t stride)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < first + count; j++)
            ret_rows[i * stride + j] = *(const double *)arg;
    return AMF_OK;
}

START_TEST(jitter_is_added_when_needed_and_reported)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    AMF_CHOL_CLEANUP struct amf_chol *chol = NULL;
    double two = 2; /* rank one */

    ck_assert_int_eq(amf_chol_extend(NULL, 50, fill_value, &two, pool, NULL, &chol), AMF_OK);
    ck_assert_double_ge(amf_chol_jitter(chol), 2e-10 * (1 - 1e-12));
    ck_assert_double_le(amf_chol_jitter(chol), 2e-4 * (1 + 1e-12));
}
END_TEST

START_TEST(hopeless_matrices_give_a_status)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    struct amf_chol *chol = NULL;
    double negative = -1, nan = NAN, infinite = INFINITY;

    ck_assert_int_eq(amf_chol_extend(NULL, 5, fill_value, &negative, pool, NULL, &chol),
                     AMF_NOT_POSDEF);
    ck_assert_int_eq(amf_chol_extend(NULL, 5, fill_value, &nan, pool, NULL, &chol), AMF_NOT_FINITE);
    ck_assert_int_eq(amf_chol_extend(NULL, 5, fill_value, &infinite, pool, NULL, &chol),
                     AMF_NOT_FINITE);
    ck_assert_ptr_null(chol);
}
END_TEST

SUITE_MAIN("amf_chol", the_factor_times_itself_is_the_matrix, an_extension_outlives_its_parent,
           substitution_goes_on_where_it_stopped, jitter_is_added_when_needed_and_reported,
           hopeless_matrices_give_a_status)
