/* Addresses: the path against routes, its parameters' escapes, the query string. The first byte of
 * the input says which method asks and which query parameters are known; the rest is the address.
 *
 * Properties: a route is found only where its literal segments stand as they are; a parameter is
 * printable ASCII without "/" and no "." or ".."; a query that is taken holds every parameter
 * within its range, and an escape is decoded to exactly what it says.
 */
#include <string.h>

#include <api/api.h>
#include <src/limits.h>
#include <src/percent.h>
#include <src/query.h>
#include <src/route.h>

#include "fuzz.h"

static const struct api_route routes[] = {
    {.method = "GET", .template = "/healthz"},
    {.method = "GET", .template = "/v1/projects"},
    {.method = "POST", .template = "/v1/projects"},
    {.method = "GET", .template = "/v1/projects/{project}"},
    {.method = "GET", .template = "/v1/projects/tokens"},
    {.method = "PUT", .template = "/v1/projects/{project}/tasks/{task}"},
    {.method = "POST", .template = "/v1/projects/{project}/assignments/{assignment}/complete"},
};
static const char *const methods[] = {"GET", "HEAD", "POST", "PUT"};

static void require_refusal(enum proto_code code, const struct proto_error *error)
{
    REQUIRE(code == error->code && error->detail[0]);
}

static void require_name(const char *text)
{
    REQUIRE(text[0] && strcmp(text, ".") != 0 && strcmp(text, "..") != 0);
    for (; *text; text++)
        REQUIRE(*text > 0x20 && *text < 0x7f && *text != '/');
}

static void check_path(const char *path, const char *method, struct proto_arena *arena)
{
    struct http_match match = {0};
    struct proto_error error = {0};
    enum proto_code code = http_route_match(routes, sizeof(routes) / sizeof(*routes), method, path,
                                            arena, &match, &error);
    if (code != PROTO_CODE_OK) {
        require_refusal(code, &error);
        REQUIRE((code == PROTO_CODE_METHOD_NOT_ALLOWED) == (match.allow[0] != '\0'));
        return;
    }
    REQUIRE(strcmp(match.route->method, strcmp(method, "HEAD") ? method : "GET") == 0);
    REQUIRE(strncmp(path, match.route->template, strcspn(match.route->template, "{")) == 0);
    for (size_t i = 0; i < API_MAX_PARAMS && match.params[i]; i++)
        require_name(match.params[i]);
}

static void check_query(const char *text, unsigned known, struct proto_arena *arena)
{
    struct http_query query;
    struct proto_error error = {0};
    enum proto_code code = http_query_parse(text, known, arena, &query, &error);
    if (code != PROTO_CODE_OK) {
        REQUIRE(code == PROTO_CODE_INVALID_QUERY);
        require_refusal(code, &error);
        return;
    }
    REQUIRE(query.wait_s >= 0 && query.wait_s <= HTTP_WAIT_MAX_S);
    REQUIRE(query.limit >= 1 && query.limit <= HTTP_LIMIT_MAX);
    REQUIRE((known & API_QUERY_WAIT) || query.wait_s == 0);
    if (!query.cursor)
        return;
    REQUIRE((known & API_QUERY_PAGE) && strlen(query.cursor) <= HTTP_CURSOR_MAX_BYTES);
    require_name(query.cursor[0] == '.' ? "a" : query.cursor);
}

/* Whatever is decoded says the same when every byte of it is escaped. */
static void check_escapes(const char *text, struct proto_arena *arena)
{
    const char *decoded = http_percent_decode(text, strlen(text), arena);
    if (!decoded)
        return;
    size_t length = strlen(decoded);
    char *escaped = proto_arena_alloc(arena, length + 1, 3);
    REQUIRE(escaped && length <= strlen(text));
    for (size_t i = 0; i < length; i++)
        snprintf(escaped + 3 * i, 4, i % 2 ? "%%%02X" : "%%%02x", (unsigned char)decoded[i]);
    const char *again = http_percent_decode(escaped, 3 * length, arena);
    REQUIRE(again && strcmp(again, decoded) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proto_arena arena = PROTO_ARENA_NULL;
    if (size == 0)
        return 0;
    char *uri = proto_arena_strndup(&arena, (const char *)data + 1, size - 1);
    REQUIRE(uri);
    char *mark = strchr(uri, '?');
    if (mark)
        *mark = '\0';
    check_path(uri, methods[data[0] & 3], &arena);
    check_query(mark ? mark + 1 : NULL, data[0] >> 2 & (API_QUERY_WAIT | API_QUERY_PAGE), &arena);
    check_escapes(mark ? mark + 1 : uri, &arena);
    proto_arena_deinit(&arena);
    return 0;
}
