/* Experiments from the command line: from options to settings, and from results to text. */
#include "lab_options.h"

#include <math.h>
#include <string.h>

#include <amf/select.h>
#include <proto/wire.h>

#include "progress.h"

const char *const lab_measure_names[] = {"entropy",    "noisy_entropy",  "variance", "kl",
                                         "reverse_kl", "jensen_shannon", NULL};
const char *const lab_occupancy_names[] = {"held", "new", NULL};
const char *const lab_clip_names[] = {"trajectory", "step", NULL};

void lab_options_defaults(struct lab_options *options, int64_t rounds)
{
    options->rounds = rounds;
    options->seeds = 10;
    options->seed = 1;
    options->batch = 1;
    options->warm_start = PROTO_INT_AUTO;
    options->rules = "criterion,uniform,rebalance,prior_entropy";
    options->weights = AMF_WEIGHTS_TEMPERED;
    options->ess_target = amf_criterion_settings_default().ess_target;
}

/* Index of the word of that length, or LAB_RULE_COUNT. */
static enum lab_rule find_rule(const char *word, size_t length)
{
    size_t rule = 0;

    while (rule < LAB_RULE_COUNT && (strlen(lab_rule_names[rule]) != length ||
                                     strncmp(lab_rule_names[rule], word, length) != 0))
        rule++;
    return (enum lab_rule)rule;
}

static int apply_rules(struct cli *cli, const char *rules, struct lab_settings *settings)
{
    for (const char *word = rules; word;) {
        size_t length = strcspn(word, ",");
        enum lab_rule rule = find_rule(word, length);

        if (rule == LAB_RULE_COUNT) {
            cli_fail(cli, CLI_USAGE, "--rules: there is no rule \"%.*s\"",
                     (int)(length < 40 ? length : 40), word);
            return -1;
        }
        if (settings->rule_count == LAB_RULE_COUNT) {
            cli_fail(cli, CLI_USAGE, "--rules: none twice");
            return -1;
        }
        settings->rules[settings->rule_count++] = rule;
        word = word[length] ? word + length + 1 : NULL;
    }
    return 0;
}

static int apply_clip(struct cli *cli, const struct lab_options *options, struct amf_clip *clip)
{
    if (!options->clip.count)
        return 0;
    if (options->clip.count != 2 || options->clip.items[0] > options->clip.items[1]) {
        cli_fail(cli, CLI_USAGE, "--clip: two numbers, the lower one first");
        return -1;
    }
    *clip = (struct amf_clip){options->clip_scope ? AMF_CLIP_STEP : AMF_CLIP_TRAJECTORY,
                              options->clip.items[0], options->clip.items[1]};
    return 0;
}

static int apply_options(struct cli *cli, const struct lab_options *options,
                         struct lab_settings *settings)
{
    settings->rounds = (size_t)options->rounds;
    settings->seeds = (size_t)options->seeds;
    settings->seed = (uint64_t)options->seed;
    settings->batch = (size_t)options->batch;
    settings->workers = (size_t)options->workers;
    settings->warm_start = options->warm_start == PROTO_INT_AUTO ? AMF_SELECT_WARM_START_AUTO
                                                                 : (size_t)options->warm_start;
    settings->occupancy_new = options->occupancy == 1;
    settings->criterion = amf_criterion_settings_default();
    settings->criterion.weights = (enum amf_weights)options->weights;
    settings->criterion.measure = (enum amf_measure_kind)options->measure;
    settings->criterion.ess_target = options->ess_target;
    if (apply_rules(cli, options->rules, settings) < 0)
        return -1;
    return apply_clip(cli, options, &settings->criterion.clip);
}

/* ---- the table ---- */

static void interval_text(char text[64], struct lab_interval interval)
{
    if (isnan(interval.mean))
        snprintf(text, 64, "-");
    else
        snprintf(text, 64, "%.3f [%.3f, %.3f]", interval.mean, interval.low, interval.high);
}

static enum amf_status add_rule(struct table *table, const struct lab_result *result, size_t rule,
                                struct lab_interval *curve)
{
    char last[64], area[64], apart[64] = "-";
    size_t uniform = 0, rules = result->settings.rule_count;
    struct lab_interval interval;
    const struct cell cells[] = {{.text = lab_rule_names[result->settings.rules[rule]]},
                                 {.text = last},
                                 {.text = area},
                                 {.text = apart}};
    enum amf_status status = lab_curve(result, rule, LAB_SCORE, curve);

