/* A client for tests that sends exactly the bytes it is given. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct answer {
    int status; /* 0: the connection ended without one */
    char head[4096];
    char body[8192];
    size_t body_bytes;
};

int client_connect(unsigned port);
void client_send(int fd, const void *bytes, size_t length);
/* Reads one answer. head_only: of a HEAD request, which has no body whatever Content-Length says.
 */
struct answer client_read(int fd, bool head_only);
/* True when the peer ends the connection without a further byte. */
bool client_ended(int fd);
/* connect, send a string, read one answer, close. */
struct answer client_ask(unsigned port, const char *request);
/* METHOD PATH with Host, token, extra header lines and a JSON body (NULL: none). */
struct answer client_call(int fd, const char *method, const char *path, const char *headers,
                          const char *body);
/* Value of a header, or NULL. The text is the answer's and is cut at the line's end. */
const char *client_header(const struct answer *answer, const char *name, char value[256]);

#endif
