/* Every message of the API as a struct, and the shape that turns it into JSON and back.
 *
 * Names and meaning are those of openapi.yaml. The same tables serve the server, the C client and the
 * event log, so there is one definition of a field. Memory of decoded structs belongs to the arena
 * they were decoded into.
 */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include <proto/field.h>

/* ---- project ---- */
enum proto_policy_kind { PROTO_POLICY_GP, PROTO_POLICY_EXTERNAL, PROTO_POLICY_MLP };
enum proto_kernel_kind {
    PROTO_KERNEL_RBF,
    PROTO_KERNEL_MATERN32,
    PROTO_KERNEL_MATERN52,
    PROTO_KERNEL_LINEAR,
    PROTO_KERNEL_EMBEDDING,
    PROTO_KERNEL_FACTORED
};
enum proto_task_kernel { PROTO_TASK_DISCRETE, PROTO_TASK_VECTOR, PROTO_TASK_GRAPH };
enum proto_measure {
    PROTO_MEASURE_AUTO,
    PROTO_MEASURE_ENTROPY,
    PROTO_MEASURE_NOISY_ENTROPY,
    PROTO_MEASURE_VARIANCE,
    PROTO_MEASURE_KL,
    PROTO_MEASURE_REVERSE_KL,
    PROTO_MEASURE_JENSEN_SHANNON,
    PROTO_MEASURE_PRIOR_ENTROPY
};
enum proto_weights {
    PROTO_WEIGHTS_RAW,
    PROTO_WEIGHTS_SELF_NORMALIZED,
    PROTO_WEIGHTS_TEMPERED,
    PROTO_WEIGHTS_CALIBRATED,
    PROTO_WEIGHTS_OWN_TASK_RAW, /* "own_task_raw": the strict rule */
    PROTO_WEIGHTS_OWN_TASK,     /* "own_task": its self-normalised form */
    PROTO_WEIGHTS_UNIFORM
};
enum proto_occupancy { PROTO_OCCUPANCY_AUTO, PROTO_OCCUPANCY_HELD, PROTO_OCCUPANCY_NEW, PROTO_OCCUPANCY_ROLLOUTS };
enum proto_target { PROTO_TARGET_WEIGHTS, PROTO_TARGET_FAILURE };
enum proto_clip_scope { PROTO_CLIP_TRAJECTORY, PROTO_CLIP_STEP };
enum proto_conditioning { PROTO_CONDITIONING_AUTO, PROTO_CONDITIONING_ALL, PROTO_CONDITIONING_NONE };
enum proto_rule { /* as asked for in a project, and as named in an answer */
    PROTO_RULE_CRITERION,
    PROTO_RULE_UNIFORM,
    PROTO_RULE_ROUND_ROBIN,
    PROTO_RULE_REBALANCE,
    PROTO_RULE_PRIOR_ENTROPY,
    PROTO_RULE_LOWEST_SUCCESS,
    PROTO_RULE_WARM_START, /* from here on: answers only */
    PROTO_RULE_MINIMUM,
    PROTO_RULE_EXPLORE,
    PROTO_RULE_FALLBACK
};
enum proto_stop { PROTO_STOP_SOFT, PROTO_STOP_HARD };

struct proto_policy {
    int kind; /* enum proto_policy_kind */
};

struct proto_graph {
    struct proto_strings nodes; /* task keys */
    struct proto_matrix edges;  /* E x 3: node index, node index, weight > 0 */
    double lambda;              /* [0, 1) */
};

struct proto_kernel {
    int kind;        /* enum proto_kernel_kind */
    double variance; /* > 0, (standardised action unit)^2 */
    struct proto_scale state_scale;
    int task; /* enum proto_task_kernel */
    double task_correlation; /* [0, 1]: correlation of different tasks under `discrete` */
    struct proto_scale task_scale;
    struct proto_graph *graph; /* NULL unless task is graph */
};

struct proto_criterion {
    int measure, weights, occupancy, target;
    int64_t rollouts_per_task;
    struct proto_reals clip; /* null (count 0) or [low, high], nats */
    int clip_scope, conditioning;
    bool exclude_self;
    double ess_target, weight_floor;
    int64_t max_steps, occupancy_limit, blocks_per_task, test_pair_limit, conditioning_limit;
};

