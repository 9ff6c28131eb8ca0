/* Finding the server and the token without being told, for the common case of one user, one
 * machine.
 *
 * Files are short and ours: amfd writes DIR/listening (one line, its address) and DIR/admin.token
 * (mode 0600) when it starts.
 */
#include "locate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* NULL: no home to look in, or no memory. */
static const char *data_directory(struct proto_arena *arena)
{
    const char *data = environment("XDG_DATA_HOME"), *home = environment("HOME");

    if (data && *data == '/') /* the XDG rules: a relative one is to be ignored */
        return proto_arena_printf(arena, "%s/amf", data);
    return home ? proto_arena_printf(arena, "%s/.local/share/amf", home) : NULL;
}

/* The first line of a small file without the blanks around it; NULL with errno when there is none.
 */
static const char *read_line(const char *path, struct proto_arena *arena)
{
    char text[LOCATE_TOKEN_MAX_BYTES + 2];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t got = 0;
    char *start = text;

    if (fd < 0)
        return NULL;
    /* A pipe gives what it has when it has it; the line is whole at its end. */
    while (length < sizeof(text) - 1 && !memchr(text, '\n', length) &&
           (got = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
        length += (size_t)got;
    if (got < 0) {
        int saved = errno;

        close(fd);
        errno = saved;
        return NULL;
    }
    close(fd);
    text[length] = '\0';
    start += strspn(start, " \t\r\n");
    start[strcspn(start, " \t\r\n")] = '\0';
    errno = length > LOCATE_TOKEN_MAX_BYTES ? EFBIG : EINVAL;
    return *start && length <= LOCATE_TOKEN_MAX_BYTES ? proto_arena_strdup(arena, start) : NULL;
}

static const char *read_in(const char *directory, const char *name, struct proto_arena *arena,
                           const char **ret_path)
{
    const char *path = directory ? proto_arena_printf(arena, "%s/%s", directory, name) : NULL;

    *ret_path = path;
    return path ? read_line(path, arena) : NULL;
}

static bool is_loopback(const char *url)
{
    static const char *const starts[] = {"127.", "localhost", "[::1]"};
    const char *host = strstr(url, "://"), *end;

    host = host ? host + 3 : url;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (strncmp(host, starts[i], strlen(starts[i])) != 0)
            continue;
        /* 127. must go on as a number: 127.example.org is anybody's; so is localhost@example.org.
         */
        end = host + strlen(starts[i]);
        end += i == 0 ? strspn(end, "0123456789.") : 0;
        if (*end == ':')
            end += 1 + strspn(end + 1, "0123456789");
        return *end == '\0' || *end == '/';
    }
    return false;
}

int locate_server(const char *url, const char *token_file, const char *ca_file,
                  struct proto_arena *arena, struct location *ret_location, char ret_error[512])
{
    const char *directory = data_directory(arena), *path;
    struct location location = {
        .url = url, .url_from = "--url", .ca_file = ca_file ? ca_file : environment("AMF_CA_FILE")};

    if (location.ca_file && access(location.ca_file, R_OK) < 0) {
        snprintf(ret_error, 512, "%s: %s", location.ca_file, strerror(errno));
        return -1;
    }
    if (!location.url) {
        location.url = environment("AMF_URL");
        location.url_from = "AMF_URL";
    }
    if (!location.url) {
        location.url = read_in(directory, "listening", arena, &path);
        location.url_from = path;
    }
    if (!location.url) {
        location.url = LOCATE_DEFAULT_URL;
        location.url_from = "the default";
    }
    if (token_file) {
        location.token = read_line(token_file, arena);
        if (!location.token) {
            snprintf(ret_error, 512, "%s: %s", token_file,
                     errno == EINVAL ? "holds no token" : strerror(errno));
            return -1;
        }
    } else {
        location.token = environment("AMF_TOKEN");
    }
    if (!location.token && is_loopback(location.url))
        location.token = read_in(directory, "admin.token", arena, &path);
    *ret_location = location;
    return 0;
}
