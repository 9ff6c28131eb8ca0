/* Which content is held: SHA-256 in hex -> demonstration. */
#ifndef STATE_HASHES_H
#define STATE_HASHES_H

#include <stddef.h>

#include <state/roll.h>
#include <state/view.h>

struct hashes;

/* Of all demonstrations in a roll; NULL when out of memory. Items are borrowed. */
struct hashes *hashes_new(const struct roll *demonstrations);
void hashes_free(struct hashes *hashes);
struct demonstration *hashes_find(const struct hashes *hashes, const char *sha256);
__attribute__((warn_unused_result)) int hashes_add(struct hashes *hashes,
                                                   struct demonstration *demonstration);
void hashes_remove(struct hashes *hashes, const char *sha256);

#endif
