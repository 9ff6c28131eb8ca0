/* Open addressing with linear probing; at most half full, so a probe is short. Removal re-inserts
 * the run behind it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hashes.h"

struct hashes {
    struct demonstration **slots;
    size_t slot_count, used; /* slot_count: a power of two */
};

/* SHA-256 is already uniform: its first sixteen digits serve as they are. */
static size_t hashes_start(const struct hashes *hashes, const char *sha256)
{
    uint64_t prefix = 0;

    for (int i = 0; i < 16; i++) {
        char digit = sha256[i];

        prefix = prefix << 4 | (uint64_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    return (size_t)prefix & (hashes->slot_count - 1);
}

static size_t hashes_slot(const struct hashes *hashes, const char *sha256)
{
    size_t slot = hashes_start(hashes, sha256);

    while (hashes->slots[slot] && strcmp(hashes->slots[slot]->meta.sha256, sha256) != 0)
        slot = (slot + 1) & (hashes->slot_count - 1);
    return slot;
}

static int hashes_resize(struct hashes *hashes, size_t slot_count)
{
    struct hashes next = {calloc(slot_count, sizeof *next.slots), slot_count, hashes->used};

    if (!next.slots)
        return -1;
    for (size_t i = 0; i < hashes->slot_count; i++)
        if (hashes->slots[i])
            next.slots[hashes_slot(&next, hashes->slots[i]->meta.sha256)] = hashes->slots[i];
    free(hashes->slots);
    *hashes = next;
    return 0;
}

struct hashes *hashes_new(const struct roll *demonstrations)
{
    struct hashes *hashes = calloc(1, sizeof *hashes);

    if (!hashes || hashes_resize(hashes, 64)) {
        free(hashes);
        return NULL;
    }
    for (size_t i = 0; i < demonstrations->count; i++) {
        if (hashes_add(hashes, roll_get(demonstrations, i))) {
            hashes_free(hashes);
            return NULL;
        }
    }
    return hashes;
}

void hashes_free(struct hashes *hashes)
{
    if (!hashes)
        return;
    free(hashes->slots);
    free(hashes);
}

struct demonstration *hashes_find(const struct hashes *hashes, const char *sha256)
{
    return hashes->slots[hashes_slot(hashes, sha256)];
}

int hashes_add(struct hashes *hashes, struct demonstration *demonstration)
{
    if (2 * (hashes->used + 1) > hashes->slot_count &&
        hashes_resize(hashes, 2 * hashes->slot_count))
        return -1;
    hashes->slots[hashes_slot(hashes, demonstration->meta.sha256)] = demonstration;
    hashes->used++;
    return 0;
}

void hashes_remove(struct hashes *hashes, const char *sha256)
{
    size_t slot = hashes_slot(hashes, sha256);

    if (!hashes->slots[slot])
        return;
    hashes->slots[slot] = NULL;
    hashes->used--;
    for (size_t next = (slot + 1) & (hashes->slot_count - 1); hashes->slots[next];
         next = (next + 1) & (hashes->slot_count - 1)) {
        struct demonstration *moved = hashes->slots[next];

        hashes->slots[next] = NULL;
        hashes->slots[hashes_slot(hashes, moved->meta.sha256)] = moved;
    }
}
