/* A list of cells that many snapshots share: appending is O(1), copying O(n / 256).
 *
 * Items sit in reference-counted chunks of 256. A copy shares the chunks. The newest owner of the
 * last chunk appends in place: older copies never look beyond their own count. Anybody else's
 * change copies the one chunk first. One thread at a time may change any of the rolls that share
 * chunks; reading is free for all.
 */
#ifndef STATE_ROLL_H
#define STATE_ROLL_H

#include <stdbool.h>
#include <stddef.h>

struct roll_chunk;

struct roll {
    struct roll_chunk **chunks;
    size_t chunk_count, count;
};

#define ROLL_NULL                                                                                  \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

void *roll_get(const struct roll *roll, size_t index); /* borrowed; index < count */

/* Each takes a reference of its own on the item. 0, or -1 when out of memory (nothing changed). */
__attribute__((warn_unused_result)) int roll_append(struct roll *roll, void *item);
__attribute__((warn_unused_result)) int roll_replace(struct roll *roll, size_t index, void *item);
__attribute__((warn_unused_result)) int roll_insert(struct roll *roll, size_t index, void *item);
__attribute__((warn_unused_result)) int roll_remove(struct roll *roll, size_t index);
/* Whether both hold the same items because one was copied from the other and neither has changed
 * since. False is no proof that they differ. O(n / 256). */
bool roll_same(const struct roll *roll, const struct roll *other);
__attribute__((warn_unused_result)) int roll_copy(const struct roll *roll, struct roll *ret_copy);
void roll_deinit(struct roll *roll);

#endif
