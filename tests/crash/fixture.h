/* What the writer promises and the checker looks for: bytes that follow from project and seq, and a
 * checksum of bytes. */
#ifndef TESTS_CRASH_FIXTURE_H
#define TESTS_CRASH_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t fixture_checksum(const unsigned char *bytes, size_t length)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}

/* Mostly a page or less, now and then many pages. */
static inline size_t fixture_length(uint64_t seed)
{
    return seed % 61 == 0 ? 200000 : (size_t)(seed * 2654435761u % 6000);
}

static inline void fixture_fill(unsigned char *bytes, size_t length, uint64_t seed)
{
    uint64_t state = seed * 2862933555777941757u + 3037000493u;
    for (size_t i = 0; i < length; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (unsigned char)(state >> 56);
    }
}

#endif
