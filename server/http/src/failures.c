/* A small hash table without deletion: an address may lie in any of the WAYS slots that follow the
 * one its hash names. */
#include "failures.h"

#include <string.h>

#define WAYS 8

void http_failures_init(struct http_failures *failures)
{
    memset(failures->slots, 0, sizeof(failures->slots));
    pthread_mutex_init(&failures->lock, NULL);
}

void http_failures_deinit(struct http_failures *failures)
{
    pthread_mutex_destroy(&failures->lock);
}

static size_t hash(struct http_address address)
{
    uint64_t sum = 14695981039346656037u; /* FNV-1a */

    for (int i = 0; i < 16; i++)
        sum = (sum ^ address.bytes[i]) * 1099511628211u;
    return (size_t)(sum ^ sum >> 32);
}

/* The slot of that address: its own, else a free or outdated one, else the one that is oldest. */
static struct http_failure *slot_of(struct http_failures *failures, struct http_address address)
{
    size_t first = hash(address);
    struct http_failure *best = NULL;

    for (size_t i = 0; i < WAYS; i++) {
        struct http_failure *slot = &failures->slots[(first + i) % HTTP_FAILURE_ADDRESSES_MAX];

        if (slot->count > 0 && memcmp(&slot->address, &address, sizeof(address)) == 0)
            return slot;
        if (!best || (best->count > 0 && (slot->count == 0 || slot->since_ms < best->since_ms)))
            best = slot;
    }
    best->count = 0;
    best->address = address;
    return best;
}

unsigned http_failures_add(struct http_failures *failures, const struct sockaddr *address,
                           int64_t now_ms)
{
    unsigned wait_s = 0;

    pthread_mutex_lock(&failures->lock);
    struct http_failure *slot = slot_of(failures, http_address_of(address));
    if (slot->count == 0 || now_ms - slot->since_ms >= HTTP_FAILURE_PERIOD_MS) {
        slot->count = 0;
        slot->since_ms = now_ms;
    }
    if (slot->count < HTTP_FAILURES_MAX)
        slot->count++;
    else
        wait_s = (unsigned)((HTTP_FAILURE_PERIOD_MS - (now_ms - slot->since_ms) + 999) / 1000);
    pthread_mutex_unlock(&failures->lock);
    return wait_s;
}
