/* A policy's revision as a safetensors file. */
#include <stdio.h>
#include <string.h>

#include <proto/network.h>

#include "json.h"
#include "metadata.h"
#include "tables.h"

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

/* What a network is made of is no field of a revision. */
static bool is_layers(const char *key)
{
    return strcmp(key, "layers") == 0;
}

static enum proto_code take_entry(const struct proto_metadata_entry *entry, json_t *about,
                                  struct proto_error *ret_error)
{
    const struct proto_field *field = proto_shape_find(&proto_revision_shape, entry->key);
    json_t *value = NULL;
    enum proto_code code = PROTO_CODE_OK;
    if (is_foreign(entry->key) || is_layers(entry->key))
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
        revision->summary_dim = (int64_t)revision->summary.rows;
    return code;
}

/* The one tensor that a revision without a network has. */
static enum proto_code check_external(const struct proto_tensors *tensors,
                                      struct proto_error *ret_error)
{
    if (proto_tensors_metadata(tensors, "layers"))
        return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "metadata layers",
                               "a network has layers, and kind is not mlp");
    for (size_t i = 0; i < tensors->count; i++) {
        char at[sizeof(ret_error->at)];
        if (strcmp(tensors->items[i].name, "summary") == 0)
            continue;
        snprintf(at, sizeof(at), "tensor %s", tensors->items[i].name);
        return proto_error_set(ret_error, PROTO_CODE_INVALID_TENSOR, at,
                               "an external revision has no such tensor; expected summary, or kind "
                               "mlp with layers");
    }
    return PROTO_CODE_OK;
}

static enum proto_code read_tensors(const struct proto_tensors *tensors, struct proto_arena *arena,
                                    struct proto_revision *revision, struct proto_error *ret_error)
{
    const struct proto_tensor *summary = proto_tensors_find(tensors, "summary");
    struct proto_network *network = NULL;
    enum proto_code code = revision->kind == PROTO_POLICY_MLP
                               ? proto_network_read(tensors, arena, &network, ret_error)
                               : check_external(tensors, ret_error);
    revision->network = network;
    if (code != PROTO_CODE_OK || !summary)
        return code;
    code = read_summary(summary, arena, revision, ret_error);
    if (code != PROTO_CODE_OK || !network || revision->summary.rows == network->hidden_dim)
        return code;
    char detail[128];
    snprintf(detail, sizeof(detail), "it is of %zu features; the last hidden layer has %zu",
             revision->summary.rows, network->hidden_dim);
    return refuse_summary(ret_error, detail);
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
    if (code == PROTO_CODE_OK && revision.kind != PROTO_POLICY_GP)
        code = read_tensors(&tensors, arena, &revision, ret_error);
    if (code != PROTO_CODE_OK)
        return code;
    revision.encoded = bytes;
    revision.encoded_bytes = length;
    *ret_revision = revision;
    return PROTO_CODE_OK;
}
