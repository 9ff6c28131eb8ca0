/* safetensors: the reader, and demonstrations in that form.
 *
 * Properties: what was read covers the file's bytes exactly once; a demonstration that was read can
 * be written, read again, has the same hash then, and is written as the same bytes; in pieces it is
 * taken or refused as in one, and what is kept of it are the bytes that would be written.
 */
#include <math.h>
#include <string.h>

#include <proto/intake.h>
#include <proto/safetensors.h>
#include <proto/wire.h>

#include "fuzz.h"

static void check_tensors(const uint8_t *data, size_t size, struct proto_arena *arena)
{
    struct proto_tensors tensors;
    struct proto_error error = {0};
    if (proto_tensors_read(data, size, arena, &tensors, &error) != PROTO_CODE_OK) {
        REQUIRE(error.code != PROTO_CODE_OK && error.at[0] && error.detail[0]);
        return;
    }
    REQUIRE(proto_tensors_sniff(data, size));
    const uint8_t *end = tensors.count ? tensors.items[0].bytes : data + size;
    for (size_t i = 0; i < tensors.count; i++) {
        const struct proto_tensor *tensor = &tensors.items[i];
        struct proto_matrix matrix;
        REQUIRE(tensor->bytes == end);
        end += tensor->byte_count;
        REQUIRE(proto_tensors_find(&tensors, tensor->name) == tensor);
        if (proto_tensor_matrix(tensor, arena, &matrix, &error) != PROTO_CODE_OK)
            continue;
        REQUIRE(matrix.rows * matrix.cols == tensor->element_count);
        for (size_t j = 0; j < tensor->element_count; j++)
            REQUIRE(isfinite(matrix.data[j]));
    }
    REQUIRE(end == data + size);
}

static void check_demonstration(const uint8_t *data, size_t size, struct proto_arena *arena)
{
    struct proto_demonstration first, second;
    struct proto_error error = {0};
    unsigned char *bytes, *again;
    size_t length, again_length;
    char first_hash[65], second_hash[65];
    if (proto_demonstration_from_tensors(data, size, arena, &first, &error) != PROTO_CODE_OK) {
        REQUIRE(error.code != PROTO_CODE_OK && error.at[0] && error.detail[0]);
        return;
    }
    REQUIRE(proto_demonstration_to_tensors(&first, &bytes, &length) == 0);
    REQUIRE(proto_demonstration_from_tensors(bytes, length, arena, &second, &error) ==
            PROTO_CODE_OK);
    proto_demonstration_hash(&first, first_hash);
    proto_demonstration_hash(&second, second_hash);
    REQUIRE(strcmp(first_hash, second_hash) == 0);
    REQUIRE(proto_demonstration_to_tensors(&second, &again, &again_length) == 0);
    REQUIRE(again_length == length && memcmp(again, bytes, length) == 0);
    free(bytes);
    free(again);
}

static enum proto_code take_in(struct proto_intake *intake, const uint8_t *data, size_t size,
                               struct proto_demonstration *ret_demonstration)
{
    struct proto_error error = {0};
    enum proto_code code = PROTO_CODE_OK;
    for (size_t at = 0, piece = 1; at < size && code == PROTO_CODE_OK; at += piece) {
        piece = piece * 5 % 97 + 1 < size - at ? piece * 5 % 97 + 1 : size - at;
        code = proto_intake_add(intake, data + at, piece, &error);
    }
    if (code == PROTO_CODE_OK)
        code = proto_intake_finish(intake, ret_demonstration, &error);
    REQUIRE(code == PROTO_CODE_OK || (error.code != PROTO_CODE_OK && error.detail[0]));
    return code;
}

static void check_pieces(const uint8_t *data, size_t size, struct proto_arena *arena)
{
    struct proto_demonstration whole, taken;
    struct proto_error error = {0};
    enum proto_code code = proto_demonstration_from_tensors(data, size, arena, &whole, &error);
    for (int known = 0; known < 2; known++) {
        struct proto_intake *intake = proto_intake_new(known ? size : SIZE_MAX, SIZE_MAX, arena);
        REQUIRE(intake);
        REQUIRE((take_in(intake, data, size, &taken) == PROTO_CODE_OK) == (code == PROTO_CODE_OK));
        if (code == PROTO_CODE_OK) {
            unsigned char *bytes;
            size_t length;
            REQUIRE(proto_demonstration_to_tensors(&whole, &bytes, &length) == 0);
            REQUIRE(taken.encoded_bytes == length && memcmp(taken.encoded, bytes, length) == 0);
            free(bytes);
        }
        proto_intake_free(intake);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proto_arena arena = PROTO_ARENA_NULL;
    check_tensors(data, size, &arena);
    check_demonstration(data, size, &arena);
    check_pieces(data, size, &arena);
    proto_arena_deinit(&arena);
    return 0;
}
