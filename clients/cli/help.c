/* Help, generated from the tables. */
#include "commands.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "locate.h"

#define SUMMARY_COLUMN 40

static const char finding[] =
    "The server is --url, or AMF_URL, or the one whose address stands in DIR/listening, "
    "or\n" LOCATE_DEFAULT_URL
    ". The token is in --token-file, or AMF_TOKEN, or in DIR/admin.token\n"
    "(for a server on this machine only). DIR is $XDG_DATA_HOME/amf or ~/.local/share/amf.\n"
    "An https server is trusted by the certificates of --ca-file, or AMF_CA_FILE, or the "
    "machine.\n";

static const char exits[] = "Exit codes:\n"
                            "  0  ok\n"
                            "  1  the server said no; its reason is one line on standard error\n"
                            "  2  wrong usage\n"
                            "  3  cannot reach the server, or what answers is not amfd\n"
                            "  4  a bad local file, or no memory or space on this machine\n";

static void print_command_line(FILE *out, const struct command *command)
{
    int width =
        fprintf(out, "  amf %s%s%s%s%s", command->noun, command->verb ? " " : "",
                command->verb ? command->verb : "", *command->args ? " " : "", command->args);

    fprintf(out, "%*s%s\n", width < SUMMARY_COLUMN ? SUMMARY_COLUMN - width : 2, "",
            command->summary);
}

static void print_tail(FILE *out)
{
    fputs("\nEverywhere:\n", out);
    option_print_help(out, global_options, NULL);
    fprintf(out, "\n%s\n%s", finding, exits);
}

void help_print_all(FILE *out)
{
    fputs("Usage: amf COMMAND [ARGUMENT]... [OPTION]...\n\n"
          "Which task should be demonstrated next? The command line of amfd.\n\nCommands:\n",
          out);
    for (size_t i = 0; i < command_count; i++)
        print_command_line(out, &commands[i]);
    fputs("\n`amf COMMAND --help` tells more about one.\n", out);
    print_tail(out);
}

void help_print_noun(FILE *out, const char *noun)
{
    fprintf(out, "Usage: amf %s VERB [ARGUMENT]... [OPTION]...\n\nCommands:\n", noun);
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].noun, noun) == 0)
            print_command_line(out, &commands[i]);
    print_tail(out);
}

void help_print_command(FILE *out, const struct command *command)
{
    void *defaults = calloc(1, command->options_size + 1);

    fprintf(out, "Usage: amf %s%s%s%s%s%s\n\n%c%s.\n", command->noun, command->verb ? " " : "",
            command->verb ? command->verb : "", *command->args ? " " : "", command->args,
            command->options ? " [OPTION]..." : "", toupper((unsigned char)*command->summary),
            command->summary + 1);
    if (command->notes)
        fprintf(out, "\n%s", command->notes);
    if (command->options) {
        fputs("\nOptions:\n", out);
        if (defaults && command->set_defaults)
            command->set_defaults(defaults);
        option_print_help(out, command->options, command->set_defaults ? defaults : NULL);
    }
    free(defaults);
    print_tail(out);
}
