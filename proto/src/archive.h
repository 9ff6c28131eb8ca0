/* What reader and writer of archives share: names, headers, sums. */
#ifndef PROTO_SRC_ARCHIVE_H
#define PROTO_SRC_ARCHIVE_H

#include <nettle/sha2.h>

#include <proto/archive.h>

#include "text.h"

#define ARCHIVE_HEAD "export.json"
#define ARCHIVE_EVENTS "events.jsonl"
#define ARCHIVE_SUMS "SHA256SUMS"

/* Bytes of zeros behind an entry, up to the next block. */
size_t archive_padding(uint64_t bytes);
/* 0, or -1: name or size cannot be said. */
__attribute__((warn_unused_result)) int
archive_header_make(const char *name, uint64_t bytes,
                    unsigned char ret_block[PROTO_ARCHIVE_BLOCK_BYTES]);
/* 0, or -1: not a header that archive_header_make makes. */
__attribute__((warn_unused_result)) int
archive_header_read(const unsigned char block[PROTO_ARCHIVE_BLOCK_BYTES],
                    struct proto_archive_entry *ret_entry);
/* Whether it names a demonstration's bytes. */
bool archive_is_blob(const char *name);
/* Ends the hash with a line of SHA256SUMS. */
void archive_sum_put(struct proto_text *sums, struct sha256_ctx *hash, const char *name);

#endif
