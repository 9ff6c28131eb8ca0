/* amf events */
#include "commands.h"

#include <stdlib.h>

#define PAGE 500 /* the server's own limits */
#define WAIT_S 30.0

#define AT(member) offsetof(struct events_options, member)
const struct option events_options[] = {
    {"after", "SEQ", OPTION_INT, AT(after), "begin after the event of that number", .min = 0,
     .max = (double)PROTO_INT_MAX},
    {"limit", "COUNT", OPTION_INT, AT(limit), "at most so many, 1 to 500; otherwise all", .min = 1,
     .max = PAGE},
    {"follow", NULL, OPTION_FLAG, AT(follow), "go on with what happens from now on"},
    {NULL},
};
#undef AT

void events_defaults(void *options)
{
    ((struct events_options *)options)->after = -1;
}

static void print_demonstration(FILE *out, const struct proto_demonstration *demonstration)
{
    fprintf(out, "  %lld steps of ", (long long)demonstration->steps);
    output_text(out, demonstration->task);
    if (demonstration->operator_) {
        fputs(" by ", out);
        output_text(out, demonstration->operator_);
    }
    if (!demonstration->success)
        fputs(", failed", out);
}

static void print_assignment(FILE *out, const struct proto_assignment *assignment)
{
    fputs("  ", out);
    output_text(out, assignment->task);
    if (assignment->operator_) {
        fputs(" for ", out);
        output_text(out, assignment->operator_);
    }
}

static void print_event(FILE *out, const struct proto_event *event)
{
    fprintf(out, "%6lld  ", (long long)event->seq);
    output_text(out, event->at);
    fputs("  ", out);
    output_text(out, event->type);
    if (event->id) {
        fputs("  ", out);
        output_text(out, event->id);
    }
    if (event->demonstration)
        print_demonstration(out, event->demonstration);
    if (event->assignment)
        print_assignment(out, event->assignment);
    if (event->reason) {
        fputs("  ", out);
        output_text(out, event->reason);
    }
    fputc('\n', out);
}

/* As the server sent it, but alone on its line. */
static int print_json(FILE *out, const struct proto_event *event)
{
    char *text;
    size_t length;

    if (proto_encode(&proto_event_shape, event, &text, &length) != 0)
        return -1;
    fprintf(out, "%s\n", text);
    free(text);
    return 0;
}

static int print_events(struct cli *cli, const struct proto_event_list *list)
{
    const struct proto_event *events = list->events.items;

    for (size_t i = 0; i < list->events.count; i++)
        if (!cli->json)
            print_event(cli->out, &events[i]);
        else if (print_json(cli->out, &events[i]) < 0)
            return -1;
    return fflush(cli->out);
}

/* What could not be written is told by main, as for every command. */
static enum cli_exit go_through(struct cli *cli, const char *project, int64_t after, int64_t limit,
                                bool follow)
{
    struct proto_event_list list;
    enum amf_client_status status;

    do {
        AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;

        status = amf_client_event_list(cli->client, project, after, limit ? limit : PAGE,
                                       follow ? WAIT_S : 0, &result, &list);
        if (status != AMF_CLIENT_OK)
            return cli_explain(cli, NULL, status, &result);
        if (print_events(cli, &list) != 0)
            return ferror(cli->out) ? CLI_OK : cli_no_memory(cli);
        if (list.events.count > 0)
            after = ((const struct proto_event *)list.events.items)[list.events.count - 1].seq;
    } while (follow || (!limit && list.events.count > 0 && after < list.seq));
    return CLI_OK;
}

static enum cli_exit follow(struct cli *cli, const char *project, int64_t after)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_project now = {0};
    enum amf_client_status status = AMF_CLIENT_OK;

    if (after < 0)
        status = amf_client_project_get(cli->client, project, &result, &now);
    if (status != AMF_CLIENT_OK)
        return cli_explain(cli, NULL, status, &result);
    return go_through(cli, project, after < 0 ? now.seq : after, 0, true);
}

static enum cli_exit print_page(struct cli *cli, const char *project, int64_t after, int64_t limit)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;

    return cli_answer(
        cli, amf_client_event_list(cli->client, project, after, limit, 0, &result, NULL), &result);
}

COMMAND(cmd_events)
{
    const struct events_options *said = options;
    int64_t after = said->after < 0 ? 0 : said->after;

    (void)count;
    if (said->follow && said->limit)
        return cli_fail(cli, CLI_USAGE, "--follow has no end, so it takes no --limit");
    if (said->follow)
        return follow(cli, args[0], said->after);
    return cli->json ? print_page(cli, args[0], after, said->limit)
                     : go_through(cli, args[0], after, said->limit, false);
}