struct proto_selection {
    int rule;           /* enum proto_rule, up to LOWEST_SUCCESS */
    int64_t warm_start; /* attempts per task; PROTO_INT_AUTO */
    double explore_share, cost_exponent, stop_gain;
    int stop;       /* enum proto_stop */
    int64_t budget; /* demonstrations in all, pending ones counted; PROTO_INT_NULL: none */
    int64_t seed;
    double lease_s;
};

struct proto_project {
    const char *id, *title;
    int64_t state_dim, action_dim; /* PROTO_INT_NULL until known */
    struct proto_policy policy;
    struct proto_kernel kernel;
    double noise_std;      /* standardised action unit; > 0 */
    double noise_relative; /* NaN: unused */
    bool standardize;
    int64_t fit_after; /* PROTO_INT_NULL: 5 or the number of tasks, whichever is more */
    struct proto_criterion criterion;
    struct proto_selection selection;
    const char *created_at; /* RFC 3339; read-only */
    int64_t seq;            /* newest event; read-only */
};
void proto_project_defaults(struct proto_project *ret_project); /* the one home of default values */

/* ---- task ---- */
enum proto_task_role { PROTO_TASK_BOTH, PROTO_TASK_CANDIDATE, PROTO_TASK_EVALUATION };

struct proto_task {
    const char *key, *instruction;
    struct proto_reals vector; /* null (count 0): identity only */
    double weight, cost_s;     /* target weight >= 0; > 0 */
    int role;
    struct proto_strings requires_; /* capabilities; "requires" on the wire */
    int64_t min_demonstrations, max_demonstrations; /* max: PROTO_INT_NULL: none */
    /* read-only counts */
    int64_t demonstrations, pretraining_demonstrations, rollouts, pending;
    double success_rate; /* of all attempts of any role; NaN: none yet */
};
void proto_task_defaults(void *ret_task);

/* ---- demonstration ---- */
enum proto_demonstration_role {
    PROTO_ROLE_DEMONSTRATION,
    PROTO_ROLE_PRETRAINING,
    PROTO_ROLE_ROLLOUT
};

struct proto_demonstration {
    const char *id; /* read-only */
    int64_t seq;    /* read-only */
    const char *sha256; /* read-only; 64 hex digits */
    int64_t steps;  /* read-only */
    const char *at; /* read-only; RFC 3339 */
    const char *task;
    struct proto_matrix states;  /* H x d_s; left out of lists */
    struct proto_matrix actions; /* H x d_a */
    bool success;
    int role;
    const char *operator_, *robot; /* "operator" on the wire; may be NULL */
    double duration_s;             /* NaN: unknown */
    const char *source, *metadata; /* metadata: JSON object text */
    const char *assignment;        /* id of the lease it answers, or NULL */
};
void proto_demonstration_defaults(void *ret_demonstration);

struct proto_stored { /* answer to a POST of a demonstration */
    const char *id;
    int64_t seq;
    const char *sha256;
    int64_t steps;
    bool duplicate;
};

struct proto_retraction {
    const char *reason;
};

/* ---- ranking ---- */
struct proto_candidate {
    const char *task;
    double gain; /* NaN: null, could not be scored */
    int64_t demonstrations, pending;
    double effective_sample_size, largest_weight_share, clipped_share; /* NaN: null */
    bool scorable;
    double posterior_entropy; /* nats a demonstration, expected over the occupancy set; NaN: null */
    double skipped_share;     /* of this candidate's weight, below the floor or not sampled */
    const char *note;         /* may be NULL */
};

struct proto_timing {
    double total_s, posterior_s, weights_s, gain_s;
};

struct proto_resolved { /* the criterion with every `auto` decided */
    int measure, weights, occupancy, conditioning;
    int64_t warm_start;
    struct proto_reals clip;
    double noise_std;
};

struct proto_ranking {
    int64_t seq;          /* newest event the ranking has seen */
    const char *revision; /* policy revision */
    double age_s;
    int measure;      /* resolved */
    const char *unit; /* "nats" or "(action unit)^2" */
    bool exhaustive;  /* false: sampled or cut, see note */
    bool provisional; /* scales not frozen yet */
    double jitter;    /* added to the kernel's diagonal */
    int rule;
    const char *choice; /* task key, or NULL */
    const char *note;   /* what was sampled or left out; may be NULL */
    struct proto_resolved criterion;
    struct proto_list candidates; /* struct proto_candidate, best first */
    struct proto_timing timing;
};

/* ---- assignments ---- */
enum proto_assignment_state {
    PROTO_ASSIGNMENT_OPEN,
    PROTO_ASSIGNMENT_COMPLETED,
    PROTO_ASSIGNMENT_EXPIRED
};

