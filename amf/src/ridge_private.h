/* The ridge object, shared by ridge.c and the tables made of it. */
#ifndef AMF_RIDGE_PRIVATE_H
#define AMF_RIDGE_PRIVATE_H

#include <amf/matrix.h>
#include <amf/ridge.h>

struct amf_ridge {
    atomic_size_t references;
    struct amf_features features;
    double noise;
    size_t row_count;
    struct amf_matrix precision; /* A: p x p */
    struct amf_matrix factor;    /* L: p x p, lower triangle */
    struct amf_matrix target;    /* z' : action_dim x p; no rows: no actions were given */
};

/* The part of amf_ridge_check_summary that costs p^2 and needs no pool: finite, symmetric, diagonal
 * >= 0 and nowhere exceeded. */
AMF_CHECKED enum amf_status amf_ridge_check_symmetric(size_t dim, const double *summary);

/* rows (count x p) := rows L^-T, that is, u of each. Pool tasks only. */
AMF_CHECKED enum amf_status amf_ridge_whiten(const struct amf_ridge *ridge, size_t count,
                                             double *rows);

/* c (m x n) = a b' in fixed pieces over the pool; a: m x k, b: n x k, dense. */
AMF_CHECKED enum amf_status amf_ridge_outer(struct amf_pool *pool, const atomic_bool *cancel,
                                            size_t m, size_t n, size_t k, const double *a,
                                            const double *b, double *c);
/* The lower triangle of c (m x m) += a' b likewise, where that is symmetric; a, b: k x m. Numbers
 * above the diagonal mean nothing until it is mirrored. */
AMF_CHECKED enum amf_status amf_ridge_add_inner(struct amf_pool *pool, const atomic_bool *cancel,
                                                size_t m, size_t k, const double *a,
                                                const double *b, double *c);
void amf_ridge_mirror(struct amf_matrix *square);

#endif
