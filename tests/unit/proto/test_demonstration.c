/* Demonstrations between their forms: what is said survives, and equal content has an equal hash.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static double states[] = {0.1, -2, 3e-9, 4, 5, 1e6};
static double actions[] = {1, 2, 3};

static struct proto_demonstration full_demonstration(void)
{
    struct proto_demonstration demonstration;
    proto_demonstration_defaults(&demonstration);
    demonstration.id = "0192";
    demonstration.seq = 17;
    demonstration.task = "pour";
    demonstration.states = (struct proto_matrix){states, 3, 2};
    demonstration.actions = (struct proto_matrix){actions, 3, 1};
    demonstration.success = false;
    demonstration.role = PROTO_ROLE_ROLLOUT;
    demonstration.operator_ = "Anna \"M\xC3\xBCller\"";
    demonstration.robot = "franka-1";
    demonstration.duration_s = 0.1 + 0.2;
    demonstration.source = "shift\n3";
    demonstration.metadata = "{\"camera\":{\"fps\":30},\"id\":\"x\",\"tags\":[\"\\u0001\",0.1]}";
    demonstration.assignment = "a-1";
    return demonstration;
}

START_TEST(tensors_and_back_loses_nothing)
{
    struct proto_demonstration sent = full_demonstration(), got;
    unsigned char *bytes;
    size_t length;
    ck_assert_int_eq(proto_demonstration_to_tensors(&sent, &bytes, &length), 0);
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_error error;
    enum proto_code code = proto_demonstration_from_tensors(bytes, length, &arena, &got, &error);
    free(bytes);
    ck_assert_msg(code == PROTO_CODE_OK, "%s: %s", error.at, error.detail);
    char sent_hash[65], got_hash[65];
    proto_demonstration_hash(&sent, sent_hash);
    proto_demonstration_hash(&got, got_hash);
    ck_assert_str_eq(got_hash, sent_hash);
    ck_assert_ptr_null(got.id); /* the server's to say */
    ck_assert_int_eq(got.seq, 0);
    got.id = sent.id;
    got.seq = sent.seq;
    char *sent_text, *got_text;
    size_t text_length;
    ck_assert_int_eq(proto_encode(&proto_demonstration_shape, &sent, &sent_text, &text_length), 0);
    ck_assert_int_eq(proto_encode(&proto_demonstration_shape, &got, &got_text, &text_length), 0);
    ck_assert_str_eq(got_text, sent_text);
    free(sent_text);
    free(got_text);
}
END_TEST

START_TEST(the_largest_metadata_goes_round)
{
    struct proto_demonstration sent = full_demonstration(), got;
    /* Quotes double when the text becomes a string: the worst case for the header's limits. */
    char *metadata = malloc(65536 + 1);
    ck_assert_ptr_nonnull(metadata);
    memset(metadata, '"', 65536);
    memcpy(metadata, "{\"a\":\"", 6);
    for (size_t i = 6; i < 65534; i += 2)
        memcpy(metadata + i, "\\\"", 2);
    memcpy(metadata + 65534, "\"}", 3);
    sent.metadata = metadata;
    unsigned char *bytes;
    size_t length;
    ck_assert_int_eq(proto_demonstration_to_tensors(&sent, &bytes, &length), 0);
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_error error;
    enum proto_code code = proto_demonstration_from_tensors(bytes, length, &arena, &got, &error);
    ck_assert_msg(code == PROTO_CODE_OK, "%s: %s", error.at, error.detail);
    ck_assert_str_eq(got.metadata, metadata);
    free(bytes);
    free(metadata);
}
END_TEST

START_TEST(failure_leaves_the_result_alone)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    GUARDED_CLEANUP struct guarded file = tensor_file("{\"__metadata__\":{\"task\":\"a\"}}", 0);
    struct proto_demonstration demonstration = {.task = "before"};
    struct proto_error error;
    ck_assert_int_eq(
        proto_demonstration_from_tensors(file.bytes, file.length, &arena, &demonstration, &error),
        PROTO_CODE_MISSING_FIELD);
    ck_assert_str_eq(error.at, "tensor states");
    ck_assert_str_eq(demonstration.task, "before");
}
END_TEST

