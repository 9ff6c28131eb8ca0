/* The head of a request: guard, Accept, Content-Type, Bearer, Idempotency-Key. The input is lines:
 * method, version and address, then one "Name: value" a line, as libmicrohttpd hands them over.
 *
 * Properties: what the guard lets through has one Host, one framing and no header whose name goes
 * on where one of ours ends, counted here a second time and by other means; a key, a type and a
 * token that are taken are of the form that is promised.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <src/accept.h>
#include <src/auth.h>
#include <src/guard.h>
#include <src/idempotency.h>
#include <src/media.h>

#include "fuzz.h"

static const struct api_route plain = {.other_type = NULL};
static const struct api_route tensors = {.other_type = HTTP_TYPE_TENSORS};
static const struct api_route yaml = {.other_type = "application/yaml", .other_only = true};

struct tally { /* what this file counts by itself */
    size_t headers, hosts, lengths, codings, tokens, keys;
    bool foul;
};

static bool is(const char *name, const char *known)
{
    return strcasecmp(name, known) == 0;
}

static void count(struct tally *tally, const char *name, const char *value, size_t length)
{
    static const char *const ours[] = {"content-length", "transfer-encoding", "host",
                                       "authorization"};
    tally->headers++;
    tally->hosts += is(name, "host");
    tally->lengths += is(name, "content-length");
    tally->codings += is(name, "transfer-encoding");
    tally->tokens += is(name, "authorization");
    tally->keys += is(name, "idempotency-key");
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
        tally->foul |= strncasecmp(name, ours[i], strlen(ours[i])) == 0 && !is(name, ours[i]);
    for (size_t i = 0; i < length; i++)
        tally->foul |= iscntrl((unsigned char)value[i]) && value[i] != '\t';
    for (; *name; name++)
        tally->foul |= !isgraph((unsigned char)*name);
}

/* The next line, NUL-terminated in the arena; *ret_length may be more where the line has a NUL. */
static char *next_line(const char **at, const char *end, struct proto_arena *arena,
                       size_t *ret_length)
{
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    size_t length = (size_t)((stop ? stop : end) - *at);
    char *line = proto_arena_alloc(arena, length + 1, 1);
    REQUIRE(line);
    memcpy(line, *at, length);
    *at = stop ? stop + 1 : end;
    *ret_length = length;
    return line;
}

static void read_header(char *line, size_t length, struct http_headers *headers,
                        struct tally *tally)
{
    char *colon = memchr(line, ':', length);
    size_t name_length = colon ? (size_t)(colon - line) : length;
    const char *value = colon ? colon + 1 : "";
    size_t value_length = colon ? length - name_length - 1 : 0;
    line[name_length] = '\0';
    while (value_length > 0 && *value == ' ')
        value++, value_length--;
    http_headers_add(headers, line, name_length, value, value_length);
    count(tally, line, value, value_length);
}

static void check_guard(const struct http_headers *headers, const struct tally *tally,
                        const char *uri)
{
    REQUIRE(tally->headers <= HTTP_HEADERS_MAX && !tally->foul);
    REQUIRE(tally->hosts == 1 && tally->lengths <= 1 && tally->codings <= 1 && tally->tokens <= 1);
    REQUIRE(tally->keys <= 1 && tally->lengths + tally->codings <= 1);
    REQUIRE(!headers->transfer_encoding || is(headers->transfer_encoding, "chunked"));
    REQUIRE(uri[0] == '/' && strlen(uri) <= HTTP_URI_MAX_BYTES);
    REQUIRE(headers->host[0] && !strpbrk(headers->host, " \t/\"<>"));
    if (tally->codings)
        REQUIRE(http_headers_have_body(headers) && http_headers_body_bytes(headers) == 0);
    else
        REQUIRE(http_headers_have_body(headers) == (http_headers_body_bytes(headers) > 0));
}

static void check_accept(const char *accept)
{
    struct proto_error error = {0};
    enum http_form form = HTTP_FORM_JSON;
    if (http_accept_choose(accept, &plain, &form, &error) == PROTO_CODE_OK)
        REQUIRE(form == HTTP_FORM_JSON);
    if (http_accept_choose(accept, &yaml, &form, &error) == PROTO_CODE_OK)
        REQUIRE(form == HTTP_FORM_OTHER);
    if (http_accept_choose(accept, &tensors, &form, &error) != PROTO_CODE_OK)
        REQUIRE(error.code == PROTO_CODE_NOT_ACCEPTABLE && accept[0]);
    else if (form == HTTP_FORM_OTHER)
        REQUIRE(strchr(accept, '/'));
}

/* A token is what follows "bearer" and spaces, whole, or there is none. */
static void check_token(const char *authorization)
{
    const char *token = http_auth_bearer(authorization);
    char challenge[HTTP_CHALLENGE_BYTES];
    bool bearer = authorization && strncasecmp(authorization, "bearer ", 7) == 0;
    size_t spaces = bearer ? strspn(authorization + 6, " ") : 0;
    size_t length = bearer ? strlen(authorization + 6 + spaces) : 0;
    REQUIRE((token != NULL) == (length > 0 && length <= HTTP_TOKEN_MAX_BYTES));
    REQUIRE(!token || token == authorization + 6 + spaces);
    http_auth_challenge(PROTO_CODE_UNAUTHORIZED, token != NULL, NULL, challenge);
    REQUIRE(strncmp(challenge, "Bearer", 6) == 0);
}

static void check_values(const struct http_headers *headers)
{
    const char *key = headers->idempotency_key, *type = headers->content_type;
    enum http_media media = http_media_parse(type);
    check_accept(headers->accept);
    check_token(headers->authorization);
    REQUIRE(media == HTTP_MEDIA_OTHER || type);
    if (type && media != HTTP_MEDIA_OTHER)
        REQUIRE(strncasecmp(type, "application/", 12) == 0);
    if (!key || !http_key_valid(key))
        return;
    REQUIRE(key[0] && strlen(key) <= HTTP_KEY_MAX_BYTES);
    for (; *key; key++)
        REQUIRE(isalnum((unsigned char)*key) || *key == '_' || *key == '-');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proto_arena arena = PROTO_ARENA_NULL;
    struct http_headers headers = {0};
    struct proto_error error = {0};
    struct tally tally = {0};
    const char *at = (const char *)data, *end = at + size;
    size_t length;
    if (size == 0)
        return 0;
    const char *method = next_line(&at, end, &arena, &length);
    const char *version = next_line(&at, end, &arena, &length);
    const char *uri = next_line(&at, end, &arena, &length);
    while (at < end) {
        char *line = next_line(&at, end, &arena, &length);
        read_header(line, length, &headers, &tally);
    }
    if (http_guard_check(&headers, method, version, uri, &error) == PROTO_CODE_OK)
        check_guard(&headers, &tally, uri);
    else
        REQUIRE(error.code != PROTO_CODE_OK && error.detail[0]);
    check_values(&headers);
    proto_arena_deinit(&arena);
    return 0;
}
