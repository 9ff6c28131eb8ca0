/* Sampling, and a search in coordinates that have no constraints but bounds:
 *
 *   box      each side as [0, 1]
 *   circle   the angle, within half a turn of the best sample
 *   sphere   a direction y, the point being centre + radius y / |y|; its length is worth nothing
 *            and costs the simplex one dimension, which is cheaper than charts and their edges
 */
#include <math.h>
#include <string.h>

#include <amf/matrix.h>
#include <amf/rng.h>
#include <amf/space.h>

#include "internal.h"
#include "optimize.h"

#define SPACE_STREAM 0x7370616365 /* "space" */
#define SPACE_STEP 0.1            /* first step of the local search, in its coordinates */
#define SPACE_TOLERANCE 1e-6      /* of the value, relative */

/* ---- what is refused ---- */

static enum amf_status space_check_numbers(const double *values, size_t count, const char *name,
                                           const char **ret_field)
{
    *ret_field = name;
    if (!values)
        return AMF_BAD_ARGUMENT;
    return amf_all_finite(values, count) ? AMF_OK : AMF_NOT_FINITE;
}

static enum amf_status space_check_box(const struct amf_space *space, const char **ret_field)
{
    enum amf_status status = space_check_numbers(space->low, space->dim, "low", ret_field);

    if (!status)
        status = space_check_numbers(space->high, space->dim, "high", ret_field);
    for (size_t d = 0; !status && d < space->dim; d++) {
        if (space->high[d] < space->low[d])
            return AMF_BAD_ARGUMENT;
        if (!isfinite(space->high[d] - space->low[d]))
            return AMF_NOT_FINITE;
    }
    return status;
}

static enum amf_status space_check_sphere(const struct amf_space *space, const char **ret_field)
{
    enum amf_status status = space_check_numbers(space->centre, space->dim, "centre", ret_field);

    if (status)
        return status;
    *ret_field = "radius";
    if (!isfinite(space->radius))
        return AMF_NOT_FINITE;
    for (size_t d = 0; d < space->dim; d++)
        if (!isfinite(fabs(space->centre[d]) + space->radius))
            return AMF_NOT_FINITE;
    return space->radius > 0 ? AMF_OK : AMF_BAD_ARGUMENT;
}

enum amf_status amf_space_check(const struct amf_space *space, const char **ret_field)
{
    const char *field = "kind";
    enum amf_status status = AMF_BAD_ARGUMENT;

    if ((unsigned)space->kind <= AMF_SPACE_CIRCLE) {
        field = "dim";
        if (space->dim && (space->kind != AMF_SPACE_CIRCLE || space->dim == 2))
            status = space->kind == AMF_SPACE_BOX ? space_check_box(space, &field)
                                                  : space_check_sphere(space, &field);
    }
    if (status)
        *ret_field = field;
    return status;
}

/* ---- points ---- */

/* centre + radius y / |y|; the first axis for y = 0. */
static void space_project(const struct amf_space *space, const double *y, double *ret_point)
{
    double squares = 0;

    for (size_t d = 0; d < space->dim; d++)
        squares += y[d] * y[d];
    for (size_t d = 0; d < space->dim; d++)
        ret_point[d] =
            space->centre[d] + space->radius * (squares > 0 ? y[d] / sqrt(squares) : d == 0);
}

static void space_draw(const struct amf_space *space, struct amf_rng *rng, double *ret_point)
{
    if (space->kind == AMF_SPACE_BOX) {
        for (size_t d = 0; d < space->dim; d++)
            ret_point[d] = space->low[d] + amf_rng_uniform(rng) * (space->high[d] - space->low[d]);
        return;
    }
    for (size_t d = 0; d < space->dim; d++)
        ret_point[d] = amf_rng_normal(rng);
    space_project(space, ret_point, ret_point);
}

enum amf_status amf_space_sample(const struct amf_space *space, uint64_t seed, size_t count,
                                 double *ret_points)
{
    const char *field;
    enum amf_status status = amf_space_check(space, &field);
    struct amf_rng rng;

    for (size_t k = 0; !status && k < count; k++) {
        amf_rng_init(&rng, seed, SPACE_STREAM + ((uint64_t)k << 40));
        space_draw(space, &rng, ret_points + k * space->dim);
    }
    return status;
}

/* ---- the search ---- */

struct space_local {
    const struct amf_space *space;
    const struct amf_space_search *search;
    double *point; /* dim */
};

static size_t space_coordinates(const struct amf_space *space)
{
    return space->kind == AMF_SPACE_CIRCLE ? 1 : space->dim;
}

