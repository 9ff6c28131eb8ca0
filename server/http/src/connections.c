/* List of connections and their reaper; connections.h says why there is one. */
#include "connections.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "limits.h"

int64_t http_monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bool http_wait_until(pthread_cond_t *changed, pthread_mutex_t *lock, int64_t at_ms)
{
    struct timespec at = {.tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000};

    return pthread_cond_timedwait(changed, lock, &at) == 0;
}

int64_t http_monotonic_ms(void)
{
    return http_monotonic_us() / 1000;
}

int64_t http_phase_max_ms(enum http_phase phase, size_t bytes)
{
    int64_t transfer_ms = HTTP_TRANSFER_MAX_MS + (int64_t)(bytes / (HTTP_TRANSFER_MIN_RATE / 1000));

    switch (phase) {
    case HTTP_PHASE_IDLE:
        return HTTP_IDLE_MAX_MS;
    case HTTP_PHASE_HEADERS:
        return HTTP_HEADERS_MAX_MS;
    case HTTP_PHASE_BODY:
    case HTTP_PHASE_SENDING:
        return transfer_ms;
    case HTTP_PHASE_HANDLING:
        break;
    }
    return -1;
}

/* With the lock held, as all that is static here. */
static void unlink_connection(struct http_connection *connection)
{
    struct http_connections *connections = connection->owner;

    if (connection->next)
        connection->next->previous = connection->previous;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        connections->first = connection->next;
    if (!connections->first)
        pthread_cond_broadcast(&connections->changed);
    free(connection);
}

static void reap(struct http_connections *connections)
{
    int64_t now_ms = http_monotonic_ms();

    for (struct http_connection *c = connections->first, *next; c; c = next) {
        int64_t max_ms = http_phase_max_ms(c->phase, c->bytes);
        next = c->next;
        if (max_ms < 0 || now_ms - c->since_ms <= max_ms)
            continue;
        if (c->taken)
            shutdown(c->fd, SHUT_RDWR);
        else
            unlink_connection(c); /* the library had no memory or no thread for it */
    }
}

static void *run_reaper(void *arg)
{
    struct http_connections *connections = arg;

    pthread_mutex_lock(&connections->lock);
    int64_t next_ms = http_monotonic_ms();
    while (!connections->stopping) {
        if (http_monotonic_ms() >= next_ms) {
            reap(connections);
            next_ms = http_monotonic_ms() + HTTP_REAPER_PERIOD_MS;
        }
        http_wait_until(&connections->changed, &connections->lock, next_ms);
    }
    pthread_mutex_unlock(&connections->lock);
    return NULL;
}

int http_connections_init(struct http_connections *connections, size_t max, size_t max_per_address)
{
    pthread_condattr_t monotonic;

    *connections = (struct http_connections){.max = max, .max_per_address = max_per_address};
    pthread_mutex_init(&connections->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&connections->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&connections->reaper, NULL, run_reaper, connections) == 0)
        return 0;
    pthread_cond_destroy(&connections->changed);
    pthread_mutex_destroy(&connections->lock);
    return -1;
}

void http_connections_deinit(struct http_connections *connections)
{
    pthread_mutex_lock(&connections->lock);
    connections->stopping = true;
    pthread_cond_broadcast(&connections->changed);
    pthread_mutex_unlock(&connections->lock);
    pthread_join(connections->reaper, NULL);
    pthread_cond_destroy(&connections->changed);
    pthread_mutex_destroy(&connections->lock);
}

/* The one that was admitted with fd, and that nobody has taken. */
static struct http_connection *find_admitted(struct http_connections *connections, int fd)
{
    struct http_connection *connection = connections->first;

    while (connection && (connection->fd != fd || connection->taken))
        connection = connection->next;
    return connection;
}

static bool has_room(const struct http_connections *connections, struct http_address address)
{
    size_t all = 0, same = 0;

    for (const struct http_connection *c = connections->first; c; c = c->next) {
        all++;
        same += memcmp(&c->address, &address, sizeof(address)) == 0;
    }
    return all < connections->max && same < connections->max_per_address;
}

static void link_connection(struct http_connections *connections,
                            struct http_connection *connection)
{
    connection->next = connections->first;
    if (connection->next)
        connection->next->previous = connection;
    connections->first = connection;
}

