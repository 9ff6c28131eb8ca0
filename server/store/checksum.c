/* row_checksum(value, ...): a number that says whether a row is still what was written.
 *
 * SQLite's pages carry no checksums, so a bit that turns on the disk would be served as data. Every
 * row that is given out again holds this sum over its other columns; reading compares.
 *
 * Words of 8 bytes are mixed into 64 bits by h = (h ^ word) * odd, then h ^= h >> 32. Both steps
 * can be undone, so a change within one word always changes the sum; larger damage goes unnoticed
 * once in 2^64. It guards against broken hardware, not against people. Cost: one multiplication a
 * word, far below the disk. Kinds and lengths are mixed in, so that values cannot slide into their
 * neighbours. The definition can never change: rows hold its results.
 */
#include "store_private.h"

#include <endian.h>
#include <string.h>

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

static uint64_t mix_bytes(uint64_t hash, const unsigned char *bytes, size_t length)
{
    uint64_t word = 0;
    hash = mix(hash, length);
    for (; length >= sizeof(word); length -= sizeof(word), bytes += sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        hash = mix(hash, le64toh(word));
    }
    word = 0;
    if (length)
        memcpy(&word, bytes, length);
    return mix(hash, le64toh(word));
}

/* A blob of no bytes and a text of none are told apart by their kind. Answers whether the value
 * could be had. */
static bool mix_value(uint64_t *hash, sqlite3_value *value)
{
    int kind = sqlite3_value_type(value);
    *hash = mix(*hash, (uint64_t)kind);
    if (kind == SQLITE_INTEGER)
        *hash = mix(*hash, (uint64_t)sqlite3_value_int64(value));
    if (kind != SQLITE_TEXT && kind != SQLITE_BLOB)
        return kind != SQLITE_FLOAT; /* no table has any */
    const unsigned char *bytes = sqlite3_value_blob(value);
    size_t length = (size_t)sqlite3_value_bytes(value);
    if (!bytes && length)
        return false;
    *hash = mix_bytes(*hash, bytes, length);
    return true;
}

static void row_checksum(sqlite3_context *context, int count, sqlite3_value **values)
{
    uint64_t hash = 0;
    for (int i = 0; i < count; i++) {
        if (!mix_value(&hash, values[i])) {
            sqlite3_result_error_nomem(context);
            return;
        }
    }
    sqlite3_result_int64(context, (int64_t)hash);
}

int store_checksum_register(sqlite3 *db)
{
    return sqlite3_create_function_v2(db, "row_checksum", -1,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
                                      row_checksum, NULL, NULL, NULL);
}
