/* Logarithms by the million: the entropy measures take one for each block and test pair. */
#ifndef AMF_LOGS_H
#define AMF_LOGS_H

#include <stddef.h>

/* 1/2 log(v0 / (v0 - d)) of v0 = before[x] and d = reduction[x] >= 0, to two units in the last
 * place or so, also where d is small beside v0. d counts as at most (1 - DBL_EPSILON) v0; v0 = 0
 * gives 0. A number's bits do not depend on its neighbours. */
void amf_logs_half_ratio(const double *before, const double *reduction, size_t count,
                         double *ret_half_logs);

#endif
