/* Asking, formatting, sending; waiter.h. */
#include "waiter.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dispatch.h"
#include "request_log.h"
#include "stream.h"

/* ---- what is said ---- */

/* Takes over the bytes, to be sent. */
static void say(struct http_waiter *waiter, char *bytes, size_t length)
{
    waiter->out = bytes;
    waiter->out_bytes = length;
    waiter->out_sent = 0;
}

/* The next piece of a stream. Its head said 200: a refusal is told to the next attempt. */
static void say_piece(struct http_waiter *waiter, struct http_reply *reply)
{
    if (reply->status != MHD_HTTP_OK) {
        waiter->gone = true;
        return;
    }
    waiter->request->sent_bytes += reply->body_bytes;
    say(waiter, reply->body, reply->body_bytes);
    reply->body = NULL;
}

static void say_answer(struct http_waiter *waiter, const struct http_reply *reply)
{
    char *bytes;
    size_t length;

    if (http_reply_format(reply, waiter->request->id, &bytes, &length) < 0) {
        waiter->gone = true;
        return;
    }
    waiter->request->sent_status = reply->status;
    waiter->request->sent_bytes = reply->body_bytes;
    waiter->last = true;
    say(waiter, bytes, length);
}

/* What dispatch left in the request's reply becomes what is sent. */
static void say_reply(struct http_waiter *waiter)
{
    struct http_reply *reply = &waiter->request->reply;

    if (waiter->request->ctx.follows)
        say_piece(waiter, reply);
    else
        say_answer(waiter, reply);
    http_reply_deinit(reply);
}

/* ---- sending ---- */

static void watch_for(struct http_waiter *waiter, bool room_to_write)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = waiter};

    if (room_to_write)
        event.events |= EPOLLOUT;
    if (epoll_ctl(waiter->epoll_fd, EPOLL_CTL_MOD, waiter->fd, &event) < 0)
        waiter->gone = true;
}

static void finish_piece(struct http_waiter *waiter, int64_t now_ms)
{
    free(waiter->out);
    waiter->out = NULL;
    if (waiter->stuck_ms)
        watch_for(waiter, false);
    waiter->stuck_ms = 0;
    waiter->spoken_ms = now_ms;
    if (!waiter->last)
        return;
    shutdown(waiter->fd, SHUT_WR);
    waiter->lingering = true;
    waiter->ready = false;
    waiter->until_ms = now_ms + HTTP_LINGER_MS;
}

static void flush_out(struct http_waiter *waiter)
{
    int64_t now_ms = http_monotonic_ms();

    while (waiter->out && waiter->out_sent < waiter->out_bytes) {
        ssize_t sent = send(waiter->fd, waiter->out + waiter->out_sent,
                            waiter->out_bytes - waiter->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            waiter->gone = true;
            return;
        }
        if (sent < 0) {
            if (!waiter->stuck_ms)
                watch_for(waiter, true);
            waiter->stuck_ms = waiter->stuck_ms ? waiter->stuck_ms : now_ms;
            return;
        }
        waiter->out_sent += (size_t)sent;
        waiter->stuck_ms = waiter->stuck_ms ? now_ms : 0;
    }
    if (waiter->out)
        finish_piece(waiter, now_ms);
}

/* ---- coming and going ---- */

void http_waiter_init(struct http_waiter *waiter, struct http_request *request, int fd)
{
    int64_t now_ms = http_monotonic_ms();

    waiter->request = request;
    waiter->fd = fd;
    waiter->gauge = http_request_gauge(request);
    atomic_fetch_add(waiter->gauge, 1);
    waiter->until_ms = request->started_us / 1000 + (int64_t)(request->ctx.wait_s * 1000);
    waiter->spoken_ms = waiter->admitted_ms = now_ms;
    waiter->ready = true; /* much may have happened since it was asked */
}

/* A stream begins with its head, and with what its first call had to tell. */
static int begin_stream(struct http_waiter *waiter)
{
    struct http_request *request = waiter->request;
    char *bytes;
    size_t length;

    if (http_reply_format_stream(&request->reply, request->id, http_retry_ms(), &bytes, &length) <
        0)
        return -1;
    request->sent_status = MHD_HTTP_OK;
    request->sent_bytes = request->reply.body_bytes;
    http_reply_deinit(&request->reply);
    say(waiter, bytes, length);
    waiter->ready = true;
    return 0;
}

