#include "client.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <check.h>

#include "fixture.h"

/* Only against a server that hangs: no test waits this long when all is well. */
#define PATIENCE_S 30

int client_connect(unsigned port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((unsigned short)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = PATIENCE_S};

    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

void client_send(int fd, const void *bytes, size_t length)
{
    const char *at = bytes;

    while (length > 0) {
        ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* refused early: the answer says why */
        at += sent;
        length -= (size_t)sent;
    }
}

const char *client_header(const struct answer *answer, const char *name, char value[256])
{
    size_t length = strlen(name);

    for (const char *line = strchr(answer->head, '\n'); line; line = strchr(line + 1, '\n')) {
        if (strncasecmp(line + 1, name, length) != 0 || line[1 + length] != ':')
            continue;
        snprintf(value, 256, "%.*s", (int)strcspn(line + length + 3, "\r\n"), line + length + 3);
        return value;
    }
    return NULL;
}

struct answer client_read(int fd, bool head_only)
{
    struct answer answer = {0};
    char value[256];
    size_t used = 0;

    while (!strstr(answer.head, "\r\n\r\n")) {
        if (used + 1 >= sizeof(answer.head) || recv(fd, answer.head + used, 1, 0) != 1)
            return answer;
        used++;
    }
    if (sscanf(answer.head, "HTTP/1.1 %d", &answer.status) != 1)
        return answer;
    if (answer.status == 100)
        return client_read(fd, head_only);
    size_t length = client_header(&answer, "Content-Length", value) ? strtoul(value, NULL, 10) : 0;
    ck_assert_uint_lt(length, sizeof(answer.body));
    while (!head_only && answer.body_bytes < length) {
        ssize_t got = recv(fd, answer.body + answer.body_bytes, length - answer.body_bytes, 0);
        ck_assert_msg(got > 0, "the body is cut off");
        answer.body_bytes += (size_t)got;
    }
    return answer;
}

bool client_ended(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, 0);

    return got == 0 || (got < 0 && errno == ECONNRESET);
}

struct answer client_ask(unsigned port, const char *request)
{
    int fd = client_connect(port);

    client_send(fd, request, strlen(request));
    struct answer answer = client_read(fd, false);
    close(fd);
    return answer;
}

struct answer client_call(int fd, const char *method, const char *path, const char *headers,
                          const char *body)
{
    char text[8192];
    int length =
        snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer %s\r\n%s",
                 method, path, FIXTURE_TOKEN, headers);

    if (body)
        length += snprintf(text + length, sizeof(text) - (size_t)length,
                           "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                           strlen(body), body);
    else
        length += snprintf(text + length, sizeof(text) - (size_t)length, "\r\n");
    client_send(fd, text, (size_t)length);
    return client_read(fd, strcmp(method, "HEAD") == 0);
}
