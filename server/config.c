#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <log/log.h>

#include "config.h"

enum config_type { CONFIG_STRING, CONFIG_NUMBER, CONFIG_BOOL, CONFIG_CHOICE };

struct config_key {
    const char *name; /* in the file; --name on the command line, '_' as '-' */
    enum config_type type;
    size_t offset;
    long min, max;
    const char *environment, *argument, *help;
};

static const struct config_key keys[] = {
    {"data", CONFIG_STRING, offsetof(struct config, data), 0, 0, "AMFD_DATA", "DIR",
     "where everything is kept; made if missing (default: $XDG_DATA_HOME/amf or "
     "~/.local/share/amf)"},
    {"listen", CONFIG_STRING, offsetof(struct config, listen), 0, 0, "AMFD_LISTEN", "ADDR:PORT",
     "numeric address and port; port 0: any free one (default: 127.0.0.1:7667)"},
    {"workers", CONFIG_NUMBER, offsetof(struct config, workers), 0, 64, "AMFD_WORKERS", "COUNT",
     "threads that compute rankings, 0 to 64; 0: one per processor (default: 0)"},
    {"connections_per_address", CONFIG_NUMBER, offsetof(struct config, connections_per_address), 0,
     512, "AMFD_CONNECTIONS_PER_ADDRESS", "COUNT",
     "connections that one address may have, 0 to 512; 0: all but the last 64 (default: 0)"},
    {"streams", CONFIG_NUMBER, offsetof(struct config, streams), 0, 65536, "AMFD_STREAMS", "COUNT",
     "event streams and other requests that may wait at once, 0 to 65536 (default: 2560)"},
    {"allow_remote", CONFIG_BOOL, offsetof(struct config, allow_remote), 0, 0, "AMFD_ALLOW_REMOTE",
     NULL,
     "listen without TLS on an address that other machines reach; tokens then travel in the clear"},
    {"close_after_body", CONFIG_BOOL, offsetof(struct config, close_after_body), 0, 0,
     "AMFD_CLOSE_AFTER_BODY", NULL,
     "end a connection after each request with a body: for a proxy in front that lets NUL bytes "
     "through"},
    {"tls_cert", CONFIG_STRING, offsetof(struct config, tls_cert), 0, 0, "AMFD_TLS_CERT", "FILE",
     "speak TLS with this certificate (PEM, its chain behind it)"},
    {"tls_key", CONFIG_STRING, offsetof(struct config, tls_key), 0, 0, "AMFD_TLS_KEY", "FILE",
     "its private key (PEM, not encrypted), readable for its owner alone"},
    {"on_fsync_error", CONFIG_CHOICE, offsetof(struct config, on_fsync_error), 0, 0,
     "AMFD_ON_FSYNC_ERROR", "exit|stay",
     "after a failed commit: end with exit code 1, so that a restart decides what is stored, or "
     "stay and only read (default: exit)"},
    {"log_format", CONFIG_CHOICE, offsetof(struct config, log_format), 0, 0, "AMFD_LOG_FORMAT",
     "text|json", "lines on standard error for people, or one JSON object a line (default: text)"},
    {"log_level", CONFIG_CHOICE, offsetof(struct config, log_level), 0, 0, "AMFD_LOG_LEVEL",
     "debug|info|warning|error", "the least that is logged (default: info)"},
};

#define KEY_COUNT (sizeof keys / sizeof *keys)
_Static_assert(KEY_COUNT <= CONFIG_KEYS_MAX, "no room for where a setting came from");

/* A configuration file holds a few lines; what is larger is another file. */
enum { FILE_BYTES = 64 * 1024 };

static bool key_matches(const struct config_key *key, const char *name)
{
    size_t i = 0;

    while (key->name[i] && (name[i] == key->name[i] || (name[i] == '-' && key->name[i] == '_')))
        i++;
    return !key->name[i] && !name[i];
}

static const struct config_key *key_find(const char *name)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (key_matches(&keys[i], name))
            return &keys[i];
    return NULL;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be changed, added or left out to make one word of the other. */
static size_t word_distance(const char *word, const char *other)
{
    enum { LENGTH_MAX = 64 };
    size_t length = strlen(other), row[LENGTH_MAX + 1];

    if (length > LENGTH_MAX || strlen(word) > LENGTH_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; word[i - 1]; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t changed = diagonal + (word[i - 1] != other[j - 1]);

            diagonal = row[j];
            row[j] = smaller(changed, smaller(row[j], row[j - 1]) + 1);
        }
    }
    return row[length];
}

