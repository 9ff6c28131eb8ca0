/* Operators who ask for a task and give it back, in turn, as fast as the daemon answers.
 *
 *     bench_ask URL TOKEN PROJECT CLIENTS COUNT
 *
 * COUNT pairs of ask and release in all. Prints one JSON object: pairs a second, percentiles of an
 * ask's time, and which share of the answers came from a ranking that had seen everything before
 * them (age_s 0).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define REQUEST_BYTES 1024

struct asker {
    char request[REQUEST_BYTES];
    bool asking; /* else releasing */
};

struct asking {
    const char *token, *project;
    struct asker *askers;
    size_t begun, asked, released, count, fresh;
    double *seconds; /* of each ask */
    bool failed;
};

static size_t write_request(const struct asking *asking, struct asker *asker, const char *path,
                            const char *body)
{
    return (size_t)snprintf(asker->request, sizeof asker->request,
                            "POST /v1/projects/%s/assignments%s HTTP/1.1\r\nHost: localhost\r\n"
                            "Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
                            "Content-Length: %zu\r\n\r\n%s",
                            asking->project, path, asking->token, strlen(body), body);
}

static size_t write_ask(const struct asking *asking, struct asker *asker, size_t client)
{
    char body[64];

    snprintf(body, sizeof body, "{\"operator\": \"operator-%zu\"}", client);
    return write_request(asking, asker, "", body);
}

/* The text behind `"name":` and blanks, or NULL. */
static const char *find(const char *body, const char *name)
{
    const char *at = strstr(body, name);

    return at ? at + strlen(name) + strspn(at + strlen(name), " ") : NULL;
}

static size_t write_release(struct asking *asking, struct asker *asker, const char *answer)
{
    const char *id = find(answer, "\"id\":"), *fence = find(answer, "\"fence\":");
    const char *age = find(answer, "\"age_s\":");
    char path[64], body[64];

    if (!id || !fence || !age)
        return 0;
    asking->fresh += strtod(age, NULL) == 0;
    snprintf(path, sizeof path, "/%.*s/release", (int)strcspn(id + 1, "\""), id + 1);
    snprintf(body, sizeof body, "{\"fence\": %ld}", strtol(fence, NULL, 10));
    return write_request(asking, asker, path, body);
}

static bool took(struct asking *asking, const struct asker *asker, const struct wire_answer *answer)
{
    if (answer->status != (asker->asking ? 201 : 200)) {
        fprintf(stderr, "bench_ask: status %d: %.200s\n", answer->status, answer->body);
        return false;
    }
    if (asker->asking)
        asking->seconds[asking->asked++] = answer->seconds;
    else
        asking->released++;
    return true;
}

static bool ask_next(void *arg, size_t client, const struct wire_answer *answer,
                     const char **ret_bytes, size_t *ret_length)
{
    struct asking *asking = arg;
    struct asker *asker = &asking->askers[client];

    if (answer && !took(asking, asker, answer))
        asking->failed = true;
    if (asking->failed)
        return false;
    if (answer && asker->asking) {
        asker->asking = false;
        *ret_length = write_release(asking, asker, answer->body);
        asking->failed = *ret_length == 0;
    } else {
        if (asking->begun == asking->count)
            return false;
        asking->begun++;
        asker->asking = true;
        *ret_length = write_ask(asking, asker, client);
    }
    *ret_bytes = asker->request;
    return !asking->failed;
}

static void print(struct asking *asking, double seconds)
{
    double median_ms = wire_percentile_ms(asking->seconds, asking->asked, 0.5);

    printf("{\"count\": %zu, \"per_s\": %.1f, \"median_ms\": %.3f, \"p99_ms\": %.3f, \"fresh\": "
           "%.4f}\n",
           asking->asked, (double)asking->released / seconds, median_ms,
           wire_percentile_ms(asking->seconds, asking->asked, 0.99),
           (double)asking->fresh / (double)asking->asked);
}

int main(int argc, char **argv)
{
    struct asking asking = {.count = argc == 6 ? strtoul(argv[5], NULL, 10) : 0};
    size_t clients = argc == 6 ? strtoul(argv[4], NULL, 10) : 0;
    double seconds;

    if (!asking.count || !clients) {
        fprintf(stderr, "usage: bench_ask URL TOKEN PROJECT CLIENTS COUNT\n");
        return 2;
    }
    asking.token = argv[2];
    asking.project = argv[3];
    asking.askers = calloc(clients, sizeof *asking.askers);
    asking.seconds = calloc(asking.count, sizeof *asking.seconds);
    asking.failed = !asking.askers || !asking.seconds ||
                    wire_run(argv[1], clients, ask_next, &asking, &seconds) || asking.failed;
    if (!asking.failed)
        print(&asking, seconds);
    free(asking.askers);
    free(asking.seconds);
    return asking.failed;
}
