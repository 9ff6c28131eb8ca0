/* The listening socket. Ours rather than the library's, so that a failure has its exact reason. */
#ifndef HTTP_LISTENER_H
#define HTTP_LISTENER_H

/* 0, or -1 with one line in ret_error. *ret_fd is the caller's. */
__attribute__((warn_unused_result)) int http_listener_open(const char *address, unsigned port,
                                                           int *ret_fd, unsigned *ret_port,
                                                           char ret_error[256]);

#endif
