/* amf decisions */
#include "commands.h"

#include <math.h>

#include "listing.h"

#define AT(member) offsetof(struct decisions_options, member)
const struct option decisions_options[] = {
    {"limit", "COUNT", OPTION_INT, AT(limit), "this many; otherwise all", .min = 1, .max = 500},
    {"cursor", "ID", OPTION_TEXT, AT(cursor), "those after this one"},
    {NULL},
};
#undef AT

static int add_decisions(struct table *table, const struct proto_list *decisions)
{
    const struct proto_decision *items = decisions->items;

    for (size_t i = 0; i < decisions->count; i++) {
        char gain[OUTPUT_NUMBER_BYTES], margin[OUTPUT_NUMBER_BYTES];
        const struct cell cells[] = {
            {.text = items[i].id},
            {.text = items[i].at},
            {.text = items[i].task},
            {.text = items[i].operator_},
            {.text = proto_rule_names[items[i].rule]},
            {.text = output_real(gain, 5, items[i].gain)},
            {.text = output_real(margin, 5, items[i].margin)},
            {.text = proto_assignment_state_names[items[i].state]},
        };

        if (table_add(table, cells, false) < 0)
            return -1;
    }
    return 0;
}

static const struct column columns[] = {
    {"decision", COLUMN_LEFT}, {"at", COLUMN_LEFT},    {"task", COLUMN_LEFT},
    {"operator", COLUMN_LEFT}, {"rule", COLUMN_LEFT},  {"gain", COLUMN_RIGHT},
    {"margin", COLUMN_RIGHT},  {"state", COLUMN_LEFT},
};

static enum amf_client_status ask_page(struct cli *cli, const char *project,
                                       const struct amf_client_page *page,
                                       struct amf_client_result *result,
                                       struct listing_page *ret_page)
{
    struct proto_decision_list list = {0};
    enum amf_client_status status =
        amf_client_decision_list(cli->client, project, page, result, ret_page ? &list : NULL);

    if (ret_page)
        *ret_page = (struct listing_page){list.decisions, list.next_cursor};
    return status;
}

static const struct listing listing = {columns, sizeof(columns) / sizeof(columns[0]), ask_page,
                                       add_decisions};

/* "  scores       pour-coffee 4.31, pick-banana 0.8 (2 of 40)" */
static void print_by_task(FILE *out, const char *name, const struct proto_by_task *list)
{
    size_t count = !list                                    ? 0
                   : list->tasks.count < list->values.count ? list->tasks.count
                                                            : list->values.count;

    if (count == 0)
        return;
    fprintf(out, "  %-12s ", name);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? ", " : "", out);
        output_text(out, list->tasks.items[i]);
        fprintf(out, " %.5g", list->values.items[i]);
    }
    if (list->total > (int64_t)count)
        fprintf(out, " (%zu of %lld)", count, (long long)list->total);
    fputc('\n', out);
}

static void print_text(FILE *out, const char *name, const char *text)
{
    fprintf(out, "  %-12s ", name);
    output_text(out, text);
    fputc('\n', out);
}

static void print_basis(FILE *out, const struct proto_basis *basis)
{
    print_by_task(out, "gains", basis->scores);
    print_by_task(out, "of it about", basis->shares);
    print_by_task(out, "under way", basis->pending);
    print_by_task(out, "not counted", basis->unseen);
    print_by_task(out, "entropies", basis->entropies);
    fprintf(out, "  %-12s ", "by");
    output_text(out, basis->revision);
    fprintf(out, ", measure %s", proto_measure_names[basis->measure]);
    if (!isnan(basis->effective_sample_size))
        fprintf(out, ", effective sample size %.4g, largest weight %.4g, clipped %.4g",
                basis->effective_sample_size, basis->largest_weight_share, basis->clipped_share);
    fputc('\n', out);
}

static enum cli_exit show_decision(struct cli *cli, const char *project, const char *id)
{
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
    struct proto_decision decision = {0};
    enum amf_client_status status =
        amf_client_decision_get(cli->client, project, id, &result, cli->json ? NULL : &decision);
    FILE *out = cli->out;

    if (status != AMF_CLIENT_OK || cli->json)
        return cli_answer(cli, status, &result);
    output_text(out, decision.task);
    fputc('\n', out);
    print_text(out, "why", decision.why);
    print_text(out, "at", decision.at);
    print_text(out, "asked by", decision.operator_);
    print_text(out, "rule", proto_rule_names[decision.rule]);
    fprintf(out, "  %-12s event %lld, %.1f s old, %lld given out before\n", "ranking",
            (long long)decision.seq, decision.age_s, (long long)decision.pick);
    if (decision.basis)
        print_basis(out, decision.basis);
    return CLI_OK;
}

COMMAND(cmd_decisions)
{
    const struct decisions_options *said = options;

    if (count > 1)
        return show_decision(cli, args[0], args[1]);
    return cli_list(cli, &listing, args[0],
                    (struct amf_client_page){.limit = said->limit, .cursor = said->cursor});
}
