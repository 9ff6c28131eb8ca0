/* One pass over the words. Which options may follow is known once the command is, so options that
 * are a command's own stand behind it; global ones stand anywhere.
 */
#include "arguments.h"

#include <stdarg.h>
#include <string.h>

struct parser {
    struct arguments *arguments;
    struct proto_arena *arena;
    struct option_error *error;
    bool seen[OPTIONS_MAX], seen_global[OPTIONS_MAX];
};

__attribute__((format(printf, 2, 3))) static int refuse(struct option_error *error,
                                                        const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return -1;
}

static const struct command *find_command(const char *noun, const char *verb, bool *ret_known_noun)
{
    *ret_known_noun = false;
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i].noun, noun) != 0)
            continue;
        *ret_known_noun = true;
        if (!commands[i].verb || (verb && strcmp(commands[i].verb, verb) == 0))
            return &commands[i];
    }
    return NULL;
}

static int take_command(struct parser *parser, const struct command *command)
{
    struct arguments *arguments = parser->arguments;

    arguments->command = command;
    arguments->options = proto_arena_alloc(parser->arena, 1, command->options_size + 1);
    if (!arguments->options)
        return refuse(parser->error, "out of memory");
    if (command->set_defaults)
        command->set_defaults(arguments->options);
    return 0;
}

static int take_word(struct parser *parser, const char *word)
{
    struct arguments *arguments = parser->arguments;
    const struct command *command;
    bool known;

    if (arguments->command) {
        if (arguments->count >= arguments->command->max_args)
            return refuse(parser->error, "\"%.100s\" is one argument too many", word);
        arguments->args[arguments->count++] = word;
        return 0;
    }
    command = find_command(arguments->noun ? arguments->noun : word, arguments->noun ? word : NULL,
                           &known);
    if (command) {
        arguments->noun = command->noun;
        return take_command(parser, command);
    }
    if (arguments->noun)
        return refuse(parser->error, "%s has no verb \"%.100s\"", arguments->noun, word);
    if (!known)
        return refuse(parser->error, "there is no command \"%.100s\"", word);
    arguments->noun = word;
    return 0;
}

/* argv[*index] is "--name" or "--name=VALUE"; moves *index over a value that follows. */
static int take_option(struct parser *parser, int argc, char **argv, int *index)
{
    struct arguments *arguments = parser->arguments;
    const char *name = argv[*index] + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *table = arguments->command ? arguments->command->options : NULL;
    const struct option *option = option_find(table, name, length);
    const char *value = equals ? equals + 1 : NULL;
    void *object = arguments->options;
    bool *seen = parser->seen;

    if (!option) {
        table = global_options;
        option = option_find(table, name, length);
        object = &arguments->global;
        seen = parser->seen_global;
    }
    if (!option)
        return refuse(parser->error, "there is no option --%.*s%s",
                      (int)(length < 100 ? length : 100), name,
                      arguments->command ? " for this command" : " in front of a command");
    if (seen[option - table] && option->kind != OPTION_TEXTS)
        return refuse(parser->error, "--%s is given twice", option->name);
    seen[option - table] = true;
    if (!option->value && value)
        return refuse(parser->error, "--%s takes no value", option->name);
    if (option->value && !value) {
        if (*index + 1 >= argc)
            return refuse(parser->error, "--%s needs %s", option->name, option->value);
        value = argv[++*index];
    }
    return option_set(option, value, parser->arena, object, parser->error);
}

static int check_complete(const struct parser *parser)
{
    const struct arguments *arguments = parser->arguments;
    const struct command *command = arguments->command;

    if (arguments->global.help || arguments->global.version)
        return 0;
    if (!arguments->noun)
        return refuse(parser->error, "a command is needed");
    if (!command)
        return refuse(parser->error, "%s needs a verb", arguments->noun);
    if (arguments->count < command->min_args)
        return refuse(parser->error, "too few arguments; wanted are %s", command->args);
    for (size_t i = 0; command->options && command->options[i].name; i++)
        if (command->options[i].required && !parser->seen[i])
            return refuse(parser->error, "--%s %s is needed", command->options[i].name,
                          command->options[i].value);
    return 0;
}

int arguments_parse(int argc, char **argv, struct proto_arena *arena,
                    struct arguments *ret_arguments, struct option_error *ret_error)
{
    struct arguments arguments = {0};
    struct parser parser = {&arguments, arena, ret_error, {false}, {false}};
    bool only_words = false;
    int status = 0;

    arguments.args = proto_arena_alloc(arena, (size_t)argc + 1, sizeof(*arguments.args));
    if (!arguments.args)
        return refuse(ret_error, "out of memory");
    for (int i = 1; i < argc && status == 0; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0)
            only_words = true;
        else if (!only_words && strncmp(argv[i], "--", 2) == 0)
            status = take_option(&parser, argc, argv, &i);
        else if (!only_words && argv[i][0] == '-' && argv[i][1] != '\0')
            status = refuse(ret_error, "there is no option %.100s; options begin with --", argv[i]);
        else
            status = take_word(&parser, argv[i]);
    }
    if (status == 0)
        status = check_complete(&parser);
    *ret_arguments = arguments;
    return status;
}
