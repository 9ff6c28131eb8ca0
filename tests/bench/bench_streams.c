/* Many idle followers of one project, and operators who ask in another meanwhile.
 *
 *     bench_streams PORT TOKEN PID STREAMS EVENTS CLIENTS DEMONSTRATION
 *
 * The daemon PID on 127.0.0.1:PORT has the projects `idle` and `busy`, the latter with a task `a`
 * and a DEMONSTRATION of it. CLIENTS ask in `busy` and release at once, one connection each, first
 * alone, then beside STREAMS followers of `idle`, in which EVENTS things happen, one at a time.
 * Prints one JSON object: memory a stream, from the sending of the change to its arrival at the
 * last stream, percentiles of an ask's time, and as the ceiling the time in which a bare thread
 * sends the same bytes to as many sockets. One thread reads all streams, on the daemon's cores.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

#define CLIENTS_MAX 64
#define ASKS_MAX 200000
#define ANSWER_BYTES 16384
#define ALONE_S 3.0

struct bench {
    unsigned port;
    const char *token;
    atomic_bool stop, failed;
    atomic_size_t asked;
    double *ask_s; /* ASKS_MAX */
};

static int connect_to(unsigned port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool send_request(const struct bench *bench, int fd, const char *method, const char *path,
                         const char *accept, const char *body)
{
    char text[2048];
    int length = snprintf(text, sizeof(text),
                          "%s %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nAccept: "
                          "%s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                          method, path, bench->token, accept, strlen(body), body);

    return length > 0 && (size_t)length < sizeof(text) &&
           send(fd, text, (size_t)length, MSG_NOSIGNAL) == length;
}

/* Until the text has `end` in it, or as long as its Content-Length says (end NULL). */
static bool read_answer(int fd, const char *end, char text[ANSWER_BYTES])
{
    size_t length = 0, wanted = 0;

    while (length < ANSWER_BYTES - 1) {
        ssize_t got = recv(fd, text + length, ANSWER_BYTES - 1 - length, 0);
        if (got <= 0)
            return false;
        length += (size_t)got;
        text[length] = '\0';
        const char *body = strstr(text, "\r\n\r\n"), *said = strstr(text, "Content-Length: ");
        if (end && strstr(text, end))
            return true;
        if (!end && body && said && said < body)
            wanted = (size_t)(body + 4 - text) + strtoul(said + 16, NULL, 10);
        if (wanted && length >= wanted)
            return true;
    }
    return false;
}

static bool exchange(const struct bench *bench, int fd, const char *method, const char *path,
                     const char *body, char text[ANSWER_BYTES])
{
    return send_request(bench, fd, method, path, "application/json", body) &&
           read_answer(fd, NULL, text) && strncmp(text, "HTTP/1.1 2", 10) == 0;
}

/* Asks, and gives back what it got, so that the next ask is one of a free operator. */
static bool ask_once(struct bench *bench, int fd, const char *ask)
{
    char text[ANSWER_BYTES], id[32] = "", path[128], body[160];
    double start = bench_seconds();

    if (!exchange(bench, fd, "POST", "/v1/projects/busy/assignments", ask, text))
        return false;
    size_t number = atomic_fetch_add(&bench->asked, 1);
    if (number < ASKS_MAX)
        bench->ask_s[number] = bench_seconds() - start;
    const char *at = strstr(text, "\"id\":\""), *fence = strstr(text, "\"fence\":");
    if (!at || !fence || sscanf(at, "\"id\":\"%31[a-z0-9]", id) != 1)
        return false;
    snprintf(path, sizeof(path), "/v1/projects/busy/assignments/%s/release", id);
    snprintf(body, sizeof(body), "{\"fence\":%lu}", strtoul(fence + 8, NULL, 10));
    return exchange(bench, fd, "POST", path, body, text);
}

static void *ask_run(void *arg)
{
    struct bench *bench = arg;
    char ask[64];
    int fd = connect_to(bench->port);

    snprintf(ask, sizeof(ask), "{\"operator\":\"o%d\"}", fd);
    while (fd >= 0 && !bench->stop && !bench->failed)
        if (!ask_once(bench, fd, ask))
            bench->failed = true;
    if (fd < 0)
        bench->failed = true;
    else
        close(fd);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static size_t start_asking(struct bench *bench, pthread_t threads[CLIENTS_MAX], size_t clients)
{
    size_t started = 0;

    bench->stop = false;
    bench->asked = 0;
    while (started < clients && !pthread_create(&threads[started], NULL, ask_run, bench))
        started++;
    return started;
}

/* p99 in milliseconds. */
static double end_asking(struct bench *bench, pthread_t threads[CLIENTS_MAX], size_t started)
{
    bench->stop = true;
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    size_t count = bench->asked < ASKS_MAX ? bench->asked : ASKS_MAX;
    qsort(bench->ask_s, count, sizeof(double), by_value);
    return count ? 1e3 * bench->ask_s[count * 99 / 100] : 0;
}

static double rss_kib(const char *pid)
{
    char path[64], line[128];
    double kib = 0;

    snprintf(path, sizeof(path), "/proc/%.16s/status", pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtod(line + 6, NULL);
    if (file)
        fclose(file);
    return kib;
}

static int open_streams(const struct bench *bench, int *fds, size_t count, int epoll_fd)
{
    char text[ANSWER_BYTES];

    for (size_t i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
        fds[i] = connect_to(bench->port);
        if (fds[i] < 0 ||
            !send_request(bench, fds[i], "GET", "/v1/projects/idle/events", "text/event-stream",
                          "") ||
            !read_answer(fds[i], "event: ranking", text) ||
            epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &event) < 0)
            return -1;
    }
    return 0;
}

/* Reads until `count` sockets have had the mark; when the last had it. -1: one ended, or 10 s. */
static double await_all(const int *fds, size_t count, int epoll_fd, const char *mark, bool *seen)
{
    struct epoll_event ready[256];
    char text[ANSWER_BYTES];
    double end = bench_seconds() + 10;

    memset(seen, 0, count);
    for (size_t left = count; left > 0 && bench_seconds() < end;) {
        int some = epoll_wait(epoll_fd, ready, 256, 100);
        for (int i = 0; i < some; i++) {
            size_t place = ready[i].data.u64;
            ssize_t got = recv(fds[place], text, sizeof(text) - 1, MSG_DONTWAIT);
            if (got <= 0)
                return -1;
            text[got] = '\0';
            if (!seen[place] && strstr(text, mark)) {
                seen[place] = true;
                if (--left == 0)
                    return bench_seconds();
            }
        }
    }
    return -1;
}

struct bare {
    int *fds;
    size_t count;
};

static void *send_bare(void *arg)
{
    const struct bare *bare = arg;
    char text[512] = "mark";

    memset(text + 4, 'x', sizeof(text) - 4);
    for (size_t i = 0; i < bare->count; i++)
        (void)!send(bare->fds[i], text, sizeof(text), MSG_NOSIGNAL);
    return NULL;
}

static int open_bare(int *senders, int *readers, size_t count, int epoll_fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (door < 0 || bind(door, (struct sockaddr *)&address, length) < 0 || listen(door, 16) < 0 ||
        getsockname(door, (struct sockaddr *)&address, &length) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
        readers[i] = connect_to(ntohs(address.sin_port));
        senders[i] = accept4(door, NULL, NULL, SOCK_CLOEXEC);
        if (readers[i] < 0 || senders[i] < 0 ||
            epoll_ctl(epoll_fd, EPOLL_CTL_ADD, readers[i], &event) < 0)
            return -1;
    }
    return close(door);
}

/* Milliseconds; -1: it cannot be measured. */
static double measure_bare(size_t count)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int *readers = calloc(count, sizeof(int)), *senders = calloc(count, sizeof(int));
    bool *seen = calloc(count, sizeof(bool));
    struct bare bare = {senders, count};
    pthread_t thread;
    double end = -1, start = 0;

    if (readers && senders && seen && open_bare(senders, readers, count, epoll_fd) == 0) {
        start = bench_seconds();
        if (pthread_create(&thread, NULL, send_bare, &bare) == 0) {
            end = await_all(readers, count, epoll_fd, "mark", seen);
            pthread_join(thread, NULL);
        }
    }
    for (size_t i = 0; readers && senders && i < count; i++) {
        close(readers[i]);
        close(senders[i]);
    }
    close(epoll_fd);
    free(readers);
    free(senders);
    free(seen);
    return end < 0 ? -1 : 1e3 * (end - start);
}

struct delivery {
    double *committed_ms, *sent_ms; /* one for each event, since its answer and its sending */
    size_t events;
};

static bool deliver(const struct bench *bench, const int *fds, size_t count, int epoll_fd,
                    const struct delivery *delivery)
{
    bool *seen = calloc(count, sizeof(bool));
    char text[ANSWER_BYTES], body[64], mark[64];
    int fd = connect_to(bench->port);
    bool ok = seen && fd >= 0;

    for (size_t i = 0; ok && i < delivery->events; i++) {
        double start = bench_seconds(), committed, end;
        snprintf(body, sizeof(body), "{\"instruction\":\"wave %zu.\"}", i);
        snprintf(mark, sizeof(mark), "wave %zu.", i);
        ok = exchange(bench, fd, "PUT", "/v1/projects/idle/tasks/a", body, text);
        committed = bench_seconds();
        ok = ok && (end = await_all(fds, count, epoll_fd, mark, seen)) > 0;
        if (ok) {
            delivery->committed_ms[i] = 1e3 * (end - committed);
            delivery->sent_ms[i] = 1e3 * (end - start);
        }
        usleep(200000);
    }
    if (fd >= 0)
        close(fd);
    free(seen);
    return ok;
}

static int run(struct bench *bench, const char *pid, size_t count, size_t events, size_t clients)
{
    pthread_t threads[CLIENTS_MAX];
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC), *fds = calloc(count, sizeof(int));
    const struct delivery delivery = {calloc(events, sizeof(double)),
                                      calloc(events, sizeof(double)), events};
    double bare_ms = measure_bare(count);

    bench->ask_s = calloc(ASKS_MAX, sizeof(double));
    if (!fds || !delivery.committed_ms || !delivery.sent_ms || !bench->ask_s || bare_ms < 0)
        return -1;
    size_t started = start_asking(bench, threads, clients);
    usleep((useconds_t)(ALONE_S * 1e6));
    double alone_ms = end_asking(bench, threads, started), before = rss_kib(pid);
    if (open_streams(bench, fds, count, epoll_fd) < 0)
        return -1;
    sleep(1);
    double stream_kib = (rss_kib(pid) - before) / (double)count, begun = bench_seconds();
    started = start_asking(bench, threads, clients);
    bool ok = deliver(bench, fds, count, epoll_fd, &delivery);
    double ask_ms = end_asking(bench, threads, started), took = bench_seconds() - begun;
    if (!ok || bench->failed)
        return -1;
    qsort(delivery.committed_ms, events, sizeof(double), by_value);
    qsort(delivery.sent_ms, events, sizeof(double), by_value);
    printf("{\"stream_kib\": %.2f, \"median_ms\": %.2f, \"worst_ms\": %.2f, "
           "\"sent_worst_ms\": %.2f, \"bare_ms\": %.2f, \"ask_alone_p99_ms\": %.3f, "
           "\"ask_p99_ms\": %.3f, \"asks_per_s\": %.0f}\n",
           stream_kib, delivery.committed_ms[events / 2], delivery.committed_ms[events - 1],
           delivery.sent_ms[events - 1], bare_ms, alone_ms, ask_ms, (double)bench->asked / took);
    return 0;
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    struct rlimit files;

    if (argc != 7) {
        fprintf(stderr, "usage: bench_streams PORT TOKEN PID STREAMS EVENTS CLIENTS\n");
        return 2;
    }
    size_t streams = strtoul(argv[4], NULL, 10), events = strtoul(argv[5], NULL, 10),
           clients = strtoul(argv[6], NULL, 10);
    if (streams < 1 || events < 1 || clients > CLIENTS_MAX)
        return 2;
    bench.port = (unsigned)strtoul(argv[1], NULL, 10);
    bench.token = argv[2];
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    if (run(&bench, argv[3], streams, events, clients) == 0)
        return 0;
    fprintf(stderr, "bench_streams: a request failed or a stream ended\n");
    return 1;
}
