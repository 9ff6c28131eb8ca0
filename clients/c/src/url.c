/* The address of a call: its path template with the names percent-encoded, and its query.
 *
 * Only the unreserved characters of RFC 3986 stay as they are, so no name, whatever is in it, can
 * reach into another part of the address.
 */
#include "call.h"

#include <stdio.h>
#include <string.h>

static bool is_unreserved(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte && strchr("-._~", byte));
}

static char *percent_encode(const char *text, struct proto_arena *arena)
{
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = proto_arena_alloc(arena, strlen(text) + 1, 3);
    char *end = encoded;

    if (!encoded)
        return NULL;
    for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++) {
        if (is_unreserved(*byte)) {
            *end++ = (char)*byte;
            continue;
        }
        *end++ = '%';
        *end++ = digits[*byte >> 4];
        *end++ = digits[*byte & 15];
    }
    *end = '\0';
    return encoded;
}

/* Servers and proxies resolve dot segments, whether encoded or not. */
static bool is_usable_segment(const char *segment)
{
    return segment && *segment && strcmp(segment, ".") != 0 && strcmp(segment, "..") != 0;
}

static enum amf_client_status fill_path(const char *base, const struct call *call,
                                        struct proto_arena *arena, char **ret_path)
{
    char *url = proto_arena_strdup(arena, base);
    const char *rest = call->path, *hole;

    for (size_t i = 0; url && (hole = strstr(rest, "{}")); i++) {
        char *segment;

        if (!is_usable_segment(call->segments[i]))
            return AMF_CLIENT_BAD_ARGUMENT;
        segment = percent_encode(call->segments[i], arena);
        if (!segment)
            return AMF_CLIENT_NO_MEMORY;
        url = proto_arena_printf(arena, "%s%.*s%s", url, (int)(hole - rest), rest, segment);
        rest = hole + 2;
    }
    if (url)
        url = proto_arena_printf(arena, "%s%s", url, rest);
    if (!url)
        return AMF_CLIENT_NO_MEMORY;
    *ret_path = url;
    return AMF_CLIENT_OK;
}

/* Adds "?name=value" or "&name=value"; NULL stays NULL. */
static char *add_query(char *url, const char *name, const char *value, struct proto_arena *arena)
{
    char *encoded = percent_encode(value, arena);

    if (!url || !encoded)
        return NULL;
    return proto_arena_printf(arena, "%s%c%s=%s", url, strchr(url, '?') ? '&' : '?', name, encoded);
}

enum amf_client_status client_url(const char *base, const struct call *call,
                                  struct proto_arena *arena, char **ret_url)
{
    char *url = NULL, number[32];
    enum amf_client_status status = fill_path(base, call, arena, &url);

    if (status != AMF_CLIENT_OK)
        return status;
    if (call->page && call->page->limit > 0) {
        snprintf(number, sizeof(number), "%lld", (long long)call->page->limit);
        url = add_query(url, "limit", number, arena);
    }
    if (call->page && call->page->cursor)
        url = add_query(url, "cursor", call->page->cursor, arena);
    if (call->after > 0) {
        snprintf(number, sizeof(number), "%lld", (long long)call->after);
        url = add_query(url, "after", number, arena);
    }
    if (call->wait_s > 0) {
        snprintf(number, sizeof(number), "%.3f", call->wait_s);
        url = add_query(url, "wait_s", number, arena);
    }
    if (!url)
        return AMF_CLIENT_NO_MEMORY;
    *ret_url = url;
    return AMF_CLIENT_OK;
}
