#include "metadata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define NUMBER_MAX_BYTES 64 /* of a number in metadata */

static enum proto_code no_memory(struct proto_error *ret_error)
{
    return proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, "header", "no memory for the metadata");
}

static enum proto_code read_json(const struct proto_metadata_entry *entry, json_t **ret_value,
                                 struct proto_error *ret_error)
{
    char at[sizeof(ret_error->at)];
    snprintf(at, sizeof(at), "metadata %.128s", entry->key);
    return proto_json_load(entry->value, strlen(entry->value), PROTO_JSON_MAX_VALUES,
                           PROTO_CODE_INVALID_FIELD, at, ret_value, ret_error);
}

/* proto_json_load reads objects alone. */
static enum proto_code read_list(const struct proto_metadata_entry *entry, json_t **ret_value,
                                 struct proto_error *ret_error)
{
    char text[32];
    PROTO_JSON_CLEANUP json_t *whole = NULL;
    size_t length = strlen(entry->value);
    char *object = malloc(length + sizeof(text));
    if (!object)
        return no_memory(ret_error);
    snprintf(object, length + sizeof(text), "{\"list\":%s}", entry->value);
    enum proto_code code =
        read_json(&(struct proto_metadata_entry){entry->key, object}, &whole, ret_error);
    free(object);
    if (code == PROTO_CODE_OK && json_object_size(whole) == 1)
        *ret_value = json_incref(json_object_get(whole, "list"));
    else if (code == PROTO_CODE_OK)
        *ret_value = json_string(entry->value);
    return code == PROTO_CODE_OK && !*ret_value ? no_memory(ret_error) : code;
}

enum proto_code proto_metadata_value(const struct proto_field *field,
                                     const struct proto_metadata_entry *entry, json_t **ret_value,
                                     struct proto_error *ret_error)
{
    const char *text = entry->value;
    json_t *value = NULL;
    if (field->type == PROTO_JSON)
        return read_json(entry, ret_value, ret_error);
    if (field->type == PROTO_STRINGS)
        return read_list(entry, ret_value, ret_error);
    if (field->type == PROTO_BOOL && strcmp(text, "true") == 0)
        value = json_true();
    else if (field->type == PROTO_BOOL && strcmp(text, "false") == 0)
        value = json_false();
    else if (field->type == PROTO_REAL && strlen(text) <= NUMBER_MAX_BYTES &&
             proto_json_parse(text, strlen(text), NUMBER_MAX_BYTES, JSON_DECODE_ANY, &value,
                              &(json_error_t){0}) < 0)
        return no_memory(ret_error);
    if (value && !json_is_number(value) && !json_is_boolean(value)) {
        json_decref(value);
        value = NULL;
    }
    *ret_value = value ? value : json_string(text);
    return *ret_value ? PROTO_CODE_OK : no_memory(ret_error);
}

enum proto_code proto_metadata_place(const char *where, enum proto_code code,
                                     struct proto_error *ret_error)
{
    char at[sizeof(ret_error->at)];
    if (code == PROTO_CODE_OK || ret_error->at[0] != '/')
        return code;
    snprintf(at, sizeof(at), "%s %.*s", where, (int)sizeof(at) - 16, ret_error->at + 1);
    return proto_error_set(ret_error, code, at, "%s", ret_error->detail);
}
