/* Decoding: what the files of proto/vectors do not show, because it is about words, sizes or whose
 * text it is. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "support.h"

struct refusal {
    const struct proto_shape *shape;
    const char *text;
    enum proto_code code;
    const char *at, *detail;
};

static const struct refusal refusals[] = {
    {&proto_project_shape, "{\"id\":\"k\",\"noise_std\":0}", PROTO_CODE_INVALID_FIELD, "/noise_std",
     "noise_std is 0; expected a number from 1e-09 to 1000000000"},
    {&proto_project_shape, "{\"id\":\"k\",\"criterion\":{\"weight_floor\":1}}",
     PROTO_CODE_INVALID_FIELD, "/criterion/weight_floor",
     "weight_floor is 1; expected a number from 0 to below 1"},
    {&proto_project_shape, "{\"id\":\"k\",\"kernel\":{\"task\":\"grid\"}}",
     PROTO_CODE_INVALID_FIELD, "/kernel/task",
     "task is \"grid\"; expected one of \"discrete\", \"vector\", \"graph\""},
    {&proto_project_shape, "{\"id\":\"k\",\"kernel\":{\"scale\":1}}", PROTO_CODE_UNKNOWN_FIELD,
     "/kernel/scale",
     "there is no such field; known are kind, variance, state_scale, task, task_correlation, "
     "task_scale, graph"},
    {&proto_project_shape, "{\"id\":\"k\",\"seq\":1}", PROTO_CODE_UNKNOWN_FIELD, "/seq",
     "seq is the server's to say; leave it out"},
    {&proto_project_shape, "{}", PROTO_CODE_MISSING_FIELD, "/id",
     "id is missing; expected 1 to 64 characters of A-Z a-z 0-9 . _ -, a letter or digit first"},
    {&proto_project_shape, "{\"id\":\"k\",\"selection\":{\"warm_start\":-1}}",
     PROTO_CODE_INVALID_FIELD, "/selection/warm_start",
     "warm_start is -1; expected an integer from 0 to 1000, or \"auto\""},
    {&proto_project_shape, "{\"id\":\"k\",\"selection\":{\"budget\":\"all\"}}",
     PROTO_CODE_INVALID_FIELD, "/selection/budget",
     "budget is \"all\"; expected an integer from 0 to 1000000000, or null"},
    {&proto_demonstration_shape,
     "{\"task\":\"a\",\"states\":[[1,2],[1,2,3]],\"actions\":[[1],[2]]}", PROTO_CODE_INVALID_FIELD,
     "/states/1", "this row of states has 3 numbers, the first has 2; expected equally long lists"},
    {&proto_demonstration_shape, "{\"task\":\"a\",\"states\":[[1,2000000]],\"actions\":[[1]]}",
     PROTO_CODE_INVALID_FIELD, "/states/0/1",
     "a number of states is 2000000; expected a number from -1000000 to 1000000"},
};

START_TEST(refusals_say_what_is_wrong_and_what_was_expected)
{
    const struct refusal *refusal = &refusals[_i];
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    union message message;
    struct proto_error error = {0};
    support_defaults(refusal->shape, &message);
    enum proto_code code = proto_decode(refusal->shape, refusal->text, strlen(refusal->text), false,
                                        &arena, &message, &error);
    ck_assert_str_eq(error.detail, refusal->detail);
    ck_assert_str_eq(error.at, refusal->at);
    ck_assert_int_eq(code, refusal->code);
}
END_TEST

START_TEST(what_is_absent_stays_as_it_was)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_project project;
    struct proto_error error;
    proto_project_defaults(&project);
    project.id = "kitchen";
    project.noise_std = 0.7;
    project.kernel.variance = 3;
    static const char patch[] = "{\"kernel\":{\"task_correlation\":0.5},\"state_dim\":7}";
    ck_assert_int_eq(proto_decode(&proto_project_shape, patch, sizeof(patch) - 1, false, &arena,
                                  &project, &error),
                     PROTO_CODE_OK);
    ck_assert_str_eq(project.id, "kitchen");
    ck_assert_double_eq(project.noise_std, 0.7);
    ck_assert_double_eq(project.kernel.variance, 3);
    ck_assert_double_eq(project.kernel.task_correlation, 0.5);
    ck_assert_int_eq(project.state_dim, 7);
}
END_TEST

START_TEST(null_takes_a_value_back)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_project project;
    struct proto_error error;
    double clip[] = {-12, 0};
    proto_project_defaults(&project);
    project.id = "kitchen";
    project.state_dim = 7;
    project.noise_relative = 2;
    project.criterion.clip = (struct proto_reals){clip, 2};
    static const char patch[] =
        "{\"state_dim\":null,\"noise_relative\":null,\"criterion\":{\"clip\":null}}";
    ck_assert_int_eq(proto_decode(&proto_project_shape, patch, sizeof(patch) - 1, false, &arena,
                                  &project, &error),
                     PROTO_CODE_OK);
    ck_assert(project.state_dim == PROTO_INT_NULL);
    ck_assert(isnan(project.noise_relative));
    ck_assert_uint_eq(project.criterion.clip.count, 0);
}
END_TEST

/* Bodies that make a project, and what is written out of them. */
static const struct {
    const char *body;
    double noise_std, noise_relative; /* NaN: null */
    int measure;
} settled[] = {
#define NETWORK "{\"id\":\"k\",\"policy\":{\"kind\":\"mlp\"},"
#define ROLLOUTS "\"criterion\":{\"occupancy\":\"rollouts\"}"
#define EMBEDDING "\"kernel\":{\"kind\":\"embedding\"},"
    {NETWORK EMBEDDING ROLLOUTS "}", 0.8, 1, PROTO_MEASURE_ENTROPY},
    {NETWORK "\"kernel\":{\"kind\":\"factored\"}," ROLLOUTS "}", 0.8, 1, PROTO_MEASURE_ENTROPY},
    {"{\"id\":\"k\",\"policy\":{\"kind\":\"external\"}," EMBEDDING ROLLOUTS "}", 0.8, 1,
     PROTO_MEASURE_ENTROPY},
    {NETWORK EMBEDDING "\"noise_relative\":0.1," ROLLOUTS "}", 0.8, 0.1, PROTO_MEASURE_ENTROPY},
    {NETWORK EMBEDDING "\"noise_std\":0.8," ROLLOUTS "}", 0.8, NAN, PROTO_MEASURE_ENTROPY},
    {NETWORK EMBEDDING "\"criterion\":{\"occupancy\":\"rollouts\",\"measure\":\"variance\"}}", 0.8,
     1, PROTO_MEASURE_VARIANCE},
    {NETWORK EMBEDDING "\"title\":\"\"}", 0.8, NAN, PROTO_MEASURE_AUTO},
    {NETWORK ROLLOUTS "}", 0.8, NAN, PROTO_MEASURE_AUTO}, /* the kernel rbf */
    {"{\"id\":\"k\"," EMBEDDING ROLLOUTS "}", 0.8, NAN,
     PROTO_MEASURE_AUTO}, /* a Gaussian process */
    {"{\"id\":\"k\",\"noise_std\":0.3}", 0.3, NAN, PROTO_MEASURE_AUTO},
    {"{\"id\":\"k\"}", 0.8, NAN, PROTO_MEASURE_AUTO},
#undef NETWORK
#undef ROLLOUTS
#undef EMBEDDING
};