/* What was probably meant: at most a third of it is wrong. NULL: nothing like it. */
static const struct config_key *key_nearest(const char *name)
{
    const struct config_key *nearest = NULL;
    size_t least = SIZE_MAX;
    char spelt[CONFIG_TEXT_BYTES];

    snprintf(spelt, sizeof spelt, "%s", name);
    for (char *c = spelt; *c; c++)
        *c = *c == '-' ? '_' : *c;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        size_t distance = word_distance(spelt, keys[i].name);

        if (distance < least && distance * 3 <= strlen(keys[i].name)) {
            nearest = &keys[i];
            least = distance;
        }
    }
    return nearest;
}

/* "; did you mean workers?", with the dashes of a flag where `name` is one. */
static void suggest(const char *name, char ret_text[96])
{
    bool flag = !strncmp(name, "--", 2);
    const struct config_key *nearest = key_nearest(flag ? name + 2 : name);

    snprintf(ret_text, 96, "--help lists them");
    if (!nearest)
        return;
    snprintf(ret_text, 96, "did you mean %s%s?", flag ? "--" : "", nearest->name);
    for (char *c = strchr(ret_text, '-'); flag && c && *c; c++)
        *c = *c == '_' ? '-' : *c;
}

static int set_number(const struct config_key *key, const char *value, long *member)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(value, &end, 10);
    if (errno || end == value || *end || number < key->min || number > key->max)
        return -1;
    *member = number;
    return 0;
}

/* The words are those of key->argument, "first|second"; their places are the values. */
static int set_choice(const struct config_key *key, const char *value, long *member)
{
    const char *word = key->argument;
    size_t length = strlen(value);

    for (long place = 0;; place++) {
        size_t word_length = strcspn(word, "|");

        if (length == word_length && !memcmp(word, value, length)) {
            *member = place;
            return 0;
        }
        if (!word[word_length])
            return -1;
        word += word_length + 1;
    }
}

static void print_choice(const struct config_key *key, long place, FILE *out)
{
    const char *word = key->argument;

    while (place-- > 0)
        word += strcspn(word, "|") + 1;
    fprintf(out, "%.*s\n", (int)strcspn(word, "|"), word);
}

/* from: what to name in an error, such as "--workers" or "FILE:3". */
static int key_write(struct config *config, const struct config_key *key, const char *value,
                     const char *from, char ret_error[CONFIG_ERROR_BYTES])
{
    void *member = (char *)config + key->offset;

    if (key->type == CONFIG_STRING && *value && strlen(value) < CONFIG_TEXT_BYTES) {
        memcpy(member, value, strlen(value) + 1);
        return 0;
    }
    if (key->type == CONFIG_NUMBER && !set_number(key, value, member))
        return 0;
    if (key->type == CONFIG_CHOICE && !set_choice(key, value, member))
        return 0;
    if (key->type == CONFIG_BOOL && (!strcmp(value, "true") || !strcmp(value, "false"))) {
        *(bool *)member = !strcmp(value, "true");
        return 0;
    }
    snprintf(ret_error, CONFIG_ERROR_BYTES, "%s: %s cannot be \"%.64s\": %s", from, key->name,
             value, key->type == CONFIG_BOOL ? "true or false" : key->help);
    return -1;
}

static int key_set(struct config *config, const struct config_key *key, enum config_origin origin,
                   const char *value, const char *from, char ret_error[CONFIG_ERROR_BYTES])
{
    if (key_write(config, key, value, from, ret_error))
        return -1;
    config->origins[key - keys] = (unsigned char)origin;
    return 0;
}

static void config_defaults(struct config *ret_config)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

    *ret_config =
        (struct config){.listen = "127.0.0.1:7667", .streams = 2560, .log_level = LOG_INFO};
    if (data && *data == '/') /* a relative one is invalid and ignored, as its specification says */
        snprintf(ret_config->data, sizeof ret_config->data, "%s/amf", data);
    else if (home && *home)
        snprintf(ret_config->data, sizeof ret_config->data, "%s/.local/share/amf", home);
}

static char *trim(char *text)
{
    char *end;

    text += strspn(text, " \t\r\n");
    end = text + strlen(text);
    while (end > text && strchr(" \t\r\n", end[-1]))
        *--end = '\0';
    return text;
}

