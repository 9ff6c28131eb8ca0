/* seal.h says why. The nonce is 96 random bits: a key seals one reply, or a few after replies have
 * been dropped, so a repetition cannot be waited for. */
#include "seal.h"

#include <string.h>

#include <sys/random.h>

#include <nettle/chacha-poly1305.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>

#define NONCE_BYTES CHACHA_POLY1305_NONCE_SIZE
#define TAG_BYTES CHACHA_POLY1305_DIGEST_SIZE
_Static_assert(HTTP_SEAL_BYTES == NONCE_BYTES + TAG_BYTES, "nonce and tag");

static void begin(struct chacha_poly1305_ctx *cipher, const char *bearer, const char *key,
                  const uint8_t nonce[NONCE_BYTES])
{
    static const char purpose[] = "amf kept reply 1";
    uint8_t secret[CHACHA_POLY1305_KEY_SIZE];
    struct sha256_ctx hash;

    /* The NULs keep the parts apart. */
    sha256_init(&hash);
    sha256_update(&hash, sizeof(purpose), (const uint8_t *)purpose);
    sha256_update(&hash, strlen(key) + 1, (const uint8_t *)key);
    sha256_update(&hash, strlen(bearer), (const uint8_t *)bearer);
    sha256_digest(&hash, sizeof(secret), secret);
    chacha_poly1305_set_key(cipher, secret);
    chacha_poly1305_set_nonce(cipher, nonce);
    explicit_bzero(secret, sizeof(secret));
    explicit_bzero(&hash, sizeof(hash));
}

int http_seal(const char *bearer, const char *key, const char *text, size_t length,
              char *ret_sealed)
{
    struct chacha_poly1305_ctx cipher;
    uint8_t *out = (uint8_t *)ret_sealed;

    if (getrandom(out, NONCE_BYTES, 0) != NONCE_BYTES)
        return -1;
    begin(&cipher, bearer, key, out);
    chacha_poly1305_encrypt(&cipher, length, out + NONCE_BYTES, (const uint8_t *)text);
    chacha_poly1305_digest(&cipher, TAG_BYTES, out + NONCE_BYTES + length);
    explicit_bzero(&cipher, sizeof(cipher));
    return 0;
}

int http_unseal(const char *bearer, const char *key, const char *sealed, size_t length,
                char *ret_text)
{
    struct chacha_poly1305_ctx cipher;
    const uint8_t *in = (const uint8_t *)sealed;
    uint8_t tag[TAG_BYTES];

    if (length < HTTP_SEAL_BYTES)
        return -1;
    length -= HTTP_SEAL_BYTES;
    begin(&cipher, bearer, key, in);
    chacha_poly1305_decrypt(&cipher, length, (uint8_t *)ret_text, in + NONCE_BYTES);
    chacha_poly1305_digest(&cipher, TAG_BYTES, tag);
    explicit_bzero(&cipher, sizeof(cipher));
    return memeql_sec(tag, in + NONCE_BYTES + length, TAG_BYTES) ? 0 : -1;
}
