/* Which route a method and a path name. */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include <api/api.h>

/* "GET, HEAD, POST, PUT, PATCH, DELETE" and room to grow. */
#define HTTP_ALLOW_BYTES 64

struct http_match {
    const struct api_route *route;
    const char *params[API_MAX_PARAMS]; /* decoded, in the arena; NULL beyond the last */
    char allow[HTTP_ALLOW_BYTES];       /* after METHOD_NOT_ALLOWED: value of the Allow header */
};

/* path: as received, without query. PROTO_CODE_OK, ROUTE_NOT_FOUND, METHOD_NOT_ALLOWED, or
 * MALFORMED_REQUEST for a parameter that cannot be decoded. HEAD finds GET's route. */
__attribute__((warn_unused_result)) enum proto_code
http_route_match(const struct api_route *routes, size_t route_count, const char *method,
                 const char *path, struct proto_arena *arena, struct http_match *ret_match,
                 struct proto_error *ret_error);

#endif
