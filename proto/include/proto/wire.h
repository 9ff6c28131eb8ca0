/* Every message of the API as a struct, and the shape that turns it into JSON and back.
 *
 * Names and meaning are those of openapi.yaml. The same tables serve the server, the C client and
 * the event log (log_events.h has what is in the log alone), so there is one definition of a field.
 * Memory of decoded structs belongs to the arena they were decoded into.
 *
 * A _check function says what no field can tell alone, with `at` relative to its struct. Decoding a
 * request runs it already (proto_shape.check); call it for structs that came another way, and after
 * changing one.
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
enum proto_occupancy {
    PROTO_OCCUPANCY_AUTO,
    PROTO_OCCUPANCY_HELD,
    PROTO_OCCUPANCY_NEW,
    PROTO_OCCUPANCY_ROLLOUTS
};
enum proto_target { PROTO_TARGET_WEIGHTS, PROTO_TARGET_FAILURE };
enum proto_clip_scope { PROTO_CLIP_TRAJECTORY, PROTO_CLIP_STEP };
enum proto_conditioning {
    PROTO_CONDITIONING_AUTO,
    PROTO_CONDITIONING_ALL,
    PROTO_CONDITIONING_NONE
};
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
enum proto_source { PROTO_SOURCE_GIVEN, PROTO_SOURCE_MEDIAN, PROTO_SOURCE_MARGINAL_LIKELIHOOD };

struct proto_policy {
    int kind; /* enum proto_policy_kind */
};

/* The correlation of tasks costs nodes^3 with each ranking: 0.2 s. */
enum { PROTO_GRAPH_NODES_MAX = 512 };

struct proto_graph {
    struct proto_strings nodes; /* task keys */
    struct proto_matrix edges;  /* E x 3: node index, node index, weight > 0 */
    double lambda;              /* [0, 1) */
};

struct proto_kernel {
    int kind;        /* enum proto_kernel_kind */
    double variance; /* > 0, (standardised action unit)^2 */
    struct proto_scale state_scale;
    int task;                /* enum proto_task_kernel */
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

struct proto_sources { /* how each number was found: enum proto_source */
    int state_scale, task_scale, task_correlation, variance, noise_std;
};

struct proto_fit { /* what maximising the marginal likelihood came to */
    /* log p of the checked rows in nats, by the median heuristic and in the end; NaN: not known */
    double log_likelihood_median, log_likelihood;
    bool kept_median; /* the fit was no better, or could not be made: see note */
    int64_t rows, rows_checked, rows_total, evaluations;
    int64_t demonstrations; /* held when it was made */
    const char *note;       /* may be NULL */
};

/* The numbers a project takes from its own data, once they are frozen. In the log (event
 * scales_frozen) what was found; in answers what is in use: where the settings give a number, that
 * one stands there. */
struct proto_scales {
    struct proto_reals state_mean, state_std, action_mean, action_std; /* raw units */
    struct proto_reals state_scale; /* standardised; one per dimension or one in all */
    struct proto_reals task_scale;
    double task_correlation, variance, noise_std; /* NaN in the log: not found, given */
    struct proto_sources source;
    int64_t demonstrations; /* held when the moments were computed */
    struct proto_fit *fit;  /* NULL: none was made */
    bool fit_due;           /* one is under way; until then the median heuristic stands in */
    int64_t seq;            /* the event that froze them */
    const char *at;         /* RFC 3339; NULL in the log */
};
void proto_fit_defaults(void *ret_fit);
void proto_scales_defaults(void *ret_scales);

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
    struct proto_scales *scales; /* read-only; NULL until they are frozen */
    const char *created_at;      /* RFC 3339; read-only */
    int64_t seq;                 /* newest event; read-only */
};
void proto_project_defaults(struct proto_project *ret_project); /* the one home of default values */
/* The same for a body that makes a project: a noise_std that it does not name stays NaN. */
void proto_project_new_defaults(struct proto_project *ret_project);
/* Writes out what such a body left open: noise, and for a network on features that is ranked by its
 * rollouts also the measure. Then the log says both, and a later version's choice leaves them. */
