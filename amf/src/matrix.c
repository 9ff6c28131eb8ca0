/* Owned matrices: zeroed, aligned to a cache line so that rows of BLAS tiles do not share one.
 *
 * Large ones on huge pages where the system gives them: a ranking from nothing meets 100 MB and
 * more for the first time, and by small pages that takes a good part of it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <amf/matrix.h>

#include "internal.h"

#define MATRIX_ALIGNMENT 64
#define MATRIX_HUGE ((size_t)2 << 20) /* bytes of a huge page; two of them make a matrix large */

enum amf_status amf_matrix_init(struct amf_matrix *matrix, size_t rows, size_t cols)
{
    size_t bytes, room;
    bool large;
    double *data;

    if (__builtin_mul_overflow(rows, cols, &bytes) ||
        __builtin_mul_overflow(bytes, sizeof(double), &bytes) ||
        __builtin_add_overflow(bytes, MATRIX_HUGE - 1, &room)) /* at least either alignment */
        return AMF_TOO_LARGE;
    bytes = amf_ceil_div(bytes ? bytes : 1, MATRIX_ALIGNMENT) * MATRIX_ALIGNMENT;
    large = bytes >= 2 * MATRIX_HUGE;
    /* the standard and the sanitizers want a multiple of the alignment; its end is never touched */
    data = large ? aligned_alloc(MATRIX_HUGE, room - room % MATRIX_HUGE)
                 : aligned_alloc(MATRIX_ALIGNMENT, bytes);
    if (!data)
        return AMF_NO_MEMORY;
    if (large)
        (void)madvise(data, bytes / MATRIX_HUGE * MATRIX_HUGE, MADV_HUGEPAGE);
    memset(data, 0, bytes);
    *matrix = (struct amf_matrix){data, rows, cols};
    return AMF_OK;
}

void amf_matrix_deinit(struct amf_matrix *matrix)
{
    free(matrix->data);
    *matrix = (struct amf_matrix)AMF_MATRIX_NULL;
}

bool amf_all_finite(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}
