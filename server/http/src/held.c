/* Waiting on a condition, with the token looked at in between; held.h says for whom. */
#include "held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dispatch.h"
#include "stream.h"

void http_held_init(struct http_held *held)
{
    pthread_condattr_t monotonic;

    *held = (struct http_held){0};
    pthread_mutex_init(&held->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&held->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void http_held_deinit(struct http_held *held)
{
    pthread_cond_destroy(&held->changed);
    pthread_mutex_destroy(&held->lock);
}

void http_held_wake(struct http_held *held)
{
    pthread_mutex_lock(&held->lock);
    if (held->count > 0)
        pthread_cond_broadcast(&held->changed);
    pthread_mutex_unlock(&held->lock);
}

void http_held_close(struct http_held *held)
{
    pthread_mutex_lock(&held->lock);
    held->closing = true;
    pthread_cond_broadcast(&held->changed);
    pthread_mutex_unlock(&held->lock);
}

static bool enter(struct http_held *held)
{
    pthread_mutex_lock(&held->lock);
    bool entered = held->count < HTTP_HELD_MAX && !held->closing;
    held->count += entered;
    pthread_mutex_unlock(&held->lock);
    return entered;
}

static void leave(struct http_held *held)
{
    pthread_mutex_lock(&held->lock);
    held->count--;
    pthread_mutex_unlock(&held->lock);
}

/* Until something has changed, or until at_ms. True: the server is stopping. */
static bool sleep_until(struct http_held *held, const struct http_request *request, int64_t at_ms)
{
    bool woken = true;

    pthread_mutex_lock(&held->lock);
    while (!held->closing && woken && !http_request_changed(request))
        woken = http_wait_until(&held->changed, &held->lock, at_ms);
    bool closing = held->closing;
    pthread_mutex_unlock(&held->lock);
    return closing;
}

/* Once round: sleeps, looks at the token, asks again. What comes of it is in the reply. True: the
 * time is up, or the server is stopping. */
static bool turn(struct http_held *held, struct http_request *request, int64_t until_ms)
{
    int64_t next_ms = http_monotonic_ms() + HTTP_WAITING_ADMIT_MS;
    bool closing = sleep_until(held, request, next_ms < until_ms ? next_ms : until_ms);
    bool over = closing || http_monotonic_ms() >= until_ms;
    enum proto_code code = http_request_admit(request);

    if (code != PROTO_CODE_OK) {
        request->ctx.error.code = code;
        http_request_refuse(request);
    } else if (over || http_request_changed(request)) {
        request->ctx.wait.over = over && !request->ctx.follows;
        http_dispatch_again(request);
    }
    return over;
}

/* ---- a stream ---- */

struct follower {
    struct http_held *held;
    struct http_request *request; /* gone before the follower is */
    char *piece;                  /* what is to be sent; NULL: nothing */
    size_t length, sent;
};

static void release_follower(void *arg)
{
    struct follower *follower = arg;

    leave(follower->held);
    free(follower->piece);
    free(follower);
}

/* The reply's body becomes what is sent. Bytes may be NULL: no memory, which ends the stream. */
static void set_piece(struct follower *follower, char *bytes, size_t length)
{
    free(follower->piece);
    follower->piece = bytes;
    follower->length = bytes ? length : 0;
    follower->sent = 0;
}

static void take_reply(struct follower *follower)
{
    struct http_reply *reply = &follower->request->reply;

    set_piece(follower, reply->body, reply->body_bytes);
    reply->body = NULL;
    http_reply_deinit(reply);
}

/* False: the stream has ended. */
static bool fetch(struct follower *follower)
{
    struct http_request *request = follower->request;
    int64_t until_ms = http_monotonic_ms() + HTTP_HEARTBEAT_MS;
    bool over = false;

    http_connection_enter(request->connection, HTTP_PHASE_HANDLING, 0);
    http_reply_deinit(&request->reply);
    while (!over && request->reply.status == 0) {
        over = turn(follower->held, request, until_ms);
        if (over && http_monotonic_ms() < until_ms)
            return false; /* stopping */
    }
    if (request->reply.status == 0)
        set_piece(follower, strdup(HTTP_HEARTBEAT), strlen(HTTP_HEARTBEAT));
    else if (request->reply.status == MHD_HTTP_OK)
        take_reply(follower);
    else
        return false;
    http_connection_enter(request->connection, HTTP_PHASE_SENDING, follower->length);
    return follower->piece != NULL;
}

static int read_follower(void *arg, unsigned char *buffer, size_t room, size_t *ret_length)
{
    struct follower *follower = arg;

    if (follower->sent == follower->length && !fetch(follower))
        return HTTP_STREAM_END;
    size_t left = follower->length - follower->sent;
    size_t length = left < room ? left : room;
    memcpy(buffer, follower->piece + follower->sent, length);
    follower->sent += length;
    *ret_length = length;
    return 0;
}

/* What the first call had to tell goes in front. */
static bool first_piece(struct follower *follower)
{
    const struct http_reply *reply = &follower->request->reply;
    char retry[32];
    size_t length = (size_t)snprintf(retry, sizeof(retry), "retry: %u\n\n", http_retry_ms());
    char *piece = malloc(length + reply->body_bytes);

    if (!piece)
        return false;
    memcpy(piece, retry, length);
    if (reply->body_bytes > 0)
        memcpy(piece + length, reply->body, reply->body_bytes);
    set_piece(follower, piece, length + reply->body_bytes);
    return true;
}

static bool follow(struct http_held *held, struct http_request *request)
{
    struct follower *follower = calloc(1, sizeof(*follower));

    if (follower)
        *follower = (struct follower){.held = held, .request = request};
    struct api_stream source = {.bytes = MHD_SIZE_UNKNOWN,
                                .read = read_follower,
                                .release = release_follower,
                                .arg = follower};

    if (!follower || !first_piece(follower)) {
        free(follower);
        leave(held);
        return false;
    }
    return http_reply_stream(&request->reply, HTTP_TYPE_EVENTS,
                             http_stream_new(&source, request->connection,
                                             &request->server->metrics.following)) == 0;
}

bool http_held_wait(struct http_held *held, struct http_request *request)
{
    int64_t until_ms = request->started_us / 1000 + (int64_t)(request->ctx.wait_s * 1000);

    if (!enter(held))
        return false;
    if (request->ctx.follows)
        return follow(held, request);
    atomic_fetch_add(&request->server->metrics.waiting, 1);
    while (request->reply.status == 0)
        (void)turn(held, request, until_ms);
    atomic_fetch_sub(&request->server->metrics.waiting, 1);
    leave(held);
    return true;
}
