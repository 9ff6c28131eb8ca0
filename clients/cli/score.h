/* `amf score PROBLEM.json`: the criterion without a server. */
#ifndef CLI_SCORE_H
#define CLI_SCORE_H

#include <stdbool.h>
#include <stdio.h>

#include <amf/pool.h>
#include <proto/problem.h>

/* Reads the problem at path ("-": standard input) and writes its result to out as JSON with the
 * keys that `expected` has in tests/golden: on one line with json, else indented for reading. What
 * is wrong goes to err, one line. No floor, no thinning, no sampling. Exit code: 0 ok, 2 usage (no
 * path), 4 the file cannot be read, is not a problem, or has no answer in floating point. */
int cli_score_run(const char *path, bool json, FILE *out, FILE *err);

/* Every weight mode under every measure. The result lives in arena and borrows from nothing else.
 */
__attribute__((warn_unused_result)) enum amf_status
cli_score_compute(const struct proto_case *problem, struct amf_pool *pool,
                  struct proto_arena *arena, struct proto_case_result *ret_result);

#endif
