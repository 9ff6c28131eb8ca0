/* From a complete request to its reply: decode, prepare, handle, encode. */
#ifndef HTTP_DISPATCH_H
#define HTTP_DISPATCH_H

#include "request.h"

/* Fills request->reply. Waits for the commit where the route writes. */
void http_dispatch(struct http_request *request);

#endif
