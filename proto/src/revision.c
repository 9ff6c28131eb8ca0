/* A policy's revision as a safetensors file. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <proto/safetensors.h>

#include "json.h"
#include "metadata.h"
#include "tables.h"

/* How far the two halves of a Gram matrix may differ, of its largest number: what float32 loses. */
#define SYMMETRY 1e-5
#define SUMMARY_MAX_DIM 4096 /* as many weights as the ridge form of a posterior has */

static enum proto_code no_memory(struct proto_error *ret_error)
{
    return proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, "", "no memory for the revision");
}

/* Some writers note the framework they are of. */
static bool is_foreign(const char *key)
{
    return strcmp(key, "format") == 0;
}

static enum proto_code take_entry(const struct proto_metadata_entry *entry, json_t *about,
                                  struct proto_error *ret_error)
{
    const struct proto_field *field = proto_shape_find(&proto_revision_shape, entry->key);
    json_t *value = NULL;
    enum proto_code code = PROTO_CODE_OK;
    if (is_foreign(entry->key))
        return PROTO_CODE_OK;
    if (field)
        code = proto_metadata_value(field, entry, &value, ret_error);
    else
        value = json_string(entry->value); /* the table refuses it by name */
    if (code != PROTO_CODE_OK)
        return code;
    return json_object_set_new(about, entry->key, value) < 0 ? no_memory(ret_error) : PROTO_CODE_OK;
}

static enum proto_code read_about(const struct proto_tensors *tensors, struct proto_arena *arena,
                                  struct proto_revision *revision, struct proto_error *ret_error)
{
    PROTO_JSON_CLEANUP json_t *about = json_object();
    const struct proto_decoder decoder = {false, arena, ret_error};
    enum proto_code code = about ? PROTO_CODE_OK : no_memory(ret_error);
    for (size_t i = 0; i < tensors->metadata_count && code == PROTO_CODE_OK; i++)
        code = take_entry(&tensors->metadata[i], about, ret_error);
    if (code == PROTO_CODE_OK)
        code = proto_metadata_place(
            "metadata", proto_decode_object(&decoder, &proto_revision_shape, about, NULL, revision),
            ret_error);
    return code;
}

static enum proto_code refuse_summary(struct proto_error *ret_error, const char *detail)
{
    return proto_error_set(ret_error, PROTO_CODE_INVALID_TENSOR, "tensor summary", "%s", detail);
}

/* A Gram matrix: square, symmetric, nothing negative on its diagonal. */
static enum proto_code check_summary(const struct proto_matrix *summary,
                                     struct proto_error *ret_error)
{
    size_t dim = summary->rows;
    double largest = 0;
    for (size_t i = 0; i < dim * dim; i++)
        largest = fmax(largest, fabs(summary->data[i]));
    for (size_t i = 0; i < dim; i++) {
        if (summary->data[i * dim + i] < 0)
            return refuse_summary(ret_error, "a number on its diagonal is negative; expected the "
                                             "sums of phi phi'");
        for (size_t j = 0; j < i; j++)
            if (fabs(summary->data[i * dim + j] - summary->data[j * dim + i]) > SYMMETRY * largest)
                return refuse_summary(ret_error, "it is not symmetric; expected the sums of "
                                                 "phi phi'");
    }
    return PROTO_CODE_OK;
}

static enum proto_code read_summary(const struct proto_tensor *tensor, struct proto_arena *arena,
                                    struct proto_revision *revision, struct proto_error *ret_error)
{
    enum proto_code code = PROTO_CODE_OK;
    if (tensor->rank == 2 && (tensor->shape[0] != tensor->shape[1] || tensor->shape[0] == 0 ||
                              tensor->shape[0] > SUMMARY_MAX_DIM)) {
        char detail[128];
        snprintf(detail, sizeof(detail), "it is %zu x %zu; expected p x p with p from 1 to %d",
                 tensor->shape[0], tensor->shape[1], SUMMARY_MAX_DIM);
        return refuse_summary(ret_error, detail);
    }
    code = proto_tensor_matrix(tensor, arena, &revision->summary, ret_error);
    if (code == PROTO_CODE_OK)
        code = check_summary(&revision->summary, ret_error);
    if (code == PROTO_CODE_OK)
        revision->summary_dim = (int64_t)revision->summary.rows;
    return code;
}

static enum proto_code read_tensors(const struct proto_tensors *tensors, struct proto_arena *arena,
                                    struct proto_revision *revision, struct proto_error *ret_error)
{
    enum proto_code code = PROTO_CODE_OK;
    for (size_t i = 0; i < tensors->count && code == PROTO_CODE_OK; i++) {
        char at[sizeof(ret_error->at)];
        snprintf(at, sizeof(at), "tensor %s", tensors->items[i].name);
        code = strcmp(tensors->items[i].name, "summary") == 0
                   ? read_summary(&tensors->items[i], arena, revision, ret_error)
                   : proto_error_set(ret_error, PROTO_CODE_INVALID_TENSOR, at,
                                     "an external revision has no such tensor; expected summary");
    }
    return code;
}

enum proto_code proto_revision_from_tensors(const unsigned char *bytes, size_t length,
                                            struct proto_arena *arena,
                                            struct proto_revision *ret_revision,
                                            struct proto_error *ret_error)
{
    struct proto_revision revision = *ret_revision;
    struct proto_tensors tensors;
    enum proto_code code = proto_tensors_read(bytes, length, arena, &tensors, ret_error);
    if (code == PROTO_CODE_OK)
        code = read_about(&tensors, arena, &revision, ret_error);
    if (code == PROTO_CODE_OK && revision.kind == PROTO_POLICY_EXTERNAL)
        code = read_tensors(&tensors, arena, &revision, ret_error);
    if (code != PROTO_CODE_OK)
        return code;
    revision.encoded = bytes;
    revision.encoded_bytes = length;
    *ret_revision = revision;
    return PROTO_CODE_OK;
}
