/* Writes events with blobs from several threads, as fast as it can, until it is killed.
 *
 *     crash_writer DIR THREADS MODE
 *
 * Prints one line per event, in one write: PROJECT SEQ CHECKSUM. What is printed is promised.
 * MODE: durable   the store as it is: prints after store_write has returned;
 *       early     prints before the commit, a promise that a kill must show to be false;
 *       normal    prints after store_write, but with synchronous=NORMAL, which a power cut must
 * show.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <store_private.h>

#include "fixture.h"

enum { THREADS_MAX = 32, BLOB_MAX_BYTES = 200000 };
enum {
    EARLY_US = 1000
}; /* between promise and commit, so that a kill meets it on a quick disk too */

struct worker {
    pthread_t thread;
    struct store *store;
    char project[16];
    bool early;
    int64_t seq;
    uint64_t checksum;
    unsigned char blob[BLOB_MAX_BYTES];
    size_t blob_bytes;
};

static void promise(const struct worker *worker)
{
    char line[80];
    int length = snprintf(line, sizeof(line), "%s %" PRId64 " %016" PRIx64 "\n", worker->project,
                          worker->seq, worker->checksum);
    if (write(STDOUT_FILENO, line, (size_t)length) != length)
        exit(3);
}

static int append_body(struct store_tx *tx, void *arg)
{
    struct worker *worker = arg;
    char id[32];
    (void)snprintf(id, sizeof(id), "b%" PRId64, worker->seq);
    const struct store_event event = {
        .project = worker->project,
        .seq = worker->seq,
        .at_ms = worker->seq,
        .type = "noted",
        .body = "{}",
        .blob = worker->blob,
        .blob_bytes = worker->blob_bytes,
        .blob_id = id,
    };
    int status = store_tx_append(tx, &event);
    if (!status && worker->early) {
        promise(worker);
        usleep(EARLY_US);
    }
    return status;
}

static int write_next(struct worker *worker)
{
    uint64_t seed = (uint64_t)worker->seq * 31 + (uint64_t)worker->project[1];
    worker->blob_bytes = fixture_length(seed);
    fixture_fill(worker->blob, worker->blob_bytes, seed);
    worker->checksum = fixture_checksum(worker->blob, worker->blob_bytes);
    int status = store_write(worker->store, append_body, worker);
    if (!status && !worker->early)
        promise(worker);
    return status;
}

static void *write_forever(void *arg)
{
    struct worker *worker = arg;
    for (;;) {
        int status = write_next(worker);
        if (status) {
            fprintf(stderr, "crash_writer: store_write answered %d\n", status);
            return NULL;
        }
        worker->seq++;
    }
}

static int find_last(const struct store_event *event, void *arg)
{
    *(int64_t *)arg = event->seq;
    return 0;
}

static int start(struct worker *worker, struct store *store, int number, bool early)
{
    int64_t last = 0;
    worker->store = store;
    worker->early = early;
    (void)snprintf(worker->project, sizeof(worker->project), "p%c", 'a' + number);
    if (store_read_events(store, worker->project, 0, false, find_last, &last))
        return -1;
    worker->seq = last + 1;
    return pthread_create(&worker->thread, NULL, write_forever, worker);
}

int main(int argc, char **argv)
{
    char error[256] = "";
    struct store *store = NULL;
    int threads = argc == 4 ? atoi(argv[2]) : 0;
    if (threads < 1 || threads > THREADS_MAX) {
        fprintf(stderr, "usage: crash_writer DIR THREADS durable|early|normal\n");
        return 2;
    }
    if (store_open(argv[1], &store, error)) {
        fprintf(stderr, "crash_writer: %s\n", error);
        return 1;
    }
    /* The writer thread sleeps until the first write, so its connection is free for this. */
    if (strcmp(argv[3], "normal") == 0 &&
        sqlite3_exec(store->writer.db, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL))
        return 1;
    struct worker *workers = calloc((size_t)threads, sizeof(*workers));
    if (!workers)
        return 1;
    for (int i = 0; i < threads; i++)
        if (start(&workers[i], store, i, strcmp(argv[3], "early") == 0))
            return 1;
    for (int i = 0; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    free(workers);
    store_close(store);
    return 1; /* the writers only stop when a write fails */
}
