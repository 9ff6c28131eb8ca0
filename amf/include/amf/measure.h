/* How much a block of observations tells about one test pair, from its variance before and after.
 *
 * With v0 before, v1 = v0 - d after, q = d / v0, s = sigma^2:
 *   entropy, kl     1/2 log(v0 / v1)                 -1/2 log1p(-q)
 *   noisy_entropy   1/2 log((v0 + s) / (v1 + s))     -1/2 log1p(-d / (v0 + s))
 *   variance        v0 - v1                          d
 *   reverse_kl      v0/v1 - 1 - 1/2 log(v0/v1)       q / (1 - q) + 1/2 log1p(-q)
 *   jensen_shannon  a double Gaussian integral of r = v1/v0 alone; see measure.c
 *   prior_entropy   1/2 log(2 pi e v0)               no look-ahead: not a gain of a block
 * The forms on the right keep their digits when d is small beside v0.
 *
 * Guards. A v0 that is not above AMF_MEASURE_FLOOR times the prior variance is rounding error: such
 * a pair carries no information and counts 0. q is kept within [0, 1 - DBL_EPSILON].
 */
#ifndef AMF_MEASURE_H
#define AMF_MEASURE_H

#include <stddef.h>

#include <amf/status.h>

#define AMF_MEASURE_FLOOR 4e-15

enum amf_measure_kind {
    AMF_MEASURE_ENTROPY,
    AMF_MEASURE_NOISY_ENTROPY,
    AMF_MEASURE_VARIANCE,
    AMF_MEASURE_KL,
    AMF_MEASURE_REVERSE_KL,
    AMF_MEASURE_JENSEN_SHANNON,
    AMF_MEASURE_PRIOR_ENTROPY
};

struct amf_measure; /* immutable */

/* noise: sigma. AMF_BAD_ARGUMENT for an unknown kind; AMF_NO_MEMORY. A few milliseconds for
 * jensen_shannon, nothing for the others. */
AMF_CHECKED enum amf_status amf_measure_new(enum amf_measure_kind kind, double noise,
                                            struct amf_measure **ret_measure);
void amf_measure_free(struct amf_measure *measure);

/* g for count pairs: before[k] = v0 (0 where below the floor), reduction[k] = v0 - v1 ->
 * ret_gain[k] >= 0. Not for prior_entropy, for which it gives zeros. */
void amf_measure_gain(const struct amf_measure *measure, const double *before,
                      const double *reduction, size_t count, double *ret_gain);

/* 1/2 log(2 pi e v), nats; v below the smallest normal double counts as that. */
double amf_measure_gaussian_entropy(double variance);

static inline void amf_measure_freep(struct amf_measure **measure)
{
    amf_measure_free(*measure);
}
#define AMF_MEASURE_CLEANUP __attribute__((cleanup(amf_measure_freep)))

#endif
