/* Preloaded into the daemon: the Nth call on a file of the data directory fails, or pretends.
 *
 * Only regular files and directories below PRELOAD_DIR count, so that sockets, the log and the
 * loader's own files stay out of it. A close that fails has closed, as on Linux.
 *
 * Statements of SQL in a transaction that go through sqlite3_exec count as well, when they begin
 * and when they end: to be killed there, they cannot fail.
 */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS /* open and open64 are two names here */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "preload.h"

enum kind { PWRITE, FDATASYNC, FSYNC, FTRUNCATE, OPEN, RENAME, CLOSE, STATEMENT };

static struct preload_control *control;
static char directory[4096];
static size_t directory_bytes;

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("PRELOAD_DIR");
    if (!path || strlen(path) >= sizeof(directory))
        return;
    directory_bytes = strlen(path);
    memcpy(directory, path, directory_bytes + 1);
    control = preload_map();
}

static bool is_ours(const char *path)
{
    return directory_bytes && strncmp(path, directory, directory_bytes) == 0;
}

static bool fd_is_ours(int fd)
{
    char link[32], path[4096];
    struct stat info;
    if (!control || !atomic_load(&control->armed) || fstat(fd, &info) < 0 ||
        (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)))
        return false;
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof(path) - 1);
    if (length < 0)
        return false;
    path[length] = '\0';
    return is_ours(path);
}

/* Whether this call is the one; errno is set when it is to fail. */
static bool hit(enum kind kind)
{
    if (!preload_hits(control, kind))
        return false;
    if (control->error < 0)
        (void)raise(SIGKILL);
    errno = control->error;
    return true;
}

static int outcome(void)
{
    return control->error ? -1 : 0;
}

static ssize_t write_at(int fd, const void *bytes, size_t length, off64_t offset)
{
    if (fd_is_ours(fd) && hit(PWRITE))
        return control->error ? -1 : (ssize_t)length;
    return syscall(SYS_pwrite64, fd, bytes, length, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
    return write_at(fd, bytes, length, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    return write_at(fd, bytes, length, offset);
}

int fdatasync(int fd)
{
    return fd_is_ours(fd) && hit(FDATASYNC) ? outcome() : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return fd_is_ours(fd) && hit(FSYNC) ? outcome() : (int)syscall(SYS_fsync, fd);
}

int ftruncate64(int fd, off64_t length)
{
    return fd_is_ours(fd) && hit(FTRUNCATE) ? outcome() : (int)syscall(SYS_ftruncate, fd, length);
}

int ftruncate(int fd, off_t length)
{
    return ftruncate64(fd, length);
}

static int open_at(int at, const char *path, int flags, va_list arguments)
{
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    bool ours = at == AT_FDCWD ? is_ours(path) : fd_is_ours(at);
    return ours && hit(OPEN) ? -1 : (int)syscall(SYS_openat, at, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    int fd = open_at(AT_FDCWD, path, flags, arguments);
    va_end(arguments);
    return fd;
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    int fd = open_at(AT_FDCWD, path, flags, arguments);
    va_end(arguments);
    return fd;
}

int openat(int at, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    int fd = open_at(at, path, flags, arguments);
    va_end(arguments);
    return fd;
}

int openat64(int at, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    int fd = open_at(at, path, flags, arguments);
    va_end(arguments);
    return fd;
}

int rename(const char *from, const char *to)
{
    return is_ours(to) && hit(RENAME) ? outcome() : (int)syscall(SYS_rename, from, to);
}

int close(int fd)
{
    bool fails = fd_is_ours(fd) && hit(CLOSE);
    int rc = (int)syscall(SYS_close, fd);
    if (!fails || !control->error)
        return rc;
    errno = control->error;
    return -1;
}

static int on_statement(unsigned event, void *arg, void *statement, void *detail)
{
    (void)event;
    (void)statement;
    (void)detail;
    int (*outside)(sqlite3 *);
    *(void **)&outside = dlsym(RTLD_NEXT, "sqlite3_get_autocommit");
    if (!outside(arg))
        (void)hit(STATEMENT);
    return 0;
}

int sqlite3_exec(sqlite3 *db, const char *sql, sqlite3_callback callback, void *arg,
                 char **ret_message)
{
    int (*next)(sqlite3 *, const char *, sqlite3_callback, void *, char **);
    int (*trace)(sqlite3 *, unsigned, int (*)(unsigned, void *, void *, void *), void *);
    *(void **)&next = dlsym(RTLD_NEXT, "sqlite3_exec");
    *(void **)&trace = dlsym(RTLD_NEXT, "sqlite3_trace_v2");
    if (control && atomic_load(&control->armed))
        (void)trace(db, SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE, on_statement, db);
    return next(db, sql, callback, arg, ret_message);
}