void proto_project_settle(struct proto_project *project);
/* clip is a range; a graph is there when, and only when, the task kernel is one, and its edges name
 * nodes; as many state scales as dimensions; a scale is fitted only where the kernel has one. */
__attribute__((warn_unused_result)) enum proto_code
proto_project_check(const struct proto_project *project, struct proto_error *ret_error);

/* ---- task ---- */
enum proto_task_role { PROTO_TASK_BOTH, PROTO_TASK_CANDIDATE, PROTO_TASK_EVALUATION };

struct proto_task {
    const char *key, *instruction;
    struct proto_reals vector; /* null (count 0): identity only */
    double weight, cost_s;     /* target weight >= 0; > 0 */
    int role;
    struct proto_strings requires_;                 /* capabilities; "requires" on the wire */
    int64_t min_demonstrations, max_demonstrations; /* max: PROTO_INT_NULL: none */
    /* read-only counts */
    int64_t demonstrations, pretraining_demonstrations, rollouts, pending;
    double success_rate; /* of all attempts of any role; NaN: none yet */
};
void proto_task_defaults(void *ret_task);
/* max_demonstrations is not under min_demonstrations. */
__attribute__((warn_unused_result)) enum proto_code proto_task_check(const struct proto_task *task,
                                                                     struct proto_error *ret_error);

/* ---- demonstration ---- */
enum proto_demonstration_role {
    PROTO_ROLE_DEMONSTRATION,
    PROTO_ROLE_PRETRAINING,
    PROTO_ROLE_ROLLOUT
};

struct proto_demonstration {
    const char *id;     /* read-only */
    int64_t seq;        /* read-only */
    const char *sha256; /* read-only; 64 hex digits */
    int64_t steps;      /* read-only */
    const char *at;     /* read-only; RFC 3339 */
    const char *task;
    struct proto_matrix states;  /* H x d_s; left out of lists */
    struct proto_matrix actions; /* H x d_a */
    bool success;
    int role;
    const char *operator_, *robot; /* "operator" on the wire; may be NULL */
    double duration_s;             /* NaN: unknown */
    const char *source, *metadata; /* metadata: JSON object text */
    const char *assignment;        /* id of the lease it answers, or NULL */
    /* Not on the wire: the whole as safetensors, once somebody has made it; borrowed. */
    const unsigned char *encoded;
    size_t encoded_bytes;
};
void proto_demonstration_defaults(void *ret_demonstration);
/* At least one step (else empty_trajectory), as many actions as states. */
__attribute__((warn_unused_result)) enum proto_code
proto_demonstration_check(const struct proto_demonstration *demonstration,
                          struct proto_error *ret_error);

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

/* ---- policies ---- */
enum proto_revision_role {
    PROTO_REVISION_SELECTION,
    PROTO_REVISION_LIKELIHOOD,
    PROTO_REVISION_BOTH
};
enum proto_revision_state { PROTO_REVISION_STAGED, PROTO_REVISION_ACTIVE, PROTO_REVISION_RETIRED };
enum proto_likelihood_form {
    PROTO_LIKELIHOOD_NONE,
    PROTO_LIKELIHOOD_TRAJECTORY, /* C */
    PROTO_LIKELIHOOD_STEP        /* C x H */
};

/* Which tensors the features of a revision have: all of one revision have the same. */
struct proto_feature_form {
    bool per_task;           /* phi, h, g, mean: C x H x ...; false: H x ..., own task only */
    int64_t phi, h, g, mean; /* columns; PROTO_INT_NULL: no such tensor */
    int log_likelihood;      /* enum proto_likelihood_form */
};

#define PROTO_REVISION_GP "gp" /* the built-in revision of Gaussian-process projects */

