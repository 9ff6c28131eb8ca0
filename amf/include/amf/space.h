/* Continuous task spaces: where tasks are points of a box, a sphere or a circle instead of a list.
 *
 * Random shooting: the best of a seeded sample, uniform over the space, optionally followed by a
 * local search around it that uses values only. Pure functions; the caller says what a point is
 * worth, as a rule the gain of an amf_scorer whose candidates the points are.
 */
#ifndef AMF_SPACE_H
#define AMF_SPACE_H

#include <stddef.h>
#include <stdint.h>

#include <amf/status.h>

enum amf_space_kind {
    AMF_SPACE_BOX,
    AMF_SPACE_SPHERE, /* the surface */
    AMF_SPACE_CIRCLE  /* a sphere in the plane: dim 2 */
};

struct amf_space { /* arrays are borrowed */
    enum amf_space_kind kind;
    size_t dim;               /* >= 1 */
    const double *low, *high; /* box: dim each, low <= high */
    const double *centre;     /* sphere, circle: dim */
    double radius;            /* sphere, circle: > 0 */
};

/* AMF_BAD_ARGUMENT or AMF_NOT_FINITE, and then *ret_field names the member at fault. */
AMF_CHECKED enum amf_status amf_space_check(const struct amf_space *space, const char **ret_field);

/* count points, uniform over the space: count x dim. Point k depends on space, seed and k alone, so
 * a larger sample begins with the smaller one. As amf_space_check. */
AMF_CHECKED enum amf_status amf_space_sample(const struct amf_space *space, uint64_t seed,
                                             size_t count, double *ret_points);

/* What count points (count x dim) are worth; -INFINITY: cannot be told. Any failure ends the
 * search. */
typedef enum amf_status amf_space_value(void *arg, const double *points, size_t count,
                                        double *ret_values);

#define AMF_SPACE_BUDGET 100 /* points; as in the paper */

struct amf_space_search {
    size_t budget;      /* sampled points, >= 1; they are valued in one call */
    size_t refinements; /* further points, one a call, of the local search; 0: none */
    uint64_t seed;
    amf_space_value *value;
    void *arg;
};

struct amf_space_best {
    double sampled; /* the best value of the sample; -INFINITY: no point could be told */
    double value;   /* after the local search, never less */
    size_t evaluations;
};

/* The best point found: ret_point, dim numbers, a point of the space; among equals the first.
 * AMF_BAD_ARGUMENT, AMF_NOT_FINITE (a value is NaN or +infinity), AMF_NO_MEMORY, AMF_TOO_LARGE, and
 * whatever value returns. */
AMF_CHECKED enum amf_status amf_space_maximise(const struct amf_space *space,
                                               const struct amf_space_search *search,
                                               double *ret_point, struct amf_space_best *ret_best);

#endif
