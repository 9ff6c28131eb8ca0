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

#include "support.h"

static json_t *vectors; /* index.json; set once by main */
static const char *folder;

static const struct {
    const char *name;
    const struct proto_shape *shape;
} messages[] = {
    {"project", &proto_project_shape},
    {"task", &proto_task_shape},
    {"ask", &proto_ask_shape},
    {"complete", &proto_complete_shape},
    {"demonstration", &proto_demonstration_shape},
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

static enum proto_code decode(const json_t *vector, const struct guarded *file,
                              struct proto_arena *arena, union message *message,
                              struct proto_error *error)
{
    const struct proto_shape *shape = shape_of(member(vector, "message"));
    support_defaults(shape, message);
    if (strstr(member(vector, "path"), ".safetensors"))
        return proto_demonstration_from_tensors(file->bytes, file->length, arena,
                                                &message->demonstration, error);
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