/* One line of a file: "key = value", blank, or "# comment". */
static int file_line(struct config *config, char *line, bool seen[KEY_COUNT], const char *from,
                     char ret_error[CONFIG_ERROR_BYTES])
{
    const struct config_key *key;
    char *text = trim(line), *equals = strchr(text, '='), hint[96];

    if (!*text || *text == '#')
        return 0;
    if (!equals) {
        snprintf(ret_error, CONFIG_ERROR_BYTES, "%s: expected \"key = value\"", from);
        return -1;
    }
    *equals = '\0';
    text = trim(text);
    key = key_find(text);
    if (!key) {
        suggest(text, hint);
        snprintf(ret_error, CONFIG_ERROR_BYTES, "%s: no such key: \"%.64s\"; %s", from, text, hint);
        return -1;
    }
    if (seen[key - keys]) {
        snprintf(ret_error, CONFIG_ERROR_BYTES, "%s: %s stands twice", from, key->name);
        return -1;
    }
    seen[key - keys] = true;
    return key_set(config, key, ORIGIN_FILE, trim(equals + 1), from, ret_error);
}

/* Read whole before it is cut into lines: a line that a buffer cuts would be read as two, and what
 * follows a NUL would not be read at all. */
static int file_read(const char *path, char ret_text[FILE_BYTES + 1],
                     char ret_error[CONFIG_ERROR_BYTES])
{
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(ret_text, 1, FILE_BYTES + 1, file) : 0;
    bool unread = !file || ferror(file),
         text = length <= FILE_BYTES && !memchr(ret_text, 0, length);

    if (unread)
        snprintf(ret_error, CONFIG_ERROR_BYTES, "%.256s: %s", path, strerror(errno));
    else if (!text)
        snprintf(ret_error, CONFIG_ERROR_BYTES, "%.256s: not a text of at most %d bytes", path,
                 FILE_BYTES);
    else
        ret_text[length] = '\0';
    if (file)
        fclose(file);
    return unread || !text ? -1 : 0;
}

static int config_file(struct config *config, const char *path, char ret_error[CONFIG_ERROR_BYTES])
{
    char text[FILE_BYTES + 1], from[128], *rest = text;
    bool seen[KEY_COUNT] = {false};
    int failed = file_read(path, text, ret_error);

    for (int number = 1; !failed && rest; number++) {
        snprintf(from, sizeof from, "%.100s:%d", path, number);
        failed = file_line(config, strsep(&rest, "\n"), seen, from, ret_error);
    }
    return failed;
}

static int config_environment(struct config *config, char ret_error[CONFIG_ERROR_BYTES])
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const char *value = getenv(keys[i].environment);

        if (value &&
            key_set(config, &keys[i], ORIGIN_ENVIRONMENT, value, keys[i].environment, ret_error))
            return -1;
    }
    return 0;
}

/* --config comes first whatever its place, because everything else wins over the file. */
static const char *find_config_flag(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i++)
        if (!strcmp(argv[i], "--config"))
            return argv[i + 1];
    return getenv("AMFD_CONFIG");
}

/* What is no setting: none of it belongs into a file. */
static const struct {
    const char *flag;
    size_t offset;
} switches[] = {
    {"--check", offsetof(struct config, check)},
    {"--purge", offsetof(struct config, purge)},
    {"--yes", offsetof(struct config, yes)},
    {"--json", offsetof(struct config, json)},
};

static const struct {
    const char *flag;
    size_t offset;
} texts[] = {
    {"--project", offsetof(struct config, project)},
    {"--replay", offsetof(struct config, replay)},
    {"--what-if", offsetof(struct config, what_if)},
};

static char *find_text(struct config *config, const char *flag)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!strcmp(flag, texts[i].flag))
            return (char *)config + texts[i].offset;
    return NULL;
}

static bool config_switch(struct config *config, const char *flag)
{
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        if (!strcmp(flag, switches[i].flag)) {
            *(bool *)((char *)config + switches[i].offset) = true;
            return true;
        }
    return false;
}

static enum config_outcome config_replay(const struct config *config,
                                         char ret_error[CONFIG_ERROR_BYTES])
{
    if (*config->replay && !config->check && !config->purge && !config->yes && !*config->project)
        return CONFIG_REPLAY;
    snprintf(ret_error, CONFIG_ERROR_BYTES,
             "say --replay FILE [--what-if SETTINGS] [--workers COUNT] [--json]");
    return CONFIG_ERROR;
}

