#define _GNU_SOURCE /* readlink */
#include "run_amfd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Installed, amfd stands beside amf; in the build tree in another folder. */
static const char *const places[] = {"amfd", "../../server/amfd"};

static const char *find_amfd(struct cli *cli)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (length <= 0)
        return "amfd";
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        const char *path = proto_arena_printf(&cli->arena, "%s/%s", self, places[i]);

        if (path && access(path, X_OK) == 0)
            return path;
    }
    return "amfd"; /* in PATH, if anywhere */
}

enum cli_exit run_amfd(struct cli *cli, const char *arguments[RUN_AMFD_MAX])
{
    fflush(cli->out);
    arguments[0] = find_amfd(cli);
    execvp(arguments[0], (char *const *)(size_t)arguments);
    return cli_fail(cli, CLI_LOCAL, "%s cannot be run: %s", arguments[0], strerror(errno));
}
