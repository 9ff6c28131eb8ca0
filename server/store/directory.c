/* The data directory: made if missing, refused when it cannot keep data safe, locked while in use.
 *
 * The lock is flock() on a file of its own: it vanishes with the process, however that ends, and
 * does not mix with the POSIX locks SQLite holds on the database (closing any descriptor of a file
 * drops those). The database file is created here, empty, because SQLite would create it with 0644;
 * its -wal and -shm files then get the mode the database has.
 *
 * Nothing in a log says which database it belongs to, and SQLite replays or drops whatever lies
 * there. So a log beside no database, or beside one that is too large for it, is refused before
 * SQLite sees either: SQLite has written and synced page 1 before there is a log, and a database is
 * never larger than at the last commit of its log, because it never shrinks.
 */
#include "store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

static const char database_name[] = "amf.db";
static const char log_name[] = "amf.db-wal";
static const char lock_name[] = "lock";

static int fail(char ret_error[STORE_ERROR_BYTES], const char *path, const char *what)
{
    store_error_set(ret_error, "%s: %s: %s", path, what, strerror(errno));
    return errno == ENOMEM ? STORE_NO_MEMORY : STORE_INVALID;
}

static int sync_parent(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return -1;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (fd < 0)
        return -1;
    int rc = fsync(fd);
    close(fd);
    return rc;
}

static int create(const char *path, char ret_error[STORE_ERROR_BYTES])
{
    if (mkdir(path, 0700) < 0) {
        if (errno == EEXIST)
            return STORE_OK;
        return fail(ret_error, path, "cannot create the data directory");
    }
    /* a strange umask may have taken our own bits */
    if (chmod(path, 0700) < 0 || sync_parent(path) < 0)
        return fail(ret_error, path, "cannot create the data directory");
    return STORE_OK;
}

/* WAL needs shared memory between connections and a sync that means it. */
static bool is_network_file_system(int fd)
{
    struct statfs fs;
    if (fstatfs(fd, &fs) < 0)
        return false;
    switch ((uint32_t)fs.f_type) {
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case FUSE_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
        return true;
    default:
        return false;
    }
}

static int check(const struct store_directory *directory, char ret_error[STORE_ERROR_BYTES])
{
    struct stat info;
    if (fstat(directory->fd, &info) < 0)
        return fail(ret_error, directory->path, "cannot look at the data directory");
    if (info.st_mode & (S_IWGRP | S_IWOTH)) {
        store_error_set(ret_error,
                        "%s: other users can write to this directory; name a new one inside it or "
                        "run chmod go-w on it",
                        directory->path);
        return STORE_INVALID;
    }
    if (is_network_file_system(directory->fd)) {
        store_error_set(ret_error,
                        "%s: is on a network or user-space file system, where a commit may not be "
                        "durable; use a local disk",
                        directory->path);
        return STORE_INVALID;
    }
    return STORE_OK;
}

static void name_holder(int lock_fd, const char *path, char ret_error[STORE_ERROR_BYTES])
{
    char pid[24] = "";
    ssize_t length = pread(lock_fd, pid, sizeof(pid) - 1, 0);
    pid[length > 0 ? strspn(pid, "0123456789") : 0] = '\0';
    store_error_set(ret_error, "%s: the data directory is in use by another process%s%s%s", path,
                    *pid ? " (" : "", pid, *pid ? ")" : "");
}

