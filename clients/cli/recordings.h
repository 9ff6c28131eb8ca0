/* Recorded demonstrations as an experiment takes them: successful ones, by task. */
#ifndef CLI_RECORDINGS_H
#define CLI_RECORDINGS_H

#include <lab/world.h>

#include "cli.h"
#include "demo_file.h"
#include "folder.h"

enum recordings_half { RECORDINGS_ALL, RECORDINGS_EVEN, RECORDINGS_ODD }; /* of each task */

struct recordings {
    struct folder folder;
    struct demo_file *files;
    size_t file_count; /* read, or half-read */
    struct lab_recording *items;
    size_t count;
    const char **tasks; /* keys, in the order of their first recordings */
    size_t *seen;       /* of each task, the other half included */
    size_t task_count, state_dim, action_dim, failed;
    enum recordings_half half;
};

/* Lists live in cli->arena. A file that cannot be used, or none at all: one line is on cli->err.
 * *recordings knows its half alone, and may be half-filled on failure. */
enum cli_exit recordings_load(struct cli *cli, const char *directory,
                              struct recordings *recordings);
void recordings_deinit(struct recordings *recordings);
#define RECORDINGS_CLEANUP __attribute__((cleanup(recordings_deinit)))

#endif
