/* Recorded demonstrations as an experiment takes them: successful ones, by task. */
#ifndef CLI_RECORDINGS_H
#define CLI_RECORDINGS_H

#include <lab/world.h>

#include "archive_file.h"
#include "cli.h"
#include "demo_file.h"
#include "folder.h"

enum recordings_half { RECORDINGS_ALL, RECORDINGS_EVEN, RECORDINGS_ODD }; /* of each task */

struct recordings {
    struct folder folder; /* one of these two */
    struct archive_file archive;
    struct demo_file *files;
    size_t file_count; /* read, or half-read */
    struct lab_recording *items;
    size_t count;
    const char **tasks; /* keys, in the order of their first recordings */
    size_t *seen;       /* of each task, the other half included */
    size_t task_count, state_dim, action_dim, failed;
    enum recordings_half half;
};

/* `path`: a folder, or an exported project. Lists live in cli->arena. A file that cannot be used,
 * or none at all: one line is on cli->err. *recordings is RECORDINGS_NULL and its half before, and
 * may be half-filled on failure. */
#define RECORDINGS_NULL                                                                            \
    {                                                                                              \
        .archive = ARCHIVE_FILE_NULL                                                               \
    }
enum cli_exit recordings_load(struct cli *cli, const char *path, struct recordings *recordings);
void recordings_deinit(struct recordings *recordings);
#define RECORDINGS_CLEANUP __attribute__((cleanup(recordings_deinit)))

#endif
