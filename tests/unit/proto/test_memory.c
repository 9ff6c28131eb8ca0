/* Out of memory: at whichever allocation it happens, it is said, nothing leaks and nothing is
 * half-answered.
 *
 * malloc, calloc and realloc of the layer, jansson's too, come here by the linker's --wrap. The
 * leak is for the address sanitizer to see.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <proto/features.h>
#include <proto/network.h>

#include "support.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static size_t until_failure = SIZE_MAX; /* allocations that still succeed */

static bool refused(void)
{
    if (until_failure == SIZE_MAX)
        return false;
    return until_failure == 0 || until_failure-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return refused() ? NULL : __real_realloc(memory, size);
}

static const char complete[] =
    "{\"fence\":3,\"demonstration\":{\"task\":\"a\",\"operator\":\"anna\",\"metadata\":{\"b\":[1,"
    "null,"
    "true,0.1],\"a\":{}},\"states\":[[1,2],[3,4]],\"actions\":[[5],[6.0000000000000009]],"
    "\"robot\":\"a name longer than any first buffer, and than its second\"}}";

static bool well_told(enum proto_code code)
{
    return code == PROTO_CODE_OK || code == PROTO_CODE_NO_MEMORY;
}

/* Runs attempt with one more allocation each time, until it gets through. */
static void sweep(bool (*attempt)(void))
{
    size_t allowed = 0;
    bool done = false;
    for (; !done; allowed++) {
        until_failure = allowed;
        done = attempt();
        until_failure = SIZE_MAX;
        ck_assert_uint_lt(allowed, 1000);
    }
    ck_assert_uint_gt(allowed, 1); /* at least one attempt failed */
}

static bool decode_once(void)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_complete message = {0};
    struct proto_error error = {0};
    enum proto_code code = proto_decode(&proto_complete_shape, complete, sizeof(complete) - 1,
                                        false, &arena, &message, &error);
    until_failure = SIZE_MAX;
    ck_assert_msg(well_told(code), "%s at %s: %s", proto_code_name(code), error.at, error.detail);
    if (code != PROTO_CODE_OK)
        return false;
    /* jansson leaves out a byte for which it had no memory, and goes on. */
    ck_assert(message.demonstration->actions.data[1] == 6.0000000000000009);
    ck_assert_str_eq(message.demonstration->robot,
                     "a name longer than any first buffer, and than its second");
    return true;
}

START_TEST(decoding_says_so)
{
    sweep(decode_once);
}
END_TEST

static bool round_once(void)
{
    static double numbers[] = {1, 2};
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_demonstration demonstration, copy;
    struct proto_error error = {0};
    unsigned char *bytes;
    size_t length;
    proto_demonstration_defaults(&demonstration);
    demonstration.task = "a";
    demonstration.metadata = "{\"a\":{\"b\":1}}";
    demonstration.duration_s = 12.500000000000002;
    demonstration.states = demonstration.actions = (struct proto_matrix){numbers, 2, 1};
    if (proto_demonstration_to_tensors(&demonstration, &bytes, &length) < 0)
        return false;
    enum proto_code code =
        proto_demonstration_from_tensors(bytes, length, &arena, &demonstration, &error);
    free(bytes);
    if (code == PROTO_CODE_OK &&
        proto_copy(&proto_demonstration_shape, &demonstration, &arena, &copy) < 0)
        return false;
    until_failure = SIZE_MAX;
    ck_assert_msg(well_told(code), "%s at %s: %s", proto_code_name(code), error.at, error.detail);
    ck_assert(code != PROTO_CODE_OK || demonstration.duration_s == 12.500000000000002);
    return code == PROTO_CODE_OK;
}

START_TEST(tensors_say_so)
{
    sweep(round_once);
}
END_TEST

static const char features_header[] =
    "{\"__metadata__\":{\"tasks\":\"[\\\"a\\\",\\\"b\\\"]\"},"
    "\"phi\":{\"dtype\":\"F64\",\"shape\":[2,1,1],\"data_offsets\":[0,16]}}";

static bool features_once(void)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    GUARDED_CLEANUP struct guarded bytes = {NULL, 0, NULL, 0};
    size_t allowed = until_failure;
    struct proto_feature_file file;
    struct proto_error error = {0};
    until_failure = SIZE_MAX;
    bytes = tensor_file(features_header, 16);
    until_failure = allowed;
    enum proto_code code = proto_features_read(bytes.bytes, bytes.length, &arena, &file, &error);
    until_failure = SIZE_MAX;
    ck_assert_msg(well_told(code), "%s at %s: %s", proto_code_name(code), error.at, error.detail);
    ck_assert(code != PROTO_CODE_OK || strcmp(file.tasks.items[1], "b") == 0);
    return code == PROTO_CODE_OK;
}

