/* Settings of the daemon: one table of keys; a flag wins over the environment, that over the file,
 * that over the default. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { CONFIG_TEXT_BYTES = 1024, CONFIG_ERROR_BYTES = 512, CONFIG_KEYS_MAX = 32 };

struct config {
    char data[CONFIG_TEXT_BYTES];    /* directory */
    bool data_is_default;            /* nobody named it: the folders above it may be made, too */
    char listen[CONFIG_TEXT_BYTES];  /* ADDR:PORT */
    char address[CONFIG_TEXT_BYTES]; /* the two parts of listen */
    unsigned port;
    long workers;                 /* 0: one per processor */
    long connections_per_address; /* 0: nearly all */
    long streams;                 /* requests that may wait at once */
    bool allow_remote;            /* listen on an address that other machines reach, without TLS */
    bool close_after_body;        /* a connection ends with a request that says it has a body */
    char tls_cert[CONFIG_TEXT_BYTES], tls_key[CONFIG_TEXT_BYTES]; /* files; "": no TLS */
    long on_fsync_error; /* enum config_on_fsync_error: what follows when no more can be stored */
    long log_format;     /* enum log_form */
    long log_level;      /* enum log_level: what is below is dropped */
    unsigned char origins[CONFIG_KEYS_MAX]; /* enum config_origin of each key, as the table has them
                                             */
    /* flags alone: what else is to be done with the directory, and how */
    bool check, purge, yes, json;
    char project[CONFIG_TEXT_BYTES]; /* the only one to be purged; "": all */
    char replay[CONFIG_TEXT_BYTES], what_if[CONFIG_TEXT_BYTES]; /* an export; settings as JSON */
};

enum config_on_fsync_error { CONFIG_EXIT, CONFIG_STAY };
enum config_origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_FLAG };

enum config_outcome {
    CONFIG_RUN,
    CONFIG_HELP,
    CONFIG_VERSION,
    CONFIG_PRINT,
    CONFIG_CHECK, /* maintenance.h */
    CONFIG_PURGE,
    CONFIG_REPLAY, /* replay.h */
    CONFIG_ERROR
};

/* Reads defaults, file, environment and flags. On CONFIG_ERROR ret_error has one line for a person.
 */
enum config_outcome config_load(int argc, char **argv, struct config *ret_config,
                                char ret_error[CONFIG_ERROR_BYTES]);
void config_help(FILE *out);
/* Every setting in force and where it came from, in the form of a configuration file. */
void config_print(const struct config *config, FILE *out);

#endif
