/* Results as JSON. Numbers with six digits: far more than the intervals are worth, and few enough
 * to keep results beside the code. Strings are names of ours or keys of tasks, which need no
 * escapes.
 */
#include <math.h>
#include <string.h>

#include <amf/pool.h>
#include <amf/select.h>
#include <proto/wire.h>

#include "internal.h"
#include "summary.h"

_Static_assert((int)AMF_WEIGHTS_UNIFORM == (int)PROTO_WEIGHTS_UNIFORM, "one order of weights");
_Static_assert((int)AMF_MEASURE_PRIOR_ENTROPY + 1 == (int)PROTO_MEASURE_PRIOR_ENTROPY,
               "one order of measures, after auto");

static const char *const kernel_names[] = {"rbf", "matern32", "matern52", "linear"};

static void report_number(FILE *out, const char *before, double number)
{
    if (isfinite(number))
        fprintf(out, "%s%.6g", before, number);
    else
        fprintf(out, "%snull", before);
}

static void report_interval(FILE *out, const char *name, struct lab_interval interval)
{
    fprintf(out, "\"%s\": {", name);
    report_number(out, "\"mean\": ", interval.mean);
    report_number(out, ", \"low\": ", interval.low);
    report_number(out, ", \"high\": ", interval.high);
    fputc('}', out);
}

static void report_list(FILE *out, const char *name, const struct lab_interval *curve, size_t count,
                        size_t member)
{
    fprintf(out, "\"%s\": [", name);
    for (size_t i = 0; i < count; i++) {
        const double numbers[] = {curve[i].mean, curve[i].low, curve[i].high};

        report_number(out, i ? ", " : "", numbers[member]);
    }
    fputs("], ", out);
}

/* Seed by seed less the area of every other rule. */
static enum amf_status report_minus(const struct lab_result *result, size_t rule,
                                    enum lab_metric metric, FILE *out)
{
    bool any = false;

    fputs(", \"minus\": {", out);
    for (size_t other = 0; other < result->settings.rule_count; other++) {
        struct lab_interval apart;
        enum amf_status status;

        if (other == rule)
            continue;
        status = lab_area(result, rule, other, metric, &apart);
        if (status)
            return status;
        fputs(any ? ", " : "", out);
        report_interval(out, lab_rule_names[result->settings.rules[other]], apart);
        any = true;
    }
    fputs("}", out);
    return AMF_OK;
}

/* "auc" is the mean area; "area" the same with its interval and seed by seed. */
static enum amf_status report_area(const struct lab_result *result, size_t rule,
                                   enum lab_metric metric, FILE *out)
{
    LAB_FREE_CLEANUP double *areas = lab_new_rows(result->settings.seeds, 1);
    struct lab_interval area;
    enum amf_status status = areas ? AMF_OK : AMF_NO_MEMORY;

    if (!status)
        status = lab_area(result, rule, result->settings.rule_count, metric, &area);
    if (status)
        return status;
    lab_areas(result, rule, metric, areas);
    report_number(out, "\"auc\": ", area.mean);
    fputs(", ", out);
    report_interval(out, "area", area);
    fputs(", \"seeds\": [", out);
    for (size_t seed = 0; seed < result->settings.seeds; seed++)
        report_number(out, seed ? ", " : "", areas[seed]);
    fputs("]", out);
    return AMF_OK;
}

static enum amf_status report_metric(const struct lab_result *result, size_t rule,
                                     enum lab_metric metric, const char *name, FILE *out)
{
    size_t points = result->settings.rounds + 1;
    LAB_FREE_CLEANUP struct lab_interval *curve = lab_new_array(points, sizeof(*curve));
    enum amf_status status = curve ? lab_curve(result, rule, metric, curve) : AMF_NO_MEMORY;

    if (status)
        return status;
    fprintf(out, "\"%s\": {", name);
    report_list(out, "mean", curve, points, 0);
    report_list(out, "low", curve, points, 1);
    report_list(out, "high", curve, points, 2);
    status = report_area(result, rule, metric, out);
    if (!status && metric <= LAB_ENTROPY)
        status = report_minus(result, rule, metric, out);
    fputs("}, ", out);
    return status;
}

