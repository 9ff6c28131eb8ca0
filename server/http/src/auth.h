/* The headers of RFC 6750: the token that was sent, and what is answered to one that will not do.
 * Whether it will is asked of server/api (http_config.admit).
 */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include <stdbool.h>

#include <api/api.h>

#define HTTP_CHALLENGE_BYTES 96

/* The token of "Bearer TOKEN", or NULL: none, another scheme, or too long to be one. Borrowed. */
const char *http_auth_bearer(const char *authorization);

/* Value of WWW-Authenticate for a refusal: why, and which roles may. route: NULL without one. */
void http_auth_challenge(enum proto_code code, bool token_sent, const struct api_route *route,
                         char ret_challenge[HTTP_CHALLENGE_BYTES]);

#endif
