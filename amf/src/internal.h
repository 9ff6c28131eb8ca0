/* What several files of libamf need and no caller should see: checked allocation and cleanup. */
#ifndef AMF_INTERNAL_H
#define AMF_INTERNAL_H

#include <stdlib.h>

static inline void amf_freep(void *pointer)
{
    free(*(void **)pointer);
}
#define AMF_FREE_CLEANUP __attribute__((cleanup(amf_freep)))

/* Zeroed; calloc checks the product. Never NULL for an empty array, so NULL means out of memory. */
static inline void *amf_new_array(size_t count, size_t size)
{
    return calloc(count ? count : 1, size);
}

static inline size_t amf_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t amf_ceil_div(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}

#endif
