/* Keeps the reply to a request that made a secret from lying in the store as it is.
 *
 * Such a reply (a new token) is kept for Idempotency-Key like any other, so that a retry after a
 * lost connection gets it byte for byte. But who reads a backup must not find tokens in it. So it
 * is encrypted with a key that only the asker's own token gives, and of that the store holds a hash
 * and no more. ChaCha20-Poly1305, with a random nonce in front.
 */
#ifndef HTTP_SEAL_H
#define HTTP_SEAL_H

#include <stddef.h>

#define HTTP_SEAL_BYTES 28 /* nonce and tag */

/* ret_sealed has room for length + HTTP_SEAL_BYTES. 0, or -1: no random bytes. */
__attribute__((warn_unused_result)) int
http_seal(const char *bearer, const char *key, const char *text, size_t length, char *ret_sealed);
/* ret_text has room for length - HTTP_SEAL_BYTES. 0, or -1: sealed with another token or key. */
__attribute__((warn_unused_result)) int
http_unseal(const char *bearer, const char *key, const char *sealed, size_t length, char *ret_text);

#endif
