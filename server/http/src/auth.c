/* RFC 6750, the header only: a token in an address would end up in logs and histories. */
#include "auth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "limits.h"

const char *http_auth_bearer(const char *authorization)
{
    static const char scheme[] = "Bearer ";

    if (!authorization || strncasecmp(authorization, scheme, strlen(scheme)) != 0)
        return NULL;
    const char *token = authorization + strlen(scheme);
    token += strspn(token, " ");
    size_t length = strlen(token);
    return length > 0 && length <= HTTP_TOKEN_MAX_BYTES ? token : NULL;
}

void http_auth_challenge(enum proto_code code, bool token_sent, const struct api_route *route,
                         char ret_challenge[HTTP_CHALLENGE_BYTES])
{
    char roles[48];

    if (code == PROTO_CODE_INSUFFICIENT_SCOPE && route) {
        proto_roles_write(route->roles | 1u << PROTO_ROLE_ADMIN, " ", roles, sizeof(roles));
        snprintf(ret_challenge, HTTP_CHALLENGE_BYTES,
                 "Bearer error=\"insufficient_scope\", scope=\"%s\"", roles);
    } else {
        snprintf(ret_challenge, HTTP_CHALLENGE_BYTES,
                 token_sent ? "Bearer error=\"invalid_token\"" : "Bearer");
    }
}
