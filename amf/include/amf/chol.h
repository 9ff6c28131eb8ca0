/* Cholesky factor A = L L' that only grows: rows are appended as panels that are never changed.
 *
 *   L = [ L_11            ]   panel 1: rows x (columns up to and including its own)
 *       [ L_21  L_22      ]   panel 2
 *       [ L_31  L_32  L_33]   ...
 *
 * An extension makes a new factor that shares its parent's panels, so readers of the parent are not
 * disturbed and nothing is factored twice: O(N^2 H) for H more rows.
 */
#ifndef AMF_CHOL_H
#define AMF_CHOL_H

#include <stddef.h>

#include <amf/pool.h>
#include <amf/status.h>

struct amf_chol; /* shared by reference; immutable */

/* Writes A[first .. first + count) x [0 .. first + count) to ret_rows, stride doubles a row. Called
 * from pool tasks, more than once for the same rows when jitter is needed. */
typedef enum amf_status amf_chol_fill(void *arg, size_t first, size_t count, double *ret_rows,
                                      size_t stride);

/* Appends row_count rows to parent (NULL: the empty factor). If the matrix is not positive
 * definite, 1e-10 times the mean of the new diagonal is added to it, then ten times that, up to
 * 1e-4; after that AMF_NOT_POSDEF. AMF_NOT_FINITE when fill gives NaN or infinities: LAPACK would
 * accept them. AMF_NO_MEMORY, AMF_TOO_LARGE, AMF_CANCELLED, and whatever fill returns. */
AMF_CHECKED enum amf_status amf_chol_extend(struct amf_chol *parent, size_t row_count,
                                            amf_chol_fill *fill, void *arg, struct amf_pool *pool,
                                            const atomic_bool *cancel, struct amf_chol **ret_chol);
struct amf_chol *amf_chol_ref(struct amf_chol *chol);
void amf_chol_unref(struct amf_chol *chol);

size_t amf_chol_rows(const struct amf_chol *chol); /* 0 for NULL */
double
amf_chol_jitter(const struct amf_chol *chol); /* the largest that any panel needed; 0: none */
double amf_chol_log_det(const struct amf_chol *chol); /* log |A|; 0 for NULL */

/* Forward substitution from row `from` on: rows [from, N) of L^-1 B, given the rows above it.
 * above: from x cols (stride above_stride; may be NULL when from is 0). from must be a boundary of
 * extensions. On entry ret_rows holds rows [from, N) of B, on return of L^-1 B. Pool tasks only. */
AMF_CHECKED enum amf_status amf_chol_forward(const struct amf_chol *chol, size_t from,
                                             const double *above, size_t above_stride, size_t cols,
                                             double *ret_rows, size_t stride);

static inline void amf_chol_unrefp(struct amf_chol **chol)
{
    amf_chol_unref(*chol);
}
#define AMF_CHOL_CLEANUP __attribute__((cleanup(amf_chol_unrefp)))

#endif
