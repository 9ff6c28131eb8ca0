/* A draft beside the file, then a link or a rename. */
#define _GNU_SOURCE /* asprintf, mkostemp */
#include "write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);

        if (written < 0 && errno != EINTR)
            return -1;
        if (written > 0) {
            bytes += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

/* Under another name first, so that no half-written file ever has the right one. link() rather than
 * rename() where a file of that name must not be lost. 0, or -1 with errno. */
int write_file(const char *path, const char *bytes, size_t length, mode_t mode, bool force)
{
    char *draft = NULL;
    int fd, status, saved;

    if (asprintf(&draft, "%s.XXXXXX", path) < 0)
        return -1;
    fd = mkostemp(draft, O_CLOEXEC);
    status = fd < 0 ? -1 : fchmod(fd, mode);
    if (status == 0)
        status = write_all(fd, bytes, length);
    if (fd >= 0 && close(fd) < 0)
        status = -1;
    if (status == 0)
        status = force ? rename(draft, path) : link(draft, path);
    saved = errno;
    if (fd >= 0)
        unlink(draft);
    free(draft);
    errno = saved;
    return status;
}
