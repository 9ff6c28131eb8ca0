/* A small hash table without deletion: an address may lie in any of the WAYS slots that follow the
 * one its hash names. */
#include "failures.h"

#include <stdbool.h>
#include <string.h>

#include <netinet/in.h>

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

static void make_key(const struct sockaddr *address, uint8_t ret_key[16])
{
    memset(ret_key, 0, 16);
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)address;

        memset(ret_key + 10, 0xff, 2);
        memcpy(ret_key + 12, &ipv4->sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)address;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr);

        memcpy(ret_key, &ipv6->sin6_addr, mapped ? 16 : 8);
    }
}

static size_t hash(const uint8_t key[16])
{
    uint64_t sum = 14695981039346656037u; /* FNV-1a */

    for (int i = 0; i < 16; i++)
        sum = (sum ^ key[i]) * 1099511628211u;
    return (size_t)(sum ^ sum >> 32);
}

/* The slot of that address: its own, else a free or outdated one, else the one that is oldest. */
static struct http_failure *slot_of(struct http_failures *failures, const uint8_t key[16])
{
    size_t first = hash(key);
    struct http_failure *best = NULL;

    for (size_t i = 0; i < WAYS; i++) {
        struct http_failure *slot = &failures->slots[(first + i) % HTTP_FAILURE_ADDRESSES_MAX];

        if (slot->count > 0 && memcmp(slot->address, key, 16) == 0)
            return slot;
        if (!best || (best->count > 0 && (slot->count == 0 || slot->since_ms < best->since_ms)))
            best = slot;
    }
    best->count = 0;
    memcpy(best->address, key, 16);
    return best;
}

unsigned http_failures_add(struct http_failures *failures, const struct sockaddr *address,
                           int64_t now_ms)
{
    unsigned wait_s = 0;
    uint8_t key[16];

    make_key(address, key);
    pthread_mutex_lock(&failures->lock);
    struct http_failure *slot = slot_of(failures, key);
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
