/* A copy of the whole database while writes go on.
 *
 * One read transaction on a reading connection sees everything that was committed before it and
 * nothing after; WAL lets the writer go on meanwhile, only the log cannot be emptied. In it every
 * row is compared with its checksum, so that damage is not carried into the copy unseen, and then
 * all pages are copied by SQLite's backup interface in one step. The copy goes to a file, not to
 * the client: a client may be slow, and the transaction must not be.
 *
 * SQLite opens files by name, so the copy has one until SQLite has it open. No journal and no
 * syncs: nobody reads a copy that was not finished. Cost: the database read twice, written once.
 */
#define _GNU_SOURCE /* mkostemp */
#include "store_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* What is left for those who write while a copy is there. */
#define ROOM_LEFT_BYTES ((uint64_t)64 << 20)
#define NAME_BEGIN "backup-"

struct store_backup {
    struct store *store; /* whose only backup this is; NULL: not yet */
    int fd;
    uint64_t bytes;
};

static void close_db(sqlite3 **db)
{
    sqlite3_close(*db);
}

static void backup_freep(struct store_backup **backup)
{
    store_backup_free(*backup);
}

void store_backup_free(struct store_backup *backup)
{
    if (!backup)
        return;
    if (backup->fd >= 0)
        close(backup->fd);
    if (backup->store)
        atomic_flag_clear(&backup->store->backing_up);
    free(backup);
}

int store_backup_fd(const struct store_backup *backup)
{
    return backup->fd;
}

uint64_t store_backup_bytes(const struct store_backup *backup)
{
    return backup->bytes;
}

static int status_of_errno(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return STORE_FULL;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return STORE_NO_MEMORY;
    default:
        return STORE_INVALID;
    }
}

static int query_number(sqlite3 *db, const char *sql, uint64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *ret_number = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return rc == SQLITE_ROW ? STORE_OK : store_status_of_read(rc);
}

static int check_room(sqlite3 *db, int fd)
{
    struct statvfs disk;
    uint64_t pages = 0, page_bytes = 0, wanted;
    int status = query_number(db, "PRAGMA page_count", &pages);
    if (!status)
        status = query_number(db, "PRAGMA page_size", &page_bytes);
    if (status || fstatvfs(fd, &disk) < 0)
        return status;
    if (__builtin_mul_overflow(pages, page_bytes, &wanted) ||
        __builtin_add_overflow(wanted, ROOM_LEFT_BYTES, &wanted))
        return STORE_FULL;
    return wanted <= (uint64_t)disk.f_bavail * disk.f_frsize ? STORE_OK : STORE_FULL;
}

/* *ret_fd and *ret_db are the same file, which has no name any more. */
static int open_nameless(const char *folder, int *ret_fd, sqlite3 **ret_db)
{
    __attribute__((cleanup(close_db))) sqlite3 *db = NULL;
    char *path = sqlite3_mprintf("%s/" NAME_BEGIN "XXXXXX", folder);
    if (!path)
        return STORE_NO_MEMORY;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        sqlite3_free(path);
        return status_of_errno(errno);
    }
    *ret_fd = fd;
    int rc = sqlite3_open_v2(path, &db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                                 SQLITE_OPEN_NOFOLLOW,
                             NULL);
    unlink(path);
    sqlite3_free(path);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return store_status_of_read(rc);
    *ret_db = db;
    db = NULL;
    return STORE_OK;
}

/* A kill just as a backup begins leaves its file with a name, and empty. */
void store_backup_sweep(const struct store_directory *directory)
{
    static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    DIR *folder = opendir(directory->path);
    const struct dirent *entry;
    struct stat info;
    while (folder && (entry = readdir(folder))) {
        const char *name = entry->d_name;
        if (strncmp(name, NAME_BEGIN, strlen(NAME_BEGIN)) == 0 &&
            strspn(name + strlen(NAME_BEGIN), alnum) == 6 && !name[strlen(NAME_BEGIN) + 6] &&
            fstatat(directory->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(info.st_mode) && info.st_size == 0)
            (void)unlinkat(directory->fd, name, 0);
    }
    if (folder)
        closedir(folder);
}

static int copy_pages(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *copying = sqlite3_backup_init(to, "main", from, "main");
    if (!copying)
        return store_status_of_read(sqlite3_errcode(to));
    int stepped = sqlite3_backup_step(copying, -1);
    int rc = sqlite3_backup_finish(copying);
    if (rc == SQLITE_OK && stepped != SQLITE_DONE)
        rc = stepped;
    return store_status_of_read(rc);
}

/* A database that says it is in WAL mode wants its folder writable even to be read. The daemon
 * turns WAL on again when it starts on the copy. */
static int leave_wal_mode(int fd)
{
    static const unsigned char versions[2] = {1, 1};
    return pwrite(fd, versions, sizeof(versions), 18) == (ssize_t)sizeof(versions)
               ? STORE_OK
               : status_of_errno(errno);
}

static int copy(struct store_backup *backup, sqlite3 *from)
{
    __attribute__((cleanup(close_db))) sqlite3 *to = NULL;
    struct stat info;
    int status = open_nameless(backup->store->directory.path, &backup->fd, &to);
    if (!status)
        status = check_room(from, backup->fd);
    if (!status)
        status = store_check_rows(from, NULL, NULL, &(struct store_counts){0});
    if (!status)
        status = copy_pages(from, to);
    if (!status)
        status = leave_wal_mode(backup->fd);
    if (!status && fstat(backup->fd, &info) < 0)
        status = STORE_INVALID;
    if (!status)
        backup->bytes = (uint64_t)info.st_size;
    return status;
}

static int copy_in_transaction(struct store_backup *backup, sqlite3 *from)
{
    int rc = sqlite3_exec(from, "BEGIN", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return store_status_of_read(rc);
    int status = copy(backup, from);
    (void)sqlite3_exec(from, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

int store_backup_new(struct store *store, struct store_backup **ret_backup)
{
    __attribute__((cleanup(backup_freep))) struct store_backup *backup = calloc(1, sizeof(*backup));
    struct store_reader *reader = NULL;
    if (!backup)
        return STORE_NO_MEMORY;
    backup->fd = -1;
    if (atomic_flag_test_and_set(&store->backing_up))
        return STORE_BUSY;
    backup->store = store;
    int status = store_reader_borrow(&store->readers, &reader);
    if (status)
        return status;
    status = copy_in_transaction(backup, reader->db);
    store_reader_give_back(&store->readers, reader);
    if (status)
        return status;
    *ret_backup = backup;
    backup = NULL;
    return STORE_OK;
}