START_TEST(a_network_ranked_by_its_rollouts_is_made_with_what_was_measured)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    const char *body = settled[_i].body;
    struct proto_project project;
    struct proto_error error;
    proto_project_new_defaults(&project);
    ck_assert_int_eq(
        proto_decode(&proto_project_shape, body, strlen(body), false, &arena, &project, &error),
        PROTO_CODE_OK);
    proto_project_settle(&project);
    ck_assert_double_eq(project.noise_std, settled[_i].noise_std);
    if (isnan(settled[_i].noise_relative))
        ck_assert(isnan(project.noise_relative));
    else
        ck_assert_double_eq(project.noise_relative, settled[_i].noise_relative);
    ck_assert_int_eq(project.criterion.measure, settled[_i].measure);
}
END_TEST

START_TEST(a_server_may_say_more_than_this_version_knows)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_asked asked = {0};
    struct proto_error error;
    static const char text[] = "{\"assignments\":[{\"id\":\"1\",\"task\":\"a\",\"rule\":"
                               "\"explore\",\"gain\":null,\"mood\":"
                               "[1]}],\"seq\":9,\"weather\":{},\"reason\":{\"code\":\"below_stop_"
                               "gain\",\"detail\":\"x\"}}";
    ck_assert_int_eq(
        proto_decode(&proto_asked_shape, text, sizeof(text) - 1, true, &arena, &asked, &error),
        PROTO_CODE_OK);
    const struct proto_assignment *first = asked.assignments.items;
    ck_assert_uint_eq(asked.assignments.count, 1);
    ck_assert_int_eq(first->rule, PROTO_RULE_EXPLORE);
    ck_assert(isnan(first->gain) && isnan(first->margin));
    ck_assert_str_eq(asked.reason->code, "below_stop_gain");
}
END_TEST

