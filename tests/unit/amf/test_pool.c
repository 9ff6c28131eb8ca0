/* The pool: every task once, failures, cancelling, callers side by side. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "suite.h"

#define TASKS 200

struct counts {
    atomic_int runs[TASKS];
    atomic_int busy[8];
    atomic_bool cancel;
    size_t fail_at, workers;
};

static enum amf_status count_task(void *arg, size_t task, size_t worker)
{
    struct counts *counts = arg;

    if (worker >= counts->workers || atomic_fetch_add(&counts->busy[worker], 1))
        return AMF_BAD_ARGUMENT;
    atomic_fetch_add(&counts->runs[task], 1);
    atomic_fetch_sub(&counts->busy[worker], 1);
    if (task == counts->fail_at)
        return AMF_NOT_POSDEF;
    return AMF_OK;
}

START_TEST(every_task_runs_once_and_no_worker_twice_at_a_time)
{
    for (size_t workers = 1; workers <= 7; workers += 3) {
        AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(workers);
        struct counts counts = {.fail_at = TASKS, .workers = workers};

        ck_assert_uint_eq(amf_pool_size(pool), workers);
        ck_assert_int_eq(amf_pool_run(pool, TASKS, count_task, &counts, NULL), AMF_OK);
        for (size_t t = 0; t < TASKS; t++)
            ck_assert_int_eq(atomic_load(&counts.runs[t]), 1);
    }
}
END_TEST

START_TEST(no_tasks_is_done_at_once)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(0);
    struct counts counts = {.fail_at = TASKS, .workers = amf_pool_size(pool)};

    ck_assert_uint_ge(amf_pool_size(pool), 1);
    ck_assert_int_eq(amf_pool_run(pool, 0, count_task, &counts, NULL), AMF_OK);
    ck_assert_str_ne(amf_pool_blas_core(), "");
}
END_TEST

START_TEST(a_failing_task_stops_the_job_but_not_the_pool)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    struct counts counts = {.fail_at = 3, .workers = 2};

    ck_assert_int_eq(amf_pool_run(pool, TASKS, count_task, &counts, NULL), AMF_NOT_POSDEF);
    ck_assert_int_eq(atomic_load(&counts.runs[TASKS - 1]), 0);
    counts.fail_at = TASKS;
    ck_assert_int_eq(amf_pool_run(pool, TASKS, count_task, &counts, NULL), AMF_OK);
}
END_TEST

START_TEST(cancelled_before_it_starts)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(2);
    struct counts counts = {.fail_at = TASKS, .workers = 2, .cancel = true};

    ck_assert_int_eq(amf_pool_run(pool, TASKS, count_task, &counts, &counts.cancel), AMF_CANCELLED);
    for (size_t t = 0; t < TASKS; t++)
        ck_assert_int_eq(atomic_load(&counts.runs[t]), 0);
}
END_TEST

static enum amf_status cancel_in_the_middle(void *arg, size_t task, size_t worker)
{
    struct counts *counts = arg;

    (void)worker;
    atomic_fetch_add(&counts->runs[task], 1);
    if (task == 5)
        atomic_store(&counts->cancel, true);
    return AMF_OK;
}

START_TEST(cancelled_in_the_middle)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    struct counts counts = {.workers = 1};

    ck_assert_int_eq(amf_pool_run(pool, TASKS, cancel_in_the_middle, &counts, &counts.cancel),
                     AMF_CANCELLED);
    ck_assert_int_eq(atomic_load(&counts.runs[5]), 1);
    ck_assert_int_eq(atomic_load(&counts.runs[6]), 0);
}
END_TEST

static void *call_often(void *arg)
{
    struct amf_pool *pool = arg;

    for (int round = 0; round < 50; round++) {
        struct counts counts = {.fail_at = TASKS, .workers = amf_pool_size(pool)};

        if (amf_pool_run(pool, TASKS, count_task, &counts, NULL))
            return pool;
        for (size_t t = 0; t < TASKS; t++)
            if (atomic_load(&counts.runs[t]) != 1)
                return pool;
    }
    return NULL;
}

START_TEST(callers_share_the_workers)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(3);
    pthread_t callers[4];
    void *wrong;

    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&callers[i], NULL, call_often, pool), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(callers[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
}
END_TEST

SUITE_MAIN("amf_pool", every_task_runs_once_and_no_worker_twice_at_a_time, no_tasks_is_done_at_once,
           a_failing_task_stops_the_job_but_not_the_pool, cancelled_before_it_starts,
           cancelled_in_the_middle, callers_share_the_workers)
