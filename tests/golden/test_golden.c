/* Every number in `expected` of every golden file, through the same code as `amf score`. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "score.h"
#include "suite.h"

#define RELATIVE 1e-9
#define RELATIVE_NEAR_SINGULAR 1e-6
#define SMALL 1e-4 /* below it the tolerance is absolute */
#define ABSOLUTE 1e-13

struct comparison {
    double relative;
    size_t numbers;
};

static void compare_number(struct comparison *comparison, double expected, double got,
                           const char *where)
{
    double tolerance = fabs(expected) < SMALL ? ABSOLUTE * (comparison->relative / RELATIVE)
                                              : comparison->relative * fabs(expected);

    ck_assert_msg(fabs(expected - got) <= tolerance, "%s: expected %.17g, got %.17g", where,
                  expected, got);
    comparison->numbers++;
}

static void compare(struct comparison *comparison, const json_t *expected, const json_t *got,
                    const char *where)
{
    char below[256];
    const char *key;
    json_t *value;

    ck_assert_msg(got != NULL, "%s is missing", where);
    if (json_is_number(expected)) {
        ck_assert_msg(json_is_number(got), "%s is not a number", where);
        compare_number(comparison, json_number_value(expected), json_number_value(got), where);
    } else if (json_is_array(expected)) {
        ck_assert_msg(json_array_size(expected) == json_array_size(got), "%s: length", where);
        for (size_t i = 0; i < json_array_size(expected); i++) {
            snprintf(below, sizeof(below), "%s/%zu", where, i);
            compare(comparison, json_array_get(expected, i), json_array_get(got, i), below);
        }
    } else {
        json_object_foreach((json_t *)expected, key, value)
        {
            snprintf(below, sizeof(below), "%s/%s", where, key);
            compare(comparison, value, json_object_get(got, key), below);
        }
    }
}

static json_t *score(const char *path)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    json_t *result;

    ck_assert_int_eq(cli_score_run(path, true, out, stderr), 0);
    fclose(out);
    result = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(result);
    free(text);
    return result;
}

static void check_case(const char *name, double relative, size_t least)
{
    struct comparison comparison = {relative, 0};
    char path[1024];
    json_t *file, *result;

    snprintf(path, sizeof(path), "%s/%s.json", GOLDEN_DIR, name);
    file = json_load_file(path, 0, NULL);
    ck_assert_msg(file != NULL, "%s cannot be read", path);
    result = score(path);
    compare(&comparison, json_object_get(file, "expected"), result, "");
    ck_assert_uint_ge(comparison.numbers, least);
    json_decref(file);
    json_decref(result);
}

#define GOLDEN(name, relative, least)                                                              \
    START_TEST(name)                                                                               \
    {                                                                                              \
        check_case(#name, relative, least);                                                        \
    }                                                                                              \
    END_TEST

GOLDEN(embedding_all, RELATIVE, 388)
GOLDEN(embedding_candidate_only, RELATIVE, 380)
GOLDEN(factored, RELATIVE, 380)
GOLDEN(linear, RELATIVE, 380)
GOLDEN(matern52, RELATIVE, 328)
GOLDEN(near_singular, RELATIVE_NEAR_SINGULAR, 332)
GOLDEN(random_walk, RELATIVE, 380)
GOLDEN(rbf_no_clip, RELATIVE, 380)
GOLDEN(rbf_pending, RELATIVE, 380)
GOLDEN(rbf_small, RELATIVE, 380)
GOLDEN(rbf_step_clip, RELATIVE, 380)
GOLDEN(rbf_unequal_lengths, RELATIVE, 336)
GOLDEN(rbf_weighted_targets, RELATIVE, 365)

SUITE_MAIN("golden", embedding_all, embedding_candidate_only, factored, linear, matern52,
           near_singular, random_walk, rbf_no_clip, rbf_pending, rbf_small, rbf_step_clip,
           rbf_unequal_lengths, rbf_weighted_targets)
