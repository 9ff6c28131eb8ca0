/* Beside the file it will be, so that the last step is one of the same file system. link() rather
 * than rename() where a file of that name must not be lost. */
#define _GNU_SOURCE /* asprintf, mkostemp */
#include "draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void draft_deinit(struct draft *draft)
{
    int saved = errno;

    if (draft->fd >= 0)
        close(draft->fd);
    if (draft->draft_path)
        unlink(draft->draft_path);
    free(draft->draft_path);
    free(draft->path);
    *draft = (struct draft)DRAFT_NULL;
    errno = saved;
}

int draft_open(const char *path, mode_t mode, struct draft *ret_draft)
{
    struct draft draft = {.path = strdup(path), .fd = -1};

    if (draft.path && asprintf(&draft.draft_path, "%s.XXXXXX", path) < 0)
        draft.draft_path = NULL;
    if (draft.draft_path)
        draft.fd = mkostemp(draft.draft_path, O_CLOEXEC);
    if (draft.fd < 0) { /* there is nothing of that name to remove */
        free(draft.draft_path);
        draft.draft_path = NULL;
    }
    if (draft.fd < 0 || fchmod(draft.fd, mode) < 0) {
        draft_deinit(&draft);
        return -1;
    }
    *ret_draft = draft;
    return 0;
}

int draft_write(struct draft *draft, const void *bytes, size_t length)
{
    const char *from = bytes;

    while (length > 0) {
        ssize_t written = write(draft->fd, from, length);

        if (written < 0 && errno != EINTR)
            return -1;
        if (written > 0) {
            from += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

/* The name is durable once its directory is. One that may not be read is left to the kernel. */
static int sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int rc = fd < 0 && (!directory || errno != EACCES) ? -1 : 0;

    free(directory);
    if (fd < 0)
        return rc;
    rc = fsync(fd);
    close(fd);
    return rc;
}

int draft_finish(struct draft *draft, bool force)
{
    int fd = draft->fd;

    if (fsync(fd) < 0)
        return -1;
    draft->fd = -1;
    if (close(fd) < 0)
        return -1;
    if (force ? rename(draft->draft_path, draft->path) : link(draft->draft_path, draft->path))
        return -1;
    return sync_directory_of(draft->path);
}
