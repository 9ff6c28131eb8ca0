/* Decisions: what each choice was made of. A basis is logged with its assignment as well, so its
 * fields are held to ranges, and what is not there is left out: one goes with every ask. */
#include "tables.h"

#define LIST(name, member)                                                                         \
    {                                                                                              \
        name, PROTO_POINTER, offsetof(struct proto_basis, member),                                 \
            PROTO_NULLABLE | PROTO_OMIT_NULL, .shape = &proto_by_task_shape                        \
    }
#define NUMBER(name, member)                                                                       \
    {                                                                                              \
        name, PROTO_REAL, offsetof(struct proto_basis, member), PROTO_NULLABLE | PROTO_OMIT_NULL   \
    }
#define AT(member) offsetof(struct proto_basis, member)
static const struct proto_field basis_fields[] = {
    {"revision", PROTO_STRING, AT(revision), PROTO_NULLABLE},
    {"likelihood_revision", PROTO_STRING, AT(likelihood_revision),
     PROTO_NULLABLE | PROTO_OMIT_NULL},
    {"blas_core", PROTO_STRING, AT(blas_core)},
    {"measure", PROTO_ENUM, AT(measure), .names = proto_measure_names},
    {"capabilities", PROTO_STRINGS, AT(capabilities), PROTO_NULLABLE | PROTO_OMIT_NULL,
     .max_length = 64},
    {"exclude", PROTO_STRINGS, AT(exclude), PROTO_NULLABLE | PROTO_OMIT_NULL},
    {"runner_up", PROTO_STRING, AT(runner_up), PROTO_NULLABLE | PROTO_OMIT_NULL},
    LIST("scores", scores),
    LIST("shares", shares),
    LIST("pending", pending),
    LIST("unseen", unseen),
    NUMBER("entropy", entropy),
    LIST("entropies", entropies),
    NUMBER("effective_sample_size", effective_sample_size),
    NUMBER("largest_weight_share", largest_weight_share),
    NUMBER("clipped_share", clipped_share),
};
#undef AT

static void basis_defaults(void *ret_basis)
{
    *(struct proto_basis *)ret_basis = (struct proto_basis){.entropy = NAN,
                                                            .effective_sample_size = NAN,
                                                            .largest_weight_share = NAN,
                                                            .clipped_share = NAN};
}

const struct proto_shape proto_basis_shape = {.name = "Basis",
                                              .size = sizeof(struct proto_basis),
                                              PROTO_FIELDS(basis_fields),
                                              .set_defaults = basis_defaults};

#define AT(member) offsetof(struct proto_decision, member)
static const struct proto_field decision_fields[] = {
    {"id", PROTO_STRING, AT(id)},
    {"at", PROTO_STRING, AT(at), PROTO_NULLABLE},
    {"task", PROTO_STRING, AT(task)},
    {"operator", PROTO_STRING, AT(operator_), PROTO_NULLABLE},
    {"robot", PROTO_STRING, AT(robot), PROTO_NULLABLE},
    {"state", PROTO_ENUM, AT(state), .names = proto_assignment_state_names},
    {"rule", PROTO_ENUM, AT(rule), .names = proto_rule_names},
    {"gain", PROTO_REAL, AT(gain), PROTO_NULLABLE},
    {"margin", PROTO_REAL, AT(margin), PROTO_NULLABLE},
    {"why", PROTO_STRING, AT(why), PROTO_NULLABLE},
    {"seq", PROTO_INT, AT(seq)},
    {"age_s", PROTO_REAL, AT(age_s), PROTO_NULLABLE},
    {"pick", PROTO_INT, AT(pick)},
    {"basis", PROTO_POINTER, AT(basis), PROTO_NULLABLE, .shape = &proto_basis_shape},
};
#undef AT

static void decision_defaults(void *ret_decision)
{
    *(struct proto_decision *)ret_decision =
        (struct proto_decision){.gain = NAN, .margin = NAN, .age_s = NAN};
}

const struct proto_shape proto_decision_shape = {.name = "Decision",
                                                 .size = sizeof(struct proto_decision),
                                                 PROTO_FIELDS(decision_fields),
                                                 .set_defaults = decision_defaults};
