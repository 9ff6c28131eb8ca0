/* amf server check|purge: what amfd does to a data directory. It runs in this program's place, for
 * only the server knows the store. */
#define _GNU_SOURCE /* readlink */
#include "commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(member) offsetof(struct purge_options, member)
const struct option purge_options[] = {
    {"project", "ID", OPTION_TEXT, AT(project), "only deleted projects of this id"},
    {"yes", NULL, OPTION_FLAG, AT(yes), "erase, instead of telling what would go"},
    {NULL},
};
#undef AT

enum { ARGUMENTS_MAX = 10 };

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

/* Returns only when it could not be run. */
static enum cli_exit run_amfd(struct cli *cli, const char *arguments[ARGUMENTS_MAX])
{
    fflush(cli->out);
    arguments[0] = find_amfd(cli);
    execvp(arguments[0], (char *const *)(size_t)arguments);
    return cli_fail(cli, CLI_LOCAL, "%s cannot be run: %s", arguments[0], strerror(errno));
}

COMMAND(cmd_server_check)
{
    const char *arguments[ARGUMENTS_MAX] = {"", "--check", "--data", args[0],
                                            cli->json ? "--json" : NULL};

    (void)count;
    (void)options;
    return run_amfd(cli, arguments);
}

COMMAND(cmd_server_purge)
{
    const struct purge_options *said = options;
    const char *arguments[ARGUMENTS_MAX] = {"", "--purge", "--data", args[0]};
    size_t used = 4;

    (void)count;
    if (cli->json)
        arguments[used++] = "--json";
    if (said->yes)
        arguments[used++] = "--yes";
    if (said->project) {
        arguments[used++] = "--project";
        arguments[used++] = said->project;
    }
    return run_amfd(cli, arguments);
}
