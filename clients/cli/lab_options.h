/* What `amf experiment` and `amf backtest` have in common: options, the run, the table. */
#ifndef CLI_LAB_OPTIONS_H
#define CLI_LAB_OPTIONS_H

#include <lab/lab.h>

#include "commands.h"

/* Rows of a table of options; AT says where the struct lab_options lies in the command's, KERNELS
 * are the names it takes, those of libamf first. */
#define LAB_OPTION_ROWS(AT, KERNELS)                                                                 \
    {"rounds", "N", OPTION_INT, AT(rounds), "demonstrations after pre-training", 1, 1000},           \
        {"seeds", "N", OPTION_INT, AT(seeds), "repetitions, each with its own chance", 1, 1000},     \
        {"rules", "NAME,...", OPTION_TEXT, AT(rules),                                                \
         "what is compared: criterion, uniform, rebalance, prior_entropy, round_robin, oracle"},     \
        {"weights",                                                                                  \
         "NAME",                                                                                     \
         OPTION_NAME,                                                                                \
         AT(weights),                                                                                \
         "importance weights",                                                                       \
         .names = proto_weights_names},                                                              \
        {"measure", "NAME", OPTION_NAME, AT(measure), "of information", .names = lab_measure_names}, \
        {"occupancy",                                                                                \
         "NAME",                                                                                     \
         OPTION_NAME,                                                                                \
         AT(occupancy),                                                                              \
         "pre-training stands in, or does not",                                                      \
         .names = lab_occupancy_names},                                                              \
        {"ess-target", "N",       OPTION_REAL, AT(ess_target), "effective sample size of tempered",  \
         .min = 1,     .max = 1e6},                                                                  \
        {"clip", "LOW,HIGH", OPTION_REALS, AT(clip), "of log-likelihoods, nats (default none)"},     \
        {"clip-scope",           "NAME", OPTION_NAME, AT(clip_scope), "what is clipped",             \
         .names = lab_clip_names},                                                                   \
        {"warm-start",                                                                               \
         "N",                                                                                        \
         OPTION_INT,                                                                                 \
         AT(warm_start),                                                                             \
         "attempts of each task before the rule (default: one in all, if nothing is held)",          \
         0,                                                                                          \
         1000},                                                                                      \
        {"batch", "N", OPTION_INT, AT(batch), "tasks chosen at a time", 1, 1000},                    \
        {"kernel", "NAME", OPTION_NAME, AT(kernel), "of the Gaussian process", .names = (KERNELS)},  \
        {"noise",                                                                                    \
         "STD",                                                                                      \
         OPTION_REAL,                                                                                \
         AT(noise),                                                                                  \
         "standard deviation of an action (backtest: in those of the recordings)",                   \
         .min = 1e-3,                                                                                \
         .max = 10},                                                                                 \
        {"seed", "N", OPTION_INT, AT(seed), "of the first repetition", 0, 1e15},                     \
    {                                                                                                \
        "workers", "N", OPTION_INT, AT(workers), "threads; 0 is one per processor", 0, 1024          \
    }

extern const char *const lab_measure_names[], *const lab_occupancy_names[], *const lab_clip_names[];

void lab_options_defaults(struct lab_options *options, int64_t rounds);

struct lab_subject { /* what is run, and the words of its report */
    const struct lab_world *world;
    struct lab_model model;
    struct lab_judge judge;
    const struct lab_note *notes;
    size_t note_count;
    const char *const *task_names;
};

/* A kernel that is not libamf's is the world's, over rbf. */
enum amf_kernel_kind lab_options_kernel(const struct lab_options *options);

/* Runs and prints: JSON, or a table. */
enum cli_exit lab_options_run(struct cli *cli, const struct lab_options *options,
                              const struct lab_subject *subject);

#endif
