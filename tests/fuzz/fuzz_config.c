/* The daemon's configuration file.
 *
 * Properties: a refusal is one line of text; settings that were taken, printed as a file and read
 * again are the same settings. Where they came from, which is printed in comments, is then the
 * file.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "fuzz.h"

/* The text as a file; the caller closes it. */
static int file_of(const void *text, size_t length, char ret_path[32])
{
    int fd = memfd_create("config", MFD_CLOEXEC);
    REQUIRE(fd >= 0 && write(fd, text, length) == (ssize_t)length);
    snprintf(ret_path, 32, "/dev/fd/%d", fd);
    return fd;
}

static enum config_outcome load(const void *text, size_t length, struct config *ret_config,
                                char ret_error[CONFIG_ERROR_BYTES])
{
    char path[32], program[] = "amfd", flag[] = "--config";
    int fd = file_of(text, length, path);
    char *arguments[] = {program, flag, path, NULL};
    enum config_outcome outcome = config_load(3, arguments, ret_config, ret_error);
    close(fd);
    return outcome;
}

/* In place; the length that is left. The text ends in a zero, as open_memstream leaves it. */
static size_t drop_comments(char *text, size_t length)
{
    char *to = text;
    for (char *line = text, *next; line < text + length; line = next) {
        next = strchr(line, '\n') + 1;
        if (*line == '#')
            continue;
        memmove(to, line, (size_t)(next - line));
        to += next - line;
    }
    *to = '\0';
    return (size_t)(to - text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config first, second;
    char error[CONFIG_ERROR_BYTES] = "";
    enum config_outcome outcome = load(data, size, &first, error);
    if (outcome != CONFIG_RUN) {
        REQUIRE(outcome == CONFIG_ERROR && error[0] && !strchr(error, '\n'));
        return 0;
    }
    char *text = NULL, *again = NULL;
    size_t length, again_length;
    FILE *out = open_memstream(&text, &length);
    config_print(&first, out);
    fclose(out);
    REQUIRE(load(text, length, &second, error) == CONFIG_RUN);
    out = open_memstream(&again, &again_length);
    config_print(&second, out);
    fclose(out);
    REQUIRE(drop_comments(again, again_length) == drop_comments(text, length));
    REQUIRE(strcmp(again, text) == 0);
    free(text);
    free(again);
    return 0;
}