    while (uniform < rules && result->settings.rules[uniform] != LAB_RULE_UNIFORM)
        uniform++;
    if (status)
        return status;
    interval_text(last, curve[result->settings.rounds]);
    status = lab_area(result, rule, rules, LAB_SCORE, &interval);
    interval_text(area, interval);
    if (!status && uniform < rules && uniform != rule) {
        status = lab_area(result, rule, uniform, LAB_SCORE, &interval);
        interval_text(apart, interval);
    }
    if (!status && table_add(table, cells, false) < 0)
        status = AMF_NO_MEMORY;
    return status;
}

static void print_asked(struct cli *cli, const struct lab_result *result,
                        const char *const *task_names)
{
    for (size_t rule = 0; rule < result->settings.rule_count; rule++) {
        fprintf(cli->out, "%s:", lab_rule_names[result->settings.rules[rule]]);
        for (size_t task = 0; task < result->world->task_count; task++) {
            fputs(task ? ", " : " ", cli->out);
            output_text(cli->out, task_names[task]);
            fprintf(cli->out, " %.1f", lab_asked(result, rule, task));
        }
        fputc('\n', cli->out);
    }
}

static enum amf_status print_table(struct cli *cli, const struct lab_result *result,
                                   const char *const *task_names)
{
    static const struct column columns[] = {{"rule", COLUMN_LEFT},
                                            {"last round", COLUMN_LEFT},
                                            {"mean over rounds", COLUMN_LEFT},
                                            {"minus uniform", COLUMN_LEFT}};
    TABLE_CLEANUP struct table *table = table_new(columns, 4);
    struct lab_interval *curve =
        proto_arena_alloc(&cli->arena, result->settings.rounds + 1, sizeof(*curve));
    enum amf_status status = table && curve ? AMF_OK : AMF_NO_MEMORY;

    for (size_t rule = 0; !status && rule < result->settings.rule_count; rule++)
        status = add_rule(table, result, rule, curve);
    if (status)
        return status;
    fprintf(cli->out, "%s%s over %zu seeds, [90 %% bootstrap interval]\n\n",
            result->world->score_name, result->world->less_is_better ? " (less is better)" : "",
            result->settings.seeds);
    table_print(table, &cli->terminal, cli->out);
    fputs("\nDemonstrations asked for, mean over seeds\n", cli->out);
    print_asked(cli, result, task_names);
    return AMF_OK;
}

/* ---- the run ---- */

enum amf_kernel_kind lab_options_kernel(const struct lab_options *options)
{
    return options->kernel > AMF_KERNEL_LINEAR ? AMF_KERNEL_RBF
                                               : (enum amf_kernel_kind)options->kernel;
}

static void tell(void *arg, size_t done)
{
    progress_update(arg, done);
}

enum cli_exit lab_options_run(struct cli *cli, const struct lab_options *options,
                              const struct lab_subject *subject)
{
    LAB_RESULT_CLEANUP struct lab_result result = LAB_RESULT_NULL;
    struct lab_settings settings = {.model = subject->model, .judge = subject->judge};
    struct progress progress;
    const struct lab_progress watch = {tell, &progress};
    const char *wrong;
    enum amf_status status;

    if (apply_options(cli, options, &settings) < 0)
        return CLI_USAGE;
    wrong = lab_settings_check(&settings, subject->world);
    if (wrong)
        return cli_fail(cli, CLI_USAGE, "--%s", wrong);
    progress_init(&progress, cli->err, settings.rule_count * settings.seeds * settings.rounds);
    status = lab_run(subject->world, &settings, &watch, &result);
    progress_clear(&progress);
    if (!status)
        status = cli->json ? lab_report(&result, subject->notes, subject->note_count,
                                        subject->task_names, cli->out)
                           : print_table(cli, &result, subject->task_names);
    if (status)
        return cli_fail(cli, CLI_LOCAL, "the experiment failed: %s", amf_status_name(status));
    return CLI_OK;
}
