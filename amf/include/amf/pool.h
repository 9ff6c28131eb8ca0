/* A fixed set of worker threads, the only ones that may call BLAS.
 *
 * A job is task_count calls fn(arg, task, worker), task = 0 .. task_count - 1, each task a fixed
 * piece of the work: how many workers share them changes neither the pieces nor their results, so
 * any worker count gives the same bits. Creating a pool sets OpenBLAS to one thread a caller.
 */
#ifndef AMF_POOL_H
#define AMF_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <amf/status.h>

struct amf_pool;

/* workers >= 1; 0 means one per processor this process may use. AMF_NO_THREADS, AMF_NO_MEMORY. */
AMF_CHECKED enum amf_status amf_pool_new(size_t workers, struct amf_pool **ret_pool);
/* Waits for nothing: no job may be running. NULL is fine. */
void amf_pool_free(struct amf_pool *pool);
size_t amf_pool_size(const struct amf_pool *pool);

/* worker is below amf_pool_size and no two tasks of one job run on the same worker at once: index
 * workspaces with it. A task must not call amf_pool_run. */
typedef enum amf_status amf_pool_fn(void *arg, size_t task, size_t worker);

/* Blocks until every started task has ended. Any thread but a worker may call it, also several at
 * once: their jobs share the workers, first come first. After a task fails, or when *cancel (may be
 * NULL) turns true, no further task starts. The status of the failed task with the lowest number,
 * else AMF_CANCELLED if any task was left out, else AMF_OK. */
AMF_CHECKED enum amf_status amf_pool_run(struct amf_pool *pool, size_t task_count, amf_pool_fn *fn,
                                         void *arg, const atomic_bool *cancel);

/* The kernels OpenBLAS chose for this processor ("Haswell"); recorded with each decision. */
const char *amf_pool_blas_core(void);

static inline void amf_pool_freep(struct amf_pool **pool)
{
    amf_pool_free(*pool);
}
#define AMF_POOL_CLEANUP __attribute__((cleanup(amf_pool_freep)))

#endif
