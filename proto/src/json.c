/* The scan knows strings, brackets and the beginnings of other values; whether it is JSON is
 * jansson's to say. Where the text is not JSON the counts may be wrong, but never smaller than what
 * jansson builds before it notices. One pass, no memory.
 *
 * jansson calls some of its failures to allocate an error of syntax. A client would take that for
 * good and throw away its demonstration, so its allocations go through here and leave a mark. */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

struct scan {
    size_t at, depth, values, number_start;
    size_t max_values;
    bool in_number; /* or true, false, null */
};

static size_t string_end(const char *text, size_t length, size_t at)
{
    for (at++; at < length && text[at] != '"'; at++) {
        if (text[at] == '\\')
            at++;
    }
    return at;
}

static const char *scan_byte(struct scan *scan, const char *text, size_t length)
{
    char byte = text[scan->at];
    static const char marks[] = " \t\r\n,:{}[]\"";
    if (byte == '\0') /* which jansson passes over behind a number or a word */
        return "a zero byte stands in the text";
    bool structural = memchr(marks, byte, sizeof(marks) - 1) != NULL;
    if (!structural && !scan->in_number) {
        scan->number_start = scan->at;
        scan->values++;
    }
    scan->in_number = !structural;
    if (scan->in_number && scan->at - scan->number_start >= PROTO_JSON_MAX_NUMBER_BYTES)
        return "a number has more than 1024 digits";
    if (byte == '"' || byte == '[' || byte == '{')
        scan->values++;
    if (byte == '"')
        scan->at = string_end(text, length, scan->at);
    if ((byte == '[' || byte == '{') && ++scan->depth > PROTO_JSON_MAX_DEPTH)
        return "the text nests deeper than 32 levels";
    if ((byte == ']' || byte == '}') && scan->depth > 0)
        scan->depth--;
    return NULL;
}

static enum proto_code scan_limits(const char *text, size_t length, size_t max_values,
                                   enum proto_code code, const char *at,
                                   struct proto_error *ret_error)
{
    struct scan scan = {.max_values = max_values};
    for (; scan.at < length; scan.at++) {
        const char *refusal = scan_byte(&scan, text, length);
        if (refusal)
            return proto_error_set(ret_error, code, at, "%s (byte %zu)", refusal, scan.at);
        if (scan.values > max_values)
            return proto_error_set(ret_error, code, at,
                                   "the text has more than %zu values; send long trajectories as "
                                   "safetensors",
                                   max_values);
    }
    return PROTO_CODE_OK;
}

/* What other writers of JSON put where there is no number. */
static bool is_number_word(const json_error_t *error)
{
    return strstr(error->text, "near 'NaN'") || strstr(error->text, "near 'Infinity'") ||
           strstr(error->text, "near '-'") || json_error_code(error) == json_error_numeric_overflow;
}

static enum proto_code refuse_number(const char *text, const json_error_t *error,
                                     enum proto_code code, struct proto_error *ret_error)
{
    char at[sizeof(ret_error->at)];

    proto_json_place(text, error->position > 0 ? (size_t)error->position - 1 : 0, at, sizeof(at));
    return proto_error_set(
        ret_error, code, at,
        "line %d, column %d: %s; expected a finite number (JSON has no NaN and no "
        "infinities)",
        error->line, error->column, error->text);
}

static _Thread_local bool memory_refused;

static void *allocate(size_t bytes)
{
    void *memory = malloc(bytes);
    if (!memory)
        memory_refused = true;
    return memory;
}

static void watch_memory(void)
{
    json_set_alloc_funcs(allocate, free);
}

enum proto_code proto_json_load(const char *text, size_t length, size_t max_values,
                                enum proto_code code, const char *at, json_t **ret_value,
                                struct proto_error *ret_error)
{
    if (length == 0)
        return proto_error_set(ret_error, code, at, "there is no text; expected a JSON object");
    enum proto_code refusal = scan_limits(text, length, max_values, code, at, ret_error);
    if (refusal != PROTO_CODE_OK)
        return refusal;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    json_error_t error;
    (void)pthread_once(&once, watch_memory);
    memory_refused = false;
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!value && memory_refused)
        return proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, at, "no memory for the text");
    if (!value && *at == '\0' && is_number_word(&error))
        return refuse_number(text, &error, code, ret_error);
    if (!value)
        return proto_error_set(ret_error, code, at, "line %d, column %d: %s", error.line,
                               error.column, error.text);
    if (!json_is_object(value)) {
        json_decref(value);
        return proto_error_set(ret_error, code, at, "the text is a list; expected a JSON object");
    }
    *ret_value = value;
    return PROTO_CODE_OK;
}

size_t proto_json_depth(const json_t *value)
{
    const char *key;
    json_t *member;
    size_t deepest = 0, i;
    if (!json_is_object(value) && !json_is_array(value))
        return 0;
    json_object_foreach((json_t *)value, key, member)
    {
        size_t depth = proto_json_depth(member);
        deepest = depth > deepest ? depth : deepest;
    }
    json_array_foreach(value, i, member)
    {
        size_t depth = proto_json_depth(member);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}
