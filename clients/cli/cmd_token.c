/* amf token create|list|revoke */
#include "commands.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <proto/token.h>

#include "listing.h"
#include "write_file.h"

#define AT(member) offsetof(struct token_create_options, member)
const struct option token_create_options[] = {
    {"role", "ROLE", OPTION_NAME, AT(role), "what it may do", .names = proto_role_names,
     .required = true},
    {"project", "ID", OPTION_TEXT, AT(project), "the only project it may reach"},
    {"expires", "DURATION", OPTION_TEXT, AT(expires),
     "when it ends: 90s, 45m, 12h, 30d or 8w from now; never, where it is left out"},
    {"output", "FILE", OPTION_TEXT, AT(output), "write the secret there, readable by you only"},
    {NULL},
};
#undef AT

/* False: no duration. */
static bool parse_duration(const char *text, int64_t *ret_s)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    char digits[16];
    size_t length = strspn(text, "0123456789");
    int64_t number;

    if (length == 0 || length > 9 || strlen(text) != length + 1)
        return false;
    snprintf(digits, sizeof(digits), "%.*s", (int)length, text);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (units[i].unit == text[length] && option_parse_int(digits, &number)) {
            *ret_s = number * units[i].seconds;
            return true;
        }
    }
    return false;
}

/* A secret that cannot be written down must not stay good: nobody knows it. */
static enum cli_exit write_secret(struct cli *cli, const struct proto_token *token,
                                  const char *path)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    const char *line = proto_arena_printf(&cli->arena, "%s\n", token->token);
    int saved;

    if (line && write_file(path, line, strlen(line), 0600, false) == 0)
        return CLI_OK;
    saved = line ? errno : ENOMEM;
    if (amf_client_token_delete(cli->client, token->id, &result) != AMF_CLIENT_OK)
        cli_note(cli, "the token %s has been made all the same; revoke it", token->id);
    return cli_fail(cli, CLI_LOCAL, "%.300s: %s", path, strerror(saved));
}

static enum cli_exit tell_created(struct cli *cli, const struct proto_token *token,
                                  const char *output)
{
    enum cli_exit status = output ? write_secret(cli, token, output) : CLI_OK;

    if (status != CLI_OK)
        return status;
    if (!output)
        fprintf(cli->out, "%s\n", token->token);
    cli_note(cli, "made token %s (%s): %s, %s%s, %s%s", token->id, token->name,
             proto_role_names[token->role], token->project ? "project " : "all projects",
             token->project ? token->project : "", token->expires_at ? "until " : "for ever",
             token->expires_at ? token->expires_at : "");
    if (output)
        cli_note(cli, "its secret is in %s and nowhere else", output);
    else
        cli_note(cli, "keep that line: the secret is not told again");
    return CLI_OK;
}

COMMAND(cmd_token_create)
{
    const struct token_create_options *create = options;
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_token token, created;
    enum amf_client_status status;

    (void)count;
    proto_token_defaults(&token);
    token.name = args[0];
    token.role = create->role;
    token.project = create->project;
    if (create->expires && !parse_duration(create->expires, &token.expires_in_s))
        return cli_fail(cli, CLI_USAGE,
                        "--expires %.40s: a number and one of s, m, h, d, w, such as 30d",
                        create->expires);
    if (create->output && cli->json)
        return cli_fail(cli, CLI_USAGE, "--output and --json exclude each other");
    if (create->output && access(create->output, F_OK) == 0)
        return cli_fail(cli, CLI_LOCAL, "%.300s: %s", create->output, strerror(EEXIST));
    status = amf_client_token_create(cli->client, &token, NULL, &result, &created);
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    return tell_created(cli, &created, create->output);
}

static int add_tokens(struct table *table, const struct proto_list *tokens)
{
    for (size_t i = 0; i < tokens->count; i++) {
        const struct proto_token *token = &((const struct proto_token *)tokens->items)[i];
        const struct cell cells[] = {
            {.text = token->id},
            {.text = token->name},
            {.text = proto_role_names[token->role]},
            {.text = token->project},
            {.text = proto_token_state_names[token->state]},
            {.text = token->expires_at},
            {.text = token->created_at},
        };

        if (table_add(table, cells, false) < 0)
            return -1;
    }
    return 0;
}

static const struct column columns[] = {
    {"token", COLUMN_LEFT},   {"name", COLUMN_LEFT},  {"role", COLUMN_LEFT},
    {"project", COLUMN_LEFT}, {"state", COLUMN_LEFT}, {"expires", COLUMN_LEFT},
    {"created", COLUMN_LEFT},
};

static enum amf_client_status ask_page(struct cli *cli, const char *project,
                                       const struct amf_client_page *page,
                                       struct amf_client_result *result,
                                       struct listing_page *ret_page)
{
    struct proto_token_list list = {0};
    enum amf_client_status status =
        amf_client_token_list(cli->client, page, result, ret_page ? &list : NULL);

    (void)project;
    if (ret_page)
        *ret_page = (struct listing_page){list.tokens, list.next_cursor};
    return status;
}

static const struct listing listing = {columns, sizeof(columns) / sizeof(columns[0]), ask_page,
                                       add_tokens};

COMMAND(cmd_token_list)
{
    (void)args;
    (void)count;
    (void)options;
    return cli_list(cli, &listing, NULL, (struct amf_client_page){0});
}

/* The id of the token of that name, a live one before an expired one; the word itself where it is
 * an id, or the name of none, of which the server then says so. NULL: *ret_exit says why not. */
static const char *find_id(struct cli *cli, const char *word, enum cli_exit *ret_exit)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct amf_client_page page = {.limit = 500};
    const char *expired = NULL;
    int64_t number;

    if (proto_token_parse_id(word, &number))
        return word;
    do {
        struct proto_token_list list = {0};
        enum amf_client_status status = amf_client_token_list(cli->client, &page, &result, &list);

        if (status != AMF_CLIENT_OK) {
            *ret_exit = cli_answer(cli, status, &result);
            return NULL;
        }
        for (size_t i = 0; i < list.tokens.count; i++) {
            const struct proto_token *token = &((const struct proto_token *)list.tokens.items)[i];

            if (strcmp(token->name, word) != 0)
                continue;
            if (token->state == PROTO_TOKEN_LIVE)
                return proto_arena_strdup(&cli->arena, token->id);
            expired = proto_arena_strdup(&cli->arena, token->id);
        }
        page.cursor = proto_arena_strdup(&cli->arena, list.next_cursor);
    } while (page.cursor);
    return expired ? expired : word;
}

COMMAND(cmd_token_revoke)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    enum cli_exit failed = CLI_LOCAL;
    const char *id = find_id(cli, args[0], &failed);
    enum amf_client_status status;

    (void)count;
    (void)options;
    if (!id)
        return failed;
    status = amf_client_token_delete(cli->client, id, &result);
    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    fputs("revoked token ", cli->out);
    output_text(cli->out, args[0]);
    fputc('\n', cli->out);
    return CLI_OK;
}
