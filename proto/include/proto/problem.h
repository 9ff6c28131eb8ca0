/* A whole ranking problem in one JSON text, the format of tests/golden, and its result.
 *
 * `expected` (and the kernel's `graph_kernel`, also a result) is ignored; every other field that is
 * not known is refused. Optional: name, pretraining, pending_tasks (none), evaluation_tasks (all),
 * mu (equal), clip and clip_scope (none), ess_target (8).
 */
#ifndef PROTO_PROBLEM_H
#define PROTO_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

#include <proto/arena.h>
#include <proto/error.h>
#include <proto/field.h>

enum proto_case_kernel {
    PROTO_CASE_RBF,
    PROTO_CASE_MATERN32,
    PROTO_CASE_MATERN52,
    PROTO_CASE_LINEAR,
    PROTO_CASE_EMBEDDING,
    PROTO_CASE_FACTORED
};
enum proto_case_task { PROTO_CASE_VECTORS, PROTO_CASE_DISCRETE, PROTO_CASE_RANDOM_WALK };
enum proto_case_policy { PROTO_CASE_GP, PROTO_CASE_DETERMINISTIC };
enum proto_case_clip { PROTO_CASE_CLIP_NONE, PROTO_CASE_CLIP_TRAJECTORY, PROTO_CASE_CLIP_STEP };

struct proto_case_demonstration {
    size_t task;
    struct proto_matrix states, actions; /* H x state_dim, H x action_dim, H >= 1 */
    /* One matrix of H rows per task, or NULL: */
    struct proto_matrix *features; /* phi or h */
    struct proto_matrix *gradients;
    struct proto_matrix *policy_mean; /* occupancy demonstrations of deterministic policies */
};

/* Everything is in range: indices, dimensions, signs, finiteness. */
struct proto_case {
    const char *name; /* may be NULL */
    struct {
        enum proto_case_kernel kind; /* of the state (type random_walk and discrete: rbf) */
        enum proto_case_task task;
        double variance;
        struct proto_reals state_scale, task_scale; /* 1 or one per dimension; count 0: unused */
        double task_correlation;                    /* discrete */
        struct proto_matrix adjacency;              /* random_walk: M x M */
        double lambda;
    } kernel;
    double noise;
    size_t state_dim, action_dim, task_dim, feature_dim, gradient_dim;
    struct proto_matrix tasks; /* M x task_dim */
    size_t *evaluation_tasks, evaluation_count;
    double *mu; /* evaluation_count */
    bool conditioning_all;
    size_t *pending, pending_count;
    enum proto_case_clip clip_scope;
    double clip_low, clip_high;
    double ess_target;
    enum proto_case_policy policy;
    struct proto_case_demonstration *demonstrations; /* pre-training first */
    size_t demonstration_count, pretraining_count;
};

/* PROTO_CODE_OK, or what is wrong and the JSON pointer at which. */
__attribute__((warn_unused_result)) enum proto_code
proto_case_decode(const char *text, size_t length, struct proto_arena *arena,
                  struct proto_case *ret_case, struct proto_error *ret_error);

struct proto_case_weights { /* of one weight mode */
    const char *name;
    struct proto_matrix weights;   /* n x M */
    double *effective_sample_size; /* M */
    const char *const *measures;   /* NULL-terminated names, one per row of gain */
    struct proto_matrix gain;      /* measures x M; NaN: null, could not be scored */
};

struct proto_case_result {
    struct proto_reals *step_log_likelihood;    /* n * M rows, one number a step; NULL: left out */
    struct proto_matrix log_likelihood_clipped; /* n x M */
    struct proto_reals posterior_variance;      /* at the test pairs: task, demonstration, step */
    struct proto_case_weights *modes;
    size_t mode_count;
};

/* The keys that `expected` has in tests/golden. *ret_text is malloc'ed, without trailing newline.
 * 0, or -1 when out of memory or a number other than a gain is not finite. */
__attribute__((warn_unused_result)) int
proto_case_result_encode(const struct proto_case_result *result, char **ret_text,
                         size_t *ret_length);

#endif
