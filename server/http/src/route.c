/* method + path -> route: one pass over the table, a few dozen short comparisons.
 *
 * Segments are compared as they were sent: an escape in a literal segment matches nothing, so what
 * a proxy in front understood by the path is what is served. Only parameters are decoded, each
 * alone and after the cut into segments. Where a literal and a parameter both fit, the template
 * with fewer parameters wins, whatever the order of the table.
 */
#include "route.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "percent.h"

struct segment {
    const char *text;
    size_t length;
};

/* How many parameters the path fills, or -1 when it is not of this template. */
static int template_match(const char *template, const char *path,
                          struct segment params[API_MAX_PARAMS])
{
    int count = 0;

    while (*template == '/' && *path == '/') {
        size_t wanted = strcspn(++template, "/"), given = strcspn(++path, "/");
        if (*template == '{') {
            if (given == 0 || count == API_MAX_PARAMS)
                return -1;
            params[count++] = (struct segment){path, given};
        } else if (wanted != given || memcmp(template, path, wanted) != 0) {
            return -1;
        }
        template += wanted;
        path += given;
    }
    return *template == '\0' && *path == '\0' ? count : -1;
}

static void allow_add(char allow[HTTP_ALLOW_BYTES], const char *method)
{
    size_t used = strlen(allow);

    snprintf(allow + used, HTTP_ALLOW_BYTES - used, "%s%s%s", used ? ", " : "", method,
             strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

static enum proto_code decode_params(const struct segment *segments, int count,
                                     struct proto_arena *arena, const char **ret_params,
                                     struct proto_error *ret_error)
{
    for (int i = 0; i < count; i++) {
        char *text = http_percent_decode(segments[i].text, segments[i].length, arena);
        if (!text || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
            return proto_error_set(ret_error, PROTO_CODE_MALFORMED_REQUEST, "",
                                   "The path holds a name that nothing here can have; names are of "
                                   "A-Z a-z 0-9 . _ -.");
        ret_params[i] = text;
    }
    return PROTO_CODE_OK;
}

enum proto_code http_route_match(const struct api_route *routes, size_t route_count,
                                 const char *method, const char *path, struct proto_arena *arena,
                                 struct http_match *ret_match, struct proto_error *ret_error)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    struct segment params[API_MAX_PARAMS], best[API_MAX_PARAMS];
    struct http_match match = {0};
    int fewest = INT_MAX;

    for (size_t i = 0; i < route_count; i++) {
        int count = template_match(routes[i].template, path, params);
        if (count < 0 || count > fewest)
            continue;
        if (count < fewest)
            match = (struct http_match){0};
        fewest = count;
        memcpy(best, params, sizeof(best));
        allow_add(match.allow, routes[i].method);
        if (strcmp(routes[i].method, wanted) == 0)
            match.route = &routes[i];
    }
    if (fewest == INT_MAX)
        return proto_error_set(ret_error, PROTO_CODE_ROUTE_NOT_FOUND, "",
                               "No route has this path; GET /openapi.yaml lists them all.");
    if (!match.route) {
        *ret_match = match;
        return proto_error_set(ret_error, PROTO_CODE_METHOD_NOT_ALLOWED, "", "This path knows %s.",
                               match.allow);
    }
    enum proto_code code = decode_params(best, fewest, arena, match.params, ret_error);
    if (code == PROTO_CODE_OK)
        *ret_match = match;
    return code;
}
