/* Reading and checking certificate and key. GnuTLS would find most of this out at the first
 * handshake, where the one who reads the message is a client. */
#include "tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "limits.h"

#define PATH_SHOWN "%.120s"

static int fail(char ret_error[256], const char *path, const char *what)
{
    snprintf(ret_error, 256, PATH_SHOWN ": %s", path, what);
    return -1;
}

static int check_file(const char *path, int fd, bool secret, char ret_error[256])
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return fail(ret_error, path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return fail(ret_error, path, "is no file");
    if (secret && (status.st_mode & (S_IRWXG | S_IRWXO)))
        return fail(ret_error, path, "a key must be its owner's alone; say chmod 600");
    if (status.st_size == 0)
        return fail(ret_error, path, "is empty");
    if (status.st_size > HTTP_TLS_FILE_MAX_BYTES)
        return fail(ret_error, path, "is too large for a certificate or a key");
    return 0;
}

static int read_open_file(const char *path, int fd, char **ret_text, char ret_error[256])
{
    char *text = calloc(1, HTTP_TLS_FILE_MAX_BYTES + 1);
    size_t length = 0;
    ssize_t got = 0;

    if (!text)
        return fail(ret_error, path, "out of memory");
    while (length < HTTP_TLS_FILE_MAX_BYTES &&
           (got = read(fd, text + length, HTTP_TLS_FILE_MAX_BYTES - length)) > 0)
        length += (size_t)got;
    if (got < 0) {
        free(text);
        return fail(ret_error, path, strerror(errno));
    }
    *ret_text = text;
    return 0;
}

static int read_file(const char *path, bool secret, char **ret_text, char ret_error[256])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return fail(ret_error, path, strerror(errno));
    int status = check_file(path, fd, secret, ret_error);
    if (status == 0)
        status = read_open_file(path, fd, ret_text, ret_error);
    close(fd);
    return status;
}

static gnutls_datum_t datum(char *text)
{
    return (gnutls_datum_t){.data = (unsigned char *)text, .size = (unsigned)strlen(text)};
}

/* Of the first certificate, which is the server's own. */
static int check_dates(const char *path, char *certificate, char ret_error[256])
{
    gnutls_x509_crt_t *chain = NULL;
    gnutls_datum_t text = datum(certificate);
    unsigned count = 0;
    time_t now = time(NULL);
    int status = 0;

    if (gnutls_x509_crt_list_import2(&chain, &count, &text, GNUTLS_X509_FMT_PEM, 0) < 0 ||
        count == 0)
        return fail(ret_error, path, "is no certificate in PEM");
    if (gnutls_x509_crt_get_expiration_time(chain[0]) <= now)
        status = fail(ret_error, path, "the certificate has expired");
    else if (gnutls_x509_crt_get_activation_time(chain[0]) > now)
        status = fail(ret_error, path, "the certificate is not valid yet");
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
    return status;
}

static int check_key(const char *path, char *key, char ret_error[256])
{
    gnutls_x509_privkey_t private;
    gnutls_datum_t text = datum(key);

    if (gnutls_x509_privkey_init(&private) < 0)
        return fail(ret_error, path, "out of memory");
    int status = gnutls_x509_privkey_import2(private, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_x509_privkey_deinit(private);
    if (status == GNUTLS_E_DECRYPTION_FAILED)
        return fail(ret_error, path, "the key is encrypted; a daemon has nobody to ask");
    return status < 0 ? fail(ret_error, path, "is no private key in PEM") : 0;
}

static int check_pair(const char *path, struct http_tls *tls, char ret_error[256])
{
    gnutls_certificate_credentials_t credentials;
    gnutls_datum_t certificate = datum(tls->certificate), key = datum(tls->key);

    if (gnutls_certificate_allocate_credentials(&credentials) < 0)
        return fail(ret_error, path, "out of memory");
    int status =
        gnutls_certificate_set_x509_key_mem(credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(credentials);
    if (status == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return fail(ret_error, path, "the key is not that of the certificate");
    return status < 0 ? fail(ret_error, path, gnutls_strerror(status)) : 0;
}

int http_tls_load(const char *certificate_file, const char *key_file, struct http_tls *ret_tls,
                  char ret_error[256])
{
    struct http_tls tls = {0};

    if (read_file(certificate_file, false, &tls.certificate, ret_error) < 0 ||
        read_file(key_file, true, &tls.key, ret_error) < 0 ||
        check_dates(certificate_file, tls.certificate, ret_error) < 0 ||
        check_key(key_file, tls.key, ret_error) < 0 || check_pair(key_file, &tls, ret_error) < 0) {
        http_tls_deinit(&tls);
        return -1;
    }
    *ret_tls = tls;
    return 0;
}

void http_tls_deinit(struct http_tls *tls)
{
    if (tls->key)
        explicit_bzero(tls->key, strlen(tls->key));
    free(tls->key);
    free(tls->certificate);
    *tls = (struct http_tls){0};
}