struct proto_network;

struct proto_revision {
    const char *revision;
    int kind;                        /* enum proto_policy_kind */
    int role;                        /* enum proto_revision_role */
    double sigma;                    /* of the policy's actions, in the project's units; > 0 */
    struct proto_strings trained_on; /* ids of demonstrations; count 0: not said */
    const char *note;                /* may be NULL */
    /* read-only */
    int state;                           /* enum proto_revision_state */
    struct proto_strings serves;         /* "selection", "likelihood": what it serves as today */
    struct proto_feature_form *features; /* NULL until the first have come */
    int64_t summary_dim;                 /* p of `summary`; PROTO_INT_NULL: none */
    int64_t demonstrations, missing;     /* with features; wanted without */
    int64_t stale_pairs;                 /* (demonstration, task) that its features leave out */
    const char *sha256;                  /* of the file it came as; NULL: as JSON */
    const char *created_at;              /* RFC 3339; NULL: built in */
    int64_t seq;                         /* of the event that said this; 0: built in */
    /* Not on the wire: the file it came as; borrowed. Length 0: it came as JSON. */
    struct proto_matrix summary;         /* p x p */
    const struct proto_network *network; /* proto/network.h; NULL: kind is another than mlp */
    const unsigned char *encoded;
    size_t encoded_bytes;
};
void proto_revision_defaults(void *ret_revision);

/* A revision as safetensors: its fields as strings in __metadata__ (trained_on as a JSON list), a
 * tensor `summary` (p x p) and, of kind mlp, the network (proto/network.h). Fills in what the file
 * says, over what *ret_revision holds. Errors name "tensor summary" or "metadata role". Owns
 * nothing of `bytes` but `encoded`. */
__attribute__((warn_unused_result)) enum proto_code
proto_revision_from_tensors(const unsigned char *bytes, size_t length, struct proto_arena *arena,
                            struct proto_revision *ret_revision, struct proto_error *ret_error);

struct proto_revision_list {
    struct proto_list policies; /* struct proto_revision */
    const char *next_cursor;
};

struct proto_features { /* of one demonstration; the numbers are in a file, see features.h */
    const char *id, *revision, *demonstration, *sha256;
    struct proto_strings tasks; /* in the file's order; none: its own */
    struct proto_feature_form form;
    int64_t seq;
    const char *at; /* RFC 3339 */
    bool duplicate; /* in an answer: the same file was there */
    /* Not on the wire: the file; borrowed. */
    const unsigned char *encoded;
    size_t encoded_bytes;
};

enum proto_missing_reason { PROTO_MISSING_ALL, PROTO_MISSING_STALE };

struct proto_missing_features {
    const char *demonstration;
    int reason;                 /* enum proto_missing_reason */
    struct proto_strings tasks; /* without features */
};
struct proto_missing {
    const char *revision;
    int64_t demonstrations, stale_pairs; /* in all */
    struct proto_list missing;           /* struct proto_missing_features */
    const char *next_cursor;
};

/* ---- ranking ---- */
enum { PROTO_BY_TASK_MAX = 16 };

/* One number for each of some tasks: those that matter most first, `total` of them in all. */
struct proto_by_task {
    struct proto_strings tasks;
    struct proto_reals values; /* as many */
    int64_t total;
};

struct proto_candidate {
    const char *task;
    double gain; /* NaN: null, could not be scored */
    int64_t demonstrations, pending;
    double effective_sample_size, largest_weight_share, clipped_share; /* NaN: null */
    bool scorable;
    double posterior_entropy; /* nats a demonstration, expected over the occupancy set; NaN: null */
    double skipped_share;     /* of this candidate's weight, below the floor or not sampled */
    const char *note;         /* may be NULL */
    struct proto_by_task *shares; /* of the gain, by evaluation task; NULL: it has no parts */
};

