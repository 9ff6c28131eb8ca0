/* proto/vectors: every file is read as index.json says, and no file is left out of the index.
 *
 * Valid texts are encoded, decoded and encoded again: the same bytes. Valid demonstrations have the
 * hash that the generator worked out from its definition, in every form.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <proto/intake.h>

#include "support.h"

static json_t *vectors; /* index.json; set once by main */
static const char *folder;

static const struct {
    const char *name;
    const struct proto_shape *shape;
} messages[] = {
    {"project", &proto_project_shape}, {"task", &proto_task_shape},
    {"ask", &proto_ask_shape},         {"complete", &proto_complete_shape},
    {"renew", &proto_renew_shape},     {"skip", &proto_skip_shape},
    {"end", &proto_end_shape},         {"demonstration", &proto_demonstration_shape},
};

static const struct proto_shape *shape_of(const char *name)
{
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        if (strcmp(messages[i].name, name) == 0)
            return messages[i].shape;
    }
    ck_abort_msg("no message %s", name);
}

static const char *member(const json_t *vector, const char *name)
{
    return json_string_value(json_object_get(vector, name));
}

static struct guarded load(const char *path)
{
    char name[512];
    snprintf(name, sizeof(name), "%s/%s", folder, path);
    FILE *file = fopen(name, "rb");
    ck_assert_msg(file != NULL, "%s cannot be opened", name);
    static unsigned char bytes[1 << 20];
    size_t length = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    ck_assert_uint_lt(length, sizeof(bytes));
    return guarded_copy(bytes, length);
}

static enum proto_code take_in(struct proto_intake *intake, const struct guarded *file,
                               size_t piece, struct proto_demonstration *ret_demonstration,
                               struct proto_error *error)
{
    enum proto_code code = PROTO_CODE_OK;
    for (size_t at = 0; at < file->length && code == PROTO_CODE_OK; at += piece) {
        size_t left = file->length - at;
        code = proto_intake_add(intake, file->bytes + at, left < piece ? left : piece, error);
    }
    return code == PROTO_CODE_OK ? proto_intake_finish(intake, ret_demonstration, error) : code;
}

static void assert_same_in_pieces_of(size_t piece, size_t said, const struct guarded *file,
                                     enum proto_code whole_code,
                                     const struct proto_demonstration *whole)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_intake *intake = proto_intake_new(said, 1 << 20, &arena);
    struct proto_demonstration got;
    struct proto_error error = {0};
    ck_assert_ptr_nonnull(intake);
    enum proto_code code = take_in(intake, file, piece, &got, &error);
    ck_assert_msg(code == whole_code, "pieces of %zu: %s at %s: %s", piece, proto_code_name(code),
                  error.at, error.detail);
    if (code == PROTO_CODE_OK) {
        unsigned char *bytes;
        size_t length;
        ck_assert_int_eq(proto_demonstration_to_tensors(whole, &bytes, &length), 0);
        ck_assert_ptr_nonnull(got.encoded);
        ck_assert_uint_eq(got.encoded_bytes, length);
        ck_assert_mem_eq(got.encoded, bytes, length);
        char hash[65], whole_hash[65];
        proto_demonstration_hash(&got, hash);
        proto_demonstration_hash(whole, whole_hash);
        ck_assert_str_eq(hash, whole_hash);
        free(bytes);
    }
    proto_intake_free(intake);
}

/* The same verdict when the file arrives in pieces, its length known or not, and in the end the
 * bytes that would be stored. */
static void assert_same_in_pieces(const struct guarded *file, enum proto_code code,
                                  const struct proto_demonstration *whole)
{
    static const size_t pieces[] = {1, 3, 7, 64, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        assert_same_in_pieces_of(pieces[i], file->length, file, code, whole);
        assert_same_in_pieces_of(pieces[i], SIZE_MAX, file, code, whole);
    }
}

static enum proto_code decode(const json_t *vector, const struct guarded *file,
                              struct proto_arena *arena, union message *message,
                              struct proto_error *error)
{
    const struct proto_shape *shape = shape_of(member(vector, "message"));
    support_defaults(shape, message);
    if (strstr(member(vector, "path"), ".safetensors")) {
        enum proto_code code = proto_demonstration_from_tensors(file->bytes, file->length, arena,
                                                                &message->demonstration, error);
        assert_same_in_pieces(file, code, &message->demonstration);
        return code;
    }
    return proto_decode(shape, (const char *)file->bytes, file->length, false, arena, message,
                        error);
}

static char *encode(const struct proto_shape *shape, const union message *message)
{
    char *text;
    size_t length;
    ck_assert_int_eq(proto_encode(shape, message, &text, &length), 0);
    return text;
}

static void assert_stable(const json_t *vector, const union message *message)
{
    const struct proto_shape *shape = shape_of(member(vector, "message"));
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    union message again;
    struct proto_error error;
    char *first = encode(shape, message);
    support_defaults(shape, &again);
    enum proto_code code = proto_decode(shape, first, strlen(first), true, &arena, &again, &error);
    ck_assert_msg(code == PROTO_CODE_OK, "%s: %s %s", first, error.at, error.detail);
    char *second = encode(shape, &again);
    ck_assert_str_eq(second, first);
    free(first);
    free(second);
}

static void assert_hash(const json_t *vector, const struct proto_demonstration *demonstration)
{
    char hash[65];
    proto_demonstration_hash(demonstration, hash);
    ck_assert_str_eq(hash, member(vector, "sha256"));
}

START_TEST(vector_is_read_as_the_index_says)
{
    const json_t *vector = json_array_get(vectors, (size_t)_i);
    const char *path = member(vector, "path"), *code = member(vector, "code");
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    GUARDED_CLEANUP struct guarded file = load(path);
    union message message;
    struct proto_error error = {0};
    enum proto_code got = decode(vector, &file, &arena, &message, &error);
    ck_assert_msg(strcmp(proto_code_name(got), code ? code : "ok") == 0, "%s: %s at %s: %s", path,
                  proto_code_name(got), error.at, error.detail);
    if (code) {
        ck_assert_msg(strcmp(error.at, member(vector, "at")) == 0, "%s: at %s: %s", path, error.at,
                      error.detail);
        ck_assert_str_ne(error.detail, "");
        return;
    }
    assert_stable(vector, &message);
    if (member(vector, "sha256"))
        assert_hash(vector, &message.demonstration);
}
END_TEST

static size_t count_files(const char *kind)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        char name[512];
        snprintf(name, sizeof(name), "%s/%s/%s", folder, kind, messages[i].name);
        DIR *directory = opendir(name);
        ck_assert_msg(directory != NULL, "%s cannot be opened", name);
        for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
            count += entry->d_name[0] != '.';
        closedir(directory);
    }
    return count;
}

START_TEST(every_file_is_in_the_index)
{
    ck_assert_uint_eq(count_files("valid") + count_files("invalid"), json_array_size(vectors));
}
END_TEST

int main(int argc, char **argv)
{
    char name[512];
    if (argc != 2)
        return EXIT_FAILURE;
    folder = argv[1];
    snprintf(name, sizeof(name), "%s/index.json", folder);
    vectors = json_load_file(name, 0, NULL);
    if (!vectors)
        return EXIT_FAILURE;
    Suite *suite = suite_create("vectors");
    TCase *tests = tcase_create("vectors");
    tcase_add_loop_test(tests, vector_is_read_as_the_index_says, 0, (int)json_array_size(vectors));
    tcase_add_test(tests, every_file_is_in_the_index);
    suite_add_tcase(suite, tests);
    int status = support_run(suite);
    json_decref(vectors);
    return status;
}
