/* Which server, and with which token. */
#ifndef CLI_LOCATE_H
#define CLI_LOCATE_H

#include <proto/arena.h>

#define LOCATE_DEFAULT_URL "http://127.0.0.1:7667"
#define LOCATE_TOKEN_MAX_BYTES 1024

struct location {
    const char *url, *url_from; /* url_from: "--url", "AMF_URL", a file, or "the default" */
    const char *token;          /* NULL: none was found */
    const char *ca_file;        /* NULL: whom the machine trusts */
};

/* The server: `url`, then AMF_URL, then DIR/listening, then LOCATE_DEFAULT_URL. The token:
 * `token_file`, then AMF_TOKEN, then DIR/admin.token. DIR is $XDG_DATA_HOME/amf or
 * ~/.local/share/amf. Whom to trust: `ca_file`, then AMF_CA_FILE. The token in DIR is for the
 * daemon of this machine and is not sent anywhere but to a loopback address. Strings live in the
 * arena or the environment. 0; -1: token_file or ca_file cannot be used, ret_error says why. */
__attribute__((warn_unused_result)) int
locate_server(const char *url, const char *token_file, const char *ca_file,
              struct proto_arena *arena, struct location *ret_location, char ret_error[512]);

#endif
