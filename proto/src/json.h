/* Bytes to a jansson tree, with limits that are held before anything is allocated.
 *
 * jansson spends up to 78 bytes a byte of input ("[{},{},..."), and recurses as deep as the text
 * nests. So a scan over the bytes counts first. Depth 32: the API nests 6 levels, metadata may
 * add 16. 200,000 values in a request: a trajectory of 2,000 steps with 100 numbers each; more
 * belongs into safetensors. What a server says to its client is held to 10,000,000: it lists what
 * came in by tensors.
 */
#ifndef PROTO_SRC_JSON_H
#define PROTO_SRC_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <proto/error.h>

#define PROTO_JSON_MAX_DEPTH 32
#define PROTO_JSON_MAX_VALUES 200000 /* names of members are counted as well */
/* The head of a tensor file: 1,024 tensors of at most 18, and 10,000 entries of metadata. */
#define PROTO_JSON_MAX_HEAD_VALUES 40000
#define PROTO_JSON_MAX_ANSWER_VALUES 10000000
#define PROTO_JSON_MAX_NUMBER_BYTES 1024 /* no double needs more than 770 */

/* A JSON object, without duplicate names or anything behind it. code: how a refusal is called,
 * PROTO_CODE_MALFORMED_JSON or MALFORMED_TENSORS; at: see proto_error. The caller owns *ret_value.
 */
__attribute__((warn_unused_result)) enum proto_code
proto_json_load(const char *text, size_t length, size_t max_values, enum proto_code code,
                const char *at, json_t **ret_value, struct proto_error *ret_error);

/* jansson, without its ways to take missing memory for something else. longest: no token of the
 * text has more bytes. 0; -1 out of memory; 1: it is not JSON, as *ret_error says. */
__attribute__((warn_unused_result)) int proto_json_parse(const char *text, size_t length,
                                                         size_t longest, size_t flags,
                                                         json_t **ret_value,
                                                         json_error_t *ret_error);

/* Levels of containers: 0 for a scalar, 1 for {}. */
size_t proto_json_depth(const json_t *value);

static inline void proto_json_unref(json_t **value)
{
    json_decref(*value);
}
#define PROTO_JSON_CLEANUP __attribute__((cleanup(proto_json_unref)))

/* The pointer of the value that a reader was in when it stopped at byte `stop`. json_place.c */
void proto_json_place(const char *text, size_t stop, char *ret_at, size_t size);

#endif