/* Only together with --check or --purge: who says --yes to a daemon has mistyped something. */
static enum config_outcome config_maintenance(const struct config *config,
                                              char ret_error[CONFIG_ERROR_BYTES])
{
    if (*config->replay || *config->what_if)
        return config_replay(config, ret_error);
    if (config->check && !config->purge && !config->yes && !*config->project)
        return CONFIG_CHECK;
    if (config->purge && !config->check)
        return CONFIG_PURGE;
    if (!config->check && !config->yes && !config->json && !*config->project)
        return CONFIG_RUN;
    snprintf(ret_error, CONFIG_ERROR_BYTES,
             "say --check [--json], or --purge [--project ID] [--yes] [--json]");
    return CONFIG_ERROR;
}

static int set_text(char *text, const char *flag, const char *value,
                    char ret_error[CONFIG_ERROR_BYTES])
{
    if (strlen(value) >= CONFIG_TEXT_BYTES) {
        snprintf(ret_error, CONFIG_ERROR_BYTES, "%s: of at most %d bytes", flag,
                 CONFIG_TEXT_BYTES - 1);
        return -1;
    }
    memcpy(text, value, strlen(value) + 1);
    return 0;
}

static enum config_outcome config_flag(struct config *config, int argc, char **argv, int *at,
                                       char ret_error[CONFIG_ERROR_BYTES])
{
    const char *flag = argv[*at];
    const struct config_key *key = strncmp(flag, "--", 2) == 0 ? key_find(flag + 2) : NULL;
    const char *value = "true";
    char hint[96];

    if (!strcmp(flag, "--help") || !strcmp(flag, "-h"))
        return CONFIG_HELP;
    if (!strcmp(flag, "--version"))
        return CONFIG_VERSION;
    if (!strcmp(flag, "--print-config"))
        return CONFIG_PRINT;
    if (config_switch(config, flag))
        return CONFIG_RUN;
    if (!key && strcmp(flag, "--config") != 0 && !find_text(config, flag)) {
        suggest(flag, hint);
        snprintf(ret_error, CONFIG_ERROR_BYTES, "%.64s: no such option; %s", flag, hint);
        return CONFIG_ERROR;
    }
    if (!key || key->type != CONFIG_BOOL) {
        if (*at + 1 == argc) {
            snprintf(ret_error, CONFIG_ERROR_BYTES, "%s needs a value", flag);
            return CONFIG_ERROR;
        }
        value = argv[++*at];
    }
    if (find_text(config, flag) && set_text(find_text(config, flag), flag, value, ret_error))
        return CONFIG_ERROR;
    return key && key_set(config, key, ORIGIN_FLAG, value, flag, ret_error) ? CONFIG_ERROR
                                                                            : CONFIG_RUN;
}

static bool is_loopback(const char *address)
{
    return !strncmp(address, "127.", 4) || !strcmp(address, "::1");
}

/* "127.0.0.1:7667" or "[::1]:7667". */
static int split_listen(struct config *config, char ret_error[CONFIG_ERROR_BYTES])
{
    const char *colon = strrchr(config->listen, ':'), *start = config->listen;
    unsigned char binary[16];
    char *end = NULL;
    unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;
    size_t length = colon ? (size_t)(colon - start) : 0;

    if (length >= 2 && start[0] == '[' && start[length - 1] == ']') {
        start++;
        length -= 2;
    }
    snprintf(config->address, sizeof config->address, "%.*s", (int)length, start);
    if (!colon || end == colon + 1 || *end || port > UINT16_MAX ||
        (inet_pton(AF_INET, config->address, binary) != 1 &&
         inet_pton(AF_INET6, config->address, binary) != 1)) {
        snprintf(ret_error, CONFIG_ERROR_BYTES,
                 "listen: expected ADDR:PORT such as 127.0.0.1:7667 or [::1]:7667, not \"%.64s\"",
                 config->listen);
        return -1;
    }
    config->port = (unsigned)port;
    return 0;
}

static int check_door(const struct config *config, char ret_error[CONFIG_ERROR_BYTES])
{
    if (!*config->tls_cert != !*config->tls_key) {
        snprintf(ret_error, CONFIG_ERROR_BYTES,
                 "tls_%s: is not given; TLS needs a certificate and its key",
                 *config->tls_cert ? "key" : "cert");
        return -1;
    }
    if (*config->tls_cert || config->allow_remote || is_loopback(config->address))
        return 0;
    snprintf(ret_error, CONFIG_ERROR_BYTES,
             "listen: %.64s is reached by other machines, and tokens would travel in the clear; "
             "say --tls-cert and --tls-key, put a TLS proxy in front and listen on 127.0.0.1, or "
             "say --allow-remote",
             config->address);
    return -1;
}

