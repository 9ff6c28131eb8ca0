/* Files of features and of revisions: what is taken, what is refused and where, in one piece or in
 * many. Numbers are bytes that count up, as F64 or F32 all finite. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proto/archive.h>
#include <proto/features.h>
#include <proto/tensor_file.h>

#include "support.h"

#define F64(shape, from, to)                                                                       \
    "{\"dtype\":\"F64\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"
#define TASKS(list) "\"__metadata__\":{\"tasks\":\"" list "\"},"
#define AB TASKS("[\\\"a\\\",\\\"b\\\"]")

struct refused {
    const char *reason, *header;
    size_t data_bytes;
    const char *at;
    enum proto_code code;
};

static const struct refused refused_files[] = {
    {"nothing in it", "{" TASKS("[]") "\"x\":" F64("[0]", 0, 0) "}", 0, "tensor x",
     PROTO_CODE_INVALID_TENSOR},
    {"no tensor", "{}", 0, "header", PROTO_CODE_MISSING_FIELD},
    {"a task axis of nothing", "{" TASKS("[]") "\"phi\":" F64("[0,281474976710655,1]", 0, 0) "}", 0,
     "metadata tasks", PROTO_CODE_INVALID_FIELD},
    {"no steps", "{\"phi\":" F64("[0,3]", 0, 0) "}", 0, "tensor phi", PROTO_CODE_INVALID_TENSOR},
    {"no columns", "{\"phi\":" F64("[281474976710655,0]", 0, 0) "}", 0, "tensor phi",
     PROTO_CODE_INVALID_TENSOR},
    {"more tasks than are named", "{" AB "\"phi\":" F64("[3,1,1]", 0, 24) "}", 24, "tensor phi",
     PROTO_CODE_INVALID_TENSOR},
    {"tasks that are no list", "{" TASKS("a,b") "\"phi\":" F64("[2,1,1]", 0, 16) "}", 16,
     "metadata tasks", PROTO_CODE_INVALID_FIELD},
    {"tasks that end the list and go on",
     "{" TASKS("[\\\"a\\\",\\\"b\\\"],\\\"x\\\":[]") "\"phi\":" F64("[2,1,1]", 0, 16) "}", 16,
     "metadata tasks", PROTO_CODE_INVALID_FIELD},
    {"one number a step", "{\"phi\":" F64("[2]", 0, 16) "}", 16, "tensor phi",
     PROTO_CODE_INVALID_TENSOR},
    {"other steps than before",
     "{" AB "\"log_likelihood\":" F64("[2,3]", 0, 48) ",\"phi\":" F64("[2,1,1]", 48, 64) "}", 64,
     "tensor log_likelihood", PROTO_CODE_INVALID_TENSOR},
    {"h alone", "{\"h\":" F64("[2,1]", 0, 16) "}", 16, "tensor h", PROTO_CODE_MISSING_FIELD},
    {"g alone", "{\"g\":" F64("[2,1]", 0, 16) "}", 16, "tensor g", PROTO_CODE_MISSING_FIELD},
};

START_TEST(what_is_wrong_is_refused_and_named)
{
    const struct refused *refused = &refused_files[_i];
    GUARDED_CLEANUP struct guarded bytes = tensor_file(refused->header, refused->data_bytes);
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_feature_file file;
    struct proto_error error = {0};
    enum proto_code code = proto_features_read(bytes.bytes, bytes.length, &arena, &file, &error);

    ck_assert_msg(code == refused->code, "%s: %s at %s: %s", refused->reason, proto_code_name(code),
                  error.at, error.detail);
    ck_assert_msg(strcmp(error.at, refused->at) == 0, "%s: at %s", refused->reason, error.at);
}
END_TEST

START_TEST(a_file_says_its_form)
{
    GUARDED_CLEANUP struct guarded bytes =
        tensor_file("{" AB "\"h\":" F64("[2,3,2]", 0, 96) ",\"log_likelihood\":" F64(
                        "[2]", 144, 160) ",\"mean\":" F64("[2,3,1]", 96, 144) "}",
                    160);
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_feature_file file;
    struct proto_error error;

    ck_assert_int_eq(proto_features_read(bytes.bytes, bytes.length, &arena, &file, &error), 0);
    ck_assert_uint_eq(file.steps, 3);
    ck_assert_uint_eq(file.tasks.count, 2);
    ck_assert_str_eq(file.tasks.items[1], "b");
    ck_assert(file.form.per_task);
    ck_assert_int_eq(file.form.phi, PROTO_INT_NULL);
    ck_assert_int_eq(file.form.h, 2);
    ck_assert_int_eq(file.form.mean, 1);
    ck_assert_int_eq(file.form.log_likelihood, PROTO_LIKELIHOOD_TRAJECTORY);
    ck_assert_int_eq(proto_features_check_finite(&file, "d1", &error), 0);
}
END_TEST

/* In pieces of `piece` bytes; what is kept is what was sent. */
static void take(const struct guarded *bytes, size_t piece, size_t length)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_tensor_file *file = proto_tensor_file_new(length, 1000, &arena);
    struct proto_error error;
    const unsigned char *kept;
    size_t kept_length;

    ck_assert_ptr_nonnull(file);
    for (size_t at = 0; at < bytes->length; at += piece) {
        size_t used = piece < bytes->length - at ? piece : bytes->length - at;

        ck_assert_int_eq(proto_tensor_file_finish(file, &kept, &kept_length, &error),
                         PROTO_CODE_MALFORMED_TENSORS);
        ck_assert_int_eq(proto_tensor_file_add(file, bytes->bytes + at, used, &error), 0);
        ck_assert_uint_eq(proto_tensor_file_bytes(file), at + used);
    }
    ck_assert_int_eq(proto_tensor_file_finish(file, &kept, &kept_length, &error), 0);
    ck_assert_uint_eq(kept_length, bytes->length);
    ck_assert_mem_eq(kept, bytes->bytes, kept_length);
    ck_assert_int_eq(proto_tensor_file_add(file, bytes->bytes, 1, &error),
                     PROTO_CODE_MALFORMED_TENSORS);
    proto_tensor_file_free(file);
}

