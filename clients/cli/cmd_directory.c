/* amf server check|purge: what amfd does to a data directory. It runs in this program's place, for
 * only the server knows the store. */
#include "commands.h"

#include "run_amfd.h"

#define AT(member) offsetof(struct purge_options, member)
const struct option purge_options[] = {
    {"project", "ID", OPTION_TEXT, AT(project), "only deleted projects of this id"},
    {"yes", NULL, OPTION_FLAG, AT(yes), "erase, instead of telling what would go"},
    {NULL},
};
#undef AT

COMMAND(cmd_server_check)
{
    const char *arguments[RUN_AMFD_MAX] = {"", "--check", "--data", args[0],
                                           cli->json ? "--json" : NULL};

    (void)count;
    (void)options;
    return run_amfd(cli, arguments);
}

COMMAND(cmd_server_purge)
{
    const struct purge_options *said = options;
    const char *arguments[RUN_AMFD_MAX] = {"", "--purge", "--data", args[0]};
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
