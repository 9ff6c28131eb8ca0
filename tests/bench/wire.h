/* HTTP/1.1 clients of one thread, for load: each keeps a connection and has one request under way.
 *
 * It costs little beside the server that it measures: one epoll loop, no copies of what is sent.
 * Understands answers with Content-Length alone, which is all that the servers measured here send.
 */
#ifndef TEST_BENCH_WIRE_H
#define TEST_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>

struct wire_answer {
    int status;
    const char *body; /* NUL behind it */
    size_t length;
    double seconds; /* from the request's first byte to the answer's last */
};

/* The next request of a client as it goes over the line, borrowed until its answer is there.
 * answer: to the one before, valid during the call; NULL: there was none. False: this client is
 * done. */
typedef bool (*wire_next_fn)(void *arg, size_t client, const struct wire_answer *answer,
                             const char **ret_bytes, size_t *ret_length);

/* url: http://ADDRESS:PORT, an IPv4 address. 0, or -1 with a line on stderr. */
__attribute__((warn_unused_result)) int wire_run(const char *url, size_t clients, wire_next_fn next,
                                                 void *arg, double *ret_seconds);

/* Percentiles of times in milliseconds; sorts. */
double wire_percentile_ms(double *seconds, size_t count, double share);

#endif
