/* The scan knows strings, brackets and the beginnings of other values; whether it is JSON is
 * jansson's to say. Where the text is not JSON the counts may be wrong, but never smaller than what
 * jansson builds before it notices. One pass, no memory.
 *
 * jansson calls some of its failures to allocate an error of syntax. A client would take that for
 * good and throw away its demonstration, so its allocations go through here and leave a mark.
 *
 * Worse, where the buffer of the token at hand cannot grow it leaves a byte out and goes on: a
 * number lacks a digit, or an assertion ends the process. That buffer holds 16, 32, 64 ... bytes.
 * So memory for all its sizes is set aside before; once an allocation has failed, sizes like these
 * come from there and all others fail, which ends the parsing at the next value. What was read is
 * thrown away. */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define TOKEN_FIRST_BYTES 16                          /* jansson's buffer of a token */
#define ASIDE_BYTES (8 * PROTO_JSON_MAX_NUMBER_BYTES) /* for a text without longer strings */

struct scan {
    size_t at, depth, values, number_start;
    size_t max_values, longest; /* string */
    bool in_number;             /* or true, false, null */
};

static size_t string_end(const char *text, size_t length, size_t at)
{
    for (at++; at < length && text[at] != '"'; at++) {
        if (text[at] == '\\')
            at++;
    }
    return at;
}

static bool is_structural(char byte)
{
    switch (byte) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case ',':
    case ':':
    case '{':
    case '}':
    case '[':
    case ']':
    case '"':
        return true;
    default:
        return false;
    }
}

static const char *scan_byte(struct scan *scan, const char *text, size_t length)
{
    char byte = text[scan->at];
    if (byte == '\0') /* which jansson passes over behind a number or a word */
        return "a zero byte stands in the text";
    bool structural = is_structural(byte);
    if (!structural && !scan->in_number) {
        scan->number_start = scan->at;
        scan->values++;
    }
    scan->in_number = !structural;
    if (scan->in_number && scan->at - scan->number_start >= PROTO_JSON_MAX_NUMBER_BYTES)
        return "a number has more than 1024 digits";
    if (byte == '"' || byte == '[' || byte == '{')
        scan->values++;
    if (byte == '"') {
        size_t end = string_end(text, length, scan->at);
        scan->longest = end - scan->at > scan->longest ? end - scan->at : scan->longest;
        scan->at = end;
    }
    if ((byte == '[' || byte == '{') && ++scan->depth > PROTO_JSON_MAX_DEPTH)
        return "the text nests deeper than 32 levels";
    if ((byte == ']' || byte == '}') && scan->depth > 0)
        scan->depth--;
    return NULL;
}

static enum proto_code scan_limits(const char *text, size_t length, size_t max_values,
                                   enum proto_code code, const char *at, size_t *ret_longest,
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
    *ret_longest = scan.longest;
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

/* Of the text that this thread is reading. */
static _Thread_local struct {
    char *aside; /* NULL: no text is being read */
    size_t room, used;
    bool refused;
} memory;

static void *allocate(size_t bytes)
{
    void *allocated = memory.refused ? NULL : malloc(bytes);
    if (allocated || !memory.aside)
        return allocated;
    memory.refused = true;
    if (bytes < TOKEN_FIRST_BYTES || (bytes & (bytes - 1)) || bytes > memory.room - memory.used)
        return NULL;
    memory.used += bytes;
    return memory.aside + memory.used - bytes;
}

static void release(void *allocated)
{
    uintptr_t at = (uintptr_t)allocated, aside = (uintptr_t)memory.aside;
    if (!aside || at < aside || at - aside >= memory.room)
        free(allocated);
}

static void watch_memory(void)
{
    json_set_alloc_funcs(allocate, release);
}

int proto_json_parse(const char *text, size_t length, size_t longest, size_t flags,
                     json_t **ret_value, json_error_t *ret_error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    _Alignas(max_align_t) char aside[ASIDE_BYTES]; /* malloc is slower at this than the parsing */
    size_t token = TOKEN_FIRST_BYTES;
    /* Quotes, the byte behind the token, a NUL. */
    while (token < longest + 4)
        token *= 2;
    (void)pthread_once(&once, watch_memory);
    /* The sizes up to the last are less than twice that; as much again for what looks like one. */
    memory.room = 4 * token;
    memory.used = 0;
    memory.refused = false;
    memory.aside = memory.room <= sizeof(aside) ? aside : malloc(memory.room);
    if (!memory.aside)
        return -1;
    json_t *value = json_loadb(text, length, flags, ret_error);
    bool refused = memory.refused;
    if (refused)
        json_decref(value);
    if (memory.aside != aside)
        free(memory.aside);
    memory.aside = NULL;
    memory.refused = false;
    if (refused)
        return -1;
    *ret_value = value;
    return value ? 0 : 1;
}

enum proto_code proto_json_load(const char *text, size_t length, size_t max_values,
                                enum proto_code code, const char *at, json_t **ret_value,
                                struct proto_error *ret_error)
{
    if (length == 0)
        return proto_error_set(ret_error, code, at, "there is no text; expected a JSON object");
    size_t longest = 0;
    enum proto_code refusal = scan_limits(text, length, max_values, code, at, &longest, ret_error);
    if (refusal != PROTO_CODE_OK)
        return refusal;
    if (longest < PROTO_JSON_MAX_NUMBER_BYTES)
        longest = PROTO_JSON_MAX_NUMBER_BYTES;
    json_error_t error;
    json_t *value = NULL;
    int status = proto_json_parse(text, length, longest, JSON_REJECT_DUPLICATES, &value, &error);
    if (status < 0)
        return proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, at, "no memory for the text");
    if (status > 0 && *at == '\0' && is_number_word(&error))
        return refuse_number(text, &error, code, ret_error);
    if (status > 0)
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
