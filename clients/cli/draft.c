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

int draft_open(const char *path, struct draft *ret_draft)
{
    DRAFT_CLEANUP struct draft draft = DRAFT_NULL;
    char *draft_path = NULL;

    draft.path = strdup(path);
    if (!draft.path || asprintf(&draft_path, "%s.XXXXXX", path) < 0)
        return -1;
    draft.fd = mkostemp(draft_path, O_CLOEXEC);
    if (draft.fd < 0) {
        free(draft_path);
        return -1;
    }
    draft.draft_path = draft_path;
    if (fchmod(draft.fd, 0644) < 0)
        return -1;
    *ret_draft = draft;
    draft = (struct draft)DRAFT_NULL;
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

int draft_finish(struct draft *draft, bool force)
{
    int fd = draft->fd;

    if (fsync(fd) < 0)
        return -1;
    draft->fd = -1;
    if (close(fd) < 0)
        return -1;
    return force ? rename(draft->draft_path, draft->path) : link(draft->draft_path, draft->path);
}
