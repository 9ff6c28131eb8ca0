/* The kernel object, shared by kernel.c (states) and kernel_features.c (embeddings). */
#ifndef AMF_KERNEL_PRIVATE_H
#define AMF_KERNEL_PRIVATE_H

#include <stdatomic.h>
#include <stdint.h>

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
    struct kernel_digest *digests; /* row_count: of each row's features under every task */
};

/* Tells whether a row's features are those of a kernel whose features may be gone: eight sums, each
 * of every eighth number. One changed number always changes them. */
struct kernel_digest {
    uint64_t lanes[8];
};

static inline const double *kernel_table_row(const struct amf_kernel *kernel, size_t row)
{
    return kernel->table->data + row * kernel->table->stride;
}

/* The same kernel of the same first rows: covariances of those are the same. */
bool amf_kernel_extends(const struct amf_kernel *kernel, const struct amf_kernel *parent);

/* Rows that many others meet, in columns of a fixed width (a multiple of FOLD_WIDTH), with what a
 * product needs beside them. Kernels on states need none of it. */
#define KERNEL_PACK_ROWS 64
struct kernel_pack {
    size_t width;
    double *features, *gradients; /* dim x width; columns that no row has hold 0 */
    double *left;                 /* KERNEL_PACK_ROWS x dim: rows that do not stand together */
    double *products[2];          /* KERNEL_PACK_ROWS x width */
};
/* Doubles that a pack needs; false when too many. */
bool amf_kernel_pack_size(const struct amf_kernel *kernel, size_t width, size_t *ret_size);
struct kernel_pack amf_kernel_pack_at(const struct amf_kernel *kernel, size_t width,
                                      double *storage);
/* Rows of a block into columns from `column` on. */
void amf_kernel_pack_put(const struct amf_kernel *kernel, const struct kernel_pack *pack,
                         const struct amf_block *block, size_t column);
void amf_kernel_pack_clear(const struct amf_kernel *kernel, const struct kernel_pack *pack);
/* Covariances of a block's rows with the first count columns; features only. */
void amf_kernel_pack_cross(const struct amf_kernel *kernel, const struct kernel_pack *pack,
                           const struct amf_block *left, size_t count, double *ret_cross,
                           size_t stride);
bool amf_kernel_features_extend(const struct amf_kernel *kernel, const struct amf_kernel *parent);

AMF_CHECKED enum amf_status amf_kernel_features_init(struct amf_kernel *kernel,
                                                     const struct amf_points *points);
bool amf_kernel_features_cover(const struct amf_kernel *kernel, size_t row, size_t task);
double amf_kernel_features_square(const struct amf_kernel *kernel, size_t row, size_t task);
AMF_CHECKED enum amf_status
amf_kernel_features_cross(const struct amf_kernel *kernel, const struct amf_block *left,
                          size_t left_count, const struct amf_block *right, size_t right_count,
                          double *ret_cross, size_t stride);

#endif
