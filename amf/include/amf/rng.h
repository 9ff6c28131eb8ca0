/* Seeded pseudo-random numbers: SplitMix64, a counter stepped by the golden ratio and mixed.
 *
 * 64 bits of state, so that a generator is made from (seed, stream) wherever one is needed and a
 * replay draws the same numbers on any machine. Not for secrets.
 */
#ifndef AMF_RNG_H
#define AMF_RNG_H

#include <stddef.h>
#include <stdint.h>

struct amf_rng {
    uint64_t state;
};

/* Different streams of one seed are independent for our purposes. */
void amf_rng_init(struct amf_rng *rng, uint64_t seed, uint64_t stream);
uint64_t amf_rng_next(struct amf_rng *rng);
double amf_rng_uniform(struct amf_rng *rng);             /* [0, 1), 53 bits */
size_t amf_rng_below(struct amf_rng *rng, size_t bound); /* [0, bound), unbiased; 0 for bound 0 */
double amf_rng_normal(struct amf_rng *rng);              /* N(0, 1), Box-Muller */

#endif
