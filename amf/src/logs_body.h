/* The loop of logs.h, to be compiled once for each instruction set.
 *
 * With v1 = v0 - d and k the integer nearest to log2(v0 / v1),
 *
 *   log(v0 / v1) = k log 2 + 2 atanh(s),   s = (v0 - 2^k v1) / (v0 + 2^k v1),   |s| < 0.21
 *
 * where the numerator is d itself for k = 0, so that nothing cancels when d is small. One division
 * a number; the series of atanh ends where its terms are below half a unit in the last place.
 */
#ifndef AMF_LOGS_BODY_H
#define AMF_LOGS_BODY_H

#include <float.h>
#include <math.h>
#include <stdint.h>

#include "fold_body.h"
#include "logs.h"

#define LOGS_TERMS 13
#define LOGS_ROUNDER 0x1.8p52 /* its sum with a small integer holds it in the low bits */
/* Between these no exponent is out of range on the way. */
#define LOGS_LOW (DBL_MIN / DBL_EPSILON * 4)
#define LOGS_HIGH (DBL_MAX / 4)

typedef int64_t logs_bits __attribute__((vector_size(FOLD_WIDTH * sizeof(int64_t))));

FOLD_INLINE fold_vector logs_choose(logs_bits mask, fold_vector yes, fold_vector no)
{
    return (fold_vector)(((logs_bits)yes & mask) | ((logs_bits)no & ~mask));
}

/* 1 + t/3 + t^2/5 + ..., atanh(s) / s at t = s^2 */
FOLD_INLINE fold_vector logs_series(fold_vector t)
{
    fold_vector sum = {0};

    _Pragma("GCC unroll 13") for (int k = LOGS_TERMS - 1; k >= 0; k--) sum =
        sum * t + 1.0 / (2 * k + 1);
    return sum;
}

FOLD_INLINE fold_vector logs_eight(fold_vector v0, fold_vector d)
{
    const union {
        double number;
        int64_t bits;
    } rounder = {LOGS_ROUNDER};
    fold_vector least = v0 * DBL_EPSILON, v1 = v0 - d, scaled, numerator, s;
    logs_bits k;

    v1 = logs_choose(v1 < least, least, v1);
    k = ((logs_bits)v0 - (logs_bits)v1 + ((int64_t)1 << 51)) >> 52;
    scaled = (fold_vector)((logs_bits)v1 + (k << 52));
    numerator = logs_choose(k == 0, d, v0 - scaled);
    s = numerator / (v0 + scaled);
    /* d * 0: what is not finite stays so. */
    return ((fold_vector)(k + rounder.bits) - LOGS_ROUNDER) * (M_LN2 / 2) + s * logs_series(s * s) +
           d * 0;
}

static inline double logs_one(double v0, double d)
{
    return v0 > 0 ? -log1p(-fmin(d / v0, 1 - DBL_EPSILON)) / 2 : 0;
}

FOLD_INLINE void logs_all(const double *before, const double *reduction, size_t count,
                          double *ret_half_logs)
{
    for (size_t x = 0; x < count; x += FOLD_WIDTH) {
        size_t lanes = count - x < FOLD_WIDTH ? count - x : FOLD_WIDTH;

        if (lanes == FOLD_WIDTH)
            fold_store(
                ret_half_logs + x,
                logs_eight(fold_load(before + x, FOLD_WIDTH), fold_load(reduction + x, FOLD_WIDTH)),
                FOLD_WIDTH);
        else
            fold_store(ret_half_logs + x,
                       logs_eight(fold_load(before + x, lanes), fold_load(reduction + x, lanes)),
                       lanes);
    }
    for (size_t x = 0; x < count; x++)
        if (!(before[x] > LOGS_LOW && before[x] < LOGS_HIGH))
            ret_half_logs[x] = logs_one(before[x], reduction[x]);
}

#endif
