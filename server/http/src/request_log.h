/* The line that each request leaves in the log. */
#ifndef HTTP_REQUEST_LOG_H
#define HTTP_REQUEST_LOG_H

#include "request.h"

/* Once the request is over: counts it and logs its line. whole: the answer went out to its end. */
void http_request_end(const struct http_request *request, bool whole);

#endif
