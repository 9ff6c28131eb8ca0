/* Reading a JSON tree value by value: what proto_case_decode is made of.
 *
 * A reader takes a value and its path, and says at that path what was expected. A NULL value is of
 * no type, so a missing item is refused like a wrong one.
 */
#ifndef PROTO_SRC_PROBLEM_READ_H
#define PROTO_SRC_PROBLEM_READ_H

#include <jansson.h>

#include <proto/problem.h>

#include "path.h"

struct proto_case_reader {
    struct proto_arena *arena;
    struct proto_error *error;
    struct proto_case *out;
};

struct proto_path proto_case_item(const struct proto_path *parent, size_t index);
struct proto_path proto_case_member(const struct proto_path *parent, const char *name);
enum proto_code proto_case_no_memory(const struct proto_case_reader *reader);

/* ---- values ---- */
enum proto_code proto_case_real(const struct proto_case_reader *reader, const json_t *value,
                                const struct proto_path *at, double *ret_real);
enum proto_code proto_case_positive(const struct proto_case_reader *reader, const json_t *value,
                                    const struct proto_path *at, double *ret_real);
/* An integer of at least 1. */
enum proto_code proto_case_count(const struct proto_case_reader *reader, const json_t *value,
                                 const struct proto_path *at, size_t *ret_count);
/* The index of a task of reader->out->tasks. */
enum proto_code proto_case_task(const struct proto_case_reader *reader, const json_t *value,
                                const struct proto_path *at, size_t *ret_task);
/* A list of count items (SIZE_MAX: any number); what: plural, for the message. */
enum proto_code proto_case_array(const struct proto_case_reader *reader, const json_t *value,
                                 const struct proto_path *at, size_t count, const char *what);
enum proto_code proto_case_reals(const struct proto_case_reader *reader, const json_t *value,
                                 const struct proto_path *at, size_t count, double *ret_reals);
/* rows SIZE_MAX: as many as there are. */
enum proto_code proto_case_matrix(const struct proto_case_reader *reader, const json_t *value,
                                  const struct proto_path *at, size_t rows, size_t cols,
                                  struct proto_matrix *ret_matrix);
enum proto_code proto_case_tasks(const struct proto_case_reader *reader, const json_t *value,
                                 const struct proto_path *at, size_t **ret_tasks,
                                 size_t *ret_count);
/* A text among NULL-terminated names: its index. */
enum proto_code proto_case_choice(const struct proto_case_reader *reader, const json_t *value,
                                  const struct proto_path *at, const char *const *names,
                                  size_t *ret_choice);

/* ---- objects ---- */

/* An object without members that known, NULL-terminated, does not list. */
enum proto_code proto_case_object(const struct proto_case_reader *reader, json_t *object,
                                  const struct proto_path *at, const char *const *known);
/* The member that the last step of `at` names. */
enum proto_code proto_case_required(const struct proto_case_reader *reader, json_t *object,
                                    const struct proto_path *at, json_t **ret_value);
enum proto_code proto_case_required_positive(const struct proto_case_reader *reader, json_t *object,
                                             const struct proto_path *parent, const char *name,
                                             double *ret_real);
/* A member of the whole problem, at least 1. */
enum proto_code proto_case_dimension(const struct proto_case_reader *reader, json_t *root,
                                     const char *name, size_t *ret_count);
enum proto_code proto_case_required_matrix(const struct proto_case_reader *reader, json_t *object,
                                           const struct proto_path *parent, const char *name,
                                           size_t rows, size_t cols,
                                           struct proto_matrix *ret_matrix);

#endif
