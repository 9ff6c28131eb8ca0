#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <proto/token.h>

#include "token.h"

/* In the form of all tokens, as number 0. */
static int token_generate(char ret_token[TOKEN_BYTES])
{
    uint8_t secret[PROTO_TOKEN_SECRET_BYTES];

    if (getrandom(secret, sizeof secret, 0) != sizeof secret)
        return -1;
    proto_token_write(0, secret, ret_token);
    return 0;
}

static int token_write(int fd, const char *token)
{
    size_t length = strlen(token);

    if (write(fd, token, length) != (ssize_t)length || write(fd, "\n", 1) != 1 || fsync(fd))
        return -1;
    return 0;
}

static int token_sync_directory(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd);

    if (fd >= 0)
        close(fd);
    return failed ? -1 : 0;
}

/* Written beside its place and moved there, so that a crash leaves the whole file or none. */
static int token_create(const char *dir, const char *path, char ret_token[TOKEN_BYTES],
                        char ret_error[256])
{
    char draft[4096 + 8];
    int fd, failed;

    snprintf(draft, sizeof draft, "%s.new", path);
    unlink(draft);
    fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    failed = fd < 0 || fchmod(fd, 0600) || token_generate(ret_token) || token_write(fd, ret_token);
    if (fd >= 0 && close(fd))
        failed = -1;
    if (failed || rename(draft, path) || token_sync_directory(dir)) {
        snprintf(ret_error, 256, "%.160s cannot be made: %s", path, strerror(errno));
        unlink(draft);
        return -1;
    }
    return 0;
}

static int token_read(int fd, const char *path, char ret_token[TOKEN_BYTES], char ret_error[256])
{
    struct stat facts;
    ssize_t length = read(fd, ret_token, TOKEN_BYTES - 1);

    if (fstat(fd, &facts) || facts.st_mode & (S_IRWXG | S_IRWXO)) {
        snprintf(ret_error, 256, "%.160s can be read by others; chmod 600 it", path);
        return -1;
    }
    ret_token[length > 0 ? length : 0] = '\0';
    ret_token[strcspn(ret_token, "\r\n")] = '\0';
    if (strlen(ret_token) < 32) {
        snprintf(ret_error, 256, "%.160s holds no token; delete it and a new one is made", path);
        return -1;
    }
    return 0;
}

int token_load(const char *dir, char ret_token[TOKEN_BYTES], char ret_error[256])
{
    char path[4096];
    int fd, failed;

    snprintf(path, sizeof path, "%s/admin.token", dir);
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return token_create(dir, path, ret_token, ret_error);
    if (fd < 0) {
        snprintf(ret_error, 256, "%.160s cannot be read: %s", path, strerror(errno));
        return -1;
    }
    failed = token_read(fd, path, ret_token, ret_error);
    close(fd);
    return failed;
}
