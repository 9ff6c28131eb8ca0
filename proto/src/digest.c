#include <stdlib.h>
#include <string.h>

#include <nettle/base64.h>
#include <nettle/sha2.h>

#include <proto/digest.h>
#include <proto/hex.h>

struct proto_digest {
    struct sha256_ctx sha256;
};

struct proto_digest *proto_digest_new(void)
{
    struct proto_digest *digest = calloc(1, sizeof(*digest));

    if (digest)
        sha256_init(&digest->sha256);
    return digest;
}

void proto_digest_free(struct proto_digest *digest)
{
    free(digest);
}

void proto_digest_add(struct proto_digest *digest, const void *bytes, size_t length)
{
    sha256_update(&digest->sha256, length, bytes);
}

void proto_digest_text(struct proto_digest *digest, char ret_text[PROTO_DIGEST_BYTES])
{
    static const char before[] = "sha-256=:";
    uint8_t bytes[SHA256_DIGEST_SIZE];
    char *at = ret_text + sizeof(before) - 1;

    sha256_digest(&digest->sha256, sizeof(bytes), bytes);
    memcpy(ret_text, before, sizeof(before));
    base64_encode_raw(at, sizeof(bytes), bytes);
    memcpy(at + BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE), ":", 2);
}

void proto_sha256(const void *bytes, size_t length, char ret_hex[PROTO_SHA256_BYTES])
{
    struct sha256_ctx sha256;
    uint8_t digest[SHA256_DIGEST_SIZE];

    sha256_init(&sha256);
    sha256_update(&sha256, length, bytes);
    sha256_digest(&sha256, sizeof(digest), digest);
    proto_hex_write(digest, sizeof(digest), ret_hex);
}
