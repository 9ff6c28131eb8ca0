/* Rows are kept until the last page is there: only then the widths of the columns are known. With
 * --json there is one request, and its cursor is the reader's to follow. */
#include "listing.h"

enum cli_exit cli_list(struct cli *cli, const struct listing *listing, const char *project,
                       struct amf_client_page from)
{
    TABLE_CLEANUP struct table *table = table_new(listing->columns, listing->column_count);
    AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;

    do {
        struct listing_page page = {.next = NULL};
        enum amf_client_status status =
            listing->ask(cli, project, &from, &result, cli->json ? NULL : &page);

        if (status != AMF_CLIENT_OK || cli->json)
            return cli_answer(cli, status, &result);
        from.cursor = proto_arena_strdup(&cli->arena, page.next);
        if (!table || listing->add(table, &page.items) < 0 || (page.next && !from.cursor))
            return cli_no_memory(cli);
    } while (from.cursor && from.limit == 0);
    table_print(table, &cli->terminal, cli->out);
    return CLI_OK;
}
