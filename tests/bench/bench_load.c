/* Demonstrations posted to a running daemon by several clients at once, one connection each, as
 * fast as it takes them.
 *
 *     bench_load URL TOKEN PROJECT TASK KIND COUNT CLIENTS
 *
 * KIND is a row of body.c. Prints one JSON object: seconds, and percentiles of an answer's time.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "body.h"
#include "clock.h"

#define CLIENTS_MAX 64

struct load {
    const struct body_kind *kind;
    const char *task;
    char url[512], authorization[256];
    size_t count;
    atomic_size_t next;
    atomic_bool failed;
    double *seconds; /* of each request */
};

static size_t drop(char *bytes, size_t size, size_t count, void *arg)
{
    (void)bytes;
    (void)arg;
    return size * count;
}

static bool post(struct load *load, CURL *curl, struct body *body, size_t number)
{
    double start = bench_seconds();
    long status = 0;

    body_number(body, number);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body->length);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->bytes);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    load->seconds[number] = bench_seconds() - start;
    if (code == CURLE_OK && status == 201)
        return true;
    fprintf(stderr, "bench_load: request %zu: %s, status %ld\n", number, curl_easy_strerror(code),
            status);
    return false;
}

static struct curl_slist *make_headers(const struct load *load)
{
    struct curl_slist *headers = curl_slist_append(NULL, load->authorization);

    headers = curl_slist_append(headers, load->kind->content_type);
    return curl_slist_append(headers, "Expect:");
}

static void *client_run(void *arg)
{
    struct load *load = arg;
    struct body body = {0};
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = make_headers(load);
    bool ok = curl && headers && body_make(load->kind, load->task, &body) == 0;

    if (ok) {
        curl_easy_setopt(curl, CURLOPT_URL, load->url);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    }
    while (ok && !load->failed) {
        size_t number = atomic_fetch_add(&load->next, 1);

        if (number >= load->count)
            break;
        ok = post(load, curl, &body, number);
    }
    if (!ok)
        load->failed = true;
    body_deinit(&body);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double run(struct load *load, size_t clients)
{
    pthread_t threads[CLIENTS_MAX];
    double start = bench_seconds();
    size_t started = 0;

    while (started < clients && !pthread_create(&threads[started], NULL, client_run, load))
        started++;
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return started == clients ? bench_seconds() - start : -1;
}

static void print(const struct load *load, double seconds)
{
    const double *sorted = load->seconds;

    qsort(load->seconds, load->count, sizeof(double), by_value);
    printf("{\"count\": %zu, \"seconds\": %.6f, \"median_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"worst_ms\": %.3f}\n",
           load->count, seconds, 1e3 * sorted[load->count / 2],
           1e3 * sorted[load->count * 99 / 100], 1e3 * sorted[load->count - 1]);
}

int main(int argc, char **argv)
{
    struct load load = {0};

    if (argc != 8 || !(load.kind = body_kind_find(argv[5])) ||
        (load.count = strtoul(argv[6], NULL, 10)) == 0) {
        fprintf(stderr, "usage: bench_load URL TOKEN PROJECT TASK KIND COUNT CLIENTS\n");
        return 2;
    }
    size_t clients = strtoul(argv[7], NULL, 10);
    if (clients < 1 || clients > CLIENTS_MAX)
        return 2;
    load.task = argv[4];
    snprintf(load.url, sizeof(load.url), "%s/v1/projects/%s/demonstrations", argv[1], argv[3]);
    snprintf(load.authorization, sizeof(load.authorization), "Authorization: Bearer %s", argv[2]);
    load.seconds = calloc(load.count, sizeof(double));
    if (!load.seconds || curl_global_init(CURL_GLOBAL_DEFAULT))
        return 1;
    double seconds = run(&load, clients);
    if (!load.failed && seconds > 0)
        print(&load, seconds);
    free(load.seconds);
    curl_global_cleanup();
    return load.failed || seconds < 0;
}
