/* Numbers taken from the data before anything is ranked: moments and length scales.
 *
 * Plain C without BLAS, cheap enough for the thread that applies events.
 */
#ifndef AMF_FIT_H
#define AMF_FIT_H

#include <stddef.h>
#include <stdint.h>

#include <amf/status.h>

struct amf_span {       /* consecutive rows of one demonstration, borrowed */
    const double *data; /* row_count x dim, row-major */
    size_t row_count;
};

#define AMF_FIT_PAIRS 1000         /* pairs a median is taken over, at most */
#define AMF_FIT_MIN_DEVIATION 1e-9 /* a smaller standard deviation counts as 1 */

/* Mean and standard deviation (divided by the number of rows) of every column over all spans. No
 * rows: mean 0, deviation 1. AMF_NOT_FINITE. */
AMF_CHECKED enum amf_status amf_fit_moments(const struct amf_span *spans, size_t span_count,
                                            size_t dim, double *ret_mean, double *ret_deviation);

/* Median Euclidean distance between rows, each column divided by deviation[column] first (NULL: as
 * it is), over all pairs of different rows when there are at most AMF_FIT_PAIRS, else over that
 * many seeded ones; 1 when it is 0 or there are fewer than two rows. AMF_NOT_FINITE, AMF_NO_MEMORY.
 */
AMF_CHECKED enum amf_status amf_fit_median_distance(const struct amf_span *spans, size_t span_count,
                                                    size_t dim, const double *deviation,
                                                    uint64_t seed, double *ret_median);

#endif
