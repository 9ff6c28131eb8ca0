/* The thread that holds all waiting requests; waiting.h says why.
 *
 * One pass asks every handler whose project has changed and writes what it answers. After a pass
 * the thread rests for as long as the pass took: events that come faster than they can be told are
 * told together, and asks always get a processor. Nothing is queued for a reader that is slow:
 * what it has not taken is the piece that is under way, and where it stands in the log.
 */
#include "waiting.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dispatch.h"
#include "request_log.h"
#include "stream.h"

#define READY_EVENTS 256

struct waiter {
    struct waiter *next; /* in the inbox */
    struct http_request *request;
    int fd;
    struct http_address address;
    bool ready;     /* its handler has more to tell */
    bool last;      /* what is in `out` ends the answer */
    bool lingering; /* all is said; the client closes first */
    bool gone;
    int64_t until_ms;    /* of a long poll, or of lingering */
    int64_t admitted_ms; /* when its token was looked at */
    int64_t spoken_ms;   /* when it was last sent something */
    int64_t stuck_ms;    /* since when `out` does not get smaller; 0: it does */
    size_t heard_bytes;  /* what a client sends here is thrown away */
    char *out;           /* NULL: nothing to send */
    size_t out_bytes, out_sent;
};

struct http_room {
    struct http_server *server;
    size_t max, max_per_address;
    pthread_t thread;
    int epoll_fd, wake_fd;
    atomic_bool woken;
    pthread_mutex_t lock; /* the members up to the blank line; held for a moment */
    pthread_cond_t left;
    struct waiter *inbox;
    size_t taken; /* in the inbox or with the thread */
    bool closing, stopping;

    struct waiter **waiters; /* the thread's */
    size_t count;
    int64_t rested_until_ms, ticked_ms;
};

bool http_room_closed(struct http_room *room)
{
    pthread_mutex_lock(&room->lock);
    bool closing = room->closing;
    pthread_mutex_unlock(&room->lock);
    return closing;
}

void http_room_wake(void *arg)
{
    struct http_room *room = arg;

    if (!atomic_exchange(&room->woken, true))
        (void)eventfd_write(room->wake_fd, 1);
}

/* ---- what is said ---- */

/* Takes over the bytes, to be sent. */
static void say(struct waiter *waiter, char *bytes, size_t length)
{
    waiter->out = bytes;
    waiter->out_bytes = length;
    waiter->out_sent = 0;
}

/* The next piece of a stream. Its head said 200: a refusal is told to the next attempt. */
static void say_piece(struct waiter *waiter, struct http_reply *reply)
{
    if (reply->status != MHD_HTTP_OK) {
        waiter->gone = true;
        return;
    }
    waiter->request->sent_bytes += reply->body_bytes;
    say(waiter, reply->body, reply->body_bytes);
    reply->body = NULL;
}

static void say_answer(struct waiter *waiter, const struct http_reply *reply)
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
static void say_reply(struct waiter *waiter)
{
    struct http_reply *reply = &waiter->request->reply;

    if (waiter->request->ctx.follows)
        say_piece(waiter, reply);
    else
        say_answer(waiter, reply);
    http_reply_deinit(reply);
}

static void ask_again(struct waiter *waiter, bool over)
{
    waiter->request->ctx.wait.over = over;
    http_dispatch_again(waiter->request);
    waiter->ready = waiter->request->reply.status != 0;
    if (waiter->ready)
        say_reply(waiter);
}

/* ---- sending ---- */

static void watch_for(struct http_room *room, struct waiter *waiter, bool room_to_write)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = waiter};

    if (room_to_write)
        event.events |= EPOLLOUT;
    if (epoll_ctl(room->epoll_fd, EPOLL_CTL_MOD, waiter->fd, &event) < 0)
        waiter->gone = true;
}

static void finish_piece(struct http_room *room, struct waiter *waiter, int64_t now_ms)
{
    free(waiter->out);
    waiter->out = NULL;
    if (waiter->stuck_ms)
        watch_for(room, waiter, false);
    waiter->stuck_ms = 0;
    waiter->spoken_ms = now_ms;
    if (!waiter->last)
        return;
    shutdown(waiter->fd, SHUT_WR);
    waiter->lingering = true;
    waiter->ready = false;
    waiter->until_ms = now_ms + HTTP_LINGER_MS;
}