START_TEST(read_only_fields_come_from_the_server)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_task task;
    struct proto_error error;
    proto_task_defaults(&task);
    static const char text[] = "{\"key\":\"a\",\"demonstrations\":3,\"success_rate\":0.5}";
    ck_assert_int_eq(
        proto_decode(&proto_task_shape, text, sizeof(text) - 1, true, &arena, &task, &error),
        PROTO_CODE_OK);
    ck_assert_int_eq(task.demonstrations, 3);
    ck_assert_double_eq(task.success_rate, 0.5);
}
END_TEST

START_TEST(nothing_points_into_the_input)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_task task;
    struct proto_error error;
    char text[] = "{\"key\":\"pick\",\"instruction\":\"do it\",\"requires\":[\"arm\"]}";
    proto_task_defaults(&task);
    ck_assert_int_eq(
        proto_decode(&proto_task_shape, text, sizeof(text) - 1, false, &arena, &task, &error),
        PROTO_CODE_OK);
    memset(text, 'x', sizeof(text));
    ck_assert_str_eq(task.key, "pick");
    ck_assert_str_eq(task.instruction, "do it");
    ck_assert_str_eq(task.requires_.items[0], "arm");
}
END_TEST

START_TEST(a_long_name_is_cut_not_overrun)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_ask ask;
    struct proto_error error;
    static char text[60010];
    memset(text, '~', sizeof(text));
    memcpy(text, "{\"", 2);
    memcpy(text + sizeof(text) - 4, "\":1}", 4);
    proto_ask_defaults(&ask);
    ck_assert_int_eq(
        proto_decode(&proto_ask_shape, text, sizeof(text), false, &arena, &ask, &error),
        PROTO_CODE_UNKNOWN_FIELD);
    ck_assert_int_eq(memcmp(error.at, "/~0~0", 5), 0);
    ck_assert_str_eq(error.at + strlen(error.at) - 3, "...");
}
END_TEST

static size_t bytes_asked;

static void *counting_malloc(size_t size)
{
    bytes_asked += size;
    return malloc(size);
}

/* Decodes an ask of `prefix`, count times `piece` and `suffix`; how much jansson asked for goes to
 * bytes_asked. */
static enum proto_code decode_repeated(const char *prefix, const char *piece, size_t count,
                                       const char *suffix, bool from_server)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_ask ask;
    struct proto_error error;
    size_t step = strlen(piece), start = strlen(prefix);
    char *text = malloc(start + count * step + strlen(suffix) + 1);
    ck_assert_ptr_nonnull(text);
    strcpy(text, prefix);
    for (size_t i = 0; i < count; i++)
        memcpy(text + start + i * step, piece, step);
    strcpy(text + start + count * step, suffix);
    proto_ask_defaults(&ask);
    bytes_asked = 0;
    enum proto_code code =
        proto_decode(&proto_ask_shape, text, strlen(text), from_server, &arena, &ask, &error);
    free(text);
    return code;
}

