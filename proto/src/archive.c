/* ustar (POSIX.1-1988) with everything constant but name and size: no owner, no time, mode 0644. A
 * header is then a function of these two, and reading one is making it again and comparing. */
#include "archive.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <proto/hex.h>

#define BLOB_ENDING ".safetensors"
#define SIZE_AT 124
#define CHECKSUM_AT 148
#define HEX_BYTES (2 * SHA256_DIGEST_SIZE)

size_t archive_padding(uint64_t bytes)
{
    return (size_t)(-bytes % PROTO_ARCHIVE_BLOCK_BYTES);
}

uint64_t proto_archive_entry_bytes(uint64_t bytes)
{
    return PROTO_ARCHIVE_BLOCK_BYTES + bytes + archive_padding(bytes);
}

uint64_t proto_archive_sum_bytes(const char *name)
{
    return HEX_BYTES + 2 + strlen(name) + 1;
}

static unsigned checksum(const unsigned char block[PROTO_ARCHIVE_BLOCK_BYTES])
{
    unsigned sum = 8 * ' '; /* its own field counts as blanks */

    for (size_t i = 0; i < PROTO_ARCHIVE_BLOCK_BYTES; i++)
        if (i < CHECKSUM_AT || i >= CHECKSUM_AT + 8)
            sum += block[i];
    return sum;
}

int archive_header_make(const char *name, uint64_t bytes,
                        unsigned char ret_block[PROTO_ARCHIVE_BLOCK_BYTES])
{
    static const struct {
        size_t at;
        const char *text;
    } constants[] = {{100, "0000644"},     {108, "0000000"}, {116, "0000000"},
                     {136, "00000000000"}, {156, "0"},       {257, "ustar"},
                     {263, "00"},          {329, "0000000"}, {337, "0000000"}};
    char number[16];
    size_t length = strlen(name);

    if (length == 0 || length >= PROTO_ARCHIVE_NAME_BYTES || bytes >= PROTO_ARCHIVE_ENTRY_MAX_BYTES)
        return -1;
    memset(ret_block, 0, PROTO_ARCHIVE_BLOCK_BYTES);
    memcpy(ret_block, name, length + 1);
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++)
        memcpy(ret_block + constants[i].at, constants[i].text, strlen(constants[i].text) + 1);
    snprintf(number, sizeof(number), "%011" PRIo64, bytes);
    memcpy(ret_block + SIZE_AT, number, 11);
    snprintf(number, sizeof(number), "%06o", checksum(ret_block));
    memcpy(ret_block + CHECKSUM_AT, number, 6);
    ret_block[CHECKSUM_AT + 7] = ' ';
    return 0;
}

int archive_header_read(const unsigned char block[PROTO_ARCHIVE_BLOCK_BYTES],
                        struct proto_archive_entry *ret_entry)
{
    unsigned char again[PROTO_ARCHIVE_BLOCK_BYTES];
    struct proto_archive_entry entry = {.bytes = 0};

    memcpy(entry.name, block, sizeof(entry.name) - 1);
    for (size_t i = SIZE_AT; i < SIZE_AT + 11; i++) {
        if (block[i] < '0' || block[i] > '7')
            return -1;
        entry.bytes = entry.bytes * 8 + (uint64_t)(block[i] - '0');
    }
    if (archive_header_make(entry.name, entry.bytes, again) < 0 ||
        memcmp(block, again, sizeof(again)) != 0)
        return -1;
    *ret_entry = entry;
    return 0;
}

static const struct {
    char prefix;
    const char *folder;
} blob_kinds[] = {{'d', "demonstrations/"}, {'f', "features/"}, {'p', "policies/"}};

/* "d0000000042": how state names a demonstration; likewise features and revisions of policies.
 * NULL: it names nothing. */
static const char *blob_folder(const char *id, size_t length)
{
    if (length < 11 || length > 20 || strspn(id + 1, "0123456789") < length - 1)
        return NULL;
    for (size_t i = 0; i < sizeof(blob_kinds) / sizeof(blob_kinds[0]); i++)
        if (id[0] == blob_kinds[i].prefix)
            return blob_kinds[i].folder;
    return NULL;
}

int proto_archive_blob_id(const char *name, char ret_id[PROTO_ARCHIVE_ID_BYTES])
{
    const char *id = strchr(name, '/');
    size_t ending = strlen(BLOB_ENDING), length;

    if (!id || strlen(++id) <= ending)
        return -1;
    length = strlen(id) - ending;
    const char *folder = blob_folder(id, length);
    if (!folder || strlen(folder) != (size_t)(id - name) ||
        memcmp(name, folder, strlen(folder)) != 0 || strcmp(id + length, BLOB_ENDING) != 0)
        return -1;
    memcpy(ret_id, id, length);
    ret_id[length] = '\0';
    return 0;
}

bool archive_is_blob(const char *name)
{
    char id[PROTO_ARCHIVE_ID_BYTES];

    return !proto_archive_blob_id(name, id);
}

int proto_archive_blob_name(const char *id, char ret_name[PROTO_ARCHIVE_NAME_BYTES])
{
    const char *folder = *id ? blob_folder(id, strlen(id)) : NULL;

    if (!folder)
        return -1;
    snprintf(ret_name, PROTO_ARCHIVE_NAME_BYTES, "%s%s" BLOB_ENDING, folder, id);
    return 0;
}

void archive_sum_put(struct proto_text *sums, struct sha256_ctx *hash, const char *name)
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    char hex[HEX_BYTES + 1];

    sha256_digest(hash, sizeof(digest), digest);
    proto_hex_write(digest, sizeof(digest), hex);
    proto_text_puts(sums, hex);
    proto_text_puts(sums, "  ");
    proto_text_puts(sums, name);
    proto_text_puts(sums, "\n");
}
