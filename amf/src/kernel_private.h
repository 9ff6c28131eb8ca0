/* The kernel object, shared by kernel.c (states) and kernel_features.c (embeddings). */
#ifndef AMF_KERNEL_PRIVATE_H
#define AMF_KERNEL_PRIVATE_H

#include <stdatomic.h>

#include <amf/kernel.h>
#include <amf/matrix.h>

enum kernel_form { KERNEL_PRODUCT, KERNEL_SUM, KERNEL_JOINT, KERNEL_FEATURES };

/* base(s, s') of all rows seen so far, row by row with room for more. Kernels of a growing problem
 * share it: the first child of the newest one fills the room beyond `filled`, where its parent
 * never looks. */
struct kernel_table {
    atomic_size_t references, filled;
    size_t stride; /* rows there is room for */
    double *data;
};

struct amf_kernel {
    atomic_size_t references;
    enum amf_kernel_kind kind;
    enum kernel_form form;
    double variance;
    size_t row_count, task_count;

    struct amf_matrix states;   /* row_count x state_dim, divided by length scales */
    struct amf_matrix tasks;    /* task_count x task_count: t(c, c') */
    struct kernel_table *table; /* NULL when there are too many rows */

    struct amf_row_source *sources; /* row_count */
    const double **features; /* [source * task_count + task]; the pointers are ours, not the data */
    const double **gradients; /* factored only, else NULL */
    size_t feature_dim, gradient_dim;
};

static inline const double *kernel_table_row(const struct amf_kernel *kernel, size_t row)
{
    return kernel->table->data + row * kernel->table->stride;
}

/* The same kernel of the same first rows: covariances of those are the same. Both on states. */
bool amf_kernel_extends(const struct amf_kernel *kernel, const struct amf_kernel *parent);

AMF_CHECKED enum amf_status amf_kernel_features_init(struct amf_kernel *kernel,
                                                     const struct amf_points *points);
bool amf_kernel_features_cover(const struct amf_kernel *kernel, size_t row, size_t task);
double amf_kernel_features_square(const struct amf_kernel *kernel, size_t row, size_t task);
AMF_CHECKED enum amf_status
amf_kernel_features_cross(const struct amf_kernel *kernel, const struct amf_block *left,
                          size_t left_count, const struct amf_block *right, size_t right_count,
                          double *ret_cross, size_t stride);

#endif
