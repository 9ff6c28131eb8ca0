/* Demonstrations as clients send them, of fixed sizes, each unlike the ones before. */
#ifndef TEST_BENCH_BODY_H
#define TEST_BENCH_BODY_H

#include <stdbool.h>
#include <stddef.h>

struct body_kind {
    const char *name;
    size_t steps; /* of 7 states and 7 actions */
    bool tensors; /* safetensors of F32, else JSON */
    const char *content_type;
};

/* "json_64k", "tensors_64k", "tensors_1m", "json_16" (16 steps); NULL: none of that name. */
const struct body_kind *body_kind_find(const char *name);

struct body {
    bool tensors;
    char *bytes;         /* malloc'ed */
    size_t length, mark; /* where the number stands that tells one body from the next */
};

__attribute__((warn_unused_result)) int body_make(const struct body_kind *kind, const char *task,
                                                  struct body *ret_body);
/* Makes it the number-th: number < 10^9. */
void body_number(struct body *body, size_t number);
void body_deinit(struct body *body);

#endif