bool http_connections_admit(struct http_connections *connections, int fd,
                            struct http_address address)
{
    struct http_connection *connection = malloc(sizeof(*connection));

    if (!connection)
        return false;
    *connection = (struct http_connection){
        .owner = connections, .fd = fd, .address = address, .since_ms = http_monotonic_ms()};
    pthread_mutex_lock(&connections->lock);
    /* Its number is in use again, so the library has closed it without a word. */
    struct http_connection *forgotten = find_admitted(connections, fd);
    if (forgotten)
        unlink_connection(forgotten);
    bool admitted = has_room(connections, address);
    if (admitted)
        link_connection(connections, connection);
    pthread_mutex_unlock(&connections->lock);
    if (!admitted)
        free(connection);
    return admitted;
}

struct http_connection *http_connections_take(struct http_connections *connections, int fd)
{
    pthread_mutex_lock(&connections->lock);
    struct http_connection *connection = find_admitted(connections, fd);
    if (connection)
        connection->taken = true;
    pthread_mutex_unlock(&connections->lock);
    return connection;
}

void http_connections_give_up(struct http_connections *connections, int fd)
{
    pthread_mutex_lock(&connections->lock);
    struct http_connection *connection = find_admitted(connections, fd);
    if (connection)
        unlink_connection(connection);
    pthread_mutex_unlock(&connections->lock);
}

void http_connection_remove(struct http_connection *connection)
{
    struct http_connections *connections = connection->owner;

    pthread_mutex_lock(&connections->lock);
    unlink_connection(connection);
    pthread_mutex_unlock(&connections->lock);
}

void http_connection_enter(struct http_connection *connection, enum http_phase phase, size_t bytes)
{
    struct http_connections *connections = connection->owner;

    pthread_mutex_lock(&connections->lock);
    connection->phase = phase;
    connection->since_ms = http_monotonic_ms();
    connection->bytes = bytes;
    if (connections->ending_idle && phase == HTTP_PHASE_IDLE)
        shutdown(connection->fd, SHUT_RD);
    pthread_mutex_unlock(&connections->lock);
}

void http_connection_progress(struct http_connection *connection, size_t bytes)
{
    pthread_mutex_lock(&connection->owner->lock);
    connection->bytes += bytes;
    pthread_mutex_unlock(&connection->owner->lock);
}

/* With the lock held. */
static size_t count_all(const struct http_connections *connections)
{
    size_t count = 0;

    for (const struct http_connection *c = connections->first; c; c = c->next)
        count++;
    return count;
}

size_t http_connections_count(struct http_connections *connections)
{
    pthread_mutex_lock(&connections->lock);
    size_t count = count_all(connections);
    pthread_mutex_unlock(&connections->lock);
    return count;
}

void http_connections_announce_drain(struct http_connections *connections)
{
    pthread_mutex_lock(&connections->lock);
    connections->draining = true;
    pthread_mutex_unlock(&connections->lock);
}

static void wait_until_gone(struct http_connections *connections, int64_t end_ms)
{
    while (connections->first && http_monotonic_ms() < end_ms)
        http_wait_until(&connections->changed, &connections->lock, end_ms);
}

size_t http_connections_drain(struct http_connections *connections, int64_t max_ms)
{
    int64_t now_ms = http_monotonic_ms();
    size_t left;

    pthread_mutex_lock(&connections->lock);
    connections->draining = true;
    wait_until_gone(connections, now_ms + HTTP_DRAIN_GRACE_MS);
    connections->ending_idle = true;
    /* Reading ends, writing goes on: what the kernel holds of a request is still served. */
    for (struct http_connection *c = connections->first; c; c = c->next)
        if (c->taken && c->phase == HTTP_PHASE_IDLE)
            shutdown(c->fd, SHUT_RD);
    wait_until_gone(connections, now_ms + max_ms);
    left = count_all(connections);
    pthread_mutex_unlock(&connections->lock);
    return left;
}

bool http_connections_draining(struct http_connections *connections)
{
    pthread_mutex_lock(&connections->lock);
    bool draining = connections->draining;
    pthread_mutex_unlock(&connections->lock);
    return draining;
}
