/* Reads tensor files from standard input, each behind its length (8 bytes, little-endian), and says
 * one line for each: "ok", or the place that proto_tensors_read names. For test_tensors.py.
 *
 * Each file is read from memory of exactly its size, for the address sanitizer's sake.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <proto/safetensors.h>

static int verdict(const unsigned char *bytes, size_t length)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_tensors tensors;
    struct proto_error error;
    enum proto_code code = proto_tensors_read(bytes, length, &arena, &tensors, &error);

    if (code != PROTO_CODE_OK && code != PROTO_CODE_MALFORMED_TENSORS)
        return -1;
    return puts(code == PROTO_CODE_OK ? "ok" : error.at) < 0 ? -1 : 0;
}

int main(void)
{
    unsigned char head[8];
    int status = 0;

    while (!status && fread(head, sizeof(head), 1, stdin) == 1) {
        size_t length = 0;
        for (int i = 8; i-- > 0;)
            length = length << 8 | head[i];
        unsigned char *bytes = malloc(length);
        status = length > 0 && (!bytes || fread(bytes, length, 1, stdin) != 1) ? -1 : 0;
        if (!status)
            status = verdict(bytes, length);
        free(bytes);
    }
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
