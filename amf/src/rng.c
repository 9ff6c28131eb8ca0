/* SplitMix64 (Steele, Lea and Flood, 2014): state += golden ratio * 2^64, output = mix(state).
 *
 * A counter with a strong mix needs no warm-up and no table, and is fully described by its two
 * constants in the mix, so a log replayed elsewhere draws the same numbers.
 */
#include <math.h>

#include <amf/rng.h>

static uint64_t rng_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void amf_rng_init(struct amf_rng *rng, uint64_t seed, uint64_t stream)
{
    rng->state = rng_mix(rng_mix(seed) + 0x9e3779b97f4a7c15u * (stream + 1));
}

uint64_t amf_rng_next(struct amf_rng *rng)
{
    rng->state += 0x9e3779b97f4a7c15u;
    return rng_mix(rng->state);
}

double amf_rng_uniform(struct amf_rng *rng)
{
    return (double)(amf_rng_next(rng) >> 11) * 0x1p-53;
}

size_t amf_rng_below(struct amf_rng *rng, size_t bound)
{
    uint64_t draw, excess;

    if (!bound)
        return 0;
    excess = (UINT64_MAX % bound + 1) % bound;
    do
        draw = amf_rng_next(rng);
    while (draw > UINT64_MAX - excess);
    return (size_t)(draw % bound);
}

double amf_rng_normal(struct amf_rng *rng)
{
    double radius = sqrt(-2 * log(1 - amf_rng_uniform(rng)));

    return radius * cos(2 * M_PI * amf_rng_uniform(rng));
}
