#define _GNU_SOURCE /* memmem */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

#define ANSWER_MAX_BYTES (1 << 20)
#define EVENTS_AT_ONCE 64

struct client {
    int fd;
    const char *request;
    size_t request_length, sent;
    char *answer;
    size_t received, capacity;
    double started_s;
};

struct wire {
    struct client *clients;
    size_t count, running;
    int epoll;
    wire_next_fn next;
    void *arg;
};

static int fail(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    return -1;
}

static int client_watch(struct wire *wire, size_t index, int operation, unsigned events)
{
    struct epoll_event event = {.events = events, .data.u64 = index};

    return epoll_ctl(wire->epoll, operation, wire->clients[index].fd, &event)
               ? fail("watching a connection")
               : 0;
}

static int client_send(struct wire *wire, size_t index)
{
    struct client *client = &wire->clients[index];
    bool waited = client->sent > 0;

    while (client->sent < client->request_length) {
        ssize_t sent = send(client->fd, client->request + client->sent,
                            client->request_length - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno == EAGAIN)
            return client_watch(wire, index, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        if (sent < 0)
            return fail("sending");
        client->sent += (size_t)sent;
    }
    return waited ? client_watch(wire, index, EPOLL_CTL_MOD, EPOLLIN) : 0;
}

static int client_begin(struct wire *wire, size_t index, const struct wire_answer *answer)
{
    struct client *client = &wire->clients[index];

    if (!wire->next(wire->arg, index, answer, &client->request, &client->request_length)) {
        wire->running--;
        return client_watch(wire, index, EPOLL_CTL_DEL, 0);
    }
    client->sent = client->received = 0;
    client->started_s = bench_seconds();
    return client_send(wire, index);
}

/* 1: whole; 0: not yet; -1. */
static int answer_read(const struct client *client, struct wire_answer *ret_answer)
{
    const char *end = memmem(client->answer, client->received, "\r\n\r\n", 4);
    const char *length = end ? strcasestr(client->answer, "\r\ncontent-length:") : NULL;
    size_t head = end ? (size_t)(end + 4 - client->answer) : 0;

    if (!end)
        return 0;
    if (!length || length > end ||
        sscanf(client->answer, "HTTP/1.1 %d", &ret_answer->status) != 1) {
        fprintf(stderr, "bench: an answer without Content-Length: %.80s\n", client->answer);
        return -1;
    }
    ret_answer->length = strtoul(length + 17, NULL, 10);
    ret_answer->body = client->answer + head;
    ret_answer->seconds = bench_seconds() - client->started_s;
    return client->received >= head + ret_answer->length;
}

static int client_receive(struct wire *wire, size_t index)
{
    struct client *client = &wire->clients[index];
    struct wire_answer answer = {0};
    ssize_t got;
    int whole;

    if (client->received + 1 >= client->capacity) {
        size_t capacity = client->capacity ? 2 * client->capacity : 16384;
        char *larger = capacity <= ANSWER_MAX_BYTES ? realloc(client->answer, capacity) : NULL;

        if (!larger)
            return fail("an answer is too large");
        client->answer = larger;
        client->capacity = capacity;
    }
    got = recv(client->fd, client->answer + client->received,
               client->capacity - client->received - 1, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return 0;
    if (got <= 0)
        return fail("a connection was closed");
    client->received += (size_t)got;
    client->answer[client->received] = '\0';
    whole = answer_read(client, &answer);
    return whole == 1 ? client_begin(wire, index, &answer) : whole;
}

static int client_open(struct wire *wire, size_t index, const struct sockaddr_in *address)
{
    struct client *client = &wire->clients[index];
    int on = 1;

    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || connect(client->fd, (const struct sockaddr *)address, sizeof *address) ||
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on))
        return fail("connecting");
    return client_watch(wire, index, EPOLL_CTL_ADD, EPOLLIN);
}

static int wire_open(struct wire *wire, const char *url)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[64];
    unsigned port;

    if (sscanf(url, "http://%63[0-9.]:%u", host, &port) != 2 ||
        inet_pton(AF_INET, host, &address.sin_addr) != 1 || port > 65535) {
        fprintf(stderr, "bench: %s is not http://ADDRESS:PORT\n", url);
        return -1;
    }
    address.sin_port = htons((uint16_t)port);
    for (size_t i = 0; i < wire->count; i++)
        if (client_open(wire, i, &address))
            return -1;
    return 0;
}

static int wire_loop(struct wire *wire)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    wire->running = wire->count;
    for (size_t i = 0; i < wire->count; i++)
        if (client_begin(wire, i, NULL))
            return -1;
    while (wire->running > 0) {
        int ready = epoll_wait(wire->epoll, events, EVENTS_AT_ONCE, -1);

        if (ready < 0 && errno != EINTR)
            return fail("waiting");
        for (int i = 0; i < ready; i++) {
            size_t index = (size_t)events[i].data.u64;

            if (((events[i].events & EPOLLOUT) && client_send(wire, index)) ||
                ((events[i].events & ~(unsigned)EPOLLOUT) && client_receive(wire, index)))
                return -1;
        }
    }
    return 0;
}

static void wire_deinit(struct wire *wire)
{
    for (size_t i = 0; wire->clients && i < wire->count; i++) {
        if (wire->clients[i].fd >= 0)
            close(wire->clients[i].fd);
        free(wire->clients[i].answer);
    }
    free(wire->clients);
    if (wire->epoll >= 0)
        close(wire->epoll);
}

int wire_run(const char *url, size_t clients, wire_next_fn next, void *arg, double *ret_seconds)
{
    __attribute__((cleanup(wire_deinit))) struct wire wire = {
        .clients = calloc(clients, sizeof *wire.clients),
        .count = clients,
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .next = next,
        .arg = arg};
    double start;

    for (size_t i = 0; wire.clients && i < clients; i++)
        wire.clients[i].fd = -1;
    if (!wire.clients || wire.epoll < 0 || wire_open(&wire, url))
        return -1;
    start = bench_seconds();
    if (wire_loop(&wire))
        return -1;
    *ret_seconds = bench_seconds() - start;
    return 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double wire_percentile_ms(double *seconds, size_t count, double share)
{
    size_t place = (size_t)(share * (double)count);

    qsort(seconds, count, sizeof *seconds, by_value);
    return 1e3 * seconds[place < count ? place : count - 1];
}
