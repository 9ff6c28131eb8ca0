/* The kernel object, shared by kernel.c (states) and kernel_features.c (embeddings). */
#ifndef AMF_KERNEL_PRIVATE_H
#define AMF_KERNEL_PRIVATE_H

#include <stdatomic.h>

#include <amf/kernel.h>
#include <amf/matrix.h>

enum kernel_form { KERNEL_PRODUCT, KERNEL_SUM, KERNEL_JOINT, KERNEL_FEATURES };

struct amf_kernel {
    atomic_size_t references;
    enum amf_kernel_kind kind;
    enum kernel_form form;
    double variance;
    size_t row_count, task_count;

    struct amf_matrix states; /* row_count x state_dim, divided by length scales */
    struct amf_matrix tasks;  /* task_count x task_count: t(c, c') */
    struct amf_matrix base;   /* row_count x row_count: base(s, s'); empty when too large */

    struct amf_row_source *sources; /* row_count */
    const double **features; /* [source * task_count + task]; the pointers are ours, not the data */
    const double **gradients; /* factored only, else NULL */
    size_t feature_dim, gradient_dim;
};

AMF_CHECKED enum amf_status amf_kernel_features_init(struct amf_kernel *kernel,
                                                     const struct amf_points *points);
bool amf_kernel_features_cover(const struct amf_kernel *kernel, size_t row, size_t task);
double amf_kernel_features_square(const struct amf_kernel *kernel, size_t row, size_t task);
AMF_CHECKED enum amf_status
amf_kernel_features_cross(const struct amf_kernel *kernel, const struct amf_block *left,
                          size_t left_count, const struct amf_block *right, size_t right_count,
                          double *ret_cross, size_t stride);

#endif
