#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <amf/processor.h>

#include "blas.h"

/* A family of kernels: what it needs, and the names OpenBLAS has for cores that run it. */
struct family {
    bool (*usable)(void);
    const char *core;           /* to ask for */
    const char *const names[8]; /* as good: what amf_blas_core may say already */
};

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd");
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static const struct family families[] = {
    {has_avx512, "SKYLAKEX", {"SkylakeX", "Cooperlake", "SapphireRapids", NULL}},
    {has_avx2, "HASWELL", {"Haswell", "Zen", "Excavator", NULL}},
};

static bool runs(const struct family *family, const char *core)
{
    for (const char *const *name = family->names; *name; name++)
        if (!strcmp(*name, core))
            return true;
    return false;
}

const char *amf_processor_better_core(void)
{
    if (getenv("OPENBLAS_CORETYPE"))
        return NULL;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (families[i].usable())
            return runs(&families[i], amf_blas_core()) ? NULL : families[i].core;
    return NULL;
}
