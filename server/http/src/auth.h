/* Who asks: the bearer token of the Authorization header. */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include <stdint.h>

#include <api/api.h>

struct http_auth {
    uint8_t admin_sha256[32];
};

void http_auth_init(struct http_auth *auth, const char *admin_token);

/* authorization: the header's value or NULL. PROTO_CODE_OK or UNAUTHORIZED. */
__attribute__((warn_unused_result)) enum proto_code http_auth_check(const struct http_auth *auth,
                                                                    const char *authorization,
                                                                    struct api_principal *ret_who,
                                                                    struct proto_error *ret_error);

#endif
