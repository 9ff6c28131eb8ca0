/* Certificate and key of a server that speaks TLS, checked before anybody connects. */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

/* TLS 1.2 and 1.3, authenticated ciphers, elliptic curves; the server's order counts. */
#define HTTP_TLS_PRIORITIES                                                                        \
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:"    \
    "+CHACHA20-POLY1305:-MAC-ALL:+AEAD:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:"                 \
    "%SERVER_PRECEDENCE"

struct http_tls {
    char *certificate, *key; /* PEM */
};

/* Both files must belong together, the certificate must be valid now, and the key readable for its
 * owner alone. 0, or -1 with one line in ret_error. */
__attribute__((warn_unused_result)) int http_tls_load(const char *certificate_file,
                                                      const char *key_file,
                                                      struct http_tls *ret_tls,
                                                      char ret_error[256]);
/* Overwrites the key. */
void http_tls_deinit(struct http_tls *tls);

#endif
