/* What every block of candidates tells about all test pairs, in the weights' form; from nothing, or
 * where one demonstration was added to what is remembered.
 *
 * With P = A^-1 (ridge.h), F the H x p rows of a block, Phi those of the test pairs, each block has
 *
 *   S = F P F',   C = F P Phi',   reductions = column sums of squares of chol(S + sigma^2 I)^-1 C
 *
 * and, where the measure is the variance and all pairs fall into one sum, with W = sum omega psi
 * psi' in place of C one matrix Q = F P W P F', the sum being tr((S + sigma^2 I)^-1 Q): its cost
 * does not grow with the number of test pairs.
 *
 * A demonstration of h steps adds V V', V = P F_n' chol(F_n P F_n' + sigma^2 I)^-T, to what P has
 * lost, and with G = F V, Z = V' Phi', Y = P W V - V (V' W V) / 2, E = F Y everything follows:
 *
 *   P -= V V'   S -= G G'   C -= G Z   Q -= G E' + E G'
 *
 * A table after k additions depends, in its last bits, on where it was begun: who must answer the
 * same after a restart begins at numbers of demonstrations that are fixed beforehand, and adds one
 * demonstration at a time in order of arrival. The same begin and the same additions give the same
 * bits at any number of workers.
 *
 * Cut rows. Under the posterior few directions of a block carry nearly all its covariance. With
 * cut > 0 each block is turned to its principal directions once, when the table is begun, and those
 * that carry at most that share of tr S together are dropped. What a dropped part can still be
 * worth is bounded then and ever after, since the posterior only shrinks (ridge_cut.c).
 */
#ifndef AMF_RIDGE_TABLE_H
#define AMF_RIDGE_TABLE_H

#include <stdbool.h>

#include <amf/measure.h>
#include <amf/ridge.h>

/* Everything is borrowed, until the table is freed. */
struct amf_ridge_table_input {
    const struct amf_block *blocks;
    size_t block_count;
    const size_t *block_source; /* exclude_self: pairs of the same source are left out; or NULL */

    const struct amf_block *tests; /* test pairs by row */
    size_t test_block_count;
    const double *test_weight; /* omega, of each pair */
    const size_t *test_target; /* the sum it belongs to, below target_count */
    const size_t *test_source; /* NULL where block_source is */
    size_t target_count;

    enum amf_measure_kind measure;
    double cut; /* share in [0, 1) of each block's covariance that may be dropped; 0: exact */
    bool keep;  /* remember, so that demonstrations can be added */
};

struct amf_ridge_table; /* one thread at a time */

/* Cold: scores all blocks under ridge, which is not needed afterwards. Cutting rows is for entropy,
 * kl, noisy_entropy and variance: else AMF_BAD_ARGUMENT, and for prior_entropy. AMF_NOT_POSDEF,
 * AMF_NO_MEMORY, AMF_TOO_LARGE, AMF_CANCELLED. */
AMF_CHECKED enum amf_status amf_ridge_table_new(const struct amf_ridge *ridge,
                                                const struct amf_ridge_table_input *input,
                                                struct amf_pool *pool, const atomic_bool *cancel,
                                                struct amf_ridge_table **ret_table);
/* Added: one demonstration is conditioned on, all blocks are scored again. After a failure the
 * table can only be freed. AMF_BAD_ARGUMENT without keep. */
AMF_CHECKED enum amf_status amf_ridge_table_add(struct amf_ridge_table *table,
                                                const struct amf_block *demonstration,
                                                struct amf_pool *pool, const atomic_bool *cancel);
void amf_ridge_table_free(struct amf_ridge_table *table); /* NULL is fine */

/* sum over the pairs of each target of omega g(x; B): block_count x target_count. */
const double *amf_ridge_table_sums(const struct amf_ridge_table *table);
/* At most this much is missing from a block's sums together, for its dropped rows: block_count
 * numbers, 0 without a cut. */
const double *amf_ridge_table_bounds(const struct amf_ridge_table *table);
size_t amf_ridge_table_rows(const struct amf_ridge_table *table); /* of all blocks, after the cut */
size_t amf_ridge_table_bytes(const struct amf_ridge_table *table);

static inline void amf_ridge_table_freep(struct amf_ridge_table **table)
{
    amf_ridge_table_free(*table);
}
#define AMF_RIDGE_TABLE_CLEANUP __attribute__((cleanup(amf_ridge_table_freep)))

#endif
