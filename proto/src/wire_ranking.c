/* Rankings: answers only, so nothing has a range. */
#include "tables.h"

#define AT(member) offsetof(struct proto_by_task, member)
static const struct proto_field by_task_fields[] = {
    {"tasks", PROTO_STRINGS, AT(tasks), .max_length = PROTO_BY_TASK_MAX},
    {"values", PROTO_REALS, AT(values), .max_length = PROTO_BY_TASK_MAX},
    {"total", PROTO_INT, AT(total), .min = 0, .max = PROTO_INT_MAX},
};
#undef AT

const struct proto_shape proto_by_task_shape = {
    .name = "ByTask", .size = sizeof(struct proto_by_task), PROTO_FIELDS(by_task_fields)};

#define AT(member) offsetof(struct proto_candidate, member)
static const struct proto_field candidate_fields[] = {
    {"task", PROTO_STRING, AT(task)},
    {"gain", PROTO_REAL, AT(gain), PROTO_NULLABLE},
    {"demonstrations", PROTO_INT, AT(demonstrations)},
    {"pending", PROTO_INT, AT(pending)},
    {"effective_sample_size", PROTO_REAL, AT(effective_sample_size), PROTO_NULLABLE},
    {"largest_weight_share", PROTO_REAL, AT(largest_weight_share), PROTO_NULLABLE},
    {"clipped_share", PROTO_REAL, AT(clipped_share), PROTO_NULLABLE},
    {"scorable", PROTO_BOOL, AT(scorable)},
    {"posterior_entropy", PROTO_REAL, AT(posterior_entropy), PROTO_NULLABLE},
    {"skipped_share", PROTO_REAL, AT(skipped_share), PROTO_NULLABLE},
    {"note", PROTO_STRING, AT(note), PROTO_NULLABLE},
    {"shares", PROTO_POINTER, AT(shares), PROTO_NULLABLE, .shape = &proto_by_task_shape},
};
#undef AT

static void candidate_defaults(void *ret_candidate)
{
    *(struct proto_candidate *)ret_candidate =
        (struct proto_candidate){.gain = NAN,
                                 .effective_sample_size = NAN,
                                 .largest_weight_share = NAN,
                                 .clipped_share = NAN,
                                 .posterior_entropy = NAN,
                                 .skipped_share = NAN};
}

static const struct proto_shape candidate_shape = {.name = "Candidate",
                                                   .size = sizeof(struct proto_candidate),
                                                   PROTO_FIELDS(candidate_fields),
                                                   .set_defaults = candidate_defaults};

#define AT(member) offsetof(struct proto_ranked_target, member)
static const struct proto_field target_fields[] = {
    {"task", PROTO_STRING, AT(task)},
    {"weight", PROTO_REAL, AT(weight)},
    {"failure_rate", PROTO_REAL, AT(failure_rate), PROTO_NULLABLE},
    {"rollouts", PROTO_INT, AT(rollouts)},
};
#undef AT

static void target_defaults(void *ret_target)
{
    *(struct proto_ranked_target *)ret_target = (struct proto_ranked_target){.failure_rate = NAN};
}

static const struct proto_shape target_shape = {.name = "RankedTarget",
                                                .size = sizeof(struct proto_ranked_target),
                                                PROTO_FIELDS(target_fields),
                                                .set_defaults = target_defaults};

#define AT(member) offsetof(struct proto_timing, member)
static const struct proto_field timing_fields[] = {
    {"total_s", PROTO_REAL, AT(total_s)},
    {"posterior_s", PROTO_REAL, AT(posterior_s)},
    {"weights_s", PROTO_REAL, AT(weights_s)},
    {"gain_s", PROTO_REAL, AT(gain_s)},
};
#undef AT

static const struct proto_shape timing_shape = {
    .name = "Timing", .size = sizeof(struct proto_timing), PROTO_FIELDS(timing_fields)};

#define AT(member) offsetof(struct proto_resolved, member)
static const struct proto_field resolved_fields[] = {
    {"measure", PROTO_ENUM, AT(measure), .names = proto_measure_names},
    {"weights", PROTO_ENUM, AT(weights), .names = proto_weights_names},
    {"occupancy", PROTO_ENUM, AT(occupancy), .names = proto_occupancy_names},
    {"target", PROTO_ENUM, AT(target), .names = proto_target_names},
    {"conditioning", PROTO_ENUM, AT(conditioning), .names = proto_conditioning_names},
    {"warm_start", PROTO_INT, AT(warm_start), PROTO_AUTO},
    {"clip", PROTO_REALS, AT(clip), PROTO_NULLABLE},
    {"noise_std", PROTO_REAL, AT(noise_std), PROTO_NULLABLE},
};
#undef AT

static const struct proto_shape resolved_shape = {.name = "ResolvedCriterion",
                                                  .size = sizeof(struct proto_resolved),
                                                  PROTO_FIELDS(resolved_fields)};

#define AT(member) offsetof(struct proto_ranking, member)
static const struct proto_field ranking_fields[] = {
    {"seq", PROTO_INT, AT(seq)},
    {"revision", PROTO_STRING, AT(revision), PROTO_NULLABLE},
    {"likelihood_revision", PROTO_STRING, AT(likelihood_revision), PROTO_NULLABLE},
    {"age_s", PROTO_REAL, AT(age_s)},
    {"measure", PROTO_ENUM, AT(measure), .names = proto_measure_names},
    {"unit", PROTO_STRING, AT(unit), PROTO_NULLABLE},
    {"exhaustive", PROTO_BOOL, AT(exhaustive)},
    {"provisional", PROTO_BOOL, AT(provisional)},
    {"jitter", PROTO_REAL, AT(jitter), PROTO_NULLABLE},
    {"rule", PROTO_ENUM, AT(rule), .names = proto_rule_names},
    {"choice", PROTO_STRING, AT(choice), PROTO_NULLABLE},
    {"note", PROTO_STRING, AT(note), PROTO_NULLABLE},
    {"pending", PROTO_POINTER, AT(pending), PROTO_NULLABLE, .shape = &proto_by_task_shape},
    {"criterion", PROTO_OBJECT, AT(criterion), .shape = &resolved_shape},
    {"candidates", PROTO_LIST, AT(candidates), .max_length = PROTO_MAX_LIST,
     .shape = &candidate_shape},
    {"targets", PROTO_LIST, AT(targets), .max_length = PROTO_MAX_LIST, .shape = &target_shape},
    {"missing", PROTO_STRINGS, AT(missing)},
    {"missing_count", PROTO_INT, AT(missing_count)},
    {"stale_pairs", PROTO_INT, AT(stale_pairs)},
    {"timing", PROTO_OBJECT, AT(timing), .shape = &timing_shape},
};
#undef AT

const struct proto_shape proto_ranking_shape = {
    .name = "Ranking", .size = sizeof(struct proto_ranking), PROTO_FIELDS(ranking_fields)};
