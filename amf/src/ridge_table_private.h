/* The table: its life and what is cold (ridge_table.c), sums (ridge_sum.c), additions
 * (ridge_added.c), dropped rows and their bound (ridge_cut.c). */
#ifndef AMF_RIDGE_TABLE_PRIVATE_H
#define AMF_RIDGE_TABLE_PRIVATE_H

#include <amf/ridge_table.h>

#include "ridge_private.h"

#define TABLE_GROUP_ROWS 1024 /* block rows that one task takes at a time; at least one block */
#define TABLE_BATCH_ROWS 256  /* of them, in an addition: what a core's cache holds */
#define TABLE_COLS 512        /* test pairs at a time, where covariances are not kept */
#define TABLE_TILE 128        /* test pairs at a time in a triangular solve */

struct table_block {
    struct amf_block at;
    size_t rows;        /* directions kept */
    size_t first, gram; /* within the group: its first row; its first number of gram */
    double dropped;     /* tr of the dropped rows' covariance when the table was begun */
    double next;        /* its largest eigenvalue */
};

struct table_group { /* consecutive blocks */
    size_t first_block, block_count;
    size_t full_rows, row_count; /* before and after the cut */
    struct amf_matrix features;  /* row_count x p; cut only */
    struct amf_matrix cross;     /* C: row_count x test_count, up to a whole tile */
    double *gram;                /* S, block after block */
    double *moment;              /* Q likewise */
};

struct table_worker { /* a worker's rooms */
    double *features; /* the rows of a group x p */
    double *rotated;  /* the same */
    double *cross;    /* the rows of a group x TABLE_COLS; not kept only */
    double *tile;     /* the largest block's rows x TABLE_TILE */
    double *factors;  /* of a group's blocks, and room for one more */
    double *square;   /* 2 x the largest block's rows^2 */
    double *line;     /* 2 x TABLE_TILE, and the largest block's rows */
};

struct amf_ridge_table {
    struct amf_ridge_table_input input;
    struct amf_features features;
    double noise;
    struct amf_measure *measure;
    bool moments; /* Q instead of C */
    size_t test_count;

    struct table_block *blocks;
    struct table_group *groups;
    size_t group_count, group_rows, group_grams, block_rows; /* the largest */
    double *sums, *bounds;
    double *largest_share; /* of each block's (v0 - v1) / v0, under its kept rows */

    struct amf_matrix tests;            /* psi of the test pairs; kept only */
    struct amf_matrix whitened;         /* u of them; while cold */
    struct amf_matrix root;             /* R' : P = R R', P W P = R D R'; moments, while cold */
    struct amf_matrix precision;        /* P */
    struct amf_matrix weight;           /* W; moments only */
    double *root_values;                /* sqrt D */
    double *prior, *before, *begun;     /* of the test pairs: k(x, x), v0 now, v0 when begun */
    double entropy_norm, variance_norm; /* see ridge_cut.c */

    struct amf_matrix workspace; /* workers x their rooms */
    size_t room[8];              /* where each begins in a worker's row */
};

void amf_table_worker(const struct amf_ridge_table *table, size_t worker,
                      struct table_worker *ret_worker);
/* The sums of one block from its S, kept, and C (rows x all test pairs) or Q, likewise. */
AMF_CHECKED enum amf_status amf_table_sum_kept(struct amf_ridge_table *table,
                                               const struct table_group *group, size_t block,
                                               const struct table_worker *worker);

/* ridge_sum.c: chol(S + sigma^2 I)^-1 of one block; square: 2 rows^2, the inverse comes first. */
AMF_CHECKED enum amf_status amf_table_factor(const struct amf_ridge_table *table,
                                             const double *gram, size_t rows, double *square);
/* cross: C, rows x count at test pairs [first, first + count), readable up to a whole tile. */
void amf_table_sum_pairs(struct amf_ridge_table *table, size_t block, const double *inverse,
                         const double *cross, size_t stride, size_t first, size_t count,
                         const struct table_worker *worker);
/* row *= values, number by number. */
void amf_table_scale_row(double *row, const double *values, size_t count);
void amf_table_start_sums(struct amf_ridge_table *table);

/* ridge_cut.c: of one group, whose rows stand in worker->features, whitened: what is kept of them
 * replaces them there and, not whitened, in group->features. */
AMF_CHECKED enum amf_status amf_table_cut_group(struct amf_ridge_table *table,
                                                struct table_group *group,
                                                const struct table_worker *worker);
AMF_CHECKED enum amf_status amf_table_norms(struct amf_ridge_table *table, struct amf_pool *pool,
                                            const atomic_bool *cancel);
/* Once per pass: pairs without information, sums that are no numbers, bounds. */
void amf_table_floor(struct amf_ridge_table *table);
AMF_CHECKED enum amf_status amf_table_finish(struct amf_ridge_table *table);
void amf_table_bounds(struct amf_ridge_table *table);

#endif
