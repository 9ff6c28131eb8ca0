/* The log is read back by two threads, because decoding costs more than all the rest.
 *
 * The caller's thread reads rows, which compares their checksums, and copies them into batches;
 * the other makes events of them, and so does the caller's when it would have to wait; the caller's
 * takes the batches back in order and has each event applied. So what is applied, and in what
 * order, does not depend on the threads. The batches form a ring: one is filled, the others wait to
 * be decoded or applied. A batch is full by its bytes as by its rows, which bounds the memory of
 * all: the largest rows go through a few at a time.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

enum { BATCH_EVENTS = 64, BATCH_BYTES = 1 << 20, BATCHES = 4 };

struct row {
    struct store_event stored;
    struct event event;
    int status;
};

struct batch {
    struct proto_arena arena; /* the rows' bytes, and what was decoded from them */
    struct row rows[BATCH_EVENTS];
    size_t count, bytes;
    bool decoded; /* under the ring's mutex */
};

struct ring {
    struct batch batches[BATCHES];
    size_t read, applied; /* batches so far; the caller's thread's */
    replay_fn fn;
    void *arg;
    int failed;            /* what fn answered; 0: nothing so far */
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t changed;
    size_t handed, taken; /* batches so far: to be decoded, and by one of the threads */
    bool ending;
};

static void batch_decode(struct batch *batch)
{
    struct proto_error error;

    for (size_t i = 0; i < batch->count; i++) {
        struct row *row = &batch->rows[i];

        row->status = event_read(&row->stored, true, &batch->arena, &row->event, &error);
    }
}

/* Under the mutex, which is free meanwhile. False: there is none to decode. */
static bool decode_next(struct ring *ring)
{
    struct batch *batch = &ring->batches[ring->taken % BATCHES];

    if (ring->taken == ring->handed)
        return false;
    ring->taken++;
    pthread_mutex_unlock(&ring->mutex);
    batch_decode(batch);
    pthread_mutex_lock(&ring->mutex);
    batch->decoded = true;
    pthread_cond_broadcast(&ring->changed);
    return true;
}

static void *decoder_main(void *arg)
{
    struct ring *ring = arg;

    pthread_mutex_lock(&ring->mutex);
    while (!ring->ending)
        if (!decode_next(ring))
            pthread_cond_wait(&ring->changed, &ring->mutex);
    pthread_mutex_unlock(&ring->mutex);
    return NULL;
}

static void batch_clear(struct batch *batch)
{
    proto_arena_deinit(&batch->arena);
    batch->count = batch->bytes = 0;
    batch->decoded = false;
}

/* Empties the oldest batch, once it is decoded. */
static void apply_oldest(struct ring *ring)
{
    struct batch *batch = &ring->batches[ring->applied % BATCHES];

    pthread_mutex_lock(&ring->mutex);
    while (!batch->decoded)
        if (!decode_next(ring))
            pthread_cond_wait(&ring->changed, &ring->mutex);
    pthread_mutex_unlock(&ring->mutex);
    for (size_t i = 0; i < batch->count && !ring->failed; i++)
        ring->failed = ring->fn(&batch->rows[i].stored, batch->rows[i].status,
                                &batch->rows[i].event, ring->arg);
    batch_clear(batch);
    ring->applied++;
}

/* Hands over the batch that was filled; the next one is empty afterwards. */
static int hand_over(struct ring *ring)
{
    pthread_mutex_lock(&ring->mutex);
    ring->handed = ++ring->read;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->mutex);
    if (ring->read - ring->applied == BATCHES)
        apply_oldest(ring);
    return ring->failed;
}

static int row_copy(const struct store_event *from, struct proto_arena *arena,
                    struct store_event *ret_to)
{
    struct store_event to = *from;
    void *blob = from->blob ? proto_arena_alloc(arena, from->blob_bytes, 1) : NULL;

    to.project = proto_arena_strdup(arena, from->project);
    to.type = proto_arena_strdup(arena, from->type);
    to.body = proto_arena_strdup(arena, from->body);
    to.blob_id = proto_arena_strdup(arena, from->blob_id);
    if (!to.project || !to.type || !to.body || (from->blob_id && !to.blob_id) ||
        (from->blob && !blob))
        return STORE_NO_MEMORY;
    if (blob)
        memcpy(blob, from->blob, from->blob_bytes);
    to.blob = blob;
    *ret_to = to;
    return 0;
}

static int take_row(const struct store_event *stored, void *arg)
{
    struct ring *ring = arg;
    struct batch *batch = &ring->batches[ring->read % BATCHES];
    int status = row_copy(stored, &batch->arena, &batch->rows[batch->count].stored);

    if (status)
        return status;
    batch->count++;
    batch->bytes += strlen(stored->body) + stored->blob_bytes;
    return batch->count == BATCH_EVENTS || batch->bytes >= BATCH_BYTES ? hand_over(ring) : 0;
}

/* What was read before a row that could not be is applied first, so that the earliest fault counts.
 */
static int read_all(struct ring *ring, struct store *store)
{
    int status = store_read_events(store, NULL, 0, true, take_row, ring);

    if (!ring->failed)
        (void)hand_over(ring);
    while (!ring->failed && ring->applied < ring->read)
        apply_oldest(ring);
    return ring->failed ? ring->failed : status;
}

static void stop(struct ring *ring, pthread_t decoder)
{
    pthread_mutex_lock(&ring->mutex);
    ring->ending = true;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->mutex);
    pthread_join(decoder, NULL);
}

static int replay_with(struct ring *ring, struct store *store)
{
    pthread_t decoder;
    int status;

    pthread_mutex_init(&ring->mutex, NULL);
    pthread_cond_init(&ring->changed, NULL);
    status = pthread_create(&decoder, NULL, decoder_main, ring) ? STORE_NO_MEMORY : 0;
    if (!status) {
        status = read_all(ring, store);
        stop(ring, decoder);
    }
    for (size_t i = 0; i < BATCHES; i++)
        batch_clear(&ring->batches[i]);
    pthread_cond_destroy(&ring->changed);
    pthread_mutex_destroy(&ring->mutex);
    return status;
}

int replay(struct store *store, replay_fn fn, void *arg)
{
    struct ring *ring = calloc(1, sizeof *ring);
    int status;

    if (!ring)
        return STORE_NO_MEMORY;
    ring->fn = fn;
    ring->arg = arg;
    status = replay_with(ring, store);
    free(ring);
    return status;
}
