/* Bodies in files. A file loses its name as soon as it has one, so that it goes with the process,
 * however that ends, and nobody else finds it. */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "limits.h"
#include "server.h"

static enum proto_code refuse(struct http_server *server, int error, struct proto_error *ret_error)
{
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        return proto_error_set(ret_error, PROTO_CODE_DISK_FULL, "",
                               "An import needs %d times its size on the server's disk while it "
                               "goes on, and leaves some to others; nothing was stored. Free some "
                               "space and send it again.",
                               HTTP_ARCHIVE_DISK_FACTOR);
    const struct log_field fields[] = {log_text("folder", server->config.spool),
                                       log_text("error", strerror(error))};
    log_tell(&server->config.log, LOG_ERROR, "spool cannot be used", fields, 2);
    return proto_error_set(ret_error, PROTO_CODE_INTERNAL, "",
                           "The body cannot be kept; nothing was stored. The log says more.");
}

/* 0 and *ret_fd, or an errno. */
static int open_nameless(const char *folder, int *ret_fd)
{
    char path[4096];
    int length = folder ? snprintf(path, sizeof(path), "%s/XXXXXX", folder) : -1;

    if (length < 0 || (size_t)length >= sizeof(path))
        return ENAMETOOLONG;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return errno;
    if (unlink(path) < 0) {
        int error = errno;
        close(fd);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

/* Whether the disk takes what is still to come, an archive of bytes in all assumed or of as many as
 * were announced. Asked for each piece: not every client says a length, and others write too. */
static bool has_room(const struct http_spool *spool, uint64_t bytes)
{
    struct statvfs disk;

    if (fstatvfs(spool->fd, &disk) < 0)
        return true;
    uint64_t size = (uint64_t)disk.f_blocks * disk.f_frsize;
    uint64_t kept = size / HTTP_ARCHIVE_DISK_KEPT_PART;
    if (kept > HTTP_ARCHIVE_DISK_KEPT_BYTES)
        kept = HTTP_ARCHIVE_DISK_KEPT_BYTES;
    uint64_t whole = bytes > spool->expected ? bytes : spool->expected;
    return whole * HTTP_ARCHIVE_DISK_FACTOR - spool->bytes + kept <=
           (uint64_t)disk.f_bavail * disk.f_frsize;
}

enum proto_code http_spool_open(struct http_spool *spool, struct http_server *server,
                                uint64_t expected, struct proto_error *ret_error)
{
    struct http_spool opened = {.server = server, .fd = -1, .expected = expected};

    if (atomic_fetch_add(&server->archives, 1) >= HTTP_ARCHIVES_MAX) {
        atomic_fetch_sub(&server->archives, 1);
        return proto_error_set(ret_error, PROTO_CODE_OVERLOADED, "",
                               "%d imports are under way already; try again when one has ended.",
                               HTTP_ARCHIVES_MAX);
    }
    int error = open_nameless(server->config.spool, &opened.fd);
    if (!error && !has_room(&opened, 0))
        error = ENOSPC;
    if (error) {
        http_spool_close(&opened);
        return refuse(server, error, ret_error);
    }
    *spool = opened;
    return PROTO_CODE_OK;
}

enum proto_code http_spool_add(struct http_spool *spool, const void *bytes, size_t length,
                               struct proto_error *ret_error)
{
    const char *from = bytes;

    if (!has_room(spool, spool->bytes + length))
        return refuse(spool->server, ENOSPC, ret_error);
    while (length > 0) {
        ssize_t written = write(spool->fd, from, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return refuse(spool->server, errno, ret_error);
        from += written;
        length -= (size_t)written;
        spool->bytes += (uint64_t)written;
    }
    return PROTO_CODE_OK;
}

void http_spool_close(struct http_spool *spool)
{
    if (!spool->server)
        return;
    if (spool->fd >= 0)
        close(spool->fd);
    atomic_fetch_sub(&spool->server->archives, 1);
    *spool = (struct http_spool){0};
}
