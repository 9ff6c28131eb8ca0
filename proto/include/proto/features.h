/* What a policy revision thinks of one demonstration, as a safetensors file.
 *
 *     phi             H x p, or C x H x p         embeddings
 *     h               H x d_h, or C x H x d_h     last hidden layer; wants g or mean
 *     g               H x d_g, or C x H x d_g     gradient factor; wants h
 *     mean            H x d_a, or C x H x d_a     predicted actions, raw units
 *     log_likelihood  C, or C x H                 of the demonstration's actions, nats
 *
 * F16, F32 or F64, any of them alone or together. H is the whole demonstration. C follows
 * __metadata__.tasks, a JSON list of task keys, which every tensor with a C needs. Without a C a
 * tensor is about the demonstration's own task. phi, h, g and mean agree in having one.
 */
#ifndef PROTO_FEATURES_H
#define PROTO_FEATURES_H

#include <proto/safetensors.h>
#include <proto/wire.h>

#define PROTO_FEATURES_MAX_COLUMNS 65536

enum proto_feature_tensor {
    PROTO_FEATURE_PHI,
    PROTO_FEATURE_H,
    PROTO_FEATURE_G,
    PROTO_FEATURE_MEAN,
    PROTO_FEATURE_LOG_LIKELIHOOD,
    PROTO_FEATURE_COUNT
};
extern const char *const proto_feature_names[PROTO_FEATURE_COUNT];

struct proto_feature_file {
    struct proto_feature_form form;
    struct proto_strings tasks;                              /* count 0: no tensor has a C */
    size_t steps;                                            /* H; 0: no tensor has one */
    const struct proto_tensor *tensors[PROTO_FEATURE_COUNT]; /* NULL: not there */
};

/* Everything but the numbers. Errors name "tensor phi" with the axis at fault, "metadata tasks/1"
 * or "header". Borrows from tensors and the arena. */
__attribute__((warn_unused_result)) enum proto_code
proto_features_from_head(const struct proto_tensors *tensors, struct proto_arena *arena,
                         struct proto_feature_file *ret_file, struct proto_error *ret_error);
/* The same of a whole file, which must outlive *ret_file. */
__attribute__((warn_unused_result)) enum proto_code
proto_features_read(const unsigned char *bytes, size_t length, struct proto_arena *arena,
                    struct proto_feature_file *ret_file, struct proto_error *ret_error);
/* Whether all numbers are finite; the first that is not is named by demonstration, task and step.
 */
__attribute__((warn_unused_result)) enum proto_code
proto_features_check_finite(const struct proto_feature_file *file, const char *demonstration,
                            struct proto_error *ret_error);
/* Whether a file has the tensors, in the widths, of those that came before it. */
__attribute__((warn_unused_result)) enum proto_code
proto_features_check_form(const struct proto_feature_file *file,
                          const struct proto_feature_form *wanted, const char *revision,
                          struct proto_error *ret_error);
/* Columns of phi, h, g or mean; PROTO_INT_NULL: not there. */
int64_t proto_feature_columns(const struct proto_feature_form *form,
                              enum proto_feature_tensor tensor);

#endif