START_TEST(bombs_are_refused_before_memory_is_asked_for)
{
    json_set_alloc_funcs(counting_malloc, free);
    ck_assert_int_eq(decode_repeated("{\"exclude\":[", "{},", 200000, "1]}", false),
                     PROTO_CODE_MALFORMED_JSON);
    ck_assert_uint_eq(bytes_asked, 0);
    ck_assert_int_eq(decode_repeated("{\"exclude\":[", "1,", 200000, "1]}", false),
                     PROTO_CODE_MALFORMED_JSON);
    ck_assert_uint_eq(bytes_asked, 0);
    ck_assert_int_eq(decode_repeated("{\"exclude\":", "[", 100000, "", false),
                     PROTO_CODE_MALFORMED_JSON);
    ck_assert_uint_eq(bytes_asked, 0);
    ck_assert_int_eq(decode_repeated("{\"count\":1", "0", 8000000, "}", false),
                     PROTO_CODE_MALFORMED_JSON);
    ck_assert_uint_eq(bytes_asked, 0);
    /* Brackets and commas in strings, also behind escapes, count for nothing. */
    ck_assert_int_eq(decode_repeated("{\"operator\":\"\\\"", "[,{", 80, "\"}", false),
                     PROTO_CODE_OK);
    json_set_alloc_funcs(malloc, free);
}
END_TEST

START_TEST(the_limits_themselves_are_within)
{
    /* A name, its list and 199,997 numbers, in one object: 200,000. Refused for what it says, not
     * for its size. */
    ck_assert_int_eq(decode_repeated("{\"exclude\":[", "1,", 199996, "1]}", false),
                     PROTO_CODE_INVALID_FIELD);
    ck_assert_int_eq(decode_repeated("{\"exclude\":[", "1,", 199997, "1]}", false),
                     PROTO_CODE_MALFORMED_JSON);
    /* A server's long list is read. */
    ck_assert_int_eq(decode_repeated("{\"more\":[", "1,", 300000, "1]}", true), PROTO_CODE_OK);
    ck_assert_int_eq(
        decode_repeated("{\"more\":", "[", 31, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", true),
        PROTO_CODE_OK);
    ck_assert_int_eq(
        decode_repeated("{\"more\":", "[", 32, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", true),
        PROTO_CODE_MALFORMED_JSON);
}
END_TEST

START_TEST(text_is_not_read_beyond_its_length)
{
    static const char text[] = "{\"operator\":\"anna\",\"exclude\":[\"a\",\"b\"],\"count\":2}";
    for (size_t length = 0; length <= sizeof(text) - 1; length++) {
        PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
        GUARDED_CLEANUP struct guarded guarded = guarded_copy(text, length);
        struct proto_ask ask;
        struct proto_error error;
        proto_ask_defaults(&ask);
        enum proto_code code = proto_decode(&proto_ask_shape, (const char *)guarded.bytes, length,
                                            false, &arena, &ask, &error);
        ck_assert_int_eq(code,
                         length == sizeof(text) - 1 ? PROTO_CODE_OK : PROTO_CODE_MALFORMED_JSON);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode");
    TCase *tests = tcase_create("decode");
    tcase_add_loop_test(tests, refusals_say_what_is_wrong_and_what_was_expected, 0,
                        sizeof(refusals) / sizeof(refusals[0]));
    tcase_add_test(tests, what_is_absent_stays_as_it_was);
    tcase_add_test(tests, null_takes_a_value_back);
    tcase_add_loop_test(tests, a_network_ranked_by_its_rollouts_is_made_with_what_was_measured, 0,
                        sizeof(settled) / sizeof(settled[0]));
    tcase_add_test(tests, a_server_may_say_more_than_this_version_knows);
    tcase_add_test(tests, read_only_fields_come_from_the_server);
    tcase_add_test(tests, nothing_points_into_the_input);
    tcase_add_test(tests, a_long_name_is_cut_not_overrun);
    tcase_add_test(tests, bombs_are_refused_before_memory_is_asked_for);
    tcase_add_test(tests, the_limits_themselves_are_within);
    tcase_add_test(tests, text_is_not_read_beyond_its_length);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
