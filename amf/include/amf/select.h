/* The choice: from what is known of every candidate to the one task an asker is sent to.
 *
 * A pure function: the same inputs give the same choice, and an answer always names its rule. In
 * order: budget; warm start; minimum; explore (rule criterion only); the rule itself; fallback.
 * Where gains have not seen the newest assignments, a task among these is chosen by its gain only
 * when every other scorable one has as many unseen ones: askers in a hurry are sent apart. Ties go
 * to the fewest demonstrations, then to key order, which is the order of the candidates.
 */
#ifndef AMF_SELECT_H
#define AMF_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <amf/status.h>

enum amf_rule {
    AMF_RULE_CRITERION,
    AMF_RULE_UNIFORM,
    AMF_RULE_ROUND_ROBIN,
    AMF_RULE_REBALANCE,
    AMF_RULE_PRIOR_ENTROPY,
    AMF_RULE_LOWEST_SUCCESS,
    AMF_RULE_WARM_START, /* from here on: answers only */
    AMF_RULE_MINIMUM,
    AMF_RULE_EXPLORE,
    AMF_RULE_FALLBACK
};

#define AMF_SELECT_NO_LIMIT SIZE_MAX
#define AMF_SELECT_WARM_START_AUTO SIZE_MAX

struct amf_select_candidate { /* in key order */
    bool allowed;             /* the asker can do it, and wants to */
    double cost_s;            /* > 0 */
    size_t demonstrations;    /* held, successful, without pre-training */
    size_t known;             /* the same with pre-training */
    size_t attempts;          /* held, failed and pending, without pre-training */
    size_t pending;           /* open assignments, the answer's own earlier picks included */
    size_t min_demonstrations, max_demonstrations; /* max: AMF_SELECT_NO_LIMIT */
    size_t rollout_successes, rollouts;            /* the last ones; lowest_success */
    size_t unseen; /* of `pending`: opened after the gain was worked out */
    bool scorable;
    double gain; /* of the criterion, or of prior_entropy where that is the rule; finite */
};

struct amf_select_settings {
    enum amf_rule rule;   /* up to LOWEST_SUCCESS */
    size_t warm_start;    /* attempts per task, or AMF_SELECT_WARM_START_AUTO */
    bool network;         /* what auto means: networks one each; Gaussian processes while n = 0 */
    double explore_share; /* [0, 1] */
    double cost_exponent; /* >= 0: gain / cost^exponent; 0: costs ignored */
    double stop_gain;     /* stop when the largest gain is below; 0: never */
    bool stop_hard;       /* name no task then */
    size_t budget;        /* demonstrations in all, pending ones counted; AMF_SELECT_NO_LIMIT */
    size_t spent;         /* of it: held and pending of all tasks, candidates or not */
    uint64_t seed;
};

enum amf_select_reason {
    AMF_SELECT_FINE,
    AMF_SELECT_NOTHING_ALLOWED, /* the asker can do none of the candidates */
    AMF_SELECT_ALL_DONE,        /* every task it could do has its max_demonstrations */
    AMF_SELECT_BUDGET_SPENT,
    AMF_SELECT_BELOW_STOP_GAIN, /* soft: beside a choice; hard: instead of one */
    AMF_SELECT_NOT_SCORABLE     /* beside rule fallback */
};

#define AMF_SELECT_NONE SIZE_MAX

struct amf_choice {
    size_t candidate; /* AMF_SELECT_NONE: nothing to do, see reason */
    enum amf_rule rule;
    enum amf_select_reason reason;
    bool has_gain; /* it could be scored */
    double gain;
    bool has_margin;  /* chosen by score, and another could have been */
    double margin;    /* best score minus the next, in gain / cost^exponent */
    size_t runner_up; /* whose score is the next; AMF_SELECT_NONE without margin */
};

/* held: n, demonstrations the criterion has. round: choices made before, for seeds and round robin.
 * AMF_BAD_ARGUMENT for settings out of range, AMF_NOT_FINITE for a gain or cost that is not. */
AMF_CHECKED enum amf_status amf_select_choose(const struct amf_select_candidate *candidates,
                                              size_t count,
                                              const struct amf_select_settings *settings,
                                              size_t held, uint64_t round,
                                              struct amf_choice *ret_choice);

/* Best first: by score under the rule criterion, ties as above, what cannot be scored last.
 * ret_order: count indices. Constraints of an asker play no part. */
AMF_CHECKED enum amf_status amf_select_order(const struct amf_select_candidate *candidates,
                                             size_t count, double cost_exponent, size_t *ret_order);

#endif
