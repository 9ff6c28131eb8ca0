/* What the store takes of the disk, and what waits to be written. */
#include "store_private.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

static uint64_t file_bytes(const struct store *store, const char *name)
{
    struct stat file;

    return fstatat(store->directory.fd, name, &file, 0) == 0 ? (uint64_t)file.st_size : 0;
}

void store_usage(struct store *store, struct store_usage *ret_usage)
{
    struct statvfs disk;

    *ret_usage = (struct store_usage){
        .directory = store->directory.path,
        .database_bytes = file_bytes(store, "amf.db"),
        .log_bytes = file_bytes(store, "amf.db-wal"),
        .queued = store->writer_ready ? store_writer_queued(&store->writer) : 0,
    };
    if (fstatvfs(store->directory.fd, &disk) == 0)
        ret_usage->free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
}
