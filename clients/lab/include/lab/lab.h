/* Experiments: rules that choose which task is demonstrated next, compared over many seeds.
 *
 * A run is one rule and one seed: pre-training, then round by round a choice, its demonstration,
 * and the policy's score. Runs are independent and shared out over threads, each with a BLAS of one
 * thread; results go by their number, so any number of workers gives the same ones.
 */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <amf/kernel.h>
#include <amf/scorer.h>
#include <amf/status.h>
#include <lab/world.h>

enum lab_rule {
    LAB_RULE_CRITERION,
    LAB_RULE_UNIFORM,
    LAB_RULE_REBALANCE, /* is told what was pre-trained */
    LAB_RULE_PRIOR_ENTROPY,
    LAB_RULE_ROUND_ROBIN,
    LAB_RULE_ORACLE, /* tries every task and looks at the score */
    LAB_RULE_COUNT
};
extern const char *const lab_rule_names[]; /* NULL-terminated */

struct lab_model { /* the Gaussian process */
    enum amf_kernel_kind kernel;
    double variance, noise;
    double state_scale; /* NaN: the median distance, see lab_world.standardize */
    double task_scale;  /* with task vectors */
    /* Demonstrations that freeze what is taken from the data, as they come one by one; 0: what
     * stands at the first choice is frozen, from 5 or the number of tasks on. */
    size_t fit_after;
    bool likelihood; /* at the freeze, scale, variance and noise by marginal likelihood */
};

/* A policy that is told the same demonstrations as the one that is chosen for, and scored in its
 * place: whatever the rule goes by, scores are on one scale. */
struct lab_judge {
    const struct lab_world *world; /* the same tasks and demonstrations; NULL: there is none */
    struct lab_model model;
};

struct lab_settings {
    enum lab_rule rules[LAB_RULE_COUNT];
    size_t rule_count;
    size_t rounds; /* demonstrations after pre-training */
    size_t batch;  /* tasks chosen before their demonstrations come, >= 1 */
    size_t seeds;
    uint64_t seed;  /* of the first; the others count on from it */
    size_t workers; /* 0: one per processor */
    struct lab_model model;
    struct amf_criterion_settings criterion;
    bool occupancy_new; /* pre-training demonstrations do not stand in */
    size_t warm_start;  /* attempts per task, or AMF_SELECT_WARM_START_AUTO */
    struct lab_judge judge;
};

enum lab_metric {
    LAB_SCORE,
    LAB_ENTROPY,
    LAB_GAIN,           /* of the choice; NaN where the rule has none */
    LAB_EFFECTIVE_SIZE, /* of the weights, mean over the candidates; NaN likewise */
    LAB_METRIC_COUNT
};

struct lab_result {
    struct lab_settings settings;
    const struct lab_world *world; /* borrowed */
    double *values;                /* rule x metric x seed x (rounds + 1) */
    double *asked;                 /* rule x seed x task: demonstrations asked for */
};

#define LAB_RESULT_NULL                                                                            \
    {                                                                                              \
        .values = NULL                                                                             \
    }
void lab_result_deinit(struct lab_result *result);
#define LAB_RESULT_CLEANUP __attribute__((cleanup(lab_result_deinit)))

/* Told after every demonstration, one thread at a time. */
struct lab_progress {
    void (*tell)(void *arg, size_t done);
    void *arg;
};

/* What is wrong with the settings, or NULL. */
const char *lab_settings_check(const struct lab_settings *settings, const struct lab_world *world);

/* The world and progress (may be NULL) are borrowed for the call, the world as long as the result.
 * AMF_BAD_ARGUMENT, AMF_NO_MEMORY, AMF_NO_THREADS, and what libamf says. Not from a pool's task. */
AMF_CHECKED enum amf_status lab_run(const struct lab_world *world,
                                    const struct lab_settings *settings,
                                    const struct lab_progress *progress,
                                    struct lab_result *ret_result);

/* ---- over seeds ---- */

struct lab_interval {
    double mean, low, high; /* 90 % simple bootstrap over seeds; NaN where any seed is */
};

/* rounds + 1 intervals. */
AMF_CHECKED enum amf_status lab_curve(const struct lab_result *result, size_t rule,
                                      enum lab_metric metric, struct lab_interval *ret_curve);
/* Area under the curve of each seed, without the round before the first choice, over the number of
 * rounds: the mean over rounds. */
void lab_areas(const struct lab_result *result, size_t rule, enum lab_metric metric,
               double *ret_areas);
/* Its interval. `against`: another rule, whose area is taken off seed by seed; rule_count: none. */
AMF_CHECKED enum amf_status lab_area(const struct lab_result *result, size_t rule, size_t against,
                                     enum lab_metric metric, struct lab_interval *ret_area);
/* Demonstrations asked for under one task, mean over seeds. */
double lab_asked(const struct lab_result *result, size_t rule, size_t task);

/* One more member of "settings", such as a world's own. */
struct lab_note {
    const char *name;
    double number;
    const char *text; /* instead of the number, plain ASCII without quotes */
};

/* {"rules": {"criterion": {"return": {"mean", "low", "high", "auc"}, ...}}, "settings": {}} on one
 * line. Only `out` is written to; its errors are the caller's to look at. AMF_NO_MEMORY. */
AMF_CHECKED enum amf_status lab_report(const struct lab_result *result,
                                       const struct lab_note *notes, size_t note_count,
                                       const char *const *task_names, FILE *out);

#endif
