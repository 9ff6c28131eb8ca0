/* Many demonstrations, one after the other. */
#ifndef CLI_UPLOAD_H
#define CLI_UPLOAD_H

#include "commands.h"

struct upload {
    size_t stored, held, bad, refused; /* bad: could not be sent; refused: by the server */
};

/* Sends the files in order, names those that cannot be stored on cli->err, and goes on. Stops early
 * when every further file would fare the same: no server, no right, no project, no space. each: one
 * line a file on cli->out. CLI_OK, whatever happened to single files; else why it stopped. */
enum cli_exit upload_files(struct cli *cli, const char *project, const char *const *paths,
                           size_t count, const struct demo_options *said, bool each,
                           struct upload *ret_upload);

#endif
