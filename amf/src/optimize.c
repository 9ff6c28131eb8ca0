/* The only file that sees NLopt.
 *
 * NLopt ends with an error code on rounding errors that are no errors to us, and hands back the
 * last point rather than the best one: so the best is kept here, and only memory and the function's
 * own failures count.
 */
#include <limits.h>
#include <math.h>
#include <string.h>

#include <nlopt.h>

#include "internal.h"
#include "optimize.h"

struct search {
    const struct amf_optimize *problem;
    nlopt_opt nlopt;
    double *best; /* size parameters */
    double best_value;
    bool found;
    size_t evaluations;
    enum amf_status status; /* why the function failed */
};

static double search_evaluate(unsigned size, const double *x, double *gradient, void *arg)
{
    struct search *search = arg;
    double value = -INFINITY;
    enum amf_status status = search->problem->fn(search->problem->arg, x, &value, gradient);

    search->evaluations++;
    if (!status && !isfinite(value))
        status = AMF_NOT_FINITE;
    if (status) {
        search->status = status;
        nlopt_force_stop(search->nlopt);
        return -HUGE_VAL;
    }
    if (!search->found || value > search->best_value) {
        memcpy(search->best, x, size * sizeof(double));
        search->best_value = value;
        search->found = true;
    }
    return value;
}

static bool search_configure(const struct search *search)
{
    const struct amf_optimize *problem = search->problem;
    nlopt_opt nlopt = search->nlopt;
    int evaluations = problem->evaluations > INT_MAX ? INT_MAX : (int)problem->evaluations;

    return nlopt_set_max_objective(nlopt, search_evaluate, (void *)search) > 0 &&
           nlopt_set_lower_bounds(nlopt, problem->low) > 0 &&
           nlopt_set_upper_bounds(nlopt, problem->high) > 0 &&
           nlopt_set_ftol_rel(nlopt, problem->tolerance) > 0 &&
           nlopt_set_maxeval(nlopt, evaluations) > 0 &&
           (!(problem->step > 0) || nlopt_set_initial_step1(nlopt, problem->step) > 0);
}

static enum amf_status search_run(struct search *search, const double *start)
{
    const struct amf_optimize *problem = search->problem;
    AMF_FREE_CLEANUP double *x = amf_new_array(problem->size, sizeof(double));
    double unused;

    if (!x)
        return AMF_NO_MEMORY;
    for (size_t p = 0; p < problem->size; p++)
        x[p] = fmin(fmax(start[p], problem->low[p]), problem->high[p]);
    if (nlopt_optimize(search->nlopt, x, &unused) == NLOPT_OUT_OF_MEMORY)
        return AMF_NO_MEMORY;
    if (search->status == AMF_NOT_POSDEF || search->status == AMF_NOT_FINITE)
        return search->found ? AMF_OK : search->status;
    return search->status;
}

enum amf_status amf_optimize(const struct amf_optimize *problem, double *x, double *ret_value,
                             size_t *ret_evaluations)
{
    AMF_FREE_CLEANUP double *best = amf_new_array(problem->size, sizeof(double));
    struct search search = {.problem = problem, .best = best};
    enum amf_status status;

    if (!problem->size || problem->size > UINT_MAX || !problem->evaluations)
        return AMF_BAD_ARGUMENT;
    search.nlopt = nlopt_create(problem->gradient ? NLOPT_LD_LBFGS : NLOPT_LN_NELDERMEAD,
                                (unsigned)problem->size);
    if (!best || !search.nlopt) {
        nlopt_destroy(search.nlopt);
        return AMF_NO_MEMORY;
    }
    status = search_configure(&search) ? search_run(&search, x) : AMF_BAD_ARGUMENT;
    nlopt_destroy(search.nlopt);
    *ret_evaluations = search.evaluations;
    if (status)
        return status;
    memcpy(x, best, problem->size * sizeof(double));
    *ret_value = search.best_value;
    return AMF_OK;
}