static int lock(struct store_directory *directory, char ret_error[STORE_ERROR_BYTES])
{
    directory->lock_fd =
        openat(directory->fd, lock_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (directory->lock_fd < 0)
        return fail(ret_error, directory->path, "cannot open the lock file");
    if (flock(directory->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return fail(ret_error, directory->path, "cannot lock the data directory");
        name_holder(directory->lock_fd, directory->path, ret_error);
        return STORE_INVALID;
    }
    /* The process number is for people only, so a full disk does not matter here. */
    if (fchmod(directory->lock_fd, 0600) < 0 || ftruncate(directory->lock_fd, 0) < 0)
        return fail(ret_error, directory->path, "cannot write the lock file");
    (void)!dprintf(directory->lock_fd, "%ld\n", (long)getpid());
    return STORE_OK;
}

/* SQLite takes a file of one byte for an empty one, so the first look is ours. */
static int check_database_file(const struct store_directory *directory, int fd,
                               char ret_error[STORE_ERROR_BYTES])
{
    static const char magic[] = "SQLite format 3";
    char start[sizeof(magic)] = "";
    struct stat info;
    if (fstat(fd, &info) < 0 || (S_ISREG(info.st_mode) && pread(fd, start, sizeof(start), 0) < 0))
        return fail(ret_error, directory->database_path, "cannot read");
    if (S_ISREG(info.st_mode) && (info.st_size == 0 || memcmp(start, magic, sizeof(magic)) == 0))
        return STORE_OK;
    store_error_set(ret_error, "%s: is not a database; it has not been touched",
                    directory->database_path);
    return STORE_INVALID;
}

static int prepare_database_file(const struct store_directory *directory,
                                 char ret_error[STORE_ERROR_BYTES])
{
    int status = STORE_OK;
    int fd = openat(directory->fd, database_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool created = fd >= 0;
    if (!created && errno == EEXIST)
        fd = openat(directory->fd, database_name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return fail(ret_error, directory->database_path, "cannot open");
    if (!created)
        status = check_database_file(directory, fd, ret_error);
    else if (fchmod(fd, 0600) < 0)
        status = fail(ret_error, directory->database_path, "cannot make private");
    close(fd);
    return status;
}

/* A process killed between writing a commit and syncing it leaves it readable but not durable. It
 * is about to be read and answered from, as if it were: so sync first. */
static int check_and_sync_log(const struct store_directory *directory, struct store_wal *ret_log,
                              char ret_error[STORE_ERROR_BYTES])
{
    int fd = openat(directory->fd, log_name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? STORE_OK
                               : fail(ret_error, directory->path, "cannot open amf.db-wal");
    char reason[STORE_ERROR_BYTES] = "";
    int status = store_log_check(fd, ret_log, reason);
    if (status)
        store_error_set(ret_error, "%s: %s", directory->path, reason);
    else if (fsync(fd) < 0)
        status = fail(ret_error, directory->path, "cannot sync amf.db-wal");
    close(fd);
    return status;
}

static int check_log_belongs(const struct store_directory *directory, const struct store_wal *log,
                             char ret_error[STORE_ERROR_BYTES])
{
    struct stat info = {.st_size = 0};
    if (fstatat(directory->fd, database_name, &info, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
        return fail(ret_error, directory->database_path, "cannot look at");
    const char *what = NULL;
    if (log->used && info.st_size == 0)
        what = "is missing or empty, but there is an amf.db-wal";
    else if (log->database_bytes && S_ISREG(info.st_mode) &&
             (uint64_t)info.st_size > log->database_bytes)
        what = "does not belong to the amf.db-wal beside it";
    if (!what)
        return STORE_OK;
    store_error_set(ret_error, "%s: %s; nothing has been changed: keep both, " STORE_RESTORE_ADVICE,
                    directory->database_path, what);
    return STORE_CORRUPT;
}

static int open_path(const char *path, struct store_directory *directory,
                     char ret_error[STORE_ERROR_BYTES])
{
    /* SQLite is told to refuse symbolic links, so those on the way to the directory go here. */
    directory->path = realpath(path, NULL);
    if (!directory->path)
        return fail(ret_error, path, "cannot open the data directory");
    size_t bytes = strlen(directory->path) + 1 + sizeof(database_name);
    directory->database_path = malloc(bytes);
    if (!directory->database_path)
        return fail(ret_error, path, "cannot open the data directory");
    (void)snprintf(directory->database_path, bytes, "%s/%s", directory->path, database_name);
    directory->fd = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->fd < 0)
        return fail(ret_error, path, "cannot open the data directory");
    return STORE_OK;
}

int store_directory_open(const char *path, struct store_directory *ret_directory,
                         char ret_error[STORE_ERROR_BYTES])
{
    __attribute__((cleanup(store_directory_deinit))) struct store_directory directory =
        STORE_DIRECTORY_NULL;
    struct store_wal log = {false, 0};
    int status = create(path, ret_error);
    if (!status)
        status = open_path(path, &directory, ret_error);
    if (!status)
        status = check(&directory, ret_error);
    if (!status)
        status = lock(&directory, ret_error);
    if (!status)
        status = check_and_sync_log(&directory, &log, ret_error);
    if (!status)
        status = check_log_belongs(&directory, &log, ret_error);
    if (!status)
        status = prepare_database_file(&directory, ret_error);
    if (status)
        return status;
    directory.killed = log.database_bytes != 0;
    *ret_directory = directory;
    directory = (struct store_directory)STORE_DIRECTORY_NULL;
    return STORE_OK;
}

/* Without a lock file nobody can hold the lock; making one would change the directory. */
static int lock_offline(struct store_directory *directory, char ret_error[STORE_ERROR_BYTES])
{
    directory->lock_fd =
        openat(directory->fd, lock_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (directory->lock_fd < 0)
        return errno == ENOENT ? STORE_OK
                               : fail(ret_error, directory->path, "cannot open the lock file");
    if (flock(directory->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return STORE_OK;
    if (errno != EWOULDBLOCK)
        return fail(ret_error, directory->path, "cannot lock the data directory");
    name_holder(directory->lock_fd, directory->path, ret_error);
    return STORE_INVALID;
}

static int check_files_offline(const struct store_directory *directory,
                               char ret_error[STORE_ERROR_BYTES])
{
    char reason[STORE_ERROR_BYTES] = "";
    int fd = openat(directory->fd, database_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return fail(ret_error, directory->database_path, "cannot open");
    int status = check_database_file(directory, fd, ret_error);
    close(fd);
    if (status)
        return status;
    fd = openat(directory->fd, log_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? STORE_OK
                               : fail(ret_error, directory->path, "cannot open amf.db-wal");
    struct store_wal log;
    status = store_log_check(fd, &log, reason);
    close(fd);
    if (status)
        store_error_set(ret_error, "%s: %s", directory->path, reason);
    return status ? status : check_log_belongs(directory, &log, ret_error);
}

int store_directory_open_offline(const char *path, struct store_directory *ret_directory,
                                 char ret_error[STORE_ERROR_BYTES])
{
    __attribute__((cleanup(store_directory_deinit))) struct store_directory directory =
        STORE_DIRECTORY_NULL;
    int status = open_path(path, &directory, ret_error);
    if (!status)
        status = lock_offline(&directory, ret_error);
    if (!status)
        status = check_files_offline(&directory, ret_error);
    if (status)
        return status;
    *ret_directory = directory;
    directory = (struct store_directory)STORE_DIRECTORY_NULL;
    return STORE_OK;
}

bool store_directory_has_log(const struct store_directory *directory)
{
    struct stat info;
    return fstatat(directory->fd, log_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && info.st_size > 0;
}

int store_directory_sync(const struct store_directory *directory, char ret_error[STORE_ERROR_BYTES])
{
    if (fsync(directory->fd) < 0)
        return fail(ret_error, directory->path, "cannot sync the data directory");
    return STORE_OK;
}

void store_directory_deinit(struct store_directory *directory)
{
    if (directory->lock_fd >= 0)
        close(directory->lock_fd);
    if (directory->fd >= 0)
        close(directory->fd);
    free(directory->path);
    free(directory->database_path);
    *directory = (struct store_directory)STORE_DIRECTORY_NULL;
}
