/* accept, admit, hand over; acceptor.h says why here. */
#include "acceptor.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "connections.h"
#include "reply.h"

static void close_turned_away(struct http_turned_away *away)
{
    if (away->fd >= 0)
        close(away->fd);
    away->fd = -1;
}

static int make_refusal(struct http_acceptor *acceptor)
{
    struct proto_error error = {0};
    struct http_reply reply = {0};

    (void)proto_error_set(&error, PROTO_CODE_OVERLOADED, "",
                          "There are too many connections; try again shortly.");
    http_reply_problem(&reply, &error, NULL);
    int status = http_reply_format(&reply, NULL, &acceptor->refusal, &acceptor->refusal_bytes);
    http_reply_deinit(&reply);
    return status;
}

static void turn_away(struct http_acceptor *acceptor, int fd)
{
    struct http_turned_away *away = &acceptor->turned_away[acceptor->next];

    if (acceptor->tls) {
        close(fd);
        return;
    }
    /* A new socket has room for it. */
    (void)!send(fd, acceptor->refusal, acceptor->refusal_bytes, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    close_turned_away(away);
    *away = (struct http_turned_away){.fd = fd, .since_ms = http_monotonic_ms()};
    acceptor->next = (acceptor->next + 1) % HTTP_TURNED_AWAY_MAX;
}

static void take_in(struct http_acceptor *acceptor, int fd, const struct sockaddr_storage *peer,
                    socklen_t length)
{
    if (!http_connections_admit(acceptor->connections, fd,
                                http_address_of((const struct sockaddr *)peer))) {
        atomic_fetch_add(&acceptor->refused, 1);
        turn_away(acceptor, fd);
        return;
    }
    /* The library closes the socket where it cannot take it. */
    pthread_mutex_lock(&acceptor->handing_over);
    bool taken =
        MHD_add_connection(acceptor->daemon, fd, (const struct sockaddr *)peer, length) == MHD_YES;
    pthread_mutex_unlock(&acceptor->handing_over);
    if (!taken)
        http_connections_give_up(acceptor->connections, fd);
}

/* False: nobody is waiting, or there is nothing to take anybody in with. */
static bool accept_one(struct http_acceptor *acceptor, bool *ret_exhausted)
{
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof(peer);
    int fd = accept4(acceptor->listen_fd, (struct sockaddr *)&peer, &length,
                     SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0) {
        take_in(acceptor, fd, &peer, length);
        return true;
    }
    *ret_exhausted = errno != EAGAIN && errno != EINTR && errno != ECONNABORTED;
    return errno == ECONNABORTED;
}

/* Reads and throws away; ends what has ended or has had its time. */
static bool attend_turned_away(struct http_acceptor *acceptor)
{
    char nothing[4096];
    bool any = false;

    for (unsigned i = 0; i < HTTP_TURNED_AWAY_MAX; i++) {
        struct http_turned_away *away = &acceptor->turned_away[i];
        if (away->fd < 0)
            continue;
        ssize_t got = recv(away->fd, nothing, sizeof(nothing), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN) ||
            http_monotonic_ms() - away->since_ms > HTTP_TURNED_AWAY_MAX_MS)
            close_turned_away(away);
        any = any || away->fd >= 0;
    }
    return any;
}

static void *run(void *arg)
{
    struct http_acceptor *acceptor = arg;
    struct pollfd waited_for[] = {{.fd = acceptor->stop_fd, .events = POLLIN},
                                  {.fd = acceptor->listen_fd, .events = POLLIN}};

    bool attending = false;
    int64_t attended_ms = 0;

    while (!waited_for[0].revents) {
        bool exhausted = false;
        while (accept_one(acceptor, &exhausted))
            attending = true;
        if (attending && http_monotonic_ms() - attended_ms >= HTTP_ACCEPTOR_PERIOD_MS) {
            attending = attend_turned_away(acceptor);
            attended_ms = http_monotonic_ms();
        }
        /* Without descriptors the listening socket would be ready all the time, for nothing. */
        (void)poll(waited_for, exhausted ? 1 : 2,
                   exhausted || attending ? HTTP_ACCEPTOR_PERIOD_MS : -1);
    }
    return NULL;
}

int http_acceptor_start(struct http_acceptor *acceptor, struct http_connections *connections,
                        struct MHD_Daemon *daemon, int listen_fd, bool tls)
{
    *acceptor = (struct http_acceptor){.connections = connections,
                                       .daemon = daemon,
                                       .listen_fd = listen_fd,
                                       .tls = tls,
                                       .stop_fd = eventfd(0, EFD_CLOEXEC)};
    pthread_mutex_init(&acceptor->handing_over, NULL);
    for (unsigned i = 0; i < HTTP_TURNED_AWAY_MAX; i++)
        acceptor->turned_away[i].fd = -1;
    if (acceptor->stop_fd >= 0 && make_refusal(acceptor) == 0 &&
        pthread_create(&acceptor->thread, NULL, run, acceptor) == 0)
        return 0;
    if (acceptor->stop_fd >= 0)
        close(acceptor->stop_fd);
    free(acceptor->refusal);
    pthread_mutex_destroy(&acceptor->handing_over);
    return -1;
}

struct MHD_Daemon *http_acceptor_switch(struct http_acceptor *acceptor, struct MHD_Daemon *daemon)
{
    pthread_mutex_lock(&acceptor->handing_over);
    struct MHD_Daemon *before = acceptor->daemon;
    acceptor->daemon = daemon;
    pthread_mutex_unlock(&acceptor->handing_over);
    return before;
}

void http_acceptor_stop(struct http_acceptor *acceptor)
{
    bool exhausted;

    (void)eventfd_write(acceptor->stop_fd, 1);
    pthread_join(acceptor->thread, NULL);
    while (accept_one(acceptor, &exhausted))
        continue;
    close(acceptor->listen_fd);
    for (unsigned i = 0; i < HTTP_TURNED_AWAY_MAX; i++)
        close_turned_away(&acceptor->turned_away[i]);
    close(acceptor->stop_fd);
    free(acceptor->refusal);
    pthread_mutex_destroy(&acceptor->handing_over);
}
