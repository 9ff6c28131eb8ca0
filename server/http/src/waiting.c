/* The thread that holds all waiting requests; waiting.h says why.
 *
 * One pass asks every handler whose project has changed and writes what it answers. After a pass
 * the thread rests for as long as the pass took: events that come faster than they can be told are
 * told together, and asks always get a processor.
 */
#include "waiting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dispatch.h"
#include "waiter.h"

#define READY_EVENTS 256

struct http_room {
    struct http_server *server;
    size_t max, max_per_address;
    pthread_t thread;
    int epoll_fd, wake_fd;
    atomic_bool woken;
    pthread_mutex_t lock; /* the members up to the blank line; held for a moment */
    pthread_cond_t left;
    struct http_waiter *inbox;
    size_t taken; /* in the inbox or with the thread */
    bool closing, stopping;

    struct http_waiter **waiters; /* the thread's */
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

/* ---- coming and going ---- */

static void remove_waiter(struct http_room *room, size_t place)
{
    struct http_waiter *waiter = room->waiters[place];

    room->waiters[place] = room->waiters[--room->count];
    pthread_mutex_lock(&room->lock);
    room->taken--;
    pthread_cond_broadcast(&room->left);
    pthread_mutex_unlock(&room->lock);
    http_waiter_free(waiter);
}

static size_t count_address(const struct http_room *room, const struct http_address *address)
{
    size_t same = 0;

    for (size_t i = 0; i < room->count; i++)
        same += memcmp(&room->waiters[i]->address, address, sizeof(*address)) == 0;
    return same;
}

/* The list has room for `max` from the start. */
static void let_in(struct http_room *room, struct http_waiter *waiter)
{
    bool crowded = count_address(room, &waiter->address) >= room->max_per_address;

    room->waiters[room->count++] = waiter;
    http_waiter_begin(waiter, room->epoll_fd, crowded);
}

static void take_inbox(struct http_room *room)
{
    pthread_mutex_lock(&room->lock);
    struct http_waiter *waiter = room->inbox;
    room->inbox = NULL;
    pthread_mutex_unlock(&room->lock);
    for (struct http_waiter *next; waiter; waiter = next) {
        next = waiter->next;
        let_in(room, waiter);
    }
}

/* ---- the thread ---- */

/* True: somebody should be asked. */
static bool attend(struct http_room *room, int timeout_ms)
{
    struct epoll_event ready[READY_EVENTS];
    int count = epoll_wait(room->epoll_fd, ready, READY_EVENTS, timeout_ms);
    bool woken = false;
    eventfd_t value;

    for (int i = 0; i < count; i++) {
        struct http_waiter *waiter = ready[i].data.ptr;

        if (!waiter) {
            (void)eventfd_read(room->wake_fd, &value);
            woken = true;
            continue;
        }
        if (ready[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            http_waiter_listen(waiter);
        if (ready[i].events & EPOLLOUT && !waiter->gone)
            woken = http_waiter_go_on(waiter) || woken;
    }
    return woken;
}

/* Everybody whose project has changed. Whether somebody has more to tell than one piece. */
static bool make_pass(struct http_room *room, bool closing)
{
    bool more = false;

    for (size_t i = 0; i < room->count; i++) {
        struct http_waiter *waiter = room->waiters[i];

        if (waiter->out || waiter->lingering || waiter->gone)
            continue;
        if (closing && waiter->request->ctx.follows) {
            http_waiter_end_stream(waiter);
            continue;
        }
        if (!closing && !waiter->ready && !http_request_changed(waiter->request))
            continue;
        http_waiter_ask(waiter, closing);
        more = more || (waiter->ready && !waiter->out);
    }
    return more;
}

static void tick(struct http_room *room)
{
    int64_t now_ms = http_monotonic_ms();

    if (now_ms - room->ticked_ms < HTTP_WAITING_PERIOD_MS)
        return;
    room->ticked_ms = now_ms;
    for (size_t i = 0; i < room->count; i++)
        if (!room->waiters[i]->gone)
            http_waiter_tick(room->waiters[i], now_ms);
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
    room->waiters = calloc(room->max + 1, sizeof(struct http_waiter *));
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

void http_room_close(struct http_room *room)
{
    int64_t end_ms = http_monotonic_ms() + HTTP_LINGER_MS + HTTP_DRAIN_GRACE_MS;

    pthread_mutex_lock(&room->lock);
    room->closing = true;
    pthread_mutex_unlock(&room->lock);
    http_room_wake(room);
    pthread_mutex_lock(&room->lock);
    while (room->taken > 0 && http_monotonic_ms() < end_ms)
        http_wait_until(&room->left, &room->lock, end_ms);
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

static void enter_inbox(struct http_room *room, struct http_waiter *waiter)
{
    pthread_mutex_lock(&room->lock);
    waiter->next = room->inbox;
    room->inbox = waiter;
    pthread_mutex_unlock(&room->lock);
    http_room_wake(room);
}

bool http_room_take(struct http_room *room, struct http_request *request, int fd)
{
    struct http_waiter *waiter = calloc(1, sizeof(*waiter));
    int own;

    if (!waiter || !reserve(room)) {
        free(waiter);
        return false;
    }
    waiter->address = request->connection->address;
    if (detach(room, request, fd, &own) < 0) {
        unreserve(room);
        free(waiter);
        return false;
    }
    http_waiter_init(waiter, request, own);
    enter_inbox(room, waiter);
    return true;
}