static void flush_out(struct http_room *room, struct waiter *waiter)
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
                watch_for(room, waiter, true);
            waiter->stuck_ms = waiter->stuck_ms ? waiter->stuck_ms : now_ms;
            return;
        }
        waiter->out_sent += (size_t)sent;
        waiter->stuck_ms = waiter->stuck_ms ? now_ms : 0;
    }
    if (waiter->out)
        finish_piece(room, waiter, now_ms);
}

/* ---- coming and going ---- */

static void waiter_free(struct waiter *waiter)
{
    if (!waiter)
        return;
    if (waiter->request) {
        atomic_fetch_sub(http_request_gauge(waiter->request), 1);
        http_request_end(waiter->request, !waiter->gone || waiter->request->ctx.follows);
        http_request_free(waiter->request);
    }
    if (waiter->fd >= 0)
        close(waiter->fd);
    free(waiter->out);
    free(waiter);
}

static void remove_waiter(struct http_room *room, size_t place)
{
    struct waiter *waiter = room->waiters[place];

    room->waiters[place] = room->waiters[--room->count];
    pthread_mutex_lock(&room->lock);
    room->taken--;
    pthread_cond_broadcast(&room->left);
    pthread_mutex_unlock(&room->lock);
    waiter_free(waiter);
}

/* A stream begins with its head, and with what its first call had to tell. */
static int begin_stream(struct waiter *waiter)
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

static size_t count_address(const struct http_room *room, const struct http_address *address)
{
    size_t same = 0;

    for (size_t i = 0; i < room->count; i++)
        same += memcmp(&room->waiters[i]->address, address, sizeof(*address)) == 0;
    return same;
}