/* It is answered like any other request, and is no follower any more. */
static void refuse_crowd(struct http_waiter *waiter)
{
    struct http_request *request = waiter->request;

    (void)proto_error_set(&request->ctx.error, PROTO_CODE_OVERLOADED, "",
                          "Too many requests from this address are waiting; try again shortly.");
    http_request_refuse(request);
    request->ctx.follows = false;
    say_reply(waiter);
}

void http_waiter_begin(struct http_waiter *waiter, int epoll_fd, bool crowded)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = waiter};
    const int send_bytes = HTTP_WAITING_SEND_BYTES, at_once = 1;

    waiter->epoll_fd = epoll_fd;
    (void)setsockopt(waiter->fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
    (void)setsockopt(waiter->fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, waiter->fd, &event) < 0)
        waiter->gone = true;
    if (crowded)
        refuse_crowd(waiter);
    else if (waiter->request->ctx.follows && begin_stream(waiter) < 0)
        waiter->gone = true;
    flush_out(waiter);
}

void http_waiter_free(struct http_waiter *waiter)
{
    if (!waiter)
        return;
    atomic_fetch_sub(waiter->gauge, 1);
    http_request_end(waiter->request, !waiter->gone || waiter->request->ctx.follows);
    http_request_free(waiter->request);
    close(waiter->fd);
    free(waiter->out);
    free(waiter);
}

/* ---- as time goes on ---- */

static void ask_again(struct http_waiter *waiter, bool over)
{
    waiter->request->ctx.wait.over = over;
    http_dispatch_again(waiter->request);
    waiter->ready = waiter->request->reply.status != 0;
    if (waiter->ready)
        say_reply(waiter);
}

void http_waiter_ask(struct http_waiter *waiter, bool over)
{
    ask_again(waiter, over);
    flush_out(waiter);
}

void http_waiter_end_stream(struct http_waiter *waiter)
{
    waiter->last = true;
    finish_piece(waiter, http_monotonic_ms());
}

void http_waiter_listen(struct http_waiter *waiter)
{
    char nothing[1024];
    ssize_t got = recv(waiter->fd, nothing, sizeof(nothing), MSG_DONTWAIT);

    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        waiter->gone = true;
    if (got > 0)
        waiter->heard_bytes += (size_t)got;
    if (waiter->heard_bytes > HTTP_WAITING_HEARD_MAX_BYTES)
        waiter->gone = true;
}

bool http_waiter_go_on(struct http_waiter *waiter)
{
    flush_out(waiter);
    waiter->ready = !waiter->out && !waiter->lingering;
    return waiter->ready;
}

/* The token may have been revoked, and the project deleted where nobody was told. */
static void admit_again(struct http_waiter *waiter)
{
    struct http_request *request = waiter->request;
    enum proto_code code = http_request_admit(request);

    waiter->admitted_ms = http_monotonic_ms();
    if (code == PROTO_CODE_OK)
        return;
    request->ctx.error.code = code;
    http_request_refuse(request);
    say_reply(waiter);
}

void http_waiter_tick(struct http_waiter *waiter, int64_t now_ms)
{
    if (waiter->lingering || waiter->stuck_ms) {
        if (waiter->lingering ? now_ms >= waiter->until_ms
                              : now_ms - waiter->stuck_ms > HTTP_TRANSFER_MAX_MS)
            waiter->gone = true;
        return;
    }
    if (now_ms - waiter->admitted_ms >= HTTP_WAITING_ADMIT_MS)
        admit_again(waiter);
    if (!waiter->out && !waiter->gone && !waiter->request->ctx.follows &&
        now_ms >= waiter->until_ms)
        ask_again(waiter, true);
    if (!waiter->out && !waiter->gone && waiter->request->ctx.follows &&
        now_ms - waiter->spoken_ms >= HTTP_HEARTBEAT_MS)
        say(waiter, strdup(HTTP_HEARTBEAT), strlen(HTTP_HEARTBEAT));
    flush_out(waiter);
}
