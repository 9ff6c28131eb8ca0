/* One request sent again and again by several clients, each on a connection it keeps.
 *
 *     bench_poll URL TOKEN METHOD PATH BODY CLIENTS COUNT ANSWER
 *
 * BODY is JSON, or "" for none. The last answer's body goes to the file ANSWER, for a bare server
 * to give as well (bench_bare). Prints one JSON object: rate, and percentiles of an answer's time.
 */
#define _GNU_SOURCE /* asprintf */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

struct poll {
    char *request;
    size_t length, begun, done, count;
    double *seconds;
    const char *path; /* of the file for the answer */
    bool failed;
};

static bool keep(const char *path, const struct wire_answer *answer)
{
    FILE *file = fopen(path, "wb");
    bool whole = file && fwrite(answer->body, 1, answer->length, file) == answer->length;

    return (!file || fclose(file) == 0) && whole;
}

static bool poll_next(void *arg, size_t client, const struct wire_answer *answer,
                      const char **ret_bytes, size_t *ret_length)
{
    struct poll *poll = arg;

    (void)client;
    if (answer) {
        poll->seconds[poll->done++] = answer->seconds;
        if (answer->status != 200)
            fprintf(stderr, "bench_poll: status %d: %.200s\n", answer->status, answer->body);
        poll->failed |= answer->status != 200;
        if (poll->done == poll->count)
            poll->failed |= !keep(poll->path, answer);
    }
    if (poll->failed || poll->begun == poll->count)
        return false;
    poll->begun++;
    *ret_bytes = poll->request;
    *ret_length = poll->length;
    return true;
}

static int request_make(struct poll *poll, char **argv)
{
    const char *body = argv[5];
    char type[96] = "";
    int length;

    if (*body)
        snprintf(type, sizeof type, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                 strlen(body));
    length = asprintf(&poll->request,
                      "%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s\r\n%s",
                      argv[3], argv[4], argv[2], type, body);
    poll->length = length < 0 ? 0 : (size_t)length;
    return length < 0 ? -1 : 0;
}

static void print(struct poll *poll, double seconds)
{
    double median_ms = wire_percentile_ms(poll->seconds, poll->count, 0.5);

    printf("{\"count\": %zu, \"per_s\": %.1f, \"median_ms\": %.3f, \"p99_ms\": %.3f}\n",
           poll->count, (double)poll->count / seconds, median_ms,
           wire_percentile_ms(poll->seconds, poll->count, 0.99));
}

int main(int argc, char **argv)
{
    struct poll poll = {.count = argc == 9 ? strtoul(argv[7], NULL, 10) : 0};
    size_t clients = argc == 9 ? strtoul(argv[6], NULL, 10) : 0;
    double seconds;

    if (!poll.count || !clients) {
        fprintf(stderr, "usage: bench_poll URL TOKEN METHOD PATH BODY CLIENTS COUNT ANSWER\n");
        return 2;
    }
    poll.path = argv[8];
    poll.seconds = calloc(poll.count, sizeof *poll.seconds);
    poll.failed = !poll.seconds || request_make(&poll, argv) ||
                  wire_run(argv[1], clients, poll_next, &poll, &seconds) || poll.failed;
    if (!poll.failed)
        print(&poll, seconds);
    free(poll.request);
    free(poll.seconds);
    return poll.failed;
}
