/* `amf score PROBLEM.json`: the criterion without a server. */
#ifndef CLI_SCORE_H
#define CLI_SCORE_H

#include <stdbool.h>
#include <stdio.h>

/* Reads the problem at path ("-": standard input) and writes its result to out: as JSON with the
 * keys of tests/golden, or as a table of gains. What is wrong goes to err, one line. No floor, no
 * thinning, no sampling. Exit code: 0 ok, 2 no such usage, 4 the file cannot be read or is not a
 * problem. */
int cli_score_run(const char *path, bool json, FILE *out, FILE *err);

#endif
