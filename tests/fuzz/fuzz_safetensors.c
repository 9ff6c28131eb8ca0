/* safetensors: the reader, and demonstrations, features and revisions in that form.
 *
 * Properties: what was read covers the file's bytes exactly once; a demonstration that was read can
 * be written, read again, has the same hash then, and is written as the same bytes; in pieces it is
 * taken or refused as in one, and what is kept of it are the bytes that would be written.
 */
#include <math.h>
#include <string.h>

#include <proto/features.h>
#include <proto/intake.h>
#include <proto/network.h>
#include <proto/safetensors.h>
#include <proto/tensor_file.h>
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

static void check_told(enum proto_code code, const struct proto_error *error)
{
    REQUIRE(code == PROTO_CODE_OK || (error->code == code && error->at[0] && error->detail[0]));
}

/* What was taken has the numbers that its shapes say. */
static void check_features(const uint8_t *data, size_t size, struct proto_arena *arena)
{
    struct proto_feature_file file;
    struct proto_error error = {0};
    enum proto_code code = proto_features_read(data, size, arena, &file, &error);
    check_told(code, &error);
    if (code != PROTO_CODE_OK)
        return;
    check_told(proto_features_check_finite(&file, "d", &error), &error);
    REQUIRE(proto_features_check_form(&file, &file.form, "r", &error) == PROTO_CODE_OK);
    for (int k = 0; k < PROTO_FEATURE_LOG_LIKELIHOOD; k++) {
        int64_t columns = proto_feature_columns(&file.form, (enum proto_feature_tensor)k);
        size_t tasks = file.form.per_task ? file.tasks.count : 1;
        REQUIRE((columns == PROTO_INT_NULL) == !file.tensors[k]);
        REQUIRE(!file.tensors[k] ||
                file.tensors[k]->element_count == tasks * file.steps * (size_t)columns);
    }
}

/* Widths follow each other from the input to the actions. */
static void check_network(const struct proto_network *network)
{
    size_t width = network->input_dim;
    REQUIRE(width > 0 && proto_network_first(network)->in == width);
    for (size_t k = 0; k < network->layer_count; k++) {
        const struct proto_layer *layer = &network->layers[k];
        REQUIRE(!layer->weight_name || layer->in == width);
        REQUIRE(layer->op != PROTO_LAYER_LINEAR || layer->weight.count == layer->in * layer->out);
        width = layer->weight_name ? layer->out : width;
    }
    REQUIRE(width == network->output_dim);
}

static void check_revision(const uint8_t *data, size_t size, struct proto_arena *arena)
{
    struct proto_revision revision;
    struct proto_error error = {0};
    proto_revision_defaults(&revision);
    revision.revision = "r";
    enum proto_code code = proto_revision_from_tensors(data, size, arena, &revision, &error);
    check_told(code, &error);
    if (code == PROTO_CODE_OK && revision.network)
        check_network(revision.network);
}

/* A file that is kept as it is: taken in pieces where it is taken whole, and the same bytes. */
static void check_kept(const uint8_t *data, size_t size, struct proto_arena *arena)
{
    struct proto_tensors tensors;
    struct proto_error error = {0};
    enum proto_code whole = proto_tensors_read(data, size, arena, &tensors, &error);
    for (int known = 0; known < 2; known++) {
        struct proto_tensor_file *file =
            proto_tensor_file_new(known ? size : SIZE_MAX, size, arena);
        enum proto_code code = PROTO_CODE_OK;
        const unsigned char *bytes;
        size_t length;
        REQUIRE(file);
        for (size_t at = 0, piece = 1; at < size && code == PROTO_CODE_OK; at += piece) {
            piece = piece * 5 % 97 + 1 < size - at ? piece * 5 % 97 + 1 : size - at;
            code = proto_tensor_file_add(file, data + at, piece, &error);
        }
        if (code == PROTO_CODE_OK)
            code = proto_tensor_file_finish(file, &bytes, &length, &error);
        REQUIRE((code == PROTO_CODE_OK) == (whole == PROTO_CODE_OK));
        if (code == PROTO_CODE_OK)
            REQUIRE(length == size && memcmp(bytes, data, size) == 0);
        proto_tensor_file_free(file);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proto_arena arena = PROTO_ARENA_NULL;
    check_tensors(data, size, &arena);
    check_demonstration(data, size, &arena);
    check_pieces(data, size, &arena);
    check_features(data, size, &arena);
    check_revision(data, size, &arena);
    check_kept(data, size, &arena);
    proto_arena_deinit(&arena);
    return 0;
}
