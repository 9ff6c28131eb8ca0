/* The text that a token is, and how two are compared.
 *
 *     amf_t0000000017_pC5...43 symbols...k4AbCd_-
 *     |   |           |                    |
 *     |   public id   256 random bits      CRC-32 of all before
 *     mark that scanners for leaked secrets look for
 *
 * Symbols are those of base64url. The checksum tells a mistyped or cut token from a wrong one
 * without a server. Of a token only the id and the SHA-256 of the whole text are ever stored: the
 * random part is as long as the hash, so there is nothing that a slow hash would protect.
 */
#ifndef PROTO_TOKEN_H
#define PROTO_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include <proto/wire.h>

#define PROTO_TOKEN_SECRET_BYTES 32
#define PROTO_TOKEN_DIGEST_BYTES 32
#define PROTO_TOKEN_TEXT_BYTES 80 /* with NUL; 65 are used up to number 9,999,999,999 */

/* "t0000000017". number >= 0. */
void proto_token_id(int64_t number, char ret_id[PROTO_TOKEN_ID_BYTES]);
/* False: not an id. */
bool proto_token_parse_id(const char *id, int64_t *ret_number);

void proto_token_write(int64_t number, const uint8_t secret[PROTO_TOKEN_SECRET_BYTES],
                       char ret_text[PROTO_TOKEN_TEXT_BYTES]);
/* False: not a text of this form, or its checksum is wrong. */
bool proto_token_read(const char *text, int64_t *ret_number);

void proto_token_digest(const char *text, uint8_t ret_digest[PROTO_TOKEN_DIGEST_BYTES]);
/* Takes the same time wherever the two differ. */
bool proto_token_same(const uint8_t a[PROTO_TOKEN_DIGEST_BYTES],
                      const uint8_t b[PROTO_TOKEN_DIGEST_BYTES]);

#endif