struct proto_ranked_target { /* an evaluation task as the ranking weighed it */
    const char *task;
    double weight;       /* in use, normalised over the evaluation tasks */
    double failure_rate; /* in the weight where `target` is `failure`; NaN: null */
    int64_t rollouts;    /* newest ones, at most rollouts_per_task */
};

struct proto_timing {
    double total_s, posterior_s, weights_s, gain_s;
};

struct proto_resolved { /* the criterion with every `auto` decided */
    int measure, weights, occupancy, target, conditioning;
    int64_t warm_start;
    struct proto_reals clip;
    double noise_std;
};

struct proto_ranking {
    int64_t seq;          /* newest event the ranking has seen */
    const char *revision; /* of the policy: the one whose features are used */
    const char *likelihood_revision;
    double age_s;
    int measure;      /* resolved */
    const char *unit; /* "nats" or "(action unit)^2" */
    bool exhaustive;  /* false: sampled or cut, see note */
    bool provisional; /* scales not frozen yet */
    double jitter;    /* added to the kernel's diagonal */
    int rule;
    const char *choice;            /* task key, or NULL */
    const char *note;              /* what was sampled or left out; may be NULL */
    struct proto_by_task *pending; /* open assignments that the gains know of; NULL: none */
    struct proto_resolved criterion;
    struct proto_list candidates; /* struct proto_candidate, best first */
    struct proto_strings missing; /* demonstrations left out for want of features: the first ones */
    int64_t missing_count;        /* of all of them */
    int64_t stale_pairs;
    struct proto_list targets; /* struct proto_ranked_target, in key order */
    struct proto_timing timing;
};
#define PROTO_RANKING_MAX_MISSING 100

/* ---- assignments ---- */
#define PROTO_MAX_LEASE_S 604800 /* a week */
/* Of a project at once. A ranking conditions on a block of up to max_steps points for each, in time
 * and memory that grow with their square: at 16 steps these are 4,096 points, as many as
 * conditioning_limit lets demonstrations be. 2,560 took 1.9 GB. */
#define PROTO_MAX_OPEN_ASSIGNMENTS 256

enum proto_assignment_state {
    PROTO_ASSIGNMENT_OPEN,
    PROTO_ASSIGNMENT_COMPLETED,
    PROTO_ASSIGNMENT_EXPIRED,
    PROTO_ASSIGNMENT_SKIPPED,
    PROTO_ASSIGNMENT_FAILED,
    PROTO_ASSIGNMENT_RELEASED
};
/* Who is not offered a skipped task again, until it is updated. */
enum proto_skip {
    PROTO_SKIP_ME,     /* its operator, until given another task */
    PROTO_SKIP_OTHERS, /* its operator */
    PROTO_SKIP_NEVER   /* anybody */
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
    double gain, margin;       /* NaN: null */
    const char *why;           /* one plain sentence */
    const char *demonstration; /* the one that completed it, or NULL */
    const char *to, *reason;   /* of a skip; why its holder ended it otherwise, or NULL */
};

struct proto_renew {
    int64_t fence;
    double lease_s; /* NaN: the project's */
};
void proto_renew_defaults(void *ret_renew);

