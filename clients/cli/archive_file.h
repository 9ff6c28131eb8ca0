/* The demonstrations in an exported project (proto/archive.h), without a server. */
#ifndef CLI_ARCHIVE_FILE_H
#define CLI_ARCHIVE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <proto/arena.h>

struct demo_file;

struct archive_demo {
    const char *name; /* of its entry */
    uint64_t at, bytes;
};

struct archive_file {
    int fd;
    struct archive_demo *demos; /* those that were not retracted, in the order they were added */
    size_t count, room;
    struct proto_arena arena;
};

#define ARCHIVE_FILE_NULL                                                                          \
    {                                                                                              \
        .fd = -1                                                                                   \
    }
void archive_file_deinit(struct archive_file *archive);
#define ARCHIVE_FILE_CLEANUP __attribute__((cleanup(archive_file_deinit)))

/* Reads and checks the whole file. 0, or -1 with what is wrong (without the file's name). *archive
 * may be half-filled on failure. */
__attribute__((warn_unused_result)) int
archive_file_open(const char *path, struct archive_file *archive, char ret_error[512]);
/* One demonstration; file is DEMO_FILE_NULL before. As above. */
__attribute__((warn_unused_result)) int archive_file_demo(const struct archive_file *archive,
                                                          size_t index, struct demo_file *file,
                                                          char ret_error[512]);

#endif