START_TEST(a_file_comes_in_pieces_and_is_kept_as_it_is)
{
    GUARDED_CLEANUP struct guarded bytes = tensor_file("{\"phi\":" F64("[2,1]", 0, 16) "}", 16);

    for (size_t piece = 1; piece <= bytes.length; piece++) {
        take(&bytes, piece, bytes.length);
        take(&bytes, piece, SIZE_MAX);
    }
}
END_TEST

START_TEST(a_file_beyond_the_limit_is_refused_by_its_head)
{
    GUARDED_CLEANUP struct guarded bytes =
        tensor_file("{\"phi\":" F64("[2000,1]", 0, 16000) "}", 0);
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_tensor_file *file = proto_tensor_file_new(SIZE_MAX, 1000, &arena);
    struct proto_error error;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(proto_tensor_file_add(file, bytes.bytes, bytes.length, &error),
                     PROTO_CODE_BODY_TOO_LARGE);
    proto_tensor_file_free(file);
}
END_TEST

START_TEST(a_revision_may_come_as_a_file)
{
    GUARDED_CLEANUP struct guarded bytes = tensor_file(
        "{\"__metadata__\":{\"format\":\"pt\",\"role\":\"likelihood\",\"sigma\":\"2.5\","
        "\"trained_on\":\"[\\\"d0000000001\\\"]\"}}",
        0);
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_revision revision;
    struct proto_error error;

    proto_revision_defaults(&revision);
    revision.revision = "r1";
    ck_assert_int_eq(
        proto_revision_from_tensors(bytes.bytes, bytes.length, &arena, &revision, &error), 0);
    ck_assert_str_eq(revision.revision, "r1");
    ck_assert_int_eq(revision.role, PROTO_REVISION_LIKELIHOOD);
    ck_assert(revision.sigma == 2.5);
    ck_assert_uint_eq(revision.trained_on.count, 1);
    ck_assert_str_eq(revision.trained_on.items[0], "d0000000001");
    ck_assert_int_eq(revision.summary_dim, PROTO_INT_NULL);
}
END_TEST

START_TEST(an_archive_has_a_folder_for_each_kind_of_bytes)
{
    static const char *const names[][2] = {
        {"d0000000042", "demonstrations/d0000000042.safetensors"},
        {"f0000000042", "features/f0000000042.safetensors"},
        {"p0000000042", "policies/p0000000042.safetensors"}};
    static const char *const wrong[] = {"x0000000042",
                                        "demonstrations/f0000000042.safetensors",
                                        "features/f42.safetensors",
                                        "features/f0000000042.safetensors.safetensors",
                                        "f0000000042",
                                        "features/f0000000042",
                                        "features/",
                                        ""};
    char name[PROTO_ARCHIVE_NAME_BYTES], id[PROTO_ARCHIVE_ID_BYTES];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ck_assert_int_eq(proto_archive_blob_name(names[i][0], name), 0);
        ck_assert_str_eq(name, names[i][1]);
        ck_assert_int_eq(proto_archive_blob_id(name, id), 0);
        ck_assert_str_eq(id, names[i][0]);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_int_eq(proto_archive_blob_id(wrong[i], id), -1);
    ck_assert_int_eq(proto_archive_blob_name(wrong[0], name), -1);
    ck_assert_int_eq(proto_archive_blob_name("", name), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("features");
    TCase *tests = tcase_create("features");

    tcase_add_loop_test(tests, what_is_wrong_is_refused_and_named, 0,
                        sizeof(refused_files) / sizeof(refused_files[0]));
    tcase_add_test(tests, a_file_says_its_form);
    tcase_add_test(tests, a_file_comes_in_pieces_and_is_kept_as_it_is);
    tcase_add_test(tests, a_file_beyond_the_limit_is_refused_by_its_head);
    tcase_add_test(tests, a_revision_may_come_as_a_file);
    tcase_add_test(tests, an_archive_has_a_folder_for_each_kind_of_bytes);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
