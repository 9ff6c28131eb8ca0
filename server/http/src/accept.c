/* Accept (RFC 9110 12.5.1) between at most two forms.
 *
 * The quality of a form is that of the most specific range that covers it; the form of higher
 * quality wins, JSON at a tie. Errors are problem+json whatever Accept says: a client must be able
 * to read why it was refused.
 */
#include "accept.h"

#include <string.h>
#include <strings.h>

#include "media.h"

#define SPACE " \t"

struct range {
    const char *type; /* "text/plain", "text/" followed by a star, or both stars */
    size_t length;
    int quality; /* thousandths */
};

/* "0", "1", "0.5", "1.000" as thousandths; anything else is taken for 1, as if it were not there.
 */
static int parse_quality(const char *text, size_t length)
{
    int value = 0, unit = 1000;

    for (size_t i = 0; i < length && unit > 0; i++) {
        if (i == 1 && text[i] == '.')
            continue;
        if (text[i] < '0' || text[i] > '9')
            return 1000;
        value += (text[i] - '0') * unit;
        unit /= 10;
    }
    return length == 0 || value > 1000 ? 1000 : value;
}

static struct range parse_range(const char *text, size_t length)
{
    struct range range = {.type = text, .quality = 1000};
    const char *semicolon = memchr(text, ';', length);
    size_t at = range.length = semicolon ? (size_t)(semicolon - text) : length;

    while (range.length > 0 && strchr(SPACE, range.type[range.length - 1]))
        range.length--;
    while (at < length) {
        at += 1 + strspn(text + at + 1, SPACE);
        size_t end = at + strcspn(text + at, "; \t,");
        if (end > length)
            end = length;
        if (end >= at + 2 && strncasecmp(text + at, "q=", 2) == 0)
            range.quality = parse_quality(text + at + 2, end - at - 2);
        at = end + strspn(text + end, SPACE);
    }
    return range;
}

/* 0: does not cover the type; else the more specific, the higher. */
static int range_covers(const struct range *range, const char *type)
{
    size_t major = strcspn(type, "/") + 1, full = strcspn(type, "; ");

    if (range->length == full && strncasecmp(range->type, type, full) == 0)
        return 3;
    if (range->length == major + 1 && strncasecmp(range->type, type, major) == 0 &&
        range->type[major] == '*')
        return 2;
    return range->length == 3 && memcmp(range->type, "*/*", 3) == 0 ? 1 : 0;
}

static int quality_of(const char *accept, const char *type)
{
    int quality = 0, specific = 0;

    if (accept[0] == '\0')
        return 1000;
    for (const char *at = accept; *at; at += *at == ',') {
        at += strspn(at, SPACE);
        size_t length = strcspn(at, ",");
        struct range range = parse_range(at, length);
        int covers = range_covers(&range, type);
        if (covers > specific) {
            specific = covers;
            quality = range.quality;
        }
        at += length;
    }
    return quality;
}

enum proto_code http_accept_choose(const char *accept, const struct api_route *route,
                                   enum http_form *ret_form, struct proto_error *ret_error)
{
    int json = route->other_only ? 0 : quality_of(accept, HTTP_TYPE_JSON);
    int other = route->other_type ? quality_of(accept, route->other_type) : 0;

    if (json == 0 && other == 0)
        return proto_error_set(ret_error, PROTO_CODE_NOT_ACCEPTABLE, "",
                               "This answer comes as %s%s%s.",
                               route->other_only ? "" : HTTP_TYPE_JSON,
                               route->other_only || !route->other_type ? "" : " or ",
                               route->other_type ? route->other_type : "");
    /* A client that names no preference gets JSON; so a tie between explicit ranges does too. */
    *ret_form = other > json ? HTTP_FORM_OTHER : HTTP_FORM_JSON;
    return PROTO_CODE_OK;
}