START_TEST(features_say_so)
{
    sweep(features_once);
}
END_TEST

static const char revision_header[] =
    "{\"__metadata__\":{\"sigma\":\"0.5\",\"trained_on\":\"[\\\"a\\\"]\"},"
    "\"summary\":{\"dtype\":\"F64\",\"shape\":[1,1],\"data_offsets\":[0,8]}}";

static bool revision_once(void)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    GUARDED_CLEANUP struct guarded bytes = {NULL, 0, NULL, 0};
    size_t allowed = until_failure;
    struct proto_revision revision;
    struct proto_error error = {0};
    proto_revision_defaults(&revision);
    revision.revision = "r";
    until_failure = SIZE_MAX;
    bytes = tensor_file(revision_header, 8);
    until_failure = allowed;
    enum proto_code code =
        proto_revision_from_tensors(bytes.bytes, bytes.length, &arena, &revision, &error);
    until_failure = SIZE_MAX;
    ck_assert_msg(well_told(code), "%s at %s: %s", proto_code_name(code), error.at, error.detail);
    ck_assert(code != PROTO_CODE_OK || (revision.sigma == 0.5 && revision.summary_dim == 1));
    return code == PROTO_CODE_OK;
}

START_TEST(revisions_say_so)
{
    sweep(revision_once);
}
END_TEST

static const char network_header[] =
    "{\"__metadata__\":{\"kind\":\"mlp\",\"layers\":\"[{\\\"op\\\":\\\"linear\\\",\\\"weight\\\":"
    "\\\"w\\\","
    "\\\"bias\\\":\\\"b\\\"}]\"},"
    "\"b\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]},"
    "\"input_mean\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[2,4]},"
    "\"input_std\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[4,6]},"
    "\"w\":{\"dtype\":\"F64\",\"shape\":[1,2],\"data_offsets\":[6,22]}}";

static bool network_once(void)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    GUARDED_CLEANUP struct guarded bytes = {NULL, 0, NULL, 0};
    size_t allowed = until_failure;
    struct proto_revision revision;
    struct proto_error error = {0};
    proto_revision_defaults(&revision);
    revision.revision = "r";
    until_failure = SIZE_MAX;
    bytes = tensor_file(network_header, 22);
    memset(bytes.bytes + bytes.length - 22, 1, 22); /* small numbers, above 0 */
    until_failure = allowed;
    enum proto_code code =
        proto_revision_from_tensors(bytes.bytes, bytes.length, &arena, &revision, &error);
    until_failure = SIZE_MAX;
    ck_assert_msg(well_told(code), "%s at %s: %s", proto_code_name(code), error.at, error.detail);
    ck_assert(code != PROTO_CODE_OK ||
              (revision.network->input_dim == 2 && revision.network->output_dim == 1));
    return code == PROTO_CODE_OK;
}

START_TEST(networks_say_so)
{
    sweep(network_once);
}
END_TEST

static bool encode_once(void)
{
    struct proto_project project;
    char *text = NULL;
    size_t length;
    proto_project_defaults(&project);
    project.id = "k";
    int status = proto_encode(&proto_project_shape, &project, &text, &length);
    until_failure = SIZE_MAX;
    ck_assert(status == 0 || (status == -1 && text == NULL));
    free(text);
    return status == 0;
}

START_TEST(encoding_says_so)
{
    sweep(encode_once);
}
END_TEST

START_TEST(an_arena_limit_says_so)
{
    size_t limit = 16;
    enum proto_code code = PROTO_CODE_NO_MEMORY;
    for (; code != PROTO_CODE_OK; limit += 16) {
        PROTO_ARENA_CLEANUP struct proto_arena arena = {.limit_bytes = limit};
        struct proto_complete message = {0};
        struct proto_error error;
        code = proto_decode(&proto_complete_shape, complete, sizeof(complete) - 1, false, &arena,
                            &message, &error);
        ck_assert(code == PROTO_CODE_OK || code == PROTO_CODE_NO_MEMORY);
        ck_assert_uint_lt(limit, 10000);
    }
    ck_assert_uint_gt(limit, 32);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tests = tcase_create("memory");
    tcase_add_test(tests, decoding_says_so);
    tcase_add_test(tests, tensors_say_so);
    tcase_add_test(tests, features_say_so);
    tcase_add_test(tests, revisions_say_so);
    tcase_add_test(tests, networks_say_so);
    tcase_add_test(tests, encoding_says_so);
    tcase_add_test(tests, an_arena_limit_says_so);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
