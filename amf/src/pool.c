/* Worker threads that take numbered tasks from a queue of jobs.
 *
 * One mutex guards the queue and every job in it: tasks are large (a tile of a matrix product), so
 * the lock is not where time goes, and there is one thing to reason about. A job lives on its
 * caller's stack; it leaves the queue when its last task is handed out, and its caller wakes when
 * the last one that started has ended.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include <amf/pool.h>

#include "blas.h"
#include "internal.h"

struct pool_job {
    amf_pool_fn *fn;
    void *arg;
    const atomic_bool *cancel;
    size_t task_count;
    size_t next;    /* first task not handed out */
    size_t running; /* handed out, not ended */
    bool stopped;   /* no more tasks start */
    size_t failed_task;
    enum amf_status status; /* of failed_task */
    pthread_cond_t done;
    struct pool_job *after;
};

struct pool_worker {
    struct amf_pool *pool;
    pthread_t thread;
    size_t index;
};

struct amf_pool {
    pthread_mutex_t lock; /* everything below but workers */
    pthread_cond_t wake;
    struct pool_job *first, *last; /* jobs with tasks to hand out */
    bool closing;
    size_t worker_count;
    struct pool_worker workers[];
};

static void pool_unlink(struct amf_pool *pool, struct pool_job *job)
{
    struct pool_job **at = &pool->first, *before = NULL;

    while (*at && *at != job) {
        before = *at;
        at = &(*at)->after;
    }
    if (!*at)
        return;
    *at = job->after;
    if (pool->last == job)
        pool->last = before;
}

static void pool_record(struct pool_job *job, size_t task, enum amf_status status)
{
    if (status == AMF_OK)
        return;
    job->stopped = true;
    if (job->status == AMF_OK || task < job->failed_task) {
        job->failed_task = task;
        job->status = status;
    }
}

/* Runs one task of the queue's first job; called and left with the lock held. */
static void pool_step(struct amf_pool *pool, size_t worker)
{
    struct pool_job *job = pool->first;
    size_t task;
    enum amf_status status;

    if (job->cancel && atomic_load(job->cancel))
        job->stopped = true;
    if (!job->stopped) {
        task = job->next++;
        job->running++;
        if (job->next == job->task_count)
            pool_unlink(pool, job);
        pthread_mutex_unlock(&pool->lock);
        status = job->fn(job->arg, task, worker);
        pthread_mutex_lock(&pool->lock);
        job->running--;
        pool_record(job, task, status);
    }
    if (job->stopped)
        pool_unlink(pool, job);
    if (!job->running && (job->stopped || job->next == job->task_count))
        pthread_cond_signal(&job->done);
}

static void *pool_work(void *arg)
{
    struct pool_worker *worker = arg;
    struct amf_pool *pool = worker->pool;

    pthread_mutex_lock(&pool->lock);
    while (!pool->closing) {
        if (pool->first)
            pool_step(pool, worker->index);
        else
            pthread_cond_wait(&pool->wake, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static size_t pool_processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set))
        return 1;
    return (size_t)CPU_COUNT(&set);
}

/* Workers take no signals: those are the main thread's to handle. */
static int pool_start(struct pool_worker *worker)
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&worker->thread, NULL, pool_work, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

enum amf_status amf_pool_new(size_t workers, struct amf_pool **ret_pool)
{
    struct amf_pool *pool;
    size_t bytes, count = workers ? workers : pool_processors();

    if (__builtin_mul_overflow(count, sizeof(struct pool_worker), &bytes) ||
        __builtin_add_overflow(bytes, sizeof(*pool), &bytes))
        return AMF_TOO_LARGE;
    pool = calloc(1, bytes);
    if (!pool)
        return AMF_NO_MEMORY;
    amf_blas_single_threaded();
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    for (size_t i = 0; i < count; i++) {
        pool->workers[i] = (struct pool_worker){.pool = pool, .index = i};
        if (pool_start(&pool->workers[i])) {
            amf_pool_free(pool);
            return AMF_NO_THREADS;
        }
        pool->worker_count++;
    }
    *ret_pool = pool;
    return AMF_OK;
}

void amf_pool_free(struct amf_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->worker_count; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

size_t amf_pool_size(const struct amf_pool *pool)
{
    return pool->worker_count;
}

enum amf_status amf_pool_run(struct amf_pool *pool, size_t task_count, amf_pool_fn *fn, void *arg,
                             const atomic_bool *cancel)
{
    struct pool_job job = {.fn = fn, .arg = arg, .cancel = cancel, .task_count = task_count};

    if (!task_count)
        return AMF_OK;
    pthread_cond_init(&job.done, NULL);
    pthread_mutex_lock(&pool->lock);
    if (pool->last)
        pool->last->after = &job;
    else
        pool->first = &job;
    pool->last = &job;
    pthread_cond_broadcast(&pool->wake);
    while (job.running || (!job.stopped && job.next < task_count))
        pthread_cond_wait(&job.done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_destroy(&job.done);
    if (job.status == AMF_OK && job.next < task_count)
        return AMF_CANCELLED;
    return job.status;
}

const char *amf_pool_blas_core(void)
{
    return amf_blas_core();
}
