/* From a complete request to its reply: decode, prepare, handle, encode. */
#ifndef HTTP_DISPATCH_H
#define HTTP_DISPATCH_H

#include "request.h"

/* Fills request->reply, or finds that the request waits (request->waits): then a long poll has no
 * reply yet, and a follower's may be its first piece. Waits for the commit where the route writes.
 */
void http_dispatch(struct http_request *request);
/* Of one that waits: whether it is worth asking again; and that, which leaves the reply empty where
 * there is still nothing to tell. */
bool http_request_changed(const struct http_request *request);
void http_dispatch_again(struct http_request *request);

#endif
