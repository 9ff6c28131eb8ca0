/* Prior covariance of the policy at two state-task pairs, k((s, c), (s', c')).
 *
 *   rbf        v exp(-r^2/2)
 *   matern32   v (1 + sqrt3 r) exp(-sqrt3 r)
 *   matern52   v (1 + sqrt5 r + 5 r^2/3) exp(-sqrt5 r)
 *   linear     v (1 + s.s' + c.c')
 *   embedding  v <phi, phi'>
 *   factored   v <g, g'> <h, h'>, the gradient embedding g (x) h, never formed
 *
 * r is one joint distance: r^2 = sum_d (s_d - s'_d)^2 / l_d^2 plus the same over the task vectors.
 * With a task table T (M x M, unit diagonal) the first four see the state alone and are multiplied
 * by T[c, c']. A pair is addressed by (row of the step table, task), a block is consecutive rows
 * under one task.
 */
#ifndef AMF_KERNEL_H
#define AMF_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include <amf/pool.h>
#include <amf/status.h>

enum amf_kernel_kind {
    AMF_KERNEL_RBF,
    AMF_KERNEL_MATERN32,
    AMF_KERNEL_MATERN52,
    AMF_KERNEL_LINEAR,
    AMF_KERNEL_EMBEDDING,
    AMF_KERNEL_FACTORED
};

enum amf_task_part {
    AMF_TASK_VECTORS, /* task vectors enter the kernel beside the state */
    AMF_TASK_TABLE    /* a table of task correlations multiplies a kernel of the state */
};

struct amf_kernel_spec {
    enum amf_kernel_kind kind;
    double variance;           /* > 0, (action unit)^2 */
    const double *state_scale; /* > 0; rbf and matern only */
    size_t state_scale_count;  /* 1: shared; state_dim: one per dimension */
    enum amf_task_part task;   /* ignored by embedding and factored */
    const double *task_scale;  /* > 0; rbf and matern on vectors only */
    size_t task_scale_count;   /* 1 or task_dim */
    const double *task_table;  /* task_count x task_count, symmetric; AMF_TASK_TABLE only */
};

/* Where a row of the step table comes from: a step of a source (a demonstration). */
struct amf_row_source {
    size_t source, step;
};

/* What the kernel is evaluated on. Borrowed until the call returns, except features and gradients,
 * which must outlive the kernel. */
struct amf_points {
    size_t row_count, state_dim;
    const double *states; /* row_count x state_dim */
    size_t task_count, task_dim;
    const double *task_vectors; /* task_count x task_dim; AMF_TASK_VECTORS only */

    /* embedding: features = phi; factored: features = h, gradients = g */
    const struct amf_row_source *sources; /* row_count */
    const double *const *features;        /* [source * task_count + task]: steps x feature_dim, or
                                           * NULL where features are missing */
    const double *const *gradients;       /* likewise: steps x gradient_dim */
    size_t feature_dim, gradient_dim;
};

struct amf_block {
    size_t first_row, row_count, task;
};

struct amf_kernel; /* shared by reference; immutable */

/* Checks everything and prepares what evaluations share: scaled states, and the table of state
 * covariances between all rows while it is small enough (KERNEL_TABLE_ROWS in kernel.c).
 * AMF_BAD_ARGUMENT, AMF_NOT_FINITE, AMF_TOO_LARGE, AMF_NO_MEMORY, AMF_CANCELLED. */
AMF_CHECKED enum amf_status amf_kernel_new(const struct amf_kernel_spec *spec,
                                           const struct amf_points *points, struct amf_pool *pool,
                                           const atomic_bool *cancel,
                                           struct amf_kernel **ret_kernel);
/* The same kernel, made faster where parent (may be NULL) was made of the same settings and the
 * same first rows. */
AMF_CHECKED enum amf_status amf_kernel_renew(const struct amf_kernel *parent,
                                             const struct amf_kernel_spec *spec,
                                             const struct amf_points *points, struct amf_pool *pool,
                                             const atomic_bool *cancel,
                                             struct amf_kernel **ret_kernel);
struct amf_kernel *amf_kernel_ref(struct amf_kernel *kernel);
void amf_kernel_unref(struct amf_kernel *kernel);

/* False when some row of the block has no features under its task. Always true for kernels on
 * states. */
bool amf_kernel_covers(const struct amf_kernel *kernel, const struct amf_block *block);

size_t amf_blocks_rows(const struct amf_block *blocks, size_t count);

/* Covariances between the rows of two lists of blocks, in list order: rows(left) x rows(right),
 * into ret_cross with the given stride >= rows(right). Blocks must be covered. Call from pool
 * tasks: features go through BLAS. */
AMF_CHECKED enum amf_status amf_kernel_cross(const struct amf_kernel *kernel,
                                             const struct amf_block *left, size_t left_count,
                                             const struct amf_block *right, size_t right_count,
                                             double *ret_cross, size_t stride);
/* k(x, x) of every row of the blocks. */
void amf_kernel_diagonal(const struct amf_kernel *kernel, const struct amf_block *blocks,
                         size_t count, double *ret_diagonal);

/* ---- task tables: plain C, callable from any thread ---- */

/* 1 on the diagonal, correlation in [0, 1] elsewhere. */
AMF_CHECKED enum amf_status amf_task_table_discrete(size_t task_count, double correlation,
                                                    double *ret_table);

/* Geometric random walk on a graph, (I - lambda D^-1/2 A D^-1/2)^-1 scaled to unit diagonal, D the
 * row sums of A. adjacency: task_count x task_count, symmetric, finite, >= 0; lambda in [0, 1),
 * else AMF_BAD_ARGUMENT. A task without edges correlates with itself alone. O(task_count^3). */
AMF_CHECKED enum amf_status amf_task_table_random_walk(size_t task_count, const double *adjacency,
                                                       double lambda, double *ret_table);

/* Whether a table can be one of correlations: symmetric with unit diagonal (AMF_BAD_ARGUMENT),
 * finite, and positive semidefinite (AMF_NOT_POSDEF). O(task_count^3). amf_kernel_new asks too. */
AMF_CHECKED enum amf_status amf_task_table_check(size_t task_count, const double *table);

static inline void amf_kernel_unrefp(struct amf_kernel **kernel)
{
    amf_kernel_unref(*kernel);
}
#define AMF_KERNEL_CLEANUP __attribute__((cleanup(amf_kernel_unrefp)))

#endif
