/* A strict parser of the few parameters there are. A misspelt parameter is an error, because
 * the client would otherwise believe it was obeyed.
 */
#include "query.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <api/api.h>

#include "limits.h"
#include "percent.h"

#define DIGITS "0123456789"
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

/* A number as JSON writes it: digits, then perhaps a point and digits, an exponent. */
static bool is_number(const char *text)
{
    size_t length = strspn(text, DIGITS), more;

    if (length == 0)
        return false;
    text += length;
    if (*text == '.') {
        more = strspn(text + 1, DIGITS);
        text += more ? 1 + more : 0;
    }
    if (*text == 'e' || *text == 'E') {
        size_t sign = text[1] == '+' || text[1] == '-';
        more = strspn(text + 1 + sign, DIGITS);
        text += more ? 1 + sign + more : 0;
    }
    return *text == '\0';
}

static bool parse_wait(const char *text, struct http_query *query)
{
    if (!is_number(text))
        return false;
    query->wait_s = strtod(text, NULL); /* infinity where it is too much for a double */
    return query->wait_s <= HTTP_WAIT_MAX_S;
}

static bool parse_limit(const char *text, struct http_query *query)
{
    size_t length = strlen(text);
    int64_t value = 0;

    if (length == 0 || length > 3 || strspn(text, DIGITS) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        value = value * 10 + (text[i] - '0');
    query->limit = value;
    return value >= 1 && value <= HTTP_LIMIT_MAX;
}

bool http_query_parse_seq(const char *text, int64_t *ret_seq)
{
    size_t length = strlen(text);
    int64_t value = 0;

    if (length == 0 || length > 16 || strspn(text, DIGITS) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        value = value * 10 + (text[i] - '0');
    if (value > PROTO_INT_MAX)
        return false;
    *ret_seq = value;
    return true;
}

static bool parse_after(const char *text, struct http_query *query)
{
    return http_query_parse_seq(text, &query->after);
}

static bool parse_cursor(const char *text, struct http_query *query)
{
    query->cursor = text;
    return text[0] != '\0' && strlen(text) <= HTTP_CURSOR_MAX_BYTES;
}

static const struct {
    const char *name;
    unsigned group; /* enum api_query */
    bool (*parse)(const char *text, struct http_query *query);
    const char *expected;
} parameters[] = {
    {"wait_s", API_QUERY_WAIT, parse_wait,
     "seconds from 0 to " TEXT(HTTP_WAIT_MAX_S) ", such as 10 or 2.5"},
    {"after", API_QUERY_AFTER, parse_after, "the seq of an event, a number from 0"},
    {"limit", API_QUERY_PAGE | API_QUERY_AFTER, parse_limit,
     "a number from 1 to " TEXT(HTTP_LIMIT_MAX)},
    {"cursor", API_QUERY_PAGE, parse_cursor, "the next_cursor of the page before"},
};
#define PARAMETER_COUNT (sizeof(parameters) / sizeof(*parameters))

static size_t find_parameter(const char *name, size_t length)
{
    size_t i = 0;

    while (i < PARAMETER_COUNT &&
           (strlen(parameters[i].name) != length || memcmp(parameters[i].name, name, length) != 0))
        i++;
    return i;
}

static enum proto_code unknown_parameter(unsigned known, struct proto_error *ret_error)
{
    char have[64] = "";

    for (size_t i = 0; i < PARAMETER_COUNT; i++)
        if (parameters[i].group & known) {
            size_t used = strlen(have);
            snprintf(have + used, sizeof(have) - used, "%s%s", used ? ", " : "",
                     parameters[i].name);
        }
    return proto_error_set(ret_error, PROTO_CODE_INVALID_QUERY, "",
                           "A query parameter is unknown; this path has %s.",
                           *have ? have : "none");
}

static enum proto_code parse_pair(const char *pair, size_t length, unsigned known, unsigned *seen,
                                  struct proto_arena *arena, struct http_query *query,
                                  struct proto_error *ret_error)
{
    const char *equals = memchr(pair, '=', length);
    size_t name_length = equals ? (size_t)(equals - pair) : length;
    size_t index = find_parameter(pair, name_length);

    if (index == PARAMETER_COUNT || !(parameters[index].group & known))
        return unknown_parameter(known, ret_error);
    const char *name = parameters[index].name;
    if (*seen & (1u << index))
        return proto_error_set(ret_error, PROTO_CODE_INVALID_QUERY, name, "%s stands twice.", name);
    *seen |= 1u << index;

    const char *value =
        equals ? http_percent_decode(equals + 1, length - name_length - 1, arena) : NULL;
    if (!value || !parameters[index].parse(value, query))
        return proto_error_set(ret_error, PROTO_CODE_INVALID_QUERY, name, "%s must be %s.", name,
                               parameters[index].expected);
    return PROTO_CODE_OK;
}

bool http_query_has(const char *text, const char *name)
{
    size_t length = strlen(name);

    while (text && *text) {
        if (strncmp(text, name, length) == 0 && strchr("=&", text[length]))
            return true;
        text += strcspn(text, "&");
        text += *text == '&';
    }
    return false;
}

enum proto_code http_query_parse(const char *text, unsigned known, struct proto_arena *arena,
                                 struct http_query *ret_query, struct proto_error *ret_error)
{
    struct http_query query = {.limit = HTTP_LIMIT_DEFAULT};
    unsigned seen = 0;

    for (const char *at = text; at && *text; at = *at ? at + 1 : NULL) {
        size_t length = strcspn(at, "&");
        enum proto_code code = parse_pair(at, length, known, &seen, arena, &query, ret_error);
        if (code != PROTO_CODE_OK)
            return code;
        at += length;
    }
    *ret_query = query;
    return PROTO_CODE_OK;
}
