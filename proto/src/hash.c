/* What makes two demonstrations the same; wire.h defines the bytes. */
#include <string.h>

#include <nettle/sha2.h>

#include <proto/hex.h>
#include <proto/wire.h>

#include "bytes.h"

static void hash_u64(struct sha256_ctx *sha256, uint64_t number)
{
    unsigned char bytes[8];
    proto_bytes_put_u64(bytes, number);
    sha256_update(sha256, sizeof(bytes), bytes);
}

static void hash_string(struct sha256_ctx *sha256, const char *text)
{
    size_t length = text ? strlen(text) : 0;
    hash_u64(sha256, length);
    if (length > 0)
        sha256_update(sha256, length, (const uint8_t *)text);
}

static void hash_matrix(struct sha256_ctx *sha256, const struct proto_matrix *matrix)
{
    hash_u64(sha256, matrix->rows);
    hash_u64(sha256, matrix->cols);
    for (size_t i = 0; i < matrix->rows * matrix->cols; i++) {
        unsigned char bytes[8];
        proto_bytes_put_f64(bytes, matrix->data[i] == 0 ? 0.0 : matrix->data[i]);
        sha256_update(sha256, sizeof(bytes), bytes);
    }
}

void proto_demonstration_hash(const struct proto_demonstration *demonstration, char ret_hex[65])
{
    static const char version[] = "amf demonstration 1\n";
    struct sha256_ctx sha256;
    uint8_t success = demonstration->success ? 1 : 0, digest[SHA256_DIGEST_SIZE];
    sha256_init(&sha256);
    sha256_update(&sha256, sizeof(version) - 1, (const uint8_t *)version);
    hash_string(&sha256, demonstration->task);
    sha256_update(&sha256, 1, &success);
    hash_string(&sha256, proto_demonstration_role_names[demonstration->role]);
    hash_matrix(&sha256, &demonstration->states);
    hash_matrix(&sha256, &demonstration->actions);
    sha256_digest(&sha256, sizeof(digest), digest);
    proto_hex_write(digest, sizeof(digest), ret_hex);
}
