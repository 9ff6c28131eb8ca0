/* Bearer tokens (RFC 6750, the header only).
 *
 * Digests are compared, not tokens, and in constant time: neither the length nor the first wrong
 * byte shows in the time it takes. The token itself is not kept.
 */
#include "auth.h"

#include <string.h>
#include <strings.h>

#include <nettle/memops.h>
#include <nettle/sha2.h>

#include "limits.h"

static void sha256(const char *text, size_t length, uint8_t ret_digest[32])
{
    struct sha256_ctx hash;

    sha256_init(&hash);
    sha256_update(&hash, length, (const uint8_t *)text);
    sha256_digest(&hash, 32, ret_digest);
}

void http_auth_init(struct http_auth *auth, const char *admin_token)
{
    sha256(admin_token, strlen(admin_token), auth->admin_sha256);
}

/* The token, or NULL when the value is not "Bearer TOKEN". */
static const char *bearer_token(const char *authorization)
{
    static const char scheme[] = "Bearer ";

    if (!authorization || strncasecmp(authorization, scheme, strlen(scheme)) != 0)
        return NULL;
    const char *token = authorization + strlen(scheme);
    token += strspn(token, " ");
    size_t length = strlen(token);
    return length > 0 && length <= HTTP_TOKEN_MAX_BYTES ? token : NULL;
}

enum proto_code http_auth_check(const struct http_auth *auth, const char *authorization,
                                struct api_principal *ret_who, struct proto_error *ret_error)
{
    const char *token = bearer_token(authorization);
    uint8_t digest[32];

    if (!token)
        return proto_error_set(
            ret_error, PROTO_CODE_UNAUTHORIZED, "",
            "Send the header Authorization: Bearer TOKEN; the first start of the "
            "server wrote a token to admin.token in its data directory.");
    sha256(token, strlen(token), digest);
    if (!memeql_sec(digest, auth->admin_sha256, sizeof(digest)))
        return proto_error_set(ret_error, PROTO_CODE_UNAUTHORIZED, "",
                               "The token is not one of this server's.");
    ret_who->name = "admin";
    return PROTO_CODE_OK;
}
