/* A demonstration in a file of this machine. */
#ifndef CLI_DEMO_FILE_H
#define CLI_DEMO_FILE_H

#include <amf_client/client.h>

#include "commands.h"

#define DEMO_FILE_MAX_BYTES ((size_t)256 << 20) /* far beyond what a server takes in */

struct demo_file {
    unsigned char *bytes; /* as in the file */
    size_t length;
    bool tensors; /* safetensors, else JSON */
    bool altered; /* options said otherwise than the file: bytes are not what is to be sent */
    bool foreign; /* after a failure: JSON that is about something else */
    struct proto_demonstration demonstration;
    struct proto_arena arena;
};

#define DEMO_FILE_NULL                                                                             \
    {                                                                                              \
        0                                                                                          \
    }
void demo_file_deinit(struct demo_file *file);
#define DEMO_FILE_CLEANUP __attribute__((cleanup(demo_file_deinit)))

/* Whether the name ends in one of the two endings. */
bool demo_file_is_one(const char *path);

/* The bytes alone, whatever is in them. 0; -1 with ret_error. */
__attribute__((warn_unused_result)) int demo_file_load(const char *path, struct demo_file *file,
                                                       char ret_error[512]);

/* Reads, decodes and checks a file, and applies what the options say. 0; -1: it cannot be used, and
 * ret_error says where and why (without the file's name). *file may be half-filled on failure. */
__attribute__((warn_unused_result)) int demo_file_read(const char *path,
                                                       const struct demo_options *said,
                                                       struct demo_file *file, char ret_error[512]);

/* Sends it as safetensors; an unaltered safetensors file as the very bytes. */
AMF_CLIENT_CALL demo_file_post(struct amf_client *client, const char *project,
                               const struct demo_file *file, struct amf_client_result *result,
                               struct proto_stored *ret_stored);

#endif