static enum amf_status report_rule(const struct lab_result *result, size_t rule, FILE *out)
{
    const char *const names[LAB_METRIC_COUNT] = {result->world->score_name, "entropy", "gain",
                                                 "effective_sample_size"};
    enum lab_rule kind = result->settings.rules[rule];
    bool scored = kind == LAB_RULE_CRITERION || kind == LAB_RULE_PRIOR_ENTROPY;
    enum amf_status status = AMF_OK;

    fprintf(out, "%s\"%s\": {", rule ? ", " : "", lab_rule_names[kind]);
    for (size_t metric = 0; !status && metric < (scored ? LAB_METRIC_COUNT : LAB_GAIN); metric++)
        status = report_metric(result, rule, (enum lab_metric)metric, names[metric], out);
    fputs("\"asked\": [", out);
    for (size_t task = 0; task < result->world->task_count; task++)
        report_number(out, task ? ", " : "", lab_asked(result, rule, task));
    fputs("]}", out);
    return status;
}

static void report_clip(const struct amf_clip *clip, FILE *out)
{
    if (clip->scope == AMF_CLIP_NONE) {
        fputs(", \"clip\": null", out);
        return;
    }
    fprintf(out, ", \"clip\": [%.9g, %.9g], \"clip_scope\": \"%s\"", clip->low, clip->high,
            clip->scope == AMF_CLIP_STEP ? "step" : "trajectory");
}

static void report_criterion(const struct lab_settings *settings, FILE *out)
{
    fprintf(out, ", \"measure\": \"%s\", \"weights\": \"%s\", \"occupancy\": \"%s\"",
            proto_measure_names[settings->criterion.measure + 1],
            proto_weights_names[settings->criterion.weights],
            settings->occupancy_new ? "new" : "held");
    if (settings->criterion.weights == AMF_WEIGHTS_TEMPERED)
        fprintf(out, ", \"ess_target\": %.9g", settings->criterion.ess_target);
    report_clip(&settings->criterion.clip, out);
    if (settings->warm_start == AMF_SELECT_WARM_START_AUTO)
        fputs(", \"warm_start\": \"auto\"", out);
    else
        fprintf(out, ", \"warm_start\": %zu", settings->warm_start);
}

static void report_settings(const struct lab_settings *settings, FILE *out)
{
    fprintf(out, "\"rounds\": %zu, \"seeds\": %zu, \"seed\": %llu, \"batch\": %zu",
            settings->rounds, settings->seeds, (unsigned long long)settings->seed, settings->batch);
    report_criterion(settings, out);
    fprintf(out, ", \"state_kernel\": \"%s\"", kernel_names[settings->model.kernel]);
    report_number(out, ", \"variance\": ", settings->model.variance);
    report_number(out, ", \"noise\": ", settings->model.noise);
    report_number(out, ", \"state_scale\": ", settings->model.state_scale);
    fprintf(out, ", \"blas_core\": \"%s\"", amf_pool_blas_core());
}

enum amf_status lab_report(const struct lab_result *result, const struct lab_note *notes,
                           size_t note_count, const char *const *task_names, FILE *out)
{
    enum amf_status status = AMF_OK;

    fputs("{\"rules\": {", out);
    for (size_t rule = 0; !status && rule < result->settings.rule_count; rule++)
        status = report_rule(result, rule, out);
    fputs("}, \"settings\": {", out);
    report_settings(&result->settings, out);
    for (size_t i = 0; i < note_count; i++) {
        fprintf(out, ", \"%s\": ", notes[i].name);
        if (notes[i].text)
            fprintf(out, "\"%s\"", notes[i].text);
        else
            report_number(out, "", notes[i].number);
    }
    fputs(", \"tasks\": [", out);
    for (size_t task = 0; task < result->world->task_count; task++)
        fprintf(out, "%s\"%s\"", task ? ", " : "", task_names[task]);
    fputs("]}}\n", out);
    return status;
}