struct proto_ask {
    const char *operator_, *robot;
    struct proto_strings capabilities, exclude;
    int64_t count;
    double lease_s; /* NaN: the project's */
};
void proto_ask_defaults(struct proto_ask *ret_ask);

struct proto_assignment {
    const char *id, *task, *instruction;
    int state;
    int64_t fence;
    const char *operator_, *robot;
    const char *opened_at, *expires_at; /* RFC 3339 */
    int rule;
    double gain, margin; /* NaN: null */
    const char *why;     /* one plain sentence */
    const char *demonstration; /* the one that completed it, or NULL */
};

struct proto_reason {
    const char *code, *detail;
};

struct proto_asked {
    struct proto_list assignments; /* struct proto_assignment */
    int64_t seq;
    const char *revision;
    double age_s;
    struct proto_reason *reason; /* NULL: null */
};

struct proto_complete {
    int64_t fence;
    struct proto_demonstration *demonstration;
    const char *demonstration_id;
};

struct proto_completed {
    struct proto_assignment assignment;
    struct proto_stored demonstration;
    bool credited;
    const char *reason; /* why not credited, or NULL */
};

/* ---- lists ---- */
struct proto_project_list { struct proto_list projects; const char *next_cursor; };
struct proto_task_list { struct proto_list tasks; const char *next_cursor; };
struct proto_demonstration_list { struct proto_list demonstrations; const char *next_cursor; };
struct proto_assignment_list { struct proto_list assignments; const char *next_cursor; };

/* ---- operations ---- */
struct proto_version {
    const char *version, *api, *blas_core, *sqlite, *microhttpd;
};
struct proto_health {
    const char *status, *detail; /* "ok" or what is wrong */
};
struct proto_problem { /* RFC 9457 */
    const char *type, *title;
    int64_t status;
    const char *code, *detail, *at, *request_id;
};

/* ---- events: what the log holds, one shape each ---- */
struct proto_event_scales { /* scales_frozen */
    struct proto_reals state_mean, state_std, action_mean, action_std; /* raw units */
    struct proto_reals state_scale; /* standardised; one per dimension or one in all */
    struct proto_reals task_scale;
    int64_t demonstrations; /* held when they were computed */
};
struct proto_event_removed { /* task_deleted, demonstration_retracted, project_deleted */
    const char *key, *reason;
};
struct proto_event_assignment_end { /* assignment_completed, assignment_expired */
    const char *id, *demonstration;
};
struct proto_event_opened { /* assignment_opened */
    struct proto_assignment assignment;
    int64_t ranking_seq, pick;
    double age_s;
};

extern const struct proto_shape proto_project_shape, proto_task_shape, proto_demonstration_shape,
    proto_demonstration_summary_shape, /* without states and actions */
    proto_stored_shape, proto_retraction_shape, proto_ranking_shape, proto_ask_shape,
    proto_assignment_shape, proto_asked_shape, proto_complete_shape, proto_completed_shape,
    proto_project_list_shape, proto_task_list_shape, proto_demonstration_list_shape,
    proto_assignment_list_shape, proto_version_shape, proto_health_shape, proto_problem_shape,
    proto_event_scales_shape, proto_event_removed_shape, proto_event_assignment_end_shape,
    proto_event_opened_shape;

/* Names of an enum as they are on the wire: NULL-terminated, indexed by the enum. */
extern const char *const proto_rule_names[], *const proto_measure_names[], *const proto_weights_names[],
    *const proto_assignment_state_names[], *const proto_demonstration_role_names[],
    *const proto_task_role_names[];

/* Bytes of a demonstration as safetensors: tensors `states` and `actions`, everything else in metadata. */
__attribute__((warn_unused_result)) enum proto_code
proto_demonstration_from_tensors(const unsigned char *bytes, size_t length, struct proto_arena *arena,
                                 struct proto_demonstration *ret_demonstration,
                                 struct proto_error *ret_error);
__attribute__((warn_unused_result)) int
proto_demonstration_to_tensors(const struct proto_demonstration *demonstration,
                               unsigned char **ret_bytes, size_t *ret_length);

/* Hash over task, success, role, and states and actions as little-endian float64 with their shapes:
 * identical content has an identical hash whatever format it came in. 64 hex digits and NUL. */
void proto_demonstration_hash(const struct proto_demonstration *demonstration, char ret_hex[65]);

#endif