struct proto_end { /* skip, fail, release */
    int64_t fence;
    int to;             /* enum proto_skip; skip only */
    const char *reason; /* may be NULL */
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
/* One of demonstration and demonstration_id. */
__attribute__((warn_unused_result)) enum proto_code
proto_complete_check(const struct proto_complete *complete, struct proto_error *ret_error);

struct proto_completed {
    struct proto_assignment assignment;
    struct proto_stored demonstration;
    bool credited;
    const char *reason; /* why not credited, or NULL */
};

/* ---- decisions ---- */
/* What a choice was made of, as it was recorded when it was made. */
struct proto_basis {
    const char *revision;                       /* of the policy; NULL: none served */
    const char *likelihood_revision;            /* where it is another one; else NULL */
    const char *blas_core;                      /* whose kernels did the arithmetic */
    int measure;                                /* resolved */
    struct proto_strings capabilities, exclude; /* of the asker; count 0: none */
    const char *runner_up;                      /* task key; NULL: none */
    /* NULL where there is nothing to list. scores: gains, best first, of all candidates. pending:
     * assignments the scores know of, earlier picks included; unseen: those they do not. */
    struct proto_by_task *scores, *shares, *pending, *unseen;
    /* Expected posterior entropy of an evaluation task, nats, before pending work: the mean by
     * target weight, and each of the heaviest. NaN and NULL: not known. */
    double entropy;
    struct proto_by_task *entropies;
    double effective_sample_size, largest_weight_share, clipped_share; /* NaN: not scored */
};

struct proto_decision {
    const char *id; /* of the assignment it opened */
    const char *at; /* RFC 3339 */
    const char *task, *operator_, *robot;
    int state; /* of the assignment, today */
    int rule;
    double gain, margin; /* NaN: null */
    const char *why;
    int64_t seq; /* newest event that its ranking had seen; 0: there was none */
    double age_s;
    int64_t pick;              /* how many picks of that ranking were given out before */
    struct proto_basis *basis; /* NULL: made by a version that recorded none */
};

/* ---- report ---- */
struct proto_rule_count {
    int rule;
    int64_t decisions;
};
struct proto_state_count {
    int state;
    int64_t assignments;
};
struct proto_task_progress {
    const char *task;
    int64_t demonstrations, failed, pretraining_demonstrations, rollouts, pending, decisions;
    double success_rate;           /* of rollouts; NaN: none */
    double minutes;                /* that people spent on its demonstrations, as far as known */
    int64_t unknown_durations;     /* demonstrations that do not say how long they took */
    double first_entropy, entropy; /* nats; of the first round told, and now; NaN: not known */
};
struct proto_round {
    int64_t round; /* 1, 2, 3 ... */
    const char *id, *at, *task;
    int rule;
    double gain, entropy; /* NaN: null */
    struct proto_by_task *entropies;
};
struct proto_report {
    int64_t seq; /* newest event counted */
    const char *at;
    int64_t demonstrations, failed, decisions;
    int64_t budget; /* PROTO_INT_NULL: none */
    double minutes;
    int64_t unknown_durations;
    int64_t ranking_seq;           /* newest event that today's entropies have seen */
    double first_entropy, entropy; /* nats, the mean by target weight; NaN: not known */
    struct proto_list rules;       /* struct proto_rule_count, those there were */
    struct proto_list assignments; /* struct proto_state_count, every state */
    struct proto_list tasks;       /* struct proto_task_progress, by key */
    struct proto_list rounds;      /* struct proto_round: all, or as many, evenly spaced */
};

/* ---- lists ---- */
struct proto_project_list {
    struct proto_list projects;
    const char *next_cursor;
};
struct proto_task_list {
    struct proto_list tasks;
    const char *next_cursor;
};
struct proto_demonstration_list {
    struct proto_list demonstrations;
    const char *next_cursor;
};
struct proto_assignment_list {
    struct proto_list assignments;
    const char *next_cursor;
};
struct proto_decision_list {
    struct proto_list decisions;
    const char *next_cursor;
};

/* ---- tokens ---- */
enum proto_role { PROTO_ROLE_ADMIN, PROTO_ROLE_OPERATOR, PROTO_ROLE_ROBOT, PROTO_ROLE_READER };
enum proto_token_state { PROTO_TOKEN_LIVE, PROTO_TOKEN_EXPIRED };

#define PROTO_TOKEN_ID_BYTES 24 /* "t0000000017" and NUL, and room for the largest number */

struct proto_token {
    const char *id; /* read-only, as are created_at, state and token */
    const char *name;
    int role;               /* enum proto_role */
    const char *project;    /* the only one it may reach; NULL: all */
    const char *created_at; /* RFC 3339; NULL: the token of the file admin.token */
    const char *expires_at; /* RFC 3339; NULL: never */
    int64_t expires_in_s;   /* instead of expires_at in a request; PROTO_INT_NULL: not said */
    int state;              /* enum proto_token_state */
    const char *token;      /* the secret, in the answer to its creation only; else NULL */
};
void proto_token_defaults(void *ret_token);
struct proto_token_list {
    struct proto_list tokens;
    const char *next_cursor;
};

/* ---- operations ---- */
struct proto_version {
    const char *version, *api, *blas_core, *sqlite, *microhttpd;
};
struct proto_health {
    const char *status, *detail; /* "ok" or what is wrong */
};
struct proto_data_status {
    const char *directory; /* NULL: not for this token */
    int64_t database_bytes, log_bytes, free_bytes;
};
struct proto_project_status {
    const char *id;
    int64_t seq, tasks, demonstrations, open_assignments;
    int64_t ranking_seq;  /* PROTO_INT_NULL: none yet */
    double ranking_age_s; /* NaN: none yet */
    bool provisional;
};
struct proto_status {
    const char *version;
    double uptime_s;
    bool ready;
    const char *reason; /* why not; NULL: it is */
    bool latched, draining;
    int64_t writer_queue, connections, connections_max, streams;
    struct proto_data_status *data; /* NULL: not for a token of one project */
    struct proto_list projects;     /* of struct proto_project_status */
    const char *next_cursor;
};
struct proto_problem { /* RFC 9457 */
    const char *type, *title;
    int64_t status;
    const char *code, *detail, *at, *request_id;
};

/* ---- the event feed: what happened, as it is told to those who follow a project ---- */
struct proto_event {
    int64_t seq;
    const char *at, *type;   /* RFC 3339; the log's word for it */
    const char *id, *reason; /* of what it is about; why it was taken away; NULL: none */
    const char *revision;    /* of a policy, where one is concerned; then id is its, or of the
                                demonstration whose features came */
    /* What it is about, as the event left it; at most one is not NULL. */
    struct proto_project *project;             /* settings: without scales, created_at and seq */
    struct proto_task *task;                   /* settings: without counts */
    struct proto_demonstration *demonstration; /* without states and actions */
    struct proto_assignment *assignment;
    const char *text; /* not on the wire: the whole as JSON, once somebody has made it; borrowed */
};
struct proto_ranking_notice { /* a newer ranking is there */
    int64_t seq;              /* newest event it has seen */
    int rule;
    const char *choice; /* task key, or NULL */
    bool provisional;
};
struct proto_event_list {
    struct proto_list events;                   /* struct proto_event, in order of seq */
    int64_t seq;                                /* newest event of the project */
    const struct proto_ranking_notice *ranking; /* not in JSON: NULL unless followed */
};

/* ---- export.json of an archive, see archive.h ---- */
struct proto_export_lease {
    const char *id; /* of an open assignment */
    double remaining_s;
};
struct proto_export {
    int64_t format;      /* PROTO_ARCHIVE_FORMAT */
    const char *project; /* its id where it comes from */
    int64_t seq;         /* of the newest event; it holds every one up to it */
    const char *at;      /* when; RFC 3339 */
    const char *version; /* of the program that wrote it */
    /* Of the entries; features and revisions that came as files count as demonstrations here. */
    int64_t events_bytes, demonstrations, demonstration_bytes;
    struct proto_list leases; /* struct proto_export_lease */
};

extern const struct proto_shape proto_project_shape, proto_task_shape, proto_demonstration_shape,
    proto_demonstration_summary_shape, proto_stored_shape, proto_retraction_shape,
    proto_ranking_shape, proto_ask_shape, proto_assignment_shape, proto_asked_shape,
    proto_complete_shape, proto_completed_shape, proto_project_list_shape, proto_task_list_shape,
    proto_demonstration_list_shape, proto_assignment_list_shape, proto_decision_shape,
    proto_decision_list_shape, proto_report_shape, proto_version_shape, proto_health_shape,
    proto_status_shape, proto_problem_shape, proto_scales_shape, proto_renew_shape,
    proto_skip_shape, proto_end_shape, proto_export_shape, proto_token_shape,
    proto_token_list_shape, proto_revision_shape, proto_revision_list_shape, proto_features_shape,
    proto_missing_shape, proto_event_shape, proto_event_list_shape, proto_ranking_notice_shape,
    proto_project_settings_shape, proto_task_settings_shape;

/* Names of an enum as they are on the wire: NULL-terminated, indexed by the enum. */
extern const char *const proto_role_names[], *const proto_token_state_names[];
/* The names of a set of roles (a bit each, 1 << enum proto_role), `between` between them. Cut where
 * the text ends. */
void proto_roles_write(unsigned roles, const char *between, char *ret_text, size_t size);
extern const char *const proto_policy_kind_names[], *const proto_revision_state_names[],
                                                        *const proto_revision_role_names[],
                                                            *const proto_missing_reason_names[];
extern const char *const proto_rule_names[],
    *const proto_measure_names[], *const proto_weights_names[],
                                      *const proto_occupancy_names[],
                                          *const proto_target_names[],
                                              *const proto_conditioning_names[],
                                                  *const proto_assignment_state_names[],
                                                      *const proto_skip_names[],
                                                          *const proto_demonstration_role_names[],
                                                              *const proto_task_role_names[];

/* A demonstration as safetensors: tensors `states` and `actions` (rank 2; F16, F32 or F64 in, F64
 * out), and in
 * __metadata__, as strings, those of task, success ("true", "false"), role, operator, robot,
 * duration_s, source, assignment and metadata (JSON text) that are known. Any other metadata key,
 * such as a file of somebody else has, is kept as a string in the demonstration's `metadata`. A
 * tensor of another name is refused.
 *
 * Errors name "tensor states", "metadata success" or "header". *ret_demonstration is checked, owns
 * nothing of `bytes`, and is untouched on failure. */
__attribute__((warn_unused_result)) enum proto_code proto_demonstration_from_tensors(
    const unsigned char *bytes, size_t length, struct proto_arena *arena,
    struct proto_demonstration *ret_demonstration, struct proto_error *ret_error);
/* The states and actions alone, of bytes that were taken by the above before. */
__attribute__((warn_unused_result)) enum proto_code
proto_demonstration_numbers(const unsigned char *bytes, size_t length, struct proto_arena *arena,
                            struct proto_demonstration *demonstration,
                            struct proto_error *ret_error);
/* The inverse; read-only fields stay out. *ret_bytes is malloc'ed. 0, or -1: no memory, or not
 * UTF-8. */
__attribute__((warn_unused_result)) int
proto_demonstration_to_tensors(const struct proto_demonstration *demonstration,
                               unsigned char **ret_bytes, size_t *ret_length);

/* The SHA-256 that tells demonstrations apart, as 64 lower-case hex digits and NUL. It is over
 * these bytes, numbers little-endian, nothing between them:
 *
 *     "amf demonstration 1\n"               20 bytes of ASCII
 *     length of task     u64                bytes of UTF-8
 *     task
 *     success            u8                 1 or 0
 *     length of role     u64
 *     role                                  "demonstration", "pretraining" or "rollout"
 *     steps, state_dim   u64, u64
 *     states             float64            row by row; -0.0 counts as 0.0
 *     steps, action_dim  u64, u64
 *     actions            float64            likewise
 *
 * So identical content has an identical hash whatever format it came in, provided its numbers were
 * the same doubles: a float32 counts as the double of equal value. */
void proto_demonstration_hash(const struct proto_demonstration *demonstration, char ret_hex[65]);

#endif
