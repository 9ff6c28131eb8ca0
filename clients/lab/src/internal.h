/* What several files of the lab need: cleanup of plain memory and checked allocation. */
#ifndef LAB_INTERNAL_H
#define LAB_INTERNAL_H

#include <stdint.h>
#include <stdlib.h>

static inline void lab_freep(void *pointer)
{
    free(*(void **)pointer);
}
#define LAB_FREE_CLEANUP __attribute__((cleanup(lab_freep)))

/* Zeroed; NULL means out of memory also for empty arrays. */
static inline void *lab_new_array(size_t count, size_t size)
{
    return calloc(count ? count : 1, size);
}

/* Rows of a matrix, zeroed. */
static inline double *lab_new_rows(size_t rows, size_t cols)
{
    size_t count;

    return __builtin_mul_overflow(rows, cols, &count) ? NULL : lab_new_array(count, sizeof(double));
}

/* Streams of the seeds: what is drawn for one purpose says nothing about another. */
enum lab_stream {
    LAB_STREAM_EXPERT = 0x65787074,
    LAB_STREAM_ORDER = 0x6f726465,
    LAB_STREAM_SHOTS = 0x73686f74,
    LAB_STREAM_BOOTSTRAP = 0x626f6f74
};

static inline uint64_t lab_stream(enum lab_stream stream, size_t a, size_t b)
{
    return (uint64_t)stream + ((uint64_t)a << 32) + ((uint64_t)b << 48);
}

#endif
