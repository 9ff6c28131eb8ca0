/* The numbers a project takes from its data: in the log, and in answers. */
#include "tables.h"

static const char *const source_names[] = {"given", "median", "marginal_likelihood", NULL};

#define AT(member) offsetof(struct proto_sources, member)
static const struct proto_field sources_fields[] = {
    {"state_scale", PROTO_ENUM, AT(state_scale), .names = source_names},
    {"task_scale", PROTO_ENUM, AT(task_scale), .names = source_names},
    {"task_correlation", PROTO_ENUM, AT(task_correlation), .names = source_names},
    {"variance", PROTO_ENUM, AT(variance), .names = source_names},
    {"noise_std", PROTO_ENUM, AT(noise_std), .names = source_names},
};
#undef AT

static const struct proto_shape sources_shape = {
    .name = "Sources", .size = sizeof(struct proto_sources), PROTO_FIELDS(sources_fields)};

#define AT(member) offsetof(struct proto_fit, member)
static const struct proto_field fit_fields[] = {
    {"log_likelihood_median", PROTO_REAL, AT(log_likelihood_median), PROTO_NULLABLE},
    {"log_likelihood", PROTO_REAL, AT(log_likelihood), PROTO_NULLABLE},
    {"kept_median", PROTO_BOOL, AT(kept_median)},
    {"rows", PROTO_INT, AT(rows)},
    {"rows_checked", PROTO_INT, AT(rows_checked)},
    {"rows_total", PROTO_INT, AT(rows_total)},
    {"evaluations", PROTO_INT, AT(evaluations)},
    {"demonstrations", PROTO_INT, AT(demonstrations)},
    {"note", PROTO_STRING, AT(note), PROTO_NULLABLE},
};
#undef AT

void proto_fit_defaults(void *ret_fit)
{
    *(struct proto_fit *)ret_fit =
        (struct proto_fit){.log_likelihood_median = NAN, .log_likelihood = NAN};
}

static const struct proto_shape fit_shape = {.name = "Fit",
                                             .size = sizeof(struct proto_fit),
                                             PROTO_FIELDS(fit_fields),
                                             .set_defaults = proto_fit_defaults};

#define AT(member) offsetof(struct proto_scales, member)
static const struct proto_field scales_fields[] = {
    {"state_mean", PROTO_REALS, AT(state_mean)},
    {"state_std", PROTO_REALS, AT(state_std)},
    {"action_mean", PROTO_REALS, AT(action_mean)},
    {"action_std", PROTO_REALS, AT(action_std)},
    {"state_scale", PROTO_REALS, AT(state_scale)},
    {"task_scale", PROTO_REALS, AT(task_scale)},
    {"task_correlation", PROTO_REAL, AT(task_correlation), PROTO_NULLABLE},
    {"variance", PROTO_REAL, AT(variance), PROTO_NULLABLE},
    {"noise_std", PROTO_REAL, AT(noise_std), PROTO_NULLABLE},
    {"source", PROTO_OBJECT, AT(source), .shape = &sources_shape},
    {"demonstrations", PROTO_INT, AT(demonstrations)},
    {"fit", PROTO_POINTER, AT(fit), PROTO_NULLABLE, .shape = &fit_shape},
    {"fit_due", PROTO_BOOL, AT(fit_due)},
    {"seq", PROTO_INT, AT(seq)},
    {"at", PROTO_STRING, AT(at), PROTO_NULLABLE},
};
#undef AT

const struct proto_shape proto_scales_shape = {.name = "Scales",
                                               .size = sizeof(struct proto_scales),
                                               PROTO_FIELDS(scales_fields),
                                               .set_defaults = proto_scales_defaults};

/* What an event of the first version meant, which had nothing but medians. */
void proto_scales_defaults(void *ret_scales)
{
    *(struct proto_scales *)ret_scales = (struct proto_scales){
        .task_correlation = NAN,
        .variance = NAN,
        .noise_std = NAN,
        .source = {.state_scale = PROTO_SOURCE_MEDIAN, .task_scale = PROTO_SOURCE_MEDIAN}};
}
