/* SHA-256: of an answer's bytes as HTTP says it (RFC 9530): "sha-256=:BASE64:". */
#ifndef PROTO_DIGEST_H
#define PROTO_DIGEST_H

#include <stddef.h>

#define PROTO_DIGEST_HEADER "Repr-Digest"
#define PROTO_DIGEST_BYTES 56 /* the text with its NUL */

struct proto_digest;

/* NULL: out of memory. */
struct proto_digest *proto_digest_new(void);
void proto_digest_free(struct proto_digest *digest); /* NULL is fine */
void proto_digest_add(struct proto_digest *digest, const void *bytes, size_t length);
/* Once, after the last byte. */
void proto_digest_text(struct proto_digest *digest, char ret_text[PROTO_DIGEST_BYTES]);

#define PROTO_SHA256_BYTES 65 /* 64 lower-case hex digits and NUL */
/* Of bytes that are all there, as sha256sum prints it. */
void proto_sha256(const void *bytes, size_t length, char ret_hex[PROTO_SHA256_BYTES]);

#endif