static void space_decode(const struct amf_space *space, const double *at, double *ret_point)
{
    switch (space->kind) {
    case AMF_SPACE_BOX:
        for (size_t d = 0; d < space->dim; d++)
            ret_point[d] = space->low[d] + at[d] * (space->high[d] - space->low[d]);
        break;
    case AMF_SPACE_SPHERE:
        space_project(space, at, ret_point);
        break;
    case AMF_SPACE_CIRCLE:
        ret_point[0] = space->centre[0] + space->radius * cos(at[0]);
        ret_point[1] = space->centre[1] + space->radius * sin(at[0]);
        break;
    }
}

/* Coordinates of a point, and their bounds. */
static void space_encode(const struct amf_space *space, const double *point, double *ret_at,
                         double *ret_low, double *ret_high)
{
    double angle = 0;

    if (space->kind == AMF_SPACE_CIRCLE) {
        angle = atan2(point[1] - space->centre[1], point[0] - space->centre[0]);
        *ret_at = angle;
        *ret_low = angle - M_PI;
        *ret_high = angle + M_PI;
        return;
    }
    for (size_t d = 0; d < space->dim; d++) {
        double side = space->kind == AMF_SPACE_BOX ? space->high[d] - space->low[d] : 0;

        if (space->kind == AMF_SPACE_BOX)
            ret_at[d] = side > 0 ? (point[d] - space->low[d]) / side : 0;
        else
            ret_at[d] = (point[d] - space->centre[d]) / space->radius;
        ret_low[d] = space->kind == AMF_SPACE_BOX ? 0 : -2;
        ret_high[d] = space->kind == AMF_SPACE_BOX ? 1 : 2;
    }
}

static enum amf_status space_evaluate(void *arg, const double *at, double *ret_value,
                                      double *ret_gradient)
{
    const struct space_local *local = arg;

    (void)ret_gradient;
    space_decode(local->space, at, local->point);
    return local->search->value(local->search->arg, local->point, 1, ret_value);
}

static enum amf_status space_refine(const struct amf_space *space,
                                    const struct amf_space_search *search, double *point,
                                    struct amf_space_best *best)
{
    size_t size = space_coordinates(space), evaluations = 0;
    AMF_FREE_CLEANUP double *numbers = amf_new_array(4 * space->dim, sizeof(double));
    struct space_local local = {space, search, numbers ? numbers + 3 * space->dim : NULL};
    double value = 0;
    enum amf_status status;
    struct amf_optimize problem = {.fn = space_evaluate,
                                   .arg = &local,
                                   .size = size,
                                   .step = SPACE_STEP,
                                   .tolerance = SPACE_TOLERANCE,
                                   .evaluations = search->refinements};

    if (!numbers)
        return AMF_NO_MEMORY;
    problem.low = numbers + space->dim;
    problem.high = numbers + 2 * space->dim;
    space_encode(space, point, numbers, numbers + space->dim, numbers + 2 * space->dim);
    status = amf_optimize(&problem, numbers, &value, &evaluations);
    best->evaluations += evaluations;
    if (status || !(value > best->value))
        return status;
    best->value = value;
    space_decode(space, numbers, point);
    return AMF_OK;
}

/* The first of the largest. */
static enum amf_status space_pick(const double *values, size_t count, size_t *ret_best)
{
    size_t best = 0;

    for (size_t k = 0; k < count; k++) {
        if (isnan(values[k]) || values[k] == INFINITY)
            return AMF_NOT_FINITE;
        if (values[k] > values[best])
            best = k;
    }
    *ret_best = best;
    return AMF_OK;
}

enum amf_status amf_space_maximise(const struct amf_space *space,
                                   const struct amf_space_search *search, double *ret_point,
                                   struct amf_space_best *ret_best)
{
    AMF_MATRIX_CLEANUP struct amf_matrix points = AMF_MATRIX_NULL;
    AMF_FREE_CLEANUP double *values = NULL;
    struct amf_space_best best = {.evaluations = search->budget};
    size_t chosen = 0;
    const char *field;
    enum amf_status status = amf_space_check(space, &field);

    if (status || !search->budget || !search->value)
        return status ? status : AMF_BAD_ARGUMENT;
    status = amf_matrix_init(&points, search->budget, space->dim);
    values = amf_new_array(search->budget, sizeof(double));
    if (status || !values)
        return status ? status : AMF_NO_MEMORY;
    status = amf_space_sample(space, search->seed, search->budget, points.data);
    if (!status)
        status = search->value(search->arg, points.data, search->budget, values);
    if (!status)
        status = space_pick(values, search->budget, &chosen);
    if (status)
        return status;
    best.sampled = best.value = values[chosen];
    if (search->refinements && isfinite(best.value))
        status = space_refine(space, search, amf_matrix_row(&points, chosen), &best);
    if (status)
        return status;
    memcpy(ret_point, amf_matrix_row(&points, chosen), space->dim * sizeof(double));
    *ret_best = best;
    return AMF_OK;
}
