/* amf replay: decisions of an exported project, made again. It is amfd that runs, for only the
 * server can fold a log. */
#include "commands.h"

#include <stdlib.h>
#include <string.h>

#include <amf_client/shape.h>

#include "run_amfd.h"
#include "settings.h"

#define AT(member) offsetof(struct replay_options, member)
const struct option replay_options[] = {
    {"workers", "COUNT", OPTION_INT, AT(workers),
     "threads that compute, 0 to 64; 0: one per processor; any number gives the same bits",
     .min = 0, .max = 64},
    {"what-if", "KEY=VALUE", OPTION_TEXTS, AT(what_if),
     "tell what would have been asked under other settings: rule=uniform, weights=raw, "
     "kernel.variance=2; may be given again"},
    {NULL},
};
#undef AT

/* Settings of selection and criterion may be named without their group. */
static const char *full_key(struct cli *cli, const char *word)
{
    static const char *const groups[] = {"selection", "criterion"};
    size_t length = strcspn(word, "=");

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && !memchr(word, '.', length); i++) {
        const char *path = proto_arena_printf(&cli->arena, "%s.%.*s", groups[i], (int)length, word);

        if (path && amf_client_shape_find(&proto_project_shape, path))
            return proto_arena_printf(&cli->arena, "%s.%s", groups[i], word);
    }
    return word;
}

/* The settings as a PATCH would say them; malloc'ed. */
static enum cli_exit settings_text(struct cli *cli, const struct proto_strings *words,
                                   char **ret_text)
{
    const char **full = proto_arena_alloc(&cli->arena, words->count + 1, sizeof(*full));
    const struct proto_shape *shape;
    struct proto_strings fields;
    struct proto_project project;
    char error[512];
    size_t length;

    for (size_t i = 0; full && i < words->count; i++)
        full[i] = full_key(cli, words->items[i]);
    if (!full)
        return cli_no_memory(cli);
    proto_project_defaults(&project);
    if (settings_apply(full, words->count, &cli->arena, &project, &fields, error) < 0)
        return cli_fail(cli, CLI_USAGE, "--what-if %s", error);
    shape = amf_client_shape_pick(&proto_project_shape, &fields, &cli->arena);
    if (!shape || proto_encode(shape, &project, ret_text, &length))
        return cli_no_memory(cli);
    return CLI_OK;
}

COMMAND(cmd_replay)
{
    const struct replay_options *said = options;
    char workers[24], *what_if = NULL;
    const char *arguments[RUN_AMFD_MAX] = {"", "--replay", args[0], "--workers", workers};
    size_t used = 5;
    enum cli_exit failed = CLI_OK;

    (void)count;
    snprintf(workers, sizeof(workers), "%lld", (long long)said->workers);
    if (cli->json)
        arguments[used++] = "--json";
    if (said->what_if.count > 0) {
        failed = settings_text(cli, &said->what_if, &what_if);
        arguments[used++] = "--what-if";
        arguments[used++] = what_if;
    }
    if (!failed)
        failed = run_amfd(cli, arguments);
    free(what_if);
    return failed;
}
