/* Bounded maximisation of a smooth function of a few parameters; the wrapper around NLopt. */
#ifndef AMF_OPTIMIZE_H
#define AMF_OPTIMIZE_H

#include <stdbool.h>
#include <stddef.h>

#include <amf/status.h>

/* value and gradient (NULL where none is wanted) at x. AMF_NOT_POSDEF and AMF_NOT_FINITE end the
 * search where it stands, any other failure ends it for good. */
typedef enum amf_status amf_optimize_fn(void *arg, const double *x, double *ret_value,
                                        double *ret_gradient);

struct amf_optimize {
    amf_optimize_fn *fn;
    void *arg;
    size_t size;
    const double *low, *high; /* of each parameter */
    double step;              /* the first one, in every parameter; 0: worked out */
    double tolerance;         /* of the value, relative, at which the search ends */
    size_t evaluations;       /* at most */
    bool gradient;            /* L-BFGS; else Nelder and Mead's simplex, which uses values only */
};

/* From x, within the bounds, to the best point that was seen: *x and *ret_value. Deterministic.
 * AMF_NOT_POSDEF or AMF_NOT_FINITE when no point could be evaluated, and then x is as it was. */
AMF_CHECKED enum amf_status amf_optimize(const struct amf_optimize *problem, double *x,
                                         double *ret_value, size_t *ret_evaluations);

#endif
