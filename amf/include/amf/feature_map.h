/* Kernels with finitely many features: k(x, x') = <psi(x), psi(x')>, psi of dimension p.
 *
 *   linear     on task vectors  sqrt(v) (1, s, b_c), the rows b_c of a factor of the table c.c'
 *              under a table    sqrt(v) b_c (x) (1, s), the rows b_c of a factor of the table
 *   embedding  sqrt(v) phi
 *   factored   sqrt(v) g (x) h
 *
 * Rows are written where they are needed and kept by nobody, so a caller whose features would not
 * fit in memory hands in a function of its own.
 */
#ifndef AMF_FEATURE_MAP_H
#define AMF_FEATURE_MAP_H

#include <stddef.h>

#include <amf/kernel.h>
#include <amf/status.h>

/* Writes psi at the rows of the blocks, in list order: rows x p, stride doubles a row. Called from
 * pool tasks, several at once. */
typedef enum amf_status amf_features_fill(const void *arg, const struct amf_block *blocks,
                                          size_t count, double *ret_rows, size_t stride);

struct amf_features {
    size_t dim; /* p */
    amf_features_fill *fill;
    const void *arg; /* outlives whatever was made with it */
};

struct amf_feature_map; /* shares its kernel; immutable */

/* AMF_BAD_ARGUMENT for a kernel without finite p; AMF_NO_MEMORY, AMF_TOO_LARGE. */
AMF_CHECKED enum amf_status amf_feature_map_new(struct amf_kernel *kernel,
                                                struct amf_feature_map **ret_map);
void amf_feature_map_free(struct amf_feature_map *map); /* NULL is fine */
/* Borrowed from the object. */
struct amf_features amf_feature_map_get(const struct amf_feature_map *map);

static inline void amf_feature_map_freep(struct amf_feature_map **map)
{
    amf_feature_map_free(*map);
}
#define AMF_FEATURE_MAP_CLEANUP __attribute__((cleanup(amf_feature_map_freep)))

#endif