/* The list has room for `max` from the start. */
static void let_in(struct http_room *room, struct waiter *waiter)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = waiter};
    const int send_bytes = HTTP_WAITING_SEND_BYTES, at_once = 1;
    bool crowded = count_address(room, &waiter->address) >= room->max_per_address;

    room->waiters[room->count++] = waiter;
    (void)setsockopt(waiter->fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
    (void)setsockopt(waiter->fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
    if (epoll_ctl(room->epoll_fd, EPOLL_CTL_ADD, waiter->fd, &event) < 0)
        waiter->gone = true;
    if (crowded) {
        (void)proto_error_set(&waiter->request->ctx.error, PROTO_CODE_OVERLOADED, "",
                              "Too many requests from this address are waiting; try again "
                              "shortly.");
        http_request_refuse(waiter->request);
        waiter->request->ctx.follows = false;
        say_reply(waiter);
    } else if (waiter->request->ctx.follows && begin_stream(waiter) < 0) {
        waiter->gone = true;
    }
    flush_out(room, waiter);
}

static void take_inbox(struct http_room *room)
{
    pthread_mutex_lock(&room->lock);
    struct waiter *waiter = room->inbox;
    room->inbox = NULL;
    pthread_mutex_unlock(&room->lock);
    for (struct waiter *next; waiter; waiter = next) {
        next = waiter->next;
        let_in(room, waiter);
    }
}

/* ---- the thread ---- */

static void listen_to(struct waiter *waiter)
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

/* A slow reader has taken something. True: all of it, and what came meanwhile is next. */
static bool go_on(struct http_room *room, struct waiter *waiter)
{
    flush_out(room, waiter);
    waiter->ready = !waiter->out && !waiter->lingering;
    return waiter->ready;
}

/* True: somebody should be asked. */
static bool attend(struct http_room *room, int timeout_ms)
{
    struct epoll_event ready[READY_EVENTS];
    int count = epoll_wait(room->epoll_fd, ready, READY_EVENTS, timeout_ms);
    bool woken = false;
    eventfd_t value;

    for (int i = 0; i < count; i++) {
        struct waiter *waiter = ready[i].data.ptr;

        if (!waiter) {
            (void)eventfd_read(room->wake_fd, &value);
            woken = true;
            continue;
        }
        if (ready[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            listen_to(waiter);
        if (ready[i].events & EPOLLOUT && !waiter->gone)
            woken = go_on(room, waiter) || woken;
    }
    return woken;
}

/* Everybody whose project has changed. Whether somebody has more to tell than one piece. */
static bool make_pass(struct http_room *room, bool closing)
{
    bool more = false;

    for (size_t i = 0; i < room->count; i++) {
        struct waiter *waiter = room->waiters[i];

        if (waiter->out || waiter->lingering || waiter->gone)
            continue;
        if (closing && waiter->request->ctx.follows) {
            waiter->last = true;
            finish_piece(room, waiter, http_monotonic_ms());
            continue;
        }
        if (!closing && !waiter->ready && !http_request_changed(waiter->request))
            continue;
        ask_again(waiter, closing);
        flush_out(room, waiter);
        more = more || (waiter->ready && !waiter->out);
    }
    return more;
}

/* The token may have been revoked, and the project deleted where nobody was told. */
static void admit_again(struct waiter *waiter)
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

static void tick_waiter(struct http_room *room, struct waiter *waiter, int64_t now_ms)
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
    flush_out(room, waiter);
}

static void tick(struct http_room *room)
{
    int64_t now_ms = http_monotonic_ms();

    if (now_ms - room->ticked_ms < HTTP_WAITING_PERIOD_MS)
        return;
    room->ticked_ms = now_ms;
    for (size_t i = 0; i < room->count; i++)
        if (!room->waiters[i]->gone)
            tick_waiter(room, room->waiters[i], now_ms);
}

static void bury(struct http_room *room)
{
    for (size_t i = room->count; i-- > 0;)
        if (room->waiters[i]->gone)
            remove_waiter(room, i);
}

static int timeout_of(const struct http_room *room, bool due)
{
    int64_t now_ms = http_monotonic_ms();
    int64_t until_ms = room->ticked_ms + HTTP_WAITING_PERIOD_MS;

    if (room->count == 0 && !due)
        return -1;
    if (due && room->rested_until_ms < until_ms)
        until_ms = room->rested_until_ms;
    return until_ms > now_ms ? (int)(until_ms - now_ms) : 0;
}

static bool should_stop(struct http_room *room)
{
    pthread_mutex_lock(&room->lock);
    bool stop = room->stopping;
    pthread_mutex_unlock(&room->lock);
    return stop;
}

static void *run(void *arg)
{
    struct http_room *room = arg;
    bool due = false;

    while (!should_stop(room)) {
        due = attend(room, timeout_of(room, due)) || due;
        take_inbox(room);
        if (due && http_monotonic_ms() >= room->rested_until_ms) {
            int64_t began_ms = http_monotonic_ms();
            atomic_store(&room->woken, false);
            take_inbox(room); /* who came while that was set did not wake again */
            due = make_pass(room, http_room_closed(room));
            int64_t ended_ms = http_monotonic_ms(), took_ms = ended_ms - began_ms;
            room->rested_until_ms =
                ended_ms +
                (took_ms < HTTP_WAITING_REST_MAX_MS ? took_ms : HTTP_WAITING_REST_MAX_MS);
        }
        tick(room);
        bury(room);
    }
    return NULL;
}

/* ---- from outside ---- */

static int open_room(struct http_room *room)
{
    struct epoll_event event = {.events = EPOLLIN};

    room->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    room->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    room->waiters = calloc(room->max + 1, sizeof(struct waiter *));
    if (room->epoll_fd < 0 || room->wake_fd < 0 || !room->waiters ||
        epoll_ctl(room->epoll_fd, EPOLL_CTL_ADD, room->wake_fd, &event) < 0)
        return -1;
    return pthread_create(&room->thread, NULL, run, room) ? -1 : 0;
}

static void close_room(struct http_room *room)
{
    if (room->epoll_fd >= 0)
        close(room->epoll_fd);
    if (room->wake_fd >= 0)
        close(room->wake_fd);
    pthread_cond_destroy(&room->left);
    pthread_mutex_destroy(&room->lock);
    free(room->waiters);
    free(room);
}

struct http_room *http_room_new(struct http_server *server, size_t max, size_t max_per_address)
{
    struct http_room *room = calloc(1, sizeof(*room));
    pthread_condattr_t monotonic;

    if (!room)
        return NULL;
    room->server = server;
    room->max = max;
    room->max_per_address = max_per_address;
    pthread_mutex_init(&room->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&room->left, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (open_room(room) == 0)
        return room;
    close_room(room);
    return NULL;
}

/* Under the lock, until woken or until at_ms. */
static void wait_until(struct http_room *room, int64_t at_ms)
{
    struct timespec at = {.tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000};

    pthread_cond_timedwait(&room->left, &room->lock, &at);
}

void http_room_close(struct http_room *room)
{
    int64_t end_ms = http_monotonic_ms() + HTTP_LINGER_MS + HTTP_DRAIN_GRACE_MS;

    pthread_mutex_lock(&room->lock);
    room->closing = true;
    pthread_mutex_unlock(&room->lock);
    http_room_wake(room);
    pthread_mutex_lock(&room->lock);
    while (room->taken > 0 && http_monotonic_ms() < end_ms)
        wait_until(room, end_ms);
    pthread_mutex_unlock(&room->lock);
}

void http_room_free(struct http_room *room)
{
    if (!room)
        return;
    pthread_mutex_lock(&room->lock);
    room->stopping = true;
    pthread_mutex_unlock(&room->lock);
    (void)eventfd_write(room->wake_fd, 1);
    pthread_join(room->thread, NULL);
    take_inbox(room);
    while (room->count > 0)
        remove_waiter(room, room->count - 1);
    close_room(room);
}

/* The library keeps the number, with nothing behind it that it could harm. */
static int take_socket(const struct http_room *room, int fd)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (own >= 0 && dup3(room->wake_fd, fd, O_CLOEXEC) < 0) {
        close(own);
        return -1;
    }
    return own;
}

/* Takes the socket, and makes the request own what it borrows from the library. */
static int detach(const struct http_room *room, struct http_request *request, int fd, int *ret_fd)
{
    char *bearer = proto_arena_strdup(&request->arena, request->bearer);
    char *method = proto_arena_strdup(&request->arena, request->method);
    int own = bearer && method ? take_socket(room, fd) : -1;

    if (own < 0)
        return -1;
    memset(&request->headers, 0, sizeof(request->headers));
    request->bearer = bearer;
    request->method = method;
    request->connection = NULL;
    *ret_fd = own;
    return 0;
}

static bool reserve(struct http_room *room)
{
    pthread_mutex_lock(&room->lock);
    bool reserved = room->taken < room->max && !room->closing;
    room->taken += reserved;
    pthread_mutex_unlock(&room->lock);
    return reserved;
}

static void unreserve(struct http_room *room)
{
    pthread_mutex_lock(&room->lock);
    room->taken--;
    pthread_cond_broadcast(&room->left);
    pthread_mutex_unlock(&room->lock);
}

static void enter_inbox(struct http_room *room, struct waiter *waiter)
{
    pthread_mutex_lock(&room->lock);
    waiter->next = room->inbox;
    room->inbox = waiter;
    pthread_mutex_unlock(&room->lock);
    http_room_wake(room);
}

bool http_room_take(struct http_room *room, struct http_request *request, int fd)
{
    struct waiter *waiter = calloc(1, sizeof(*waiter));

    if (!waiter || !reserve(room)) {
        free(waiter);
        return false;
    }
    waiter->address = request->connection->address;
    if (detach(room, request, fd, &waiter->fd) < 0) {
        unreserve(room);
        free(waiter);
        return false;
    }
    waiter->request = request;
    atomic_fetch_add(http_request_gauge(request), 1);
    waiter->until_ms = request->started_us / 1000 + (int64_t)(request->ctx.wait_s * 1000);
    waiter->spoken_ms = waiter->admitted_ms = http_monotonic_ms();
    waiter->ready = true; /* much may have happened since it was asked */
    enter_inbox(room, waiter);
    return true;
}