/* What a demonstration of one step in a file with this metadata keeps as its own metadata. */
static const char *metadata_kept(const char *metadata, struct proto_arena *arena)
{
    char header[512];
    snprintf(header, sizeof(header),
             "{\"__metadata__\":{\"task\":\"a\"%s},"
             "\"states\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
             "\"actions\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[4,8]}}",
             metadata);
    GUARDED_CLEANUP struct guarded file = tensor_file(header, 8);
    struct proto_demonstration demonstration;
    struct proto_error error;
    enum proto_code code =
        proto_demonstration_from_tensors(file.bytes, file.length, arena, &demonstration, &error);
    ck_assert_msg(code == PROTO_CODE_OK, "%s: %s", error.at, error.detail);
    return demonstration.metadata;
}

START_TEST(what_others_wrote_into_the_file_is_kept)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    ck_assert_str_eq(metadata_kept("", &arena), "{}");
    ck_assert_str_eq(metadata_kept(",\"format\":\"pt\"", &arena), "{\"format\":\"pt\"}");
    ck_assert_str_eq(metadata_kept(",\"metadata\":\"{\\\"n\\\":1}\"", &arena), "{\"n\":1}");
    ck_assert_str_eq(metadata_kept(",\"sha256\":\"0\",\"metadata\":\"{\\\"n\\\":1}\"", &arena),
                     "{\"n\":1,\"sha256\":\"0\"}");
}
END_TEST

static void assert_hash_differs(const struct proto_demonstration *changed, const char *hash)
{
    char other[65];
    proto_demonstration_hash(changed, other);
    ck_assert_str_ne(other, hash);
}

START_TEST(the_hash_covers_content_and_nothing_else)
{
    struct proto_demonstration original = full_demonstration(), changed = original;
    char hash[65], other[65];
    proto_demonstration_hash(&original, hash);
    ck_assert_uint_eq(strlen(hash), 64);
    changed.operator_ = changed.robot = changed.source = changed.assignment = changed.id = NULL;
    changed.metadata = "{}";
    changed.duration_s = NAN;
    proto_demonstration_hash(&changed, other);
    ck_assert_str_eq(other, hash);
    changed = original;
    changed.task = "pou";
    assert_hash_differs(&changed, hash);
    changed = original;
    changed.success = true;
    assert_hash_differs(&changed, hash);
    changed = original;
    changed.role = PROTO_ROLE_DEMONSTRATION;
    assert_hash_differs(&changed, hash);
    changed = original;
    changed.states = (struct proto_matrix){states, 2, 3}; /* same numbers, other shape */
    assert_hash_differs(&changed, hash);
    changed = original;
    changed.states = original.actions;
    changed.actions = original.states;
    assert_hash_differs(&changed, hash);
}
END_TEST

START_TEST(zero_has_no_sign_in_the_hash)
{
    double plus[] = {0.0}, minus[] = {-0.0};
    struct proto_demonstration a = full_demonstration(), b = a;
    char hash[65], other[65];
    a.states = a.actions = (struct proto_matrix){plus, 1, 1};
    b.states = b.actions = (struct proto_matrix){minus, 1, 1};
    proto_demonstration_hash(&a, hash);
    proto_demonstration_hash(&b, other);
    ck_assert_str_eq(other, hash);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("demonstration");
    TCase *tests = tcase_create("demonstration");
    tcase_add_test(tests, tensors_and_back_loses_nothing);
    tcase_add_test(tests, the_largest_metadata_goes_round);
    tcase_add_test(tests, failure_leaves_the_result_alone);
    tcase_add_test(tests, what_others_wrote_into_the_file_is_kept);
    tcase_add_test(tests, the_hash_covers_content_and_nothing_else);
    tcase_add_test(tests, zero_has_no_sign_in_the_hash);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
