/* How likely the demonstrated actions are under a Gaussian process, and the numbers of its kernel
 * that make them likeliest.
 *
 * With N held state-task pairs, actions Y (N x d_a; the outputs share one kernel and are
 * independent), K = k(X, X) + sigma^2 I:
 *
 *   log p(Y) = -1/2 tr(Y' K^-1 Y) - d_a/2 log |K| - N d_a/2 log 2 pi          nats
 *
 * Parameters are those of the numbers that are asked for, in this order: log variance, log noise,
 * log state scales, log task scales, task correlation. The first four are logarithms, so that no
 * step can make them negative; the correlation lies in [0, 1].
 *
 * Kernels on states only: rbf, matern32, matern52, linear (which has no scales).
 */
#ifndef AMF_LIKELIHOOD_H
#define AMF_LIKELIHOOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <amf/scorer.h>

/* Which numbers are parameters; the others keep the problem's values. */
struct amf_likelihood_numbers {
    bool variance, noise;
    bool state_scale;      /* as many as kernel.state_scale_count */
    bool task_scale;       /* as many as kernel.task_scale_count; AMF_TASK_VECTORS only */
    bool task_correlation; /* what stands off the diagonal of a table where it is one number */
};

/* ---- the likelihood ---- */

struct amf_likelihood; /* immutable; what was held, copied */

/* Of the problem it reads kernel, noise, dimensions, tasks, trajectories that are conditioned, and
 * of the settings max_steps. At most row_limit rows (0: all): whole demonstrations, task by task in
 * turn, newest first, each thinned to a sixteenth of the limit, so that sixteen have room. Keeps
 * pool and problem->cancel. AMF_BAD_ARGUMENT also for a number that the kernel does not have. */
AMF_CHECKED enum amf_status amf_likelihood_new(const struct amf_problem *problem,
                                               const struct amf_likelihood_numbers *numbers,
                                               size_t row_limit, struct amf_pool *pool,
                                               struct amf_likelihood **ret_likelihood);
void amf_likelihood_free(struct amf_likelihood *likelihood);

size_t amf_likelihood_rows(const struct amf_likelihood *likelihood);       /* N */
size_t amf_likelihood_rows_total(const struct amf_likelihood *likelihood); /* without limit */
size_t amf_likelihood_size(const struct amf_likelihood *likelihood);       /* how many parameters */
/* The parameters at the problem's own numbers. */
void amf_likelihood_start(const struct amf_likelihood *likelihood, double *ret_parameters);

/* log p(Y) at those parameters, its gradient (NULL: not wanted), and the jitter that was added to
 * K (may be NULL). O(N^3 / 3), with gradient about five times that; in chunks over the pool, the
 * same bits at any number of workers. AMF_NOT_POSDEF, AMF_NOT_FINITE (parameters beyond the range
 * of a double), AMF_NO_MEMORY, AMF_TOO_LARGE, AMF_CANCELLED. */
AMF_CHECKED enum amf_status amf_likelihood_evaluate(const struct amf_likelihood *likelihood,
                                                    const double *parameters, double *ret_value,
                                                    double *ret_gradient, double *ret_jitter);

/* ---- its maximum ---- */

/* How far a number may go from where it began, as a factor. Scales begin near the distance of the
 * data: under a tenth of it nothing that is held tells about anything else, and the likelihood of a
 * noise that was given too small leads there. */
#define AMF_LIKELIHOOD_SCALE_RANGE 10.0
#define AMF_LIKELIHOOD_RANGE 100.0 /* variance and noise */

struct amf_likelihood_options {
    size_t row_limit;   /* rows that are fitted; 0: all */
    size_t check_limit; /* rows that the result is checked on; 0: all */
    size_t restarts;    /* further starts, drawn within a factor of 5 around the first */
    size_t evaluations; /* of each start, at most */
    uint64_t seed;
};

/* 512 rows, checked on 4096, 3 restarts of at most 60 evaluations. */
struct amf_likelihood_options amf_likelihood_options_default(void);

struct amf_likelihood_fit { /* numbers that were not asked for are the problem's */
    double variance, noise;
    double *state_scale, *task_scale; /* counts as in the problem; NULL where it has none */
    double task_correlation;          /* 0 unless it was asked for */

    /* log p of the checked rows, at the problem's numbers and at those above */
    double start_value, value;
    bool kept_start; /* the fit made the checked rows no likelier: the numbers are the problem's */
    size_t rows, rows_checked, rows_total;
    size_t evaluations;
    double jitter; /* that the checks needed; 0: none */
};

/* Maximises by L-BFGS from the problem's numbers and from seeded restarts, within the ranges above.
 * What was found must beat the problem's own numbers on the checked rows, or those stay. A
 * start whose arithmetic fails is given up; the statuses are those of amf_likelihood_new, and
 * those of amf_likelihood_evaluate for the problem's own numbers. *ret_fit is one allocation. */
AMF_CHECKED enum amf_status amf_likelihood_maximise(const struct amf_problem *problem,
                                                    const struct amf_likelihood_numbers *numbers,
                                                    const struct amf_likelihood_options *options,
                                                    struct amf_pool *pool,
                                                    struct amf_likelihood_fit **ret_fit);
void amf_likelihood_fit_free(struct amf_likelihood_fit *fit);

static inline void amf_likelihood_freep(struct amf_likelihood **likelihood)
{
    amf_likelihood_free(*likelihood);
}
static inline void amf_likelihood_fit_freep(struct amf_likelihood_fit **fit)
{
    amf_likelihood_fit_free(*fit);
}
#define AMF_LIKELIHOOD_CLEANUP __attribute__((cleanup(amf_likelihood_freep)))
#define AMF_LIKELIHOOD_FIT_CLEANUP __attribute__((cleanup(amf_likelihood_fit_freep)))

#endif
