/* Which form of an answer the client wants: JSON, or the route's other one. */
#ifndef HTTP_ACCEPT_H
#define HTTP_ACCEPT_H

#include <api/api.h>

enum http_form { HTTP_FORM_JSON, HTTP_FORM_OTHER };

/* accept: the header's value, "" when it was not sent. PROTO_CODE_OK or NOT_ACCEPTABLE. */
__attribute__((warn_unused_result)) enum proto_code
http_accept_choose(const char *accept, const struct api_route *route, enum http_form *ret_form,
                   struct proto_error *ret_error);

#endif