static int config_finish(struct config *config, char ret_error[CONFIG_ERROR_BYTES])
{
    struct config defaults;

    config_defaults(&defaults);
    config->data_is_default = !strcmp(config->data, defaults.data);
    if (!*config->data) {
        snprintf(ret_error, CONFIG_ERROR_BYTES, "data: no home directory is known; say --data DIR");
        return -1;
    }
    return split_listen(config, ret_error) ? -1 : check_door(config, ret_error);
}

enum config_outcome config_load(int argc, char **argv, struct config *ret_config,
                                char ret_error[CONFIG_ERROR_BYTES])
{
    const char *path = find_config_flag(argc, argv);
    enum config_outcome outcome = CONFIG_RUN;

    config_defaults(ret_config);
    for (int i = 1; i < argc && outcome == CONFIG_RUN; i++) {
        struct config ignored =
            *ret_config; /* first pass: a call for help is answered whatever else is wrong */

        outcome = config_flag(&ignored, argc, argv, &i, ret_error);
        if (outcome == CONFIG_ERROR)
            return outcome;
    }
    if (outcome == CONFIG_HELP || outcome == CONFIG_VERSION)
        return outcome;
    if ((path && config_file(ret_config, path, ret_error)) ||
        config_environment(ret_config, ret_error))
        return CONFIG_ERROR;
    for (int i = 1; i < argc; i++)
        if (config_flag(ret_config, argc, argv, &i, ret_error) == CONFIG_ERROR)
            return CONFIG_ERROR;
    if (config_finish(ret_config, ret_error))
        return CONFIG_ERROR;
    return outcome == CONFIG_RUN ? config_maintenance(ret_config, ret_error) : outcome;
}

void config_help(FILE *out)
{
    fputs("usage: amfd [options]\n\n"
          "Holds demonstrations and answers which task should be demonstrated next. When it is "
          "ready it prints\n"
          "one line on standard output, \"listening on http://ADDR:PORT\" (https with TLS); logs "
          "go to standard "
          "error.\n\n"
          "options (also as environment variables, and as lines \"key = value\" of the file):\n",
          out);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        char flag[64];

        snprintf(flag, sizeof flag, "--%s %s", keys[i].name,
                 keys[i].argument ? keys[i].argument : "");
        for (char *c = flag; *c; c++)
            *c = *c == '_' ? '-' : *c;
        fprintf(out, "  %-20s %s [%s]\n", flag, keys[i].help, keys[i].environment);
    }
    fputs("  --config FILE        read settings from a file first [AMFD_CONFIG]\n"
          "  --print-config       print the settings in force and where each came from, and exit\n"
          "  --version, --help\n\n"
          "instead of serving, while no daemon runs (what `amf server check` and `purge` run):\n"
          "  --check [--json]     look through the data directory: 0 sound, 1 damaged, 4 cannot\n"
          "  --purge [--project ID] [--yes] [--json]\n"
          "                       erase deleted projects for good; without --yes tell what would "
          "go\n"
          "and at any time (what `amf replay` runs):\n"
          "  --replay FILE [--what-if SETTINGS] [--workers COUNT] [--json]\n"
          "                       make every decision of an export again: 0 the same, 1 not, 4 "
          "cannot\n\n"
          "exit codes: 0 after SIGTERM or SIGINT, 1 cannot start or can no longer store, 2 wrong "
          "usage\n",
          out);
}

/* As a comment on its own line: a value may hold a '#'. */
static void print_origin(const struct config *config, size_t place, FILE *out)
{
    static const char *const words[] = {"default", "file", "environment", "flag"};

    fprintf(out, "# %s", words[config->origins[place]]);
    if (config->origins[place] == ORIGIN_ENVIRONMENT)
        fprintf(out, " %s", keys[place].environment);
    fputc('\n', out);
}

void config_print(const struct config *config, FILE *out)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const void *member = (const char *)config + keys[i].offset;

        print_origin(config, i, out);
        if (keys[i].type == CONFIG_STRING && !*(const char *)member) {
            fprintf(out, "# %s is not set\n", keys[i].name); /* and cannot be set to nothing */
            continue;
        }
        fprintf(out, "%s = ", keys[i].name);
        if (keys[i].type == CONFIG_STRING)
            fprintf(out, "%s\n", (const char *)member);
        else if (keys[i].type == CONFIG_NUMBER)
            fprintf(out, "%ld\n", *(const long *)member);
        else if (keys[i].type == CONFIG_CHOICE)
            print_choice(&keys[i], *(const long *)member, out);
        else
            fprintf(out, "%s\n", *(const bool *)member ? "true" : "false");
    }
}
